//! What the machine can do at most, measured: the rate of large matrix products, and the rate at which memory
//! is copied. They are the two limits of a roofline (Williams, Waterman and Patterson 2009).
//!
//! Rates are those of the calling pool's threads; the best of several tries counts, since other work on the
//! machine only ever slows one down.

use std::hint::black_box;
use std::time::{Duration, Instant};

use rayon::prelude::*;

use crate::matmul::{MatmulShape, Products, matmul, scratch_len};

/// Rows and columns of the products: which of them is the fastest depends on the caches.
const SIDES: [usize; 3] = [384, 512, 1024];
/// Bytes that are copied for memory behind all caches, source and target together.
pub const LARGE_BYTES: usize = 1 << 28;
/// Bytes below which nothing is measured: starting a copy would take longer than the copy.
pub const SMALLEST_BYTES: usize = 1 << 20;
/// Bytes that each try moves at least, going over the same memory again and again.
const MOVED_BYTES: usize = 1 << 28;
/// Tries, at least.
const TRIES: usize = 3;

/// The best of tries that together take `budget`.
fn best(budget: Duration, mut rate: impl FnMut() -> f64) -> f64 {
    let began = Instant::now();
    let mut best = 0.0f64;
    let mut tries = 0;
    while tries < TRIES || began.elapsed() < budget {
        best = best.max(rate());
        tries += 1;
    }
    best
}

/// Multiplications and additions per second of products of two square matrices of single precision numbers,
/// 384 to 1024 on a side, the best of tries that together take `budget`.
pub fn product_rate(budget: Duration) -> f64 {
    let each = budget / SIDES.len() as u32;
    SIDES.iter().map(|side| rate_of_product(*side, each)).fold(0.0, f64::max)
}

fn rate_of_product(side: usize, budget: Duration) -> f64 {
    let shape = MatmulShape {
        batch: 1,
        m: side,
        k: side,
        n: side,
        transpose_a: false,
        transpose_b: false,
        bits: false,
        products: Products::Single,
    };
    let values: Vec<f32> = (0..side * side).map(|i| (i % 97) as f32 / 97.0).collect();
    let mut out = vec![0.0; side * side];
    let mut scratch = vec![0.0; scratch_len(shape)];
    best(budget, || {
        let began = Instant::now();
        matmul(shape, &values, &values, &mut out, &mut scratch);
        black_box(&out);
        2.0 * (side * side * side) as f64 / began.elapsed().as_secs_f64()
    })
}

/// Bytes per second, read and written, of a copy in which source and target together have `bytes` bytes (at
/// least [`SMALLEST_BYTES`]), each thread copying its own part, over tries that together take `budget`. What
/// fits the caches is found there.
pub fn copy_rate(bytes: usize, budget: Duration) -> f64 {
    let bytes = bytes.max(SMALLEST_BYTES);
    let len = bytes / 2 / size_of::<f32>();
    let from = vec![1.0f32; len];
    let mut to = vec![0.0f32; len];
    let part = len.div_ceil(rayon::current_num_threads().max(1));
    let times = (MOVED_BYTES / bytes).max(1);
    best(budget, || {
        let began = Instant::now();
        to.par_chunks_mut(part).zip(from.par_chunks(part)).with_max_len(1).for_each(|(to, from)| {
            for _ in 0..times {
                to.copy_from_slice(black_box(from));
                black_box(&mut *to);
            }
        });
        (2 * len * size_of::<f32>() * times) as f64 / began.elapsed().as_secs_f64()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_those_of_a_machine() {
        let rates = [product_rate(Duration::ZERO), copy_rate(0, Duration::ZERO)];
        assert!(rates.iter().all(|rate| *rate > 1e7 && *rate < 1e15), "{rates:?}");
    }
}
