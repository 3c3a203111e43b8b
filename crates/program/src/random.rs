//! Counter-based random numbers: every draw is a pure function of (seed, stream, step, row, position).
//!
//! The generator is Philox 4x32 with 10 rounds (Salmon, Moraes, Dror and Shaw 2011, "Parallel random numbers:
//! as easy as 1, 2, 3", section 3.3). The integer bits of a draw are the same on every executor, in every
//! width and on any number of threads; only the rounding of the transform to a normal number depends on them.

/// What a random value is keyed by, besides its stream and its position within a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Key {
    /// The seed of the run.
    pub seed: u64,
    /// The step: a training step, a transition of a chain.
    pub step: u64,
    /// The global index of the first row of the batch, so that draws don't depend on how rows are batched.
    pub row: u64,
}

impl Key {
    /// The key of `step` under `seed`, for a batch that starts at row 0.
    pub fn new(seed: u64, step: u64) -> Self {
        Key { seed, step, row: 0 }
    }
}

/// Multipliers of a Philox 4x32 round.
const MULTIPLIERS: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
/// What the key grows by from round to round.
const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];

/// Ten rounds of Philox 4x32: four random words for a 128-bit counter and a 64-bit key.
#[inline(always)]
pub fn philox4x32(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for _ in 0..10 {
        let p0 = u64::from(MULTIPLIERS[0]) * u64::from(counter[0]);
        let p1 = u64::from(MULTIPLIERS[1]) * u64::from(counter[2]);
        counter = [
            (p1 >> 32) as u32 ^ counter[1] ^ key[0],
            p1 as u32,
            (p0 >> 32) as u32 ^ counter[3] ^ key[1],
            p0 as u32,
        ];
        key = [key[0].wrapping_add(WEYL[0]), key[1].wrapping_add(WEYL[1])];
    }
    counter
}

/// The counter and key words for block `block` (four words) of global row `row` in `stream` at `step`.
///
/// Rows and steps beyond 2^32 change the key instead of wrapping round.
#[inline(always)]
pub fn counter(key: Key, stream: u32, row: u64, block: u32) -> ([u32; 4], [u32; 2]) {
    let high = ((row >> 32) << 32) | (key.step >> 32);
    let seed = if high == 0 { key.seed } else { key.seed ^ mix(high) };
    ([block, row as u32, stream, key.step as u32], [seed as u32, (seed >> 32) as u32])
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood 2014): a bijection of 64-bit words that mixes every
/// bit.
pub fn mix(mut z: u64) -> u64 {
    z = z.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The random words of one row: `words[j]` is word `j % 4` of block `j / 4`.
pub fn row_words(key: Key, stream: u32, row: u64, words: &mut [u32]) {
    for (block, chunk) in words.chunks_mut(4).enumerate() {
        let (counter, key) = counter(key, stream, row, block as u32);
        chunk.copy_from_slice(&philox4x32(counter, key)[..chunk.len()]);
    }
}

/// A uniform number in (0, 1) from one word: (word + 1/2) / 2^32.
#[inline(always)]
pub fn uniform(word: u32) -> f64 {
    (f64::from(word) + 0.5) * (1.0 / 4_294_967_296.0)
}

/// Two independent standard normal numbers from two words (Box and Muller 1958).
#[inline(always)]
pub fn normal_pair(first: u32, second: u32) -> (f64, f64) {
    let radius = (-2.0 * uniform(first).ln()).sqrt();
    let (sin, cos) = (std::f64::consts::TAU * uniform(second)).sin_cos();
    (radius * cos, radius * sin)
}

/// A number in {-1, +1} from one word.
#[inline(always)]
pub fn rademacher(word: u32) -> f64 {
    if word >> 31 == 0 { 1.0 } else { -1.0 }
}

/// An index in 0..bound from one word, by multiplication (bias below bound / 2^32).
#[inline(always)]
pub fn index(word: u32, bound: u32) -> u32 {
    ((u64::from(word) * u64::from(bound)) >> 32) as u32
}

/// Row `row` of a batch of standard normal numbers: words 2j and 2j+1 of the row give numbers 2j and 2j+1.
pub fn normal_row(key: Key, stream: u32, row: u64, out: &mut [f64]) {
    let mut words = vec![0; out.len().next_multiple_of(2)];
    row_words(key, stream, row, &mut words);
    for (pair, out) in words.chunks(2).zip(out.chunks_mut(2)) {
        let (a, b) = normal_pair(pair[0], pair[1]);
        out[0] = a;
        if let Some(second) = out.get_mut(1) {
            *second = b;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Known answers published with the reference implementation (Random123, `kat_vectors`).
    #[test]
    fn philox_gives_the_published_words() {
        assert_eq!(philox4x32([0; 4], [0; 2]), [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]);
        assert_eq!(
            philox4x32([u32::MAX; 4], [u32::MAX; 2]),
            [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd]
        );
        assert_eq!(
            philox4x32([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0]),
            [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1]
        );
    }

    #[test]
    fn normal_moments_within_five_standard_errors() {
        let n = 100_000;
        let mut x = vec![0.0; n];
        normal_row(Key::new(7, 3), 1, 0, &mut x);
        let moment = |p: i32| x.iter().map(|v| v.powi(p)).sum::<f64>() / n as f64;
        for (p, expected, variance) in [(1, 0.0, 1.0), (2, 1.0, 2.0), (3, 0.0, 15.0), (4, 3.0, 96.0)] {
            let error: f64 = moment(p) - expected;
            assert!(error.abs() < 5.0 * (variance / n as f64).sqrt(), "moment {p}: off by {error}");
        }
    }

    #[test]
    fn every_part_of_the_key_changes_the_draw() {
        let draw = |seed, step, stream, row| {
            let mut words = [0; 4];
            row_words(Key { seed, step, row: 0 }, stream, row, &mut words);
            words
        };
        let base = draw(1, 2, 3, 4);
        let others = [
            (2, 2, 3, 4),
            (1, 3, 3, 4),
            (1, 2, 4, 4),
            (1, 2, 3, 5),
            (1, 2 + (1 << 32), 3, 4),
            (1, 2, 3, 4 + (1 << 32)),
        ];
        for (seed, step, stream, row) in others {
            assert_ne!(base, draw(seed, step, stream, row));
        }
    }
}
