//! Shuffles row numbers (Fisher and Yates 1938, in the form of Durstenfeld 1964): a pure function of (seed,
//! step, stream).

use enscore_program::random::{Key, counter, philox4x32};

/// 0..n, shuffled by the words of one stream: index i is drawn by 64 bits, with a bias below n / 2^64.
pub(super) fn shuffled(seed: u64, step: u64, stream: u32, n: u32) -> Vec<u32> {
    let mut order: Vec<u32> = (0..n).collect();
    let key = Key::new(seed, step);
    let mut words = [0; 4];
    for last in (1..n as usize).rev() {
        let pair = n as usize - 1 - last;
        if pair.is_multiple_of(2) {
            let (counter, key) = counter(key, stream, 0, (pair / 2) as u32);
            words = philox4x32(counter, key);
        }
        let draw = match pair % 2 {
            0 => [words[0], words[1]],
            _ => [words[2], words[3]],
        };
        let draw = u128::from(u64::from(draw[0]) | u64::from(draw[1]) << 32);
        order.swap(last, ((draw * (last as u128 + 1)) >> 64) as usize);
    }
    order
}
