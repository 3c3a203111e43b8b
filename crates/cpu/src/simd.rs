//! Choice of the instruction path at run time, and the two float widths.

use std::fmt::Debug;
use std::sync::atomic::{AtomicU8, Ordering};

use pulp::{Simd, WithSimd};

/// A set of vector instructions that kernels are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Path {
    /// Whatever the compiler's target guarantees.
    Portable,
    /// AVX2 and FMA: x86-64-v3.
    Avx2,
    /// AVX-512 F, BW, CD, DQ, VL: x86-64-v4.
    Avx512,
}

const UNSET: u8 = u8::MAX;
static CHOSEN: AtomicU8 = AtomicU8::new(UNSET);

impl Path {
    /// The widest path that this processor has.
    pub fn detect() -> Path {
        #[cfg(target_arch = "x86_64")]
        {
            if pulp::x86::V4::is_available() {
                return Path::Avx512;
            }
            if pulp::x86::V3::is_available() {
                return Path::Avx2;
            }
        }
        Path::Portable
    }

    /// Every path that this processor has, narrowest first: what tests run over.
    pub fn available() -> Vec<Path> {
        let widest = Path::detect();
        [Path::Portable, Path::Avx2, Path::Avx512].into_iter().filter(|path| *path <= widest).collect()
    }

    /// The path in use: the widest one, unless [`Path::force`] chose another.
    pub fn current() -> Path {
        match CHOSEN.load(Ordering::Relaxed) {
            0 => Path::Portable,
            1 => Path::Avx2,
            2 => Path::Avx512,
            _ => Path::detect(),
        }
    }

    /// Use `path` from now on in the whole process, if the processor has it; says whether it has.
    pub fn force(path: Path) -> bool {
        let possible = path <= Path::detect();
        if possible {
            CHOSEN.store(path as u8, Ordering::Relaxed);
        }
        possible
    }

    /// Runs `kernel` compiled for this path. What is `#[inline(always)]` inside it is vectorised for the path.
    #[inline]
    pub fn run<K: Kernel>(self, kernel: K) -> K::Output {
        #[cfg(target_arch = "x86_64")]
        {
            if self == Path::Avx512
                && let Some(simd) = pulp::x86::V4::try_new()
            {
                return simd.vectorize(Fused::<K>(kernel));
            }
            if self >= Path::Avx2
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
            if self == Path::Avx512
                && let Some(simd) = pulp::x86::V4::try_new()
            {
                return Simd::vectorize(simd, kernel);
            }
            if self >= Path::Avx2
                && let Some(simd) = pulp::x86::V3::try_new()
            {
                return Simd::vectorize(simd, kernel);
            }
        }
        Simd::vectorize(pulp::Scalar::new(), kernel)
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

    /// As many of these as an instruction works on.
    type Vector<S: Simd>: Copy;
    /// The same number in every lane.
    fn splat<S: Simd>(simd: S, x: Self) -> Self::Vector<S>;
    /// a * b + c in every lane: with one rounding where the path has it in one instruction, else with two.
    fn fma_vectors<S: Simd>(
        simd: S,
        a: Self::Vector<S>,
        b: Self::Vector<S>,
        c: Self::Vector<S>,
    ) -> Self::Vector<S>;
    /// The vectors that a slice consists of, without what is left over.
    fn vectors<S: Simd>(simd: S, values: &[Self]) -> &[Self::Vector<S>];
    /// The same, to be written.
    fn vectors_mut<S: Simd>(simd: S, values: &mut [Self]) -> &mut [Self::Vector<S>];
}

macro_rules! float {
    ($t:ty, $vector:ident, $splat:ident, $fma:ident, $slice:ident, $slice_mut:ident) => {
        impl Float for $t {
            type Vector<S: Simd> = S::$vector;
            #[inline(always)]
            fn splat<S: Simd>(simd: S, x: Self) -> S::$vector {
                simd.$splat(x)
            }
            #[inline(always)]
            fn fma_vectors<S: Simd>(simd: S, a: S::$vector, b: S::$vector, c: S::$vector) -> S::$vector {
                simd.$fma(a, b, c)
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
float!(f32, f32s, splat_f32s, mul_add_e_f32s, as_simd_f32s, as_mut_simd_f32s);
float!(f64, f64s, splat_f64s, mul_add_e_f64s, as_simd_f64s, as_mut_simd_f64s);
