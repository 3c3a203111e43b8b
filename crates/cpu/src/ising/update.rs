//! The update of a group of words: which sites need a random number, and how few random bits decide them.
//!
//! A uniform number U below a probability p is told from the first binary digit in which they differ, on average the
//! second. Four digits of U are drawn for every site, after which one site in 16 is undecided. The undecided sites of the
//! eight vectors of a group then share the next digits: a random bit goes to the first vector that is undecided in
//! its lane, the others wait for the next round. No bit decides two sites.

use enscore_program::random::{self, Key};

use super::Rule;

/// Words of a vector.
const LANES: usize = 8;
/// Vectors of a group.
const VECTORS: usize = 8;
/// Words of a group.
pub(super) const GROUP: usize = LANES * VECTORS;
/// Digits of U that every site draws, two a call of the generator.
const OWN_DIGITS: usize = 4;
const DIGITS: usize = 64;
const STREAM: u32 = 0x4953_0000;

type Vector = [u64; LANES];

/// The probabilities of an update as 64 binary digits.
pub(super) struct Acceptance {
    rule: Rule,
    /// All ones where equal spins are aligned: J ≥ 0.
    sign: u64,
    /// Digits of the probability that a site flips with three aligned neighbours, and with four, the first digit first:
    /// all ones or zero.
    digits: [[u64; DIGITS]; 2],
}

impl Acceptance {
    pub(super) fn new(rule: Rule, coupling: f64) -> Acceptance {
        let probability = |aligned: f64| {
            // ΔE β of a flip is 2 |K| (2 a - 4), a being the number of aligned neighbours.
            let ratio = (-4.0 * coupling.abs() * (aligned - 2.0)).exp();
            match rule {
                Rule::Metropolis => ratio,
                Rule::HeatBath => ratio / (1.0 + ratio),
            }
        };
        let digits = |p: f64| {
            // Rounded to the nearest; the largest number stands for 1.
            let fixed = (p * 2.0f64.powi(64)).round() as u64;
            std::array::from_fn(|digit| 0u64.wrapping_sub(fixed >> (DIGITS - 1 - digit) & 1))
        };
        let sign = if coupling < 0.0 { 0 } else { u64::MAX };
        Acceptance { rule, sign, digits: [digits(probability(3.0)), digits(probability(4.0))] }
    }
}

/// Random bits of a group: two vectors a call.
pub(super) struct Draws {
    key: Key,
    colour: u32,
    first: u64,
}

impl Draws {
    pub(super) fn new(key: Key, colour: usize, first: usize) -> Draws {
        Draws { key, colour: colour as u32, first: first as u64 }
    }

    /// The bits of call `call` for the words `word..word + 8` of the group: Philox in 64-bit lanes, as in
    /// `random/transform.rs`.
    #[inline(always)]
    fn planes(&self, call: u32, word: usize) -> [Vector; 2] {
        const LOW: u64 = 0xFFFF_FFFF;
        let stream = STREAM + 2 * call + self.colour;
        let ([_, row, stream, step], mut key) = random::counter(self.key, stream, self.key.row, 0);
        let start = self.first + word as u64;
        let mut c = [
            std::array::from_fn(|lane| start + lane as u64),
            [u64::from(row); LANES],
            [u64::from(stream); LANES],
            [u64::from(step); LANES],
        ];
        for _ in 0..10 {
            let p0: Vector = std::array::from_fn(|i| 0xD251_1F53 * (c[0][i] & LOW));
            let p1: Vector = std::array::from_fn(|i| 0xCD9E_8D57 * (c[2][i] & LOW));
            c = [
                std::array::from_fn(|i| (p1[i] >> 32) ^ c[1][i] ^ u64::from(key[0])),
                p1,
                std::array::from_fn(|i| (p0[i] >> 32) ^ c[3][i] ^ u64::from(key[1])),
                p0,
            ];
            key = [key[0].wrapping_add(0x9E37_79B9), key[1].wrapping_add(0xBB67_AE85)];
        }
        [
            std::array::from_fn(|i| c[0][i] << 32 | c[1][i] & LOW),
            std::array::from_fn(|i| c[2][i] << 32 | c[3][i] & LOW),
        ]
    }
}

/// Words with those of their neighbours.
pub(super) struct Group {
    pub spins: [u64; GROUP],
    pub neighbours: [[u64; GROUP]; 4],
}

impl Default for Group {
    #[inline(always)]
    fn default() -> Group {
        Group { spins: [0; GROUP], neighbours: [[0; GROUP]; 4] }
    }
}

/// Sites of a vector that are being decided.
#[derive(Clone, Copy, Default)]
struct Pending {
    /// Sites where U < p.
    below: Vector,
    /// Sites whose digits have all been equal so far.
    open: Vector,
    /// Sites with four neighbours alike: these have the second probability.
    extreme: Vector,
}

impl Pending {
    /// Compares digit `digit` of U with that of p.
    #[inline(always)]
    fn compare(&mut self, acceptance: &Acceptance, digit: usize, bits: &Vector) {
        let (three, four) = (acceptance.digits[0][digit], acceptance.digits[1][digit]);
        for i in 0..LANES {
            let p = (four & self.extreme[i]) | (three & !self.extreme[i]);
            self.below[i] |= self.open[i] & p & !bits[i];
            self.open[i] &= !(p ^ bits[i]);
        }
    }

    #[inline(always)]
    fn is_open(&self) -> bool {
        self.open.iter().fold(0, |a, b| a | b) != 0
    }
}

impl Group {
    /// Bonds between the first `count` words and their neighbours whose spins are equal.
    pub(super) fn aligned(&self, count: usize) -> u64 {
        let equal = |i: usize| -> u32 {
            self.neighbours.iter().map(|words| (!(self.spins[i] ^ words[i])).count_ones()).sum()
        };
        (0..count).map(|i| u64::from(equal(i))).sum()
    }

    /// Updates the spins of the first `count` words; the others are left in any state.
    #[inline(always)]
    pub(super) fn update(&mut self, acceptance: &Acceptance, draws: &Draws, count: usize) {
        let mut pending = [Pending::default(); VECTORS];
        let mut flips = [[0; LANES]; VECTORS];
        for v in 0..count.div_ceil(LANES) {
            let planes = [draws.planes(0, v * LANES), draws.planes(1, v * LANES)];
            let planes = [planes[0][0], planes[0][1], planes[1][0], planes[1][1]];
            (pending[v], flips[v]) = self.start(acceptance, v, &planes[0]);
            for (digit, bits) in planes.iter().enumerate() {
                pending[v].compare(acceptance, digit, bits);
            }
        }
        decide(&mut pending, acceptance, draws);
        for v in 0..VECTORS {
            for i in 0..LANES {
                self.spins[v * LANES + i] ^= flips[v][i] ^ pending[v].below[i];
            }
        }
    }

    /// The sites of a vector that depend on chance, and those that flip unless chance says otherwise. `fair` is a random
    /// bit for each site; it is the first digit of U too, but no site uses both.
    #[inline(always)]
    fn start(&self, acceptance: &Acceptance, v: usize, fair: &Vector) -> (Pending, Vector) {
        let (mut pending, mut flips) = (Pending::default(), [0; LANES]);
        for i in 0..LANES {
            let at = v * LANES + i;
            let aligned: [u64; 4] =
                std::array::from_fn(|n| self.spins[at] ^ self.neighbours[n][at] ^ acceptance.sign);
            // Sums of two of the four bits: one, and two.
            let (one, two) = (aligned[0] ^ aligned[1], aligned[0] & aligned[1]);
            let (other_one, other_two) = (aligned[2] ^ aligned[3], aligned[2] & aligned[3]);
            let four = two & other_two;
            let three = (two & other_one) | (one & other_two);
            match acceptance.rule {
                Rule::Metropolis => {
                    // Up to two aligned: the flip lowers the energy or leaves it.
                    (pending.open[i], pending.extreme[i]) = (three | four, four);
                    flips[i] = !(three | four);
                }
                Rule::HeatBath => {
                    // With one or no aligned neighbour the flip has the probability that staying has with three or four.
                    let odd = one ^ other_one;
                    let none = !(aligned[0] | aligned[1] | aligned[2] | aligned[3]);
                    (pending.open[i], pending.extreme[i]) = (odd | four | none, four | none);
                    let two_aligned = !(odd | four | none);
                    flips[i] = (odd & !three) | none | (two_aligned & fair[i]);
                }
            }
        }
        (pending, flips)
    }
}

/// Decides what is still open after the digits that every site has drawn. Rounds end because each takes at least one
/// vector's open sites; after all digits an open site is not below.
#[inline(always)]
fn decide(pending: &mut [Pending; VECTORS], acceptance: &Acceptance, draws: &Draws) {
    let mut round = 0;
    while pending.iter().any(Pending::is_open) {
        let mut shared = Pending::default();
        let mut taken = [[0; LANES]; VECTORS];
        for (taken, pending) in taken.iter_mut().zip(pending.iter_mut()) {
            for i in 0..LANES {
                taken[i] = pending.open[i] & !shared.open[i];
                shared.open[i] |= taken[i];
                shared.extreme[i] |= taken[i] & pending.extreme[i];
                pending.open[i] &= !taken[i];
            }
        }
        let calls = (DIGITS - OWN_DIGITS) as u32 / 2;
        let mut call = 0;
        while shared.is_open() && call < calls {
            let planes = draws.planes(OWN_DIGITS as u32 / 2 + round * calls + call, 0);
            let digit = OWN_DIGITS + 2 * call as usize;
            shared.compare(acceptance, digit, &planes[0]);
            shared.compare(acceptance, digit + 1, &planes[1]);
            call += 1;
        }
        for (taken, pending) in taken.iter().zip(pending.iter_mut()) {
            for i in 0..LANES {
                pending.below[i] |= taken[i] & shared.below[i];
            }
        }
        round += 1;
    }
}
