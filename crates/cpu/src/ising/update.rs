//! The update of a group of words: which sites need a random number, and how few random bits decide them.
//!
//! A uniform number U below a probability p is told from the first binary digit in which they differ, on
//! average the second. Four digits of U are drawn for every site, after which one site in 16 is undecided.
//! The undecided sites of the eight vectors of a group then share the next digits: a random bit goes to the
//! first vector that is undecided in its lane, the others wait for the next round. No bit decides two sites.

use enscore_program::random::{self, Key};

/// Words of a vector.
const LANES: usize = 8;
/// Vectors of a group.
const VECTORS: usize = 8;
/// Words of a group.
pub(super) const GROUP: usize = LANES * VECTORS;
/// Digits of U that every site draws, two a call of the generator.
const OWN_DIGITS: usize = 4;
/// Binary digits of U, drawn as long as a site is undecided.
const DIGITS: usize = 64;
/// The first stream of the draws: two for each call of the generator, one for each colour.
const STREAM: u32 = 0x4953_0000;

/// How a site is updated given its neighbours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// A new spin from its distribution given the neighbours (Glauber 1963; Gibbs sampling).
    HeatBath,
    /// A flip, with probability min(1, exp(-ΔE β)) (Metropolis et al. 1953).
    Metropolis,
}

/// The probabilities of an update as 64 binary digits.
pub(super) struct Acceptance {
    rule: Rule,
    /// All ones where equal spins are aligned: J ≥ 0.
    sign: u64,
    /// Digits of the probability that a site flips with three aligned neighbours, and with four, the first
    /// digit first: all ones or zero.
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

    /// The bits of call `call` for word `word` of the group: two words of Philox 4x32-10 in 64-bit lanes, as
    /// in `random/transform.rs`.
    #[inline(always)]
    fn planes(&self, call: u32, word: usize) -> [u64; 2] {
        const LOW: u64 = 0xFFFF_FFFF;
        let stream = STREAM + 2 * call + self.colour;
        let ([_, row, stream, step], mut key) = random::counter(self.key, stream, self.key.row, 0);
        let mut c = [self.first + word as u64, u64::from(row), u64::from(stream), u64::from(step)];
        for _ in 0..10 {
            let p0 = 0xD251_1F53 * (c[0] & LOW);
            let p1 = 0xCD9E_8D57 * (c[2] & LOW);
            c = [(p1 >> 32) ^ c[1] ^ u64::from(key[0]), p1, (p0 >> 32) ^ c[3] ^ u64::from(key[1]), p0];
            key = [key[0].wrapping_add(0x9E37_79B9), key[1].wrapping_add(0xBB67_AE85)];
        }
        [c[0] << 32 | c[1] & LOW, c[2] << 32 | c[3] & LOW]
    }
}

/// The neighbours of a group's words.
pub(super) type Neighbours<'a> = [&'a Words; 4];

/// One number for each word of a group.
pub(super) type Words = [u64; GROUP];

/// Sites that are being decided.
struct Pending {
    /// Sites that flip, but for those where U < p.
    flips: Words,
    /// Sites where U < p.
    below: Words,
    /// Sites whose digits have all been equal so far.
    open: Words,
    /// Sites with four neighbours alike: these have the second probability.
    extreme: Words,
}

/// Updates the spins of a group.
#[inline(always)]
pub(super) fn update(spins: &mut Words, neighbours: Neighbours, acceptance: &Acceptance, draws: &Draws) {
    let mut pending = match acceptance.rule {
        Rule::Metropolis => Pending::new::<false>(spins, neighbours, acceptance, draws),
        Rule::HeatBath => Pending::new::<true>(spins, neighbours, acceptance, draws),
    };
    pending.decide(acceptance, draws);
    for ((spins, flips), below) in spins.iter_mut().zip(&pending.flips).zip(&pending.below) {
        *spins ^= flips ^ below;
    }
}

/// Compares a digit of U, `bit`, with that of p: (U < p so far, equal so far).
#[inline(always)]
fn compare(
    acceptance: &Acceptance,
    digit: usize,
    bit: u64,
    extreme: u64,
    below: u64,
    open: u64,
) -> (u64, u64) {
    let three = acceptance.digits[0][digit];
    let four = acceptance.digits[1][digit];
    let p = (four & extreme) | (three & !extreme);
    (below | (open & p & !bit), open & !(p ^ bit))
}

impl Pending {
    /// The sites that depend on chance and those that flip anyway, after the digits that every site draws.
    /// One loop over the words, so that each step of it works on as many as the instructions allow.
    #[inline(always)]
    fn new<const HEAT_BATH: bool>(
        spins: &Words,
        neighbours: Neighbours,
        acceptance: &Acceptance,
        draws: &Draws,
    ) -> Pending {
        let [flips, below, open, extreme] = [[0; GROUP]; 4];
        let mut pending = Pending { flips, below, open, extreme };
        for i in 0..GROUP {
            let [first, second] = [draws.planes(0, i), draws.planes(1, i)];
            let aligned = neighbours.map(|words| spins[i] ^ words[i] ^ acceptance.sign);
            // Sums of two of the four bits: one, and two.
            let one = aligned[0] ^ aligned[1];
            let two = aligned[0] & aligned[1];
            let other_one = aligned[2] ^ aligned[3];
            let other_two = aligned[2] & aligned[3];
            let four = two & other_two;
            let three = (two & other_one) | (one & other_two);
            let (flips, extreme, mut open);
            if HEAT_BATH {
                // With one or no aligned neighbour a flip has the probability that staying has with three or
                // four. With two it is fair: the first digit of U is a random bit, and no site uses both.
                let odd = one ^ other_one;
                let none = !(aligned[0] | aligned[1] | aligned[2] | aligned[3]);
                (open, extreme) = (odd | four | none, four | none);
                flips = (odd & !three) | none | (!open & first[0]);
            } else {
                // With up to two the flip lowers the energy or leaves it.
                (open, extreme) = (three | four, four);
                flips = !open;
            }
            let mut below = 0;
            (below, open) = compare(acceptance, 0, first[0], extreme, below, open);
            (below, open) = compare(acceptance, 1, first[1], extreme, below, open);
            (below, open) = compare(acceptance, 2, second[0], extreme, below, open);
            (below, open) = compare(acceptance, 3, second[1], extreme, below, open);
            pending.flips[i] = flips;
            pending.below[i] = below;
            pending.open[i] = open;
            pending.extreme[i] = extreme;
        }
        pending
    }

    /// Decides what is still open after the digits that every site has drawn. Rounds end because each takes
    /// at least one vector's open sites; after all digits an open site is not below.
    #[inline(always)]
    fn decide(&mut self, acceptance: &Acceptance, draws: &Draws) {
        let calls = (DIGITS - OWN_DIGITS) as u32 / 2;
        for round in 0.. {
            let [mut used, mut extreme, mut below, mut open] = [[0; LANES]; 4];
            let mut taken = [0; GROUP];
            for v in (0..GROUP).step_by(LANES) {
                for i in 0..LANES {
                    taken[v + i] = self.open[v + i] & !used[i];
                    used[i] |= taken[i + v];
                    extreme[i] |= taken[v + i] & self.extreme[v + i];
                    self.open[v + i] &= !taken[v + i];
                }
            }
            open.copy_from_slice(&used);
            if used.iter().fold(0, |a, b| a | b) == 0 {
                return;
            }
            for call in 0..calls {
                let digit = OWN_DIGITS + 2 * call as usize;
                for i in 0..LANES {
                    let bits = draws.planes(OWN_DIGITS as u32 / 2 + round * calls + call, i);
                    (below[i], open[i]) = compare(acceptance, digit, bits[0], extreme[i], below[i], open[i]);
                    (below[i], open[i]) =
                        compare(acceptance, digit + 1, bits[1], extreme[i], below[i], open[i]);
                }
                if open.iter().fold(0, |a, b| a | b) == 0 {
                    break;
                }
            }
            let mut wide = [0; GROUP];
            wide.chunks_exact_mut(LANES).for_each(|part| part.copy_from_slice(&below));
            for i in 0..GROUP {
                self.below[i] |= taken[i] & wide[i];
            }
        }
    }
}
