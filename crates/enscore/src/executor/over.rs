//! Rows through a program, batch by batch. A batch that the rows do not fill is filled up with its last row.

use enscore_program::executor::{Input, Real};
use enscore_program::random::Key;

use super::routine::Routine;
use super::rows::{RowSlice, RowSource};
use super::weights::WeightsView;
use crate::error::Result;

/// Called after each batch; may end the run by an error.
type AfterEach<'a> = &'a mut dyn FnMut() -> Result<()>;

/// A program that is about to run over rows, as many at a time as its input `x` has.
#[must_use = "nothing runs before the results are asked for"]
pub struct Over<'a, T> {
    routine: &'a mut Routine,
    rows: &'a dyn RowSource<T>,
    weights: Option<WeightsView<'a>>,
    passed: Vec<(&'a str, Input<'a>)>,
    each: Option<(&'a str, &'a [T])>,
    key: Option<Key>,
    tell: Option<AfterEach<'a>>,
}

/// The mean of a batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BatchMean {
    /// The mean over its rows.
    pub mean: f64,
    /// How many rows it is of.
    pub rows: usize,
}

impl Routine {
    /// The program over rows, which are its input `x`.
    pub fn over<'a, T>(&'a mut self, rows: &'a dyn RowSource<T>) -> Over<'a, T> {
        Over { routine: self, rows, weights: None, passed: Vec::new(), each: None, key: None, tell: None }
    }
}

impl<'a, T> Over<'a, T> {
    /// Passes every parameter under its name.
    pub fn weights(mut self, weights: impl Into<WeightsView<'a>>) -> Self {
        self.weights = Some(weights.into());
        self
    }

    /// Passes the input called `name`, the same for every batch.
    pub fn with(mut self, name: &'a str, value: impl Into<Input<'a>>) -> Self {
        self.passed.push((name, value.into()));
        self
    }

    /// Passes the input called `name` `[batch]`: the numbers of a batch's rows, of which `values` has one for
    /// every row.
    pub fn with_each(mut self, name: &'a str, values: &'a [T]) -> Self {
        self.each = Some((name, values));
        self
    }

    /// Passes the input `key`, whose row is that of the batch's first one beyond `key`'s.
    pub fn key(mut self, key: Key) -> Self {
        self.key = Some(key);
        self
    }

    /// Calls `tell` after each batch.
    pub fn after_each(mut self, tell: AfterEach<'a>) -> Self {
        self.tell = Some(tell);
        self
    }
}

impl<T: Real> Over<'_, T> {
    /// What the output called `name` says of each row: one number, or a row, `[rows, ..]`. Without a key it
    /// does not depend on the rows beside it.
    ///
    /// # Errors
    /// Inputs that are missing or don't fit, by their names; rows that can't be copied.
    pub fn per_row(self, name: &str) -> Result<Vec<f64>> {
        let width: usize = self.routine.output_shape(name)?.iter().skip(1).product();
        let order = if self.key.is_some() { Order::of_all(self.rows.count()) } else { self.bits_apart()? };
        let mut values = vec![0.0; self.rows.count() * width];
        let take = |out: &[T], rows: &[usize]| {
            for (row, out) in rows.iter().zip(out.chunks_exact(width.max(1))) {
                let place = &mut values[row * width..][..width];
                place.iter_mut().zip(out).for_each(|(value, out)| *value = out.to_f64());
            }
        };
        self.run(name, &order, false, take)?;
        Ok(values)
    }

    /// What the output called `name` says of each batch: a mean of its rows. The input `row_weights` is 1 for
    /// them, and 0 for those that fill the last batch up.
    ///
    /// # Errors
    /// As [`Over::per_row`].
    pub fn means(self, name: &str) -> Result<Vec<BatchMean>> {
        let mut means = Vec::new();
        let order = Order::of_all(self.rows.count());
        let take = |out: &[T], rows: &[usize]| {
            means.extend(out.first().map(|mean| BatchMean { mean: mean.to_f64(), rows: rows.len() }));
        };
        self.run(name, &order, true, take)?;
        Ok(means)
    }

    /// The rows of zeros and ones alone first, then the others: an executor may multiply a whole batch of
    /// the former another way, which rounds differently, so that they share no batch.
    fn bits_apart(&self) -> Result<Order> {
        let len: usize = self.routine.input_shape("x")?.iter().skip(1).product();
        let mut x = vec![T::default(); len];
        let [mut rows, mut others] = [Vec::new(), Vec::new()];
        for row in 0..self.rows.count() {
            self.rows.copy(row, &mut x)?;
            let is_bits = x.iter().all(|x| [0.0, 1.0].contains(&x.to_f64()));
            if is_bits { rows.push(row) } else { others.push(row) }
        }
        let bits = rows.len();
        rows.extend(others);
        Ok(Order { rows, bits })
    }

    /// Runs the batches; `take` sees the output of each, and its rows, without those that just fill it up.
    fn run(
        self,
        name: &str,
        order: &Order,
        weighted: bool,
        mut take: impl FnMut(&[T], &[usize]),
    ) -> Result<()> {
        let Over { routine, rows, weights, passed, each, key, mut tell } = self;
        let shape = routine.input_shape("x")?;
        let batch = shape.first().copied().unwrap_or(1).max(1);
        let len: usize = shape.iter().skip(1).product();
        let mut x = vec![T::default(); batch * len];
        let mut beside = vec![T::default(); batch];
        let mut out = vec![T::default(); routine.output_shape(name)?.iter().product()];
        for taken in order.batches(batch) {
            fill(rows, taken, &mut x, len)?;
            let mut call = routine.call();
            if let Some(weights) = weights {
                call = call.weights(weights);
            }
            for (name, value) in &passed {
                call = call.with(name, *value);
            }
            call = call.with("x", &x[..]);
            if weighted {
                let weight = |row: usize| if row < taken.len() { 1.0 } else { 0.0 };
                beside.iter_mut().enumerate().for_each(|(row, w)| *w = T::from_f64(weight(row)));
                call = call.with("row_weights", &beside[..]);
            } else if let Some((name, values)) = each {
                fill(&RowSlice::new(values, 1)?, taken, &mut beside, 1)?;
                call = call.with(name, &beside[..]);
            }
            if let Some(key) = key {
                let first = taken.first().copied().unwrap_or(0) as u64;
                call = call.with("key", Key { row: key.row + first, ..key });
            }
            call.to(name, &mut out[..]).run()?;
            take(&out, taken);
            if let Some(tell) = &mut tell {
                tell()?;
            }
        }
        Ok(())
    }
}

/// The order in which rows are taken.
struct Order {
    rows: Vec<usize>,
    /// How many of the first share no batch with the others.
    bits: usize,
}

impl Order {
    /// One after another.
    fn of_all(count: usize) -> Order {
        Order { rows: (0..count).collect(), bits: 0 }
    }

    fn batches(&self, batch: usize) -> impl Iterator<Item = &[usize]> {
        let (bits, others) = self.rows.split_at(self.bits);
        bits.chunks(batch).chain(others.chunks(batch))
    }
}

/// Copies these rows, of `len` numbers each, to the beginning of `x`, and the last of them to the rest.
fn fill<T: Real>(rows: &dyn RowSource<T>, taken: &[usize], x: &mut [T], len: usize) -> Result<()> {
    for (row, x) in taken.iter().zip(x.chunks_exact_mut(len.max(1))) {
        rows.copy(*row, x)?;
    }
    let filled = taken.len() * len;
    for place in (filled..x.len()).step_by(len.max(1)) {
        x.copy_within(filled - len..filled, place);
    }
    Ok(())
}
