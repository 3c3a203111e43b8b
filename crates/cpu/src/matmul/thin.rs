//! Products with an axis of at most [`THIN`] elements: rank-one sums and dot products, without packing.

use pulp::{Simd, WithSimd};

use crate::simd::{Float, Instructions, Kernel, Packed};

/// The longest axis that counts as thin.
const THIN: usize = 4;
/// Elements of the long axis that are worked on together.
const BLOCK: usize = 256;
/// Rows whose dot products are worked on together.
const ROWS: usize = 4;

/// A matrix with its `[row, column]` strides.
#[derive(Clone, Copy)]
pub(super) struct Strided<'a, T> {
    pub(super) values: &'a [T],
    pub(super) strides: [usize; 2],
}

impl<T: Float> Strided<'_, T> {
    #[inline(always)]
    fn at(&self, row: usize, column: usize) -> T {
        self.values[row * self.strides[0] + column * self.strides[1]]
    }

    fn transposed(self) -> Self {
        Strided { values: self.values, strides: [self.strides[1], self.strides[0]] }
    }
}

/// out = A·B for contiguous rows of `out` `[m, n]`, where an axis is thin and the long one can be read along;
/// says whether it was done.
pub(super) fn thin<T: Float>([m, k, n]: [usize; 3], a: Strided<T>, b: Strided<T>, out: &mut [T]) -> bool {
    let strides = [n, 1];
    if k == 0 {
        return false;
    }
    if k <= THIN && n > THIN {
        rank(k, Job { sizes: [m, n], depth: k, a, b, out, strides });
    } else if n <= THIN && a.strides[1] == 1 && k > THIN {
        dots(n, Job { sizes: [m, n], depth: k, a, b, out, strides });
    } else if n <= THIN && a.strides[0] == 1 && m > THIN {
        let job = Job { sizes: [n, m], depth: k, a: b.transposed(), b: a.transposed(), out, strides: [1, n] };
        sums(n, job);
    } else if m <= THIN && b.strides[1] == 1 && n > THIN {
        sums(m, Job { sizes: [m, n], depth: k, a, b, out, strides });
    } else {
        return false;
    }
    true
}

/// out = A·B with sizes `[rows, columns]` of the result and its strides.
struct Job<'a, T> {
    sizes: [usize; 2],
    depth: usize,
    a: Strided<'a, T>,
    b: Strided<'a, T>,
    out: &'a mut [T],
    strides: [usize; 2],
}

macro_rules! by_count {
    ($function:ident, $kernel:ident, $run:ident) => {
        fn $function<T: Float>(count: usize, job: Job<T>) {
            let path = Instructions::current();
            match count {
                1 => path.$run($kernel::<T, 1>(job)),
                2 => path.$run($kernel::<T, 2>(job)),
                3 => path.$run($kernel::<T, 3>(job)),
                _ => path.$run($kernel::<T, THIN>(job)),
            }
        }
    };
}
by_count!(rank, Rank, run);
by_count!(dots, Dots, run_vectors);
by_count!(sums, Sums, run);

/// Every row of the result is a sum of K rows of B.
struct Rank<'a, T, const K: usize>(Job<'a, T>);

impl<T: Float, const K: usize> Kernel for Rank<'_, T, K> {
    type Output = ();
    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let Job { sizes: [rows, columns], a, b, out, strides, .. } = self.0;
        let mut block = [[T::ZERO; BLOCK]; K];
        for first in (0..columns).step_by(BLOCK) {
            let width = BLOCK.min(columns - first);
            for (k, block) in block.iter_mut().enumerate() {
                for (column, value) in block[..width].iter_mut().enumerate() {
                    *value = b.at(k, first + column);
                }
            }
            for row in 0..rows {
                let out = &mut out[row * strides[0] + first..][..width];
                let mut factors = [T::ZERO; K];
                for (k, factor) in factors.iter_mut().enumerate() {
                    *factor = a.at(row, k);
                }
                for (column, out) in out.iter_mut().enumerate() {
                    let mut sum = factors[0] * block[0][column];
                    for k in 1..K {
                        sum = T::fma::<FMA>(factors[k], block[k][column], sum);
                    }
                    *out = sum;
                }
            }
        }
    }
}

/// Every element of the result is a dot product of a row of A with one of N columns of B.
struct Dots<'a, T, const N: usize>(Job<'a, T>);

impl<T: Float, const N: usize> WithSimd for Dots<'_, T, N> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Job { sizes: [rows, _], depth, a, b, out, strides } = self.0;
        let mut block = [[T::ZERO; BLOCK]; N];
        for first in (0..depth).step_by(BLOCK) {
            let width = BLOCK.min(depth - first);
            for (column, block) in block.iter_mut().enumerate() {
                for (k, value) in block[..width].iter_mut().enumerate() {
                    *value = b.at(first + k, column);
                }
            }
            // Plain loops: a closure handed to the standard library would not be compiled for the path.
            for start in (0..rows).step_by(ROWS) {
                let taken = ROWS.min(rows - start);
                // Rows of a part of a group are worked on several times, which is easier than another kernel.
                let mut group = [&a.values[..0]; ROWS];
                for (i, group) in group.iter_mut().enumerate() {
                    let row = start + i.min(taken - 1);
                    *group = &a.values[row * a.strides[0] + first..][..width];
                }
                let mut sums = [[T::ZERO; N]; ROWS];
                dot_rows::<S, T, N>(simd, group, &block, &mut sums);
                for (i, sums) in sums[..taken].iter().enumerate() {
                    let out = &mut out[(start + i) * strides[0]..][..N];
                    for (out, sum) in out.iter_mut().zip(sums) {
                        *out = if first == 0 { *sum } else { *out + *sum };
                    }
                }
            }
        }
    }
}

/// The dot products of rows with N columns, which are at least as long.
#[inline(always)]
fn dot_rows<S: Simd, T: Float, const N: usize>(
    simd: S,
    rows: [&[T]; ROWS],
    columns: &[[T; BLOCK]; N],
    out: &mut [[T; N]; ROWS],
) {
    let mut sums = [[Packed::<S, T>::splat(simd, T::ZERO); N]; ROWS];
    let lanes = Packed::<S, T>::LANES;
    let len = rows[0].len();
    let whole = len / lanes * lanes;
    for at in (0..whole).step_by(lanes) {
        let mut factors = [Packed::<S, T>::splat(simd, T::ZERO); N];
        for n in 0..N {
            factors[n] = Packed::load::<true>(simd, &columns[n][at..at + lanes]);
        }
        for r in 0..ROWS {
            let row = Packed::<S, T>::load::<true>(simd, &rows[r][at..at + lanes]);
            for n in 0..N {
                sums[r][n] = row.fma(factors[n], sums[r][n]);
            }
        }
    }
    if whole < len {
        for r in 0..ROWS {
            let row = Packed::<S, T>::load::<false>(simd, &rows[r][whole..len]);
            for n in 0..N {
                let column = Packed::load::<false>(simd, &columns[n][whole..len]);
                sums[r][n] = row.fma(column, sums[r][n]);
            }
        }
    }
    for r in 0..ROWS {
        for n in 0..N {
            out[r][n] = sums[r][n].sum_lanes();
        }
    }
}

/// M rows of the result, each a long sum of rows of B.
struct Sums<'a, T, const M: usize>(Job<'a, T>);

impl<T: Float, const M: usize> Kernel for Sums<'_, T, M> {
    type Output = ();
    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let Job { sizes: [_, columns], depth, a, b, out, strides } = self.0;
        for first in (0..columns).step_by(BLOCK) {
            let width = BLOCK.min(columns - first);
            let mut block = [[T::ZERO; BLOCK]; M];
            for k in 0..depth {
                let values = &b.values[k * b.strides[0] + first..][..width];
                for (row, block) in block.iter_mut().enumerate() {
                    let factor = a.at(row, k);
                    for (sum, value) in block[..width].iter_mut().zip(values) {
                        *sum = T::fma::<FMA>(factor, *value, *sum);
                    }
                }
            }
            for (row, block) in block.iter().enumerate() {
                for (column, value) in block[..width].iter().enumerate() {
                    out[row * strides[0] + (first + column) * strides[1]] = *value;
                }
            }
        }
    }
}
