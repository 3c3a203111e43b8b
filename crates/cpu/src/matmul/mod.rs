//! Batched products of row-major matrices, out = op(A)·op(B), on the `gemm` crate.
//!
//! The work is cut by its shape alone, never by the number of threads, and partial sums are added in a fixed
//! order: one thread and many give the same bits.

use rayon::prelude::*;

use crate::simd::Float;
use crate::stretch::Writable;
use thin::{Strided, thin};

pub mod bf16;
mod bits;
mod thin;

/// Products with fewer multiplications and additions than this run on the calling thread.
const SMALL_OPERATIONS: usize = 1 << 23;
/// Products that touch more elements than this are shared out, however few operations they have.
const FEW_ELEMENTS: usize = 1 << 18;
/// Multiplications and additions that are worth a piece of their own.
const PIECE_OPERATIONS: usize = 1 << 19;
/// The most pieces: bounds scratch.
const MOST_PIECES: usize = 16;

/// Shapes of a batched product. op(A) is `[batch, m, k]`, op(B) is `[batch, k, n]`, out is `[batch, m, n]`,
/// each contiguous with the last axis fastest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MatmulShape {
    /// Independent products.
    pub batch: usize,
    /// Rows of op(A) and of the result.
    pub m: usize,
    /// Columns of op(A), rows of op(B): the axis summed over.
    pub k: usize,
    /// Columns of op(B) and of the result.
    pub n: usize,
    /// A is stored as `[batch, k, m]`.
    pub transpose_a: bool,
    /// B is stored as `[batch, n, k]`.
    pub transpose_b: bool,
    /// Whether A may consist of zeros and ones only, so that checking pays.
    pub bits: bool,
    /// How its numbers are multiplied.
    pub products: Products,
}

/// How the numbers of a product are multiplied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Products {
    /// In the precision that they have.
    #[default]
    Single,
    /// Single precision numbers rounded to bfloat16, with sums in single precision, where that is worth it
    /// (see [`bf16`]); double precision ones as they are. Only for processors with the instructions.
    Bf16,
}

/// How one product of a batch is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cut {
    /// This many whole products per task.
    Batch(usize),
    /// This many rows of the result per task.
    Rows(usize),
    /// This many columns of the result per task.
    Columns(usize),
    /// The axis summed over, so much to a task; the partial results lie in scratch.
    Depth(usize),
}

impl MatmulShape {
    /// Multiplications and additions of one product of the batch.
    fn operations(&self) -> usize {
        2usize.saturating_mul(self.m).saturating_mul(self.n).saturating_mul(self.k)
    }

    fn strides_a(&self) -> [usize; 2] {
        if self.transpose_a { [1, self.m] } else { [self.k, 1] }
    }

    fn strides_b(&self) -> [usize; 2] {
        if self.transpose_b { [1, self.k] } else { [self.n, 1] }
    }

    /// out = A·B of sizes `[m, k, n]` on the calling thread, for operands that begin somewhere in this
    /// product's.
    fn multiply<T: Float>(&self, sizes: [usize; 3], a: &[T], b: &[T], out: &mut [T]) {
        let a = Strided { values: a, strides: self.strides_a() };
        let b = Strided { values: b, strides: self.strides_b() };
        gemm_with(self.products, sizes, a, b, out, [sizes[2], 1], false);
    }

    /// About how many nanoseconds one thread needs.
    pub(crate) fn cost(&self) -> f64 {
        /// Time of a multiplication or an addition.
        const OPERATION_NS: f64 = 0.01;
        self.operations() as f64 * self.batch as f64 * OPERATION_NS
    }

    /// Where rows `part` of `parts` of op(A) begin in A, and how many elements they reach over.
    pub(crate) fn reach_of_part(&self, part: usize, parts: usize) -> (usize, usize) {
        let start = part * (self.m / parts) * self.strides_a()[0];
        (start, if self.transpose_a { self.m * self.k - start } else { self.m / parts * self.k })
    }

    /// Whether the product may be shared out to several threads.
    pub(crate) fn is_wide(&self) -> bool {
        self.cut() != Cut::Batch(self.batch.max(1))
    }

    fn cut(&self) -> Cut {
        let operations = self.operations();
        let whole = Cut::Batch(self.batch.max(1));
        let touched = self.batch * (self.m * self.k + self.k * self.n + self.m * self.n);
        if operations.saturating_mul(self.batch) < SMALL_OPERATIONS && touched < FEW_ELEMENTS {
            return whole;
        }
        if self.batch >= MOST_PIECES || operations < 2 * PIECE_OPERATIONS {
            let pieces = (operations.saturating_mul(self.batch) / PIECE_OPERATIONS).clamp(1, 2 * MOST_PIECES);
            return Cut::Batch(self.batch.div_ceil(pieces).max(1));
        }
        let pieces = (operations / PIECE_OPERATIONS).clamp(1, MOST_PIECES);
        // A piece thinner than this loses more in the kernel than it wins in parallel.
        let piece = |length: usize, thinnest: usize| length.div_ceil(pieces).next_multiple_of(thinnest);
        let rows = piece(self.m, 32);
        let columns = piece(self.n, 48);
        if self.m.div_ceil(rows) >= 4 && self.m >= self.n / 4 {
            Cut::Rows(rows)
        } else if self.k >= 512 && self.k >= 4 * self.m.max(self.n) {
            Cut::Depth(piece(self.k, 256))
        } else if self.n > columns && self.n > self.m {
            Cut::Columns(columns)
        } else if self.m > rows {
            Cut::Rows(rows)
        } else {
            whole
        }
    }
}

/// Elements of scratch that [`matmul`] needs for `shape`.
pub fn scratch_len(shape: MatmulShape) -> usize {
    match shape.cut() {
        Cut::Batch(_) | Cut::Rows(_) | Cut::Columns(_) => 0,
        Cut::Depth(depth) => shape.k.div_ceil(depth) * shape.m * shape.n,
    }
}

/// out = op(A)·op(B) for every entry of the batch; `out` is overwritten. `scratch` holds at least
/// [`scratch_len`] elements. Panics if a slice is too short for its shape.
pub fn matmul<T: Float>(shape: MatmulShape, a: &[T], b: &[T], out: &mut [T], scratch: &mut [T]) {
    let MatmulShape { batch, m, k, n, .. } = shape;
    assert_eq!(a.len(), batch * m * k, "matmul: elements of A for {shape:?}");
    assert_eq!(b.len(), batch * k * n, "matmul: elements of B for {shape:?}");
    assert_eq!(out.len(), batch * m * n, "matmul: elements of the result for {shape:?}");
    assert!(scratch.len() >= scratch_len(shape), "matmul: scratch too short for {shape:?}");
    if out.is_empty() {
        return;
    }
    if by_bits(shape, m, a, b, out, shape.is_wide()) {
        return;
    }
    let product = |entry: usize, out: &mut [T]| {
        let a = &a[entry * m * k..][..m * k];
        let b = &b[entry * k * n..][..k * n];
        shape.multiply([m, k, n], a, b, out);
    };
    let cut = shape.cut();
    if let Cut::Batch(entries) = cut {
        let task = |(index, out): (usize, &mut [T])| {
            for (entry, out) in out.chunks_mut(m * n).enumerate() {
                product(index * entries + entry, out);
            }
        };
        if entries >= batch {
            task((0, out));
        } else {
            out.par_chunks_mut(entries * m * n).enumerate().for_each(task);
        }
        return;
    }
    for (entry, out) in out.chunks_mut(m * n).enumerate() {
        let a = &a[entry * m * k..][..m * k];
        let b = &b[entry * k * n..][..k * n];
        match cut {
            Cut::Batch(_) => {}
            Cut::Rows(rows) => by_rows(shape, rows, a, b, out),
            Cut::Columns(columns) => by_columns(shape, columns, a, b, out),
            Cut::Depth(depth) => by_depth(shape, depth, a, b, out, scratch),
        }
    }
}

/// Rows `part` of `parts` of the result, on the calling thread: `a` is what [`MatmulShape::reach_of_part`]
/// says, `out` those rows.
pub(crate) fn multiply_part<T: Float>(shape: MatmulShape, parts: usize, a: &[T], b: &[T], out: &mut [T]) {
    let MatmulShape { m, k, n, .. } = shape;
    if by_bits(shape, m / parts, a, b, out, false) {
        return;
    }
    shape.multiply([m / parts, k, n], a, b, out);
}

/// The product of `rows` rows of op(A) by tables, where A is made of zeros and ones; says whether it was.
fn by_bits<T: Float>(shape: MatmulShape, rows: usize, a: &[T], b: &[T], out: &mut [T], wide: bool) -> bool {
    let MatmulShape { k, n, .. } = shape;
    let a = Strided { values: a, strides: shape.strides_a() };
    let b = Strided { values: b, strides: shape.strides_b() };
    shape.bits && shape.batch == 1 && bits::multiply(bits::Product { sizes: [rows, k, n], a, b }, out, wide)
}

fn by_rows<T: Float>(shape: MatmulShape, rows: usize, a: &[T], b: &[T], out: &mut [T]) {
    let MatmulShape { k, n, .. } = shape;
    let strides_a = shape.strides_a();
    out.par_chunks_mut(rows * n).enumerate().for_each(|(piece, out)| {
        let a = &a[piece * rows * strides_a[0]..];
        shape.multiply([out.len() / n, k, n], a, b, out);
    });
}

fn by_columns<T: Float>(shape: MatmulShape, columns: usize, a: &[T], b: &[T], out: &mut [T]) {
    let MatmulShape { m, k, n, .. } = shape;
    let a = Strided { values: a, strides: shape.strides_a() };
    let strides = shape.strides_b();
    let out = Writable::new(out);
    (0..n.div_ceil(columns)).into_par_iter().with_max_len(1).for_each(|piece| {
        let first = piece * columns;
        let width = columns.min(n - first);
        let b = Strided { values: &b[first * strides[1]..], strides };
        let out = out.skip(first);
        // SAFETY: tasks write columns of their own.
        unsafe { gemm_at(shape.products, [m, k, width], a, b, out, [n, 1], false) };
    });
}

fn by_depth<T: Float>(shape: MatmulShape, depth: usize, a: &[T], b: &[T], out: &mut [T], scratch: &mut [T]) {
    let MatmulShape { m, k, n, .. } = shape;
    let strides_a = shape.strides_a();
    let strides_b = shape.strides_b();
    let partial = &mut scratch[..k.div_ceil(depth) * m * n];
    partial.par_chunks_mut(m * n).enumerate().for_each(|(piece, out)| {
        let first = piece * depth;
        let a = &a[first * strides_a[1]..];
        let b = &b[first * strides_b[0]..];
        shape.multiply([m, depth.min(k - first), n], a, b, out);
    });
    sum_partials(partial, out);
}

/// out = sum of the blocks of `partials`, each as long as `out`, in their order.
pub(crate) fn sum_partials<T: Float>(partials: &[T], out: &mut [T]) {
    const CHUNK: usize = 4096;
    let length = out.len();
    let sum = |(index, out): (usize, &mut [T])| {
        let range = index * CHUNK..index * CHUNK + out.len();
        let mut blocks = partials.chunks_exact(length).map(|block| &block[range.clone()]);
        if let Some(first) = blocks.next() {
            out.copy_from_slice(first);
        }
        for block in blocks {
            for (total, value) in out.iter_mut().zip(block) {
                *total += *value;
            }
        }
    };
    if length == 0 {
        return;
    }
    if partials.len() < 1 << 17 {
        out.chunks_mut(CHUNK).enumerate().for_each(sum);
    } else {
        out.par_chunks_mut(CHUNK).enumerate().for_each(sum);
    }
}

/// Elements that a matrix of `rows` and `columns` with `[row, column]` strides reaches over.
fn reach(rows: usize, columns: usize, strides: [usize; 2]) -> usize {
    if rows == 0 || columns == 0 {
        return 0;
    }
    let last = (rows - 1).checked_mul(strides[0]).zip((columns - 1).checked_mul(strides[1]));
    last.and_then(|(row, column)| row.checked_add(column)).map_or(usize::MAX, |last| last.saturating_add(1))
}

/// out = A·B, or out + A·B where `accumulate`, with sizes `[m, k, n]` and `[row, column]` strides, on the
/// calling thread. `out` is not read unless `accumulate`. Panics if a slice is shorter than its matrix.
#[allow(clippy::too_many_arguments)]
pub(crate) fn gemm_into<T: Float>(
    [m, k, n]: [usize; 3],
    a: &[T],
    strides_a: [usize; 2],
    b: &[T],
    strides_b: [usize; 2],
    out: &mut [T],
    strides_out: [usize; 2],
    accumulate: bool,
) {
    let a = Strided { values: a, strides: strides_a };
    let b = Strided { values: b, strides: strides_b };
    gemm_with(Products::Single, [m, k, n], a, b, out, strides_out, accumulate);
}

/// As [`gemm_into`], with numbers multiplied in this way.
fn gemm_with<T: Float>(
    products: Products,
    [m, k, n]: [usize; 3],
    a: Strided<T>,
    b: Strided<T>,
    out: &mut [T],
    strides_out: [usize; 2],
    accumulate: bool,
) {
    if !accumulate && strides_out == [n, 1] && thin([m, k, n], a, b, out) {
        return;
    }
    let out = Writable::new(out);
    // SAFETY: `out` is borrowed exclusively.
    unsafe { gemm_at(products, [m, k, n], a, b, out, strides_out, accumulate) };
}

/// As [`gemm_with`], where others may write other elements of `out` meanwhile.
///
/// # Safety
/// `out` is memory of its length, and nobody else touches the elements of this product's result meanwhile.
unsafe fn gemm_at<T: Float>(
    products: Products,
    [m, k, n]: [usize; 3],
    a: Strided<T>,
    b: Strided<T>,
    out: Writable<T>,
    strides_out: [usize; 2],
    accumulate: bool,
) {
    assert!(reach(m, k, a.strides) <= a.values.len(), "gemm: A is too short");
    assert!(reach(k, n, b.strides) <= b.values.len(), "gemm: B is too short");
    assert!(reach(m, n, strides_out) <= out.len(), "gemm: the result is too short");
    if products == Products::Bf16
        && strides_out[1] == 1
        && bf16::is_worth_it([m, k, n])
        && let (Some(values_a), Some(values_b)) = (T::singles(a.values), T::singles(b.values))
    {
        let a = Strided { values: values_a, strides: a.strides };
        let b = Strided { values: values_b, strides: b.strides };
        // SAFETY: numbers that are single precision ones in A are so in the result, and the processor was
        // asked; the rest is the caller's promise.
        unsafe {
            let out = Writable::at(out.start().cast::<f32>(), out.len());
            return bf16::multiply([m, k, n], a, b, out, strides_out[0], accumulate);
        }
    }
    // SAFETY: the assertions above bound every element that the three strided matrices address (a slice has
    // at most isize::MAX bytes, so the strides of a matrix of two or more rows or columns fit isize, and
    // those of one row or column are never multiplied by more than zero); the caller promises that the result
    // is this call's alone, so it overlaps neither operand; `Float` is implemented by f32 and f64 only, both
    // of which gemm knows.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            out.start(),
            strides_out[1] as isize,
            strides_out[0] as isize,
            accumulate,
            a.values.as_ptr(),
            a.strides[1] as isize,
            a.strides[0] as isize,
            b.values.as_ptr(),
            b.strides[1] as isize,
            b.strides[0] as isize,
            T::ONE,
            T::ONE,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

#[cfg(test)]
mod tests;
