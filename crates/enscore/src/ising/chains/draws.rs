//! Uniform numbers one after another for a transition whose number of draws depends on the state.

use enscore_program::random::{Key, counter, philox4x32};

/// Numbers of 53 random bits, a function of (seed, step, row) of the key, the stream and how many were drawn
/// before.
pub(super) struct Draws {
    key: Key,
    stream: u32,
    block: u32,
    spare: Option<f64>,
}

impl Draws {
    pub fn new(key: Key, stream: u32) -> Draws {
        Draws { key, stream, block: 0, spare: None }
    }

    /// The next number in [0, 1): below p with probability p, exact to 2^-53.
    pub fn uniform(&mut self) -> f64 {
        if let Some(number) = self.spare.take() {
            return number;
        }
        let (words, key) = counter(self.key, self.stream, self.key.row, self.block);
        let words = philox4x32(words, key).map(u64::from);
        // A lattice of 2^31 sites has fewer bonds than there are blocks.
        self.block = self.block.wrapping_add(1);
        let number = |high: u64, low: u64| ((high << 32 | low) >> 11) as f64 * (1.0 / (1u64 << 53) as f64);
        self.spare = Some(number(words[2], words[3]));
        number(words[0], words[1])
    }

    /// The next index in 0..bound.
    pub fn index(&mut self, bound: usize) -> usize {
        ((self.uniform() * bound as f64) as usize).min(bound.saturating_sub(1))
    }
}
