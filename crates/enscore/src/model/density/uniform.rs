//! The uniform density on a box: log p(x) = -Σ ln(high - low) inside, -inf outside; the faces are inside.

use enscore_program::Var;

use super::{check_elements, check_rows, flat};
use crate::error::{Error, Result};
use crate::model::{NoiseDensity, batch_shape};

/// Independent elements, each uniform on its own interval.
#[derive(Clone, Debug)]
pub struct Uniform {
    row_shape: Vec<usize>,
    low: Vec<f64>,
    high: Vec<f64>,
}

impl Uniform {
    /// The lower and upper end of each element, `[d]`.
    ///
    /// # Errors
    /// Sizes that don't fit, ends that are not finite, an interval without width.
    pub fn new(row_shape: &[usize], low: &[f64], high: &[f64]) -> Result<Self> {
        check_elements("low", low, row_shape)?;
        check_elements("high", high, row_shape)?;
        if let Some(i) =
            low.iter().zip(high).position(|(low, high)| !((high - low).is_finite() && low < high))
        {
            return Err(Error::input("the box is empty")
                .at(format!("element {i}"))
                .found(format!("{} to {}", low[i], high[i]))
                .expected("a lower end below the upper")
                .remedy("leave out constant elements, or use different ends"));
        }
        Ok(Uniform { row_shape: row_shape.to_vec(), low: low.to_vec(), high: high.to_vec() })
    }

    /// The range of each element of `rows` `[n, d]`, its width multiplied by `widen` about its middle.
    ///
    /// # Errors
    /// Data that are not whole rows of finite numbers, a constant element, a factor that is not positive.
    pub fn fitted(rows: &[f64], row_shape: &[usize], widen: f64) -> Result<Self> {
        let n = check_rows(rows, row_shape, widen)?;
        let d = rows.len() / n;
        let mut low = rows[..d].to_vec();
        let mut high = rows[..d].to_vec();
        for row in rows.chunks_exact(d) {
            for ((low, high), x) in low.iter_mut().zip(&mut high).zip(row) {
                (*low, *high) = (low.min(*x), high.max(*x));
            }
        }
        // Written as a change of the ends: with widen = 1 they are the data's extremes to the last bit.
        for (low, high) in low.iter_mut().zip(&mut high) {
            let more = 0.5 * (widen - 1.0) * (*high - *low);
            (*low, *high) = (*low - more, *high + more);
        }
        Uniform::new(row_shape, &low, &high)
    }

    /// log p of one row, on the host, in nats; NaN where the row has another length.
    pub fn log_density_of(&self, x: &[f64]) -> f64 {
        if x.len() != self.low.len() {
            return f64::NAN;
        }
        let inside =
            x.iter().zip(self.low.iter().zip(&self.high)).all(|(x, (low, high))| low <= x && x <= high);
        if inside { self.level() } else { f64::NEG_INFINITY }
    }

    /// log p inside.
    fn level(&self) -> f64 {
        -self.low.iter().zip(&self.high).map(|(low, high)| (high - low).ln()).sum::<f64>()
    }

    fn tables<'s>(&self, x: Var<'s>) -> [Var<'s>; 2] {
        [&self.low, &self.high].map(|ends| x.scope().table(ends, &[ends.len()]))
    }
}

impl NoiseDensity for Uniform {
    fn log_density<'s>(&self, x: Var<'s>) -> Var<'s> {
        let x = flat(x);
        let [low, high] = self.tables(x);
        let outside = low.less_equal(x).and(x.less_equal(high)).not().to_float();
        let inside = outside.max(&[1]).less(x.scope().constant(0.5));
        inside.select(x.scope().constant(self.level()), x.scope().constant(f64::NEG_INFINITY))
    }

    fn draw_each<'s>(&self, key: Var<'s>, rows: usize, each: usize) -> Var<'s> {
        let d = self.low.len();
        let u = key.uniform(&[rows, each * d]).reshape(&[rows * each, d]);
        let [low, high] = self.tables(u);
        (low + (high - low) * u).reshape(&batch_shape(rows * each, &self.row_shape))
    }

    fn row_shape(&self) -> &[usize] {
        &self.row_shape
    }
}
