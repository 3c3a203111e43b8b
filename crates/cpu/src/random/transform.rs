//! One tile: Philox over its counters, and from words to numbers.

use std::marker::PhantomData;

use enscore_program::random;

use crate::math::{Bits, Math, log_complement, sin_cos_quadrant};

/// Counters in a tile.
pub(super) const BLOCKS: usize = 64;
/// Values in a tile: four words a counter.
pub(super) const VALUES: usize = 4 * BLOCKS;
/// One word of each counter of a tile.
pub(super) type Words = [u32; BLOCKS];

/// Multipliers of a Philox 4x32 round.
const MULTIPLIERS: [u64; 2] = [0xD251_1F53, 0xCD9E_8D57];
/// What the key grows by from round to round.
const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];
/// The lower word of two.
const LOW: u64 = 0xFFFF_FFFF;
/// 2^-32.
const WORD: f64 = 1.0 / 4_294_967_296.0;

/// `words[l][i]` becomes word l of the counter of row `rows[i]` and block `blocks[i]`; the rest of the
/// counter and the key are those of `base`.
///
/// Words are held in 64-bit lanes with anything in the upper half, since the multiplication reads the lower
/// half only: no lane ever changes its width.
#[inline(always)]
pub(super) fn philox(base: ([u32; 4], [u32; 2]), rows: &Words, blocks: &Words, words: &mut [Words; 4]) {
    let ([_, _, stream, step], key) = base;
    let [w0, w1, w2, w3] = words;
    for i in 0..BLOCKS {
        let mut c = [u64::from(blocks[i]), u64::from(rows[i]), u64::from(stream), u64::from(step)];
        let mut key = key;
        for _ in 0..10 {
            let p0 = MULTIPLIERS[0] * (c[0] & LOW);
            let p1 = MULTIPLIERS[1] * (c[2] & LOW);
            c = [(p1 >> 32) ^ c[1] ^ u64::from(key[0]), p1, (p0 >> 32) ^ c[3] ^ u64::from(key[1]), p0];
            key = [key[0].wrapping_add(WEYL[0]), key[1].wrapping_add(WEYL[1])];
        }
        w0[i] = c[0] as u32;
        w1[i] = c[1] as u32;
        w2[i] = c[2] as u32;
        w3[i] = c[3] as u32;
    }
}

/// From the words of a tile to its values in order.
pub(super) trait Transform: Copy {
    /// The type of a drawn value.
    type Out: Copy + Default;
    /// `out[4 i + l]` comes from word l of counter i.
    fn apply<const FMA: bool>(self, words: &[Words; 4], out: &mut [Self::Out; VALUES]);
}

macro_rules! elementwise {
    ($name:ident, $about:literal, |$word:ident| $value:expr) => {
        #[doc = $about]
        #[derive(Clone, Copy, Default)]
        pub(super) struct $name<T>(PhantomData<T>);

        impl<T: Math> Transform for $name<T> {
            type Out = T;
            #[inline(always)]
            fn apply<const FMA: bool>(self, words: &[Words; 4], out: &mut [T; VALUES]) {
                let mut lanes = [[T::ZERO; BLOCKS]; 4];
                for (words, lanes) in words.iter().zip(&mut lanes) {
                    for (word, lane) in words.iter().zip(lanes) {
                        let $word = *word;
                        *lane = $value;
                    }
                }
                interleave(&lanes, out);
            }
        }
    };
}

elementwise!(Uniform, "(word + 1/2) / 2^32, kept below 1.", |word| {
    let x = T::from_f64((f64::from(word) + 0.5) * WORD);
    if x < T::ONE { x } else { T::BELOW_ONE }
});
elementwise!(Rademacher, "The top bit as a sign.", |word| if word >> 31 == 0 { T::ONE } else { -T::ONE });

/// An index below the bound.
#[derive(Clone, Copy)]
pub(super) struct Index(pub u32);

impl Transform for Index {
    type Out = i32;
    #[inline(always)]
    fn apply<const FMA: bool>(self, words: &[Words; 4], out: &mut [i32; VALUES]) {
        let mut lanes = [[0; BLOCKS]; 4];
        for (words, lanes) in words.iter().zip(&mut lanes) {
            for (word, lane) in words.iter().zip(lanes) {
                *lane = random::index(*word, self.0) as i32;
            }
        }
        interleave(&lanes, out);
    }
}

/// Box and Muller's transform of words 0 and 1, and of words 2 and 3.
#[derive(Clone, Copy, Default)]
pub(super) struct Normal<T>(PhantomData<T>);

impl<T: Math> Transform for Normal<T> {
    type Out = T;
    #[inline(always)]
    fn apply<const FMA: bool>(self, words: &[Words; 4], out: &mut [T; VALUES]) {
        let mut lanes = [[T::ZERO; BLOCKS]; 4];
        let [x0, y0, x1, y1] = &mut lanes;
        normals::<T, FMA>(&words[0], &words[1], x0, y0);
        normals::<T, FMA>(&words[2], &words[3], x1, y1);
        interleave(&lanes, out);
    }
}

#[inline(always)]
fn normals<T: Math, const FMA: bool>(
    first: &Words,
    second: &Words,
    x: &mut [T; BLOCKS],
    y: &mut [T; BLOCKS],
) {
    for i in 0..BLOCKS {
        let radius = radius::<T, FMA>(first[i]);
        let (sin, cos) = direction::<T, FMA>(second[i]);
        x[i] = radius * cos;
        y[i] = radius * sin;
    }
}

/// sqrt(-2 log u) for u = (word + 1/2) / 2^32, with 1 - u from the complement of the word, which is exact
/// where u would round to 1.
#[inline(always)]
fn radius<T: Math, const FMA: bool>(word: u32) -> T {
    let unit = T::from_f64(WORD);
    let u = (T::from_u32(word) + T::HALF) * unit;
    let complement = (T::from_u32(!word) + T::HALF) * unit;
    // 0xB600_0000 / 2^32 = 0.711 > sqrt(1/2).
    (-T::TWO * log_complement::<T, FMA>(u, complement, word >= 0xB600_0000)).root()
}

/// sin and cos of 2 pi (word + 1/2) / 2^32. The nearest multiple of pi / 2 is taken off as an integer.
#[inline(always)]
fn direction<T: Math, const FMA: bool>(word: u32) -> (T, T) {
    let quadrant = word.wrapping_add(1 << 29) >> 30;
    let rest = word.wrapping_sub(quadrant << 30) as i32;
    let angle = (T::from_i32(rest) + T::HALF) * T::from_f64(std::f64::consts::TAU * WORD);
    sin_cos_quadrant::<T, FMA>(angle, T::Bits::from_word(quadrant))
}

#[inline(always)]
fn interleave<O: Copy>(lanes: &[[O; BLOCKS]; 4], out: &mut [O; VALUES]) {
    for (i, out) in out.chunks_exact_mut(4).enumerate() {
        out[0] = lanes[0][i];
        out[1] = lanes[1][i];
        out[2] = lanes[2][i];
        out[3] = lanes[3][i];
    }
}
