//! Serves the random numbers of one row, as many as it takes: word j of row r is a function of (seed, stream,
//! r, j).

use enscore_program::random::{Key, counter, normal_pair, philox4x32, uniform};

/// The random numbers of one row, in order.
#[derive(Clone, Debug)]
pub(super) struct Draws {
    key: Key,
    stream: u32,
    row: u64,
    block: u32,
    words: [u32; 4],
    /// How many of `words` are used up.
    used: usize,
}

impl Draws {
    /// The numbers of row `row` of one stream under `seed`.
    pub fn new(seed: u64, stream: u32, row: u64) -> Draws {
        Draws { key: Key::new(seed, 0), stream, row, block: 0, words: [0; 4], used: 4 }
    }

    fn word(&mut self) -> u32 {
        if self.used == self.words.len() {
            let (counter, key) = counter(self.key, self.stream, self.row, self.block);
            self.words = philox4x32(counter, key);
            // A rejection that took 2^32 blocks would see them again; none here comes near a thousand.
            self.block = self.block.wrapping_add(1);
            self.used = 0;
        }
        self.used += 1;
        self.words[self.used - 1]
    }

    /// A uniform number in (0, 1).
    pub fn uniform(&mut self) -> f64 {
        uniform(self.word())
    }

    /// Two independent standard normal numbers, at most 6.8 from 0.
    pub fn normal_pair(&mut self) -> [f64; 2] {
        let first = self.word();
        let second = self.word();
        let (a, b) = normal_pair(first, second);
        [a, b]
    }

    /// -1 or 1, equally likely.
    pub fn sign(&mut self) -> f64 {
        if self.uniform() < 0.5 { -1.0 } else { 1.0 }
    }
}
