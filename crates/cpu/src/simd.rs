//! Choice of the instruction path at run time, and the two float widths.

use std::fmt::Debug;
use std::sync::atomic::{AtomicU8, Ordering};

use pulp::{Simd, WithSimd};

/// A set of vector instructions that kernels are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Instructions {
    /// Whatever the compiler's target guarantees.
    Portable,
    /// AVX2 and FMA: x86-64-v3.
    Avx2,
    /// AVX-512 F, BW, CD, DQ, VL: x86-64-v4.
    Avx512,
}

const UNSET: u8 = u8::MAX;
static CHOSEN: AtomicU8 = AtomicU8::new(UNSET);

impl Instructions {
    /// The widest path that this processor has.
    pub fn detect() -> Instructions {
        #[cfg(target_arch = "x86_64")]
        {
            if pulp::x86::V4::is_available() {
                return Instructions::Avx512;
            }
            if pulp::x86::V3::is_available() {
                return Instructions::Avx2;
            }
        }
        Instructions::Portable
    }

    /// Every path that this processor has, narrowest first: what tests run over.
    pub fn available() -> Vec<Instructions> {
        let widest = Instructions::detect();
        [Instructions::Portable, Instructions::Avx2, Instructions::Avx512]
            .into_iter()
            .filter(|path| *path <= widest)
            .collect()
    }

    /// The path in use: the widest one, unless [`Instructions::force`] chose another.
    pub fn current() -> Instructions {
        match CHOSEN.load(Ordering::Relaxed) {
            0 => Instructions::Portable,
            1 => Instructions::Avx2,
            2 => Instructions::Avx512,
            _ => Instructions::detect(),
        }
    }

    /// Use `path` from now on in the whole process, if the processor has it; says whether it has.
    pub fn force(path: Instructions) -> bool {
        let possible = path <= Instructions::detect();
        if possible {
            CHOSEN.store(path as u8, Ordering::Relaxed);
        }
        possible
    }

    /// Runs `kernel` compiled for this path. What is `#[inline(always)]` inside it is vectorised for the
    /// path.
    #[inline]
    pub fn run<K: Kernel>(self, kernel: K) -> K::Output {
        #[cfg(target_arch = "x86_64")]
        {
            if self == Instructions::Avx512
                && let Some(simd) = pulp::x86::V4::try_new()
            {
                return simd.vectorize(Fused::<K>(kernel));
            }
            if self >= Instructions::Avx2
                && let Some(simd) = pulp::x86::V3::try_new()
            {
                return simd.vectorize(Fused::<K>(kernel));
            }
        }
        kernel.run::<false>()
    }

    /// Runs `kernel`, written in vectors, with those of this path.
    #[inline]
    pub fn run_vectors<K: WithSimd>(self, kernel: K) -> K::Output {
        #[cfg(target_arch = "x86_64")]
        {
            if self == Instructions::Avx512
                && let Some(simd) = pulp::x86::V4::try_new()
            {
                return Simd::vectorize(simd, kernel);
            }
            if self >= Instructions::Avx2
                && let Some(simd) = pulp::x86::V3::try_new()
            {
                return Simd::vectorize(simd, kernel);
            }
        }
        Simd::vectorize(pulp::Scalar128b, kernel)
    }
}

/// A piece of work to be compiled once per instruction path. `run` must be `#[inline(always)]`.
pub trait Kernel {
    /// What the work returns.
    type Output;
    /// Does the work. `FMA` tells whether fused multiply-add is one instruction here: a kernel uses
    /// [`Float::fma`] with it.
    fn run<const FMA: bool>(self) -> Self::Output;
}

struct Fused<K>(K);

impl<K: Kernel> pulp::NullaryFnOnce for Fused<K> {
    type Output = K::Output;
    #[inline(always)]
    fn call(self) -> K::Output {
        self.0.run::<true>()
    }
}

/// The two widths that programs are compiled for.
pub trait Float:
    Copy
    + Debug
    + Default
    + PartialOrd
    + Send
    + Sync
    + 'static
    + std::ops::Add<Output = Self>
    + std::ops::Sub<Output = Self>
    + std::ops::Mul<Output = Self>
    + std::ops::Div<Output = Self>
    + std::ops::Neg<Output = Self>
    + std::ops::AddAssign
{
    /// Zero.
    const ZERO: Self;
    /// One.
    const ONE: Self;
    /// Rounds from double precision.
    fn from_f64(x: f64) -> Self;
    /// Widens to double precision.
    fn to_f64(self) -> f64;
    /// a * b + c: with one rounding where `FMA`, else with two.
    fn fma<const FMA: bool>(a: Self, b: Self, c: Self) -> Self;

    /// The numbers, if they are single precision ones.
    fn singles(values: &[Self]) -> Option<&[f32]>;

    /// As many of these as an instruction works on.
    type Vector<S: Simd>: Copy;
    /// The same number in every lane.
    fn splat<S: Simd>(simd: S, x: Self) -> Self::Vector<S>;
    /// a + b in every lane.
    fn add<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    /// a - b in every lane.
    fn sub<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    /// a * b in every lane.
    fn mul<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    /// a * b + c in every lane: with one rounding where the path has it in one instruction, else with two.
    fn fma_vectors<S: Simd>(
        simd: S,
        a: Self::Vector<S>,
        b: Self::Vector<S>,
        c: Self::Vector<S>,
    ) -> Self::Vector<S>;
    /// The sum of the lanes, in a fixed order.
    fn sum_lanes<S: Simd>(simd: S, vector: Self::Vector<S>) -> Self;
    /// A vector of a slice shorter than it, filled up with zeros.
    fn load_part<S: Simd>(simd: S, values: &[Self]) -> Self::Vector<S>;
    /// Writes as many lanes of a vector as a slice shorter than it has room for.
    fn store_part<S: Simd>(simd: S, values: &mut [Self], vector: Self::Vector<S>);
    /// The vectors that a slice consists of, without what is left over.
    fn vectors<S: Simd>(simd: S, values: &[Self]) -> &[Self::Vector<S>];
    /// The vectors that a slice consists of, to be written, without what is left over.
    fn vectors_mut<S: Simd>(simd: S, values: &mut [Self]) -> &mut [Self::Vector<S>];
}

/// Whether a path multiplies and adds in one instruction: both that have vectors longer than 16 bytes do.
const fn has_fma<S: Simd>() -> bool {
    S::F32_LANES > 4
}

macro_rules! float {
    (
        $t:ty, $vector:ident, $splat:ident, $add:ident, $sub:ident, $mul:ident, $fma:ident, $load:ident, $store:ident,
        $slice:ident, $slice_mut:ident, $sum:ident, $singles:expr
    ) => {
        impl Float for $t {
            #[inline(always)]
            fn singles(values: &[Self]) -> Option<&[f32]> {
                let singles: fn(&[$t]) -> Option<&[f32]> = $singles;
                singles(values)
            }
            type Vector<S: Simd> = S::$vector;
            #[inline(always)]
            fn splat<S: Simd>(simd: S, x: Self) -> S::$vector {
                simd.$splat(x)
            }
            #[inline(always)]
            fn add<S: Simd>(simd: S, a: S::$vector, b: S::$vector) -> S::$vector {
                simd.$add(a, b)
            }
            #[inline(always)]
            fn sub<S: Simd>(simd: S, a: S::$vector, b: S::$vector) -> S::$vector {
                simd.$sub(a, b)
            }
            #[inline(always)]
            fn mul<S: Simd>(simd: S, a: S::$vector, b: S::$vector) -> S::$vector {
                simd.$mul(a, b)
            }
            #[inline(always)]
            fn fma_vectors<S: Simd>(simd: S, a: S::$vector, b: S::$vector, c: S::$vector) -> S::$vector {
                if has_fma::<S>() { simd.$fma(a, b, c) } else { simd.$add(simd.$mul(a, b), c) }
            }
            #[inline(always)]
            fn sum_lanes<S: Simd>(simd: S, vector: S::$vector) -> Self {
                simd.$sum(vector)
            }
            #[inline(always)]
            fn load_part<S: Simd>(simd: S, values: &[Self]) -> S::$vector {
                simd.$load(values)
            }
            #[inline(always)]
            fn store_part<S: Simd>(simd: S, values: &mut [Self], vector: S::$vector) {
                simd.$store(values, vector);
            }
            #[inline(always)]
            fn vectors<S: Simd>(_: S, values: &[Self]) -> &[S::$vector] {
                S::$slice(values).0
            }
            #[inline(always)]
            fn vectors_mut<S: Simd>(_: S, values: &mut [Self]) -> &mut [S::$vector] {
                S::$slice_mut(values).0
            }
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            #[inline(always)]
            fn from_f64(x: f64) -> Self {
                x as $t
            }
            #[inline(always)]
            fn to_f64(self) -> f64 {
                self as f64
            }
            #[inline(always)]
            fn fma<const FMA: bool>(a: Self, b: Self, c: Self) -> Self {
                if FMA { a.mul_add(b, c) } else { a * b + c }
            }
        }
    };
}
float!(
    f32,
    f32s,
    splat_f32s,
    add_f32s,
    sub_f32s,
    mul_f32s,
    mul_add_e_f32s,
    partial_load_f32s,
    partial_store_f32s,
    as_simd_f32s,
    as_mut_simd_f32s,
    reduce_sum_f32s,
    |values| Some(values)
);
float!(
    f64,
    f64s,
    splat_f64s,
    add_f64s,
    sub_f64s,
    mul_f64s,
    mul_add_e_f64s,
    partial_load_f64s,
    partial_store_f64s,
    as_simd_f64s,
    as_mut_simd_f64s,
    reduce_sum_f64s,
    |_| None
);

/// A vector with its operations.
pub(crate) struct Packed<S: Simd, T: Float> {
    simd: S,
    value: T::Vector<S>,
}

impl<S: Simd, T: Float> Clone for Packed<S, T> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}

impl<S: Simd, T: Float> Copy for Packed<S, T> {}

impl<S: Simd, T: Float> Packed<S, T> {
    /// Lanes of a vector.
    pub(crate) const LANES: usize = size_of::<T::Vector<S>>() / size_of::<T>();

    #[inline(always)]
    pub(crate) fn splat(simd: S, x: T) -> Self {
        Packed { simd, value: T::splat(simd, x) }
    }

    /// The same number in every lane.
    #[inline(always)]
    pub(crate) fn number(self, x: f64) -> Self {
        Packed::splat(self.simd, T::from_f64(x))
    }

    /// The elements of `values`: a vector's, or fewer and zeros where not `FULL`.
    #[inline(always)]
    pub(crate) fn load<const FULL: bool>(simd: S, values: &[T]) -> Self {
        let value = if FULL { T::vectors(simd, values)[0] } else { T::load_part(simd, values) };
        Packed { simd, value }
    }

    /// Stores what [`Packed::load`] loads.
    #[inline(always)]
    pub(crate) fn store<const FULL: bool>(self, values: &mut [T]) {
        if FULL {
            T::vectors_mut(self.simd, values)[0] = self.value;
        } else {
            T::store_part(self.simd, values, self.value);
        }
    }

    /// The sum of the lanes.
    #[inline(always)]
    pub(crate) fn sum_lanes(self) -> T {
        T::sum_lanes(self.simd, self.value)
    }

    /// self * b + c.
    #[inline(always)]
    pub(crate) fn fma(self, b: Self, c: Self) -> Self {
        Packed { value: T::fma_vectors(self.simd, self.value, b.value, c.value), ..self }
    }
}

macro_rules! operator {
    ($trait:ident, $method:ident) => {
        impl<S: Simd, T: Float> std::ops::$trait for Packed<S, T> {
            type Output = Self;
            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                Packed { value: <T as Float>::$method(self.simd, self.value, other.value), ..self }
            }
        }
    };
}
operator!(Add, add);
operator!(Sub, sub);
operator!(Mul, mul);

/// Numbers in [-1, 1) for tests.
#[cfg(test)]
pub(crate) fn test_values<T: Float>(count: usize, seed: u64) -> Vec<T> {
    let mut state = seed.wrapping_mul(2).wrapping_add(1);
    let mut next = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        T::from_f64((state >> 33) as f64 / (1u64 << 30) as f64 - 1.0)
    };
    (0..count).map(|_| next()).collect()
}
