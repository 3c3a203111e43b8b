//! Products of numbers rounded to bfloat16 with sums in single precision, by the dot products of AVX-512
//! BF16: an instruction multiplies two pairs of 8-bit mantissas in every lane, twice as many as with single
//! precision numbers.
//!
//! Operands are rounded to nearest even as they are packed. What stands one after the other on the axis
//! summed over shares a word of 32 bits: A as words `[row][pair]`, or `[pair][row]` where it is stored
//! transposed, B in panels `[pair][column]`. Rounding both factors changes a product by about 2^-8 of its
//! size at most, so that
//!
//! ```text
//! |(A·B)ᵢⱼ - found| <= 2^-8 Σₖ |aᵢₖ bₖⱼ|  (+ the rounding of the sum),
//! ```
//!
//! and where signs are mixed much less: errors of terms are independent. Subnormal numbers count as zero.

use std::cell::Cell;

use super::thin::Strided;
use crate::simd::{Instructions, Kernel};
use crate::stretch::Writable;

/// Columns of a panel of B: two vectors.
const PANEL: usize = 32;
/// Rows of A whose sums stay in registers.
const ROWS: usize = 12;
/// Rows of A that are packed together.
const BLOCK: usize = 8 * ROWS;
/// Pairs that are packed together.
const DEPTH: usize = 512;
/// Products with a shorter axis than these, `[m, k, n]`, lose more in packing than they win.
const SHORTEST: [usize; 3] = [16, 32, 32];

thread_local! {
    /// Room for packed words, kept between products.
    static ROOM: Cell<Vec<u32>> = const { Cell::new(Vec::new()) };
}

/// Whether this processor has the instructions.
pub fn is_available() -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bf16")
    }
    #[cfg(not(target_arch = "x86_64"))]
    false
}

/// Whether a product of these sizes is worth it, on a processor that can.
pub(super) fn is_worth_it(sizes: [usize; 3]) -> bool {
    sizes.iter().zip(SHORTEST).all(|(size, shortest)| *size >= shortest) && is_available()
}

/// out = A·B, or out + A·B where `accumulate`, for contiguous rows `stride` apart.
///
/// # Safety
/// The processor has the instructions (see [`is_worth_it`]); `out` is memory of its length, and nobody else
/// touches the elements of the result meanwhile.
pub(super) unsafe fn multiply(
    [m, k, n]: [usize; 3],
    a: Strided<f32>,
    b: Strided<f32>,
    out: Writable<f32>,
    stride: usize,
    accumulate: bool,
) {
    let panels = n.div_ceil(PANEL);
    let deepest = DEPTH.min(k.div_ceil(2));
    let of_b = deepest * panels * PANEL;
    let of_a = deepest * BLOCK;
    let mut room = ROOM.take();
    room.resize(room.len().max(of_b + of_a + deepest), 0);
    let (packed_b, rest) = room.split_at_mut(of_b);
    let (packed_a, column) = rest.split_at_mut(of_a);
    for first in (0..k).step_by(2 * DEPTH) {
        let depth = (k - first).min(2 * DEPTH);
        let pairs = depth.div_ceil(2);
        Instructions::current().run(PackB { b, first, depth, columns: n, column, packed: packed_b });
        for row in (0..m).step_by(BLOCK) {
            let rows = BLOCK.min(m - row);
            let strides = Instructions::current().run(PackA { a, row, rows, first, depth, packed: packed_a });
            for (panel, b) in packed_b.chunks_exact(pairs * PANEL).take(panels).enumerate() {
                let columns = PANEL.min(n - panel * PANEL);
                for start in (0..rows).step_by(ROWS) {
                    let a = &packed_a[start * strides[0]..];
                    let out = out.skip((row + start) * stride + panel * PANEL);
                    let tile =
                        Tile { a, strides, b, pairs, columns, out, stride, add: accumulate || first > 0 };
                    // SAFETY: the caller's promise; the result's rows and columns are those of this tile.
                    unsafe { tile.run(ROWS.min(rows - start)) };
                }
            }
        }
    }
    ROOM.set(room);
}

/// The upper half of a number rounded to bfloat16, in place.
#[inline(always)]
fn rounded(x: f32) -> u32 {
    let bits = x.to_bits();
    let nearest = bits.wrapping_add(0x7fff + ((bits >> 16) & 1));
    // Rounding could carry the bits of a NaN into its sign.
    std::hint::select_unpredictable(x.is_nan(), bits | 0x40_0000, nearest) & 0xffff_0000
}

/// Two numbers in a word, the first in the lower half.
#[inline(always)]
fn pair(first: f32, second: f32) -> u32 {
    (rounded(first) >> 16) | rounded(second)
}

/// The words of `values`, the last of which may be alone.
#[inline(always)]
fn pairs_of(values: &[f32], out: &mut [u32]) {
    let mut whole = values.chunks_exact(2);
    for (pair_of, out) in whole.by_ref().zip(&mut *out) {
        *out = pair(pair_of[0], pair_of[1]);
    }
    if let ([last], Some(out)) = (whole.remainder(), out.get_mut(values.len() / 2)) {
        *out = pair(*last, 0.0);
    }
}

/// Packs `depth` rows of B from `first` on into panels `[pair][PANEL]`, with zeros beyond its columns.
struct PackB<'a> {
    b: Strided<'a, f32>,
    first: usize,
    depth: usize,
    columns: usize,
    /// Room for the words of a column.
    column: &'a mut [u32],
    packed: &'a mut [u32],
}

impl Kernel for PackB<'_> {
    type Output = ();
    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let PackB { b, first, depth, columns, column, packed } = self;
        let pairs = depth.div_ceil(2);
        for (panel, packed) in
            packed.chunks_exact_mut(pairs * PANEL).take(columns.div_ceil(PANEL)).enumerate()
        {
            let start = panel * PANEL;
            let width = PANEL.min(columns - start);
            if b.strides[1] == 1 {
                let row = |k: usize| &b.values[(first + k) * b.strides[0] + start..][..width];
                for (k, packed) in (0..depth).step_by(2).zip(packed.chunks_exact_mut(PANEL)) {
                    packed[width..].fill(0);
                    let words = packed.iter_mut().zip(row(k));
                    if k + 1 < depth {
                        words.zip(row(k + 1)).for_each(|((word, x), y)| *word = pair(*x, *y));
                    } else {
                        words.for_each(|(word, x)| *word = pair(*x, 0.0));
                    }
                }
                continue;
            }
            packed.fill(0);
            for i in 0..width {
                let values = &b.values[(start + i) * b.strides[1] + first * b.strides[0]..];
                column_words(values, b.strides[0], depth, &mut column[..pairs]);
                packed.iter_mut().skip(i).step_by(PANEL).zip(&*column).for_each(|(to, word)| *to = *word);
            }
        }
    }
}

/// The words of `depth` numbers `stride` apart.
#[inline(always)]
fn column_words(values: &[f32], stride: usize, depth: usize, out: &mut [u32]) {
    if stride == 1 {
        return pairs_of(&values[..depth], out);
    }
    for (p, out) in out.iter_mut().enumerate() {
        let at = |k: usize| if k < depth { values[k * stride] } else { 0.0 };
        *out = pair(at(2 * p), at(2 * p + 1));
    }
}

/// Packs `rows` rows of A from `row` on; the result's `[row, pair]` strides.
struct PackA<'a> {
    a: Strided<'a, f32>,
    row: usize,
    rows: usize,
    first: usize,
    depth: usize,
    packed: &'a mut [u32],
}

impl Kernel for PackA<'_> {
    type Output = [usize; 2];
    #[inline(always)]
    fn run<const FMA: bool>(self) -> [usize; 2] {
        let PackA { a, row, rows, first, depth, packed } = self;
        let pairs = depth.div_ceil(2);
        if a.strides[0] == 1 {
            let column = |k: usize| &a.values[(first + k) * a.strides[1] + row..][..rows];
            for (k, packed) in (0..depth).step_by(2).zip(packed.chunks_exact_mut(rows)) {
                let words = packed.iter_mut().zip(column(k));
                if k + 1 < depth {
                    words.zip(column(k + 1)).for_each(|((word, x), y)| *word = pair(*x, *y));
                } else {
                    words.for_each(|(word, x)| *word = pair(*x, 0.0));
                }
            }
            return [1, rows];
        }
        for (i, packed) in packed.chunks_exact_mut(pairs).take(rows).enumerate() {
            let values = &a.values[(row + i) * a.strides[0] + first * a.strides[1]..];
            column_words(values, a.strides[1], depth, packed);
        }
        [pairs, 1]
    }
}

/// Up to [`ROWS`] rows and [`PANEL`] columns of the result.
#[derive(Clone, Copy)]
struct Tile<'a> {
    a: &'a [u32],
    /// `[row, pair]` strides of `a`.
    strides: [usize; 2],
    /// `[pair][PANEL]`
    b: &'a [u32],
    pairs: usize,
    columns: usize,
    out: Writable<f32>,
    stride: usize,
    /// Whether the result is added to what is there.
    add: bool,
}

impl Tile<'_> {
    /// # Safety
    /// The processor has the instructions, and nobody else touches these elements of the result.
    unsafe fn run(self, rows: usize) {
        let last = (rows - 1) * self.strides[0] + (self.pairs - 1) * self.strides[1];
        assert!(
            rows <= ROWS && last < self.a.len() && self.pairs * PANEL <= self.b.len(),
            "bf16: an operand is too short"
        );
        assert!((rows - 1) * self.stride + self.columns <= self.out.len(), "bf16: the result is too short");
        macro_rules! by_rows {
            ($($rows:literal)*) => {
                match rows {
                    // SAFETY: the lengths were checked; the rest is the caller's promise.
                    $($rows => unsafe { x86::tile::<$rows>(self) },)*
                    // SAFETY: as above.
                    _ => unsafe { x86::tile::<ROWS>(self) },
                }
            };
        }
        by_rows!(1 2 3 4 5 6 7 8 9 10 11)
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::{PANEL, Tile};

    /// # Safety
    /// The processor has the instructions; the tile's slices reach as far as `R` rows need, and nobody else
    /// touches its elements of the result.
    #[target_feature(enable = "avx512f,avx512bf16")]
    pub(super) unsafe fn tile<const R: usize>(tile: Tile) {
        let Tile { a, strides, b, pairs, columns, out, stride, add } = tile;
        let mut sums = [[_mm512_setzero_ps(); 2]; R];
        let mut a = a.as_ptr();
        let mut b = b.as_ptr();
        for _ in 0..pairs {
            // SAFETY: a panel has 32 words for every pair, and A a word for every row of every pair: the
            // caller checked both. Any 512 bits are 32 numbers of 16 bits.
            unsafe {
                let low: __m512bh = std::mem::transmute(_mm512_loadu_si512(b.cast()));
                let high: __m512bh = std::mem::transmute(_mm512_loadu_si512(b.add(16).cast()));
                for (row, sums) in sums.iter_mut().enumerate() {
                    let word = _mm512_set1_epi32(*a.add(row * strides[0]) as i32);
                    let word: __m512bh = std::mem::transmute(word);
                    sums[0] = _mm512_dpbf16_ps(sums[0], word, low);
                    sums[1] = _mm512_dpbf16_ps(sums[1], word, high);
                }
            }
            (a, b) = (a.wrapping_add(strides[1]), b.wrapping_add(PANEL));
        }
        let lanes = |first: usize| ((1u32 << columns.saturating_sub(first).min(16)) - 1) as __mmask16;
        for (row, sums) in sums.iter().enumerate() {
            for (half, sum) in sums.iter().enumerate() {
                let mask = lanes(16 * half);
                let to = out.start().wrapping_add(row * stride + 16 * half);
                // SAFETY: the mask leaves out what lies beyond the columns; the rest is the caller's promise.
                unsafe {
                    let sum = if add { _mm512_add_ps(*sum, _mm512_maskz_loadu_ps(mask, to)) } else { *sum };
                    _mm512_mask_storeu_ps(to, mask, sum);
                }
            }
        }
    }
}

#[cfg(not(target_arch = "x86_64"))]
mod x86 {
    /// Never called: these processors don't have the instructions.
    pub(super) unsafe fn tile<const R: usize>(_: super::Tile) {}
}
