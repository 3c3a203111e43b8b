//! One part of a step's work, run on the calling thread.

use crate::fused::{self, Fused, Slots};
use crate::math::Math;
use crate::matmul::{MatmulShape, multiply_part};
use crate::run::lent::Memory;
use crate::simd::Instructions;
use crate::step::piece::PARTS;
use crate::step::{Combine, Part};
use crate::stretch::{Readable, Writable};

/// Work with its memory.
pub(crate) enum Ready<'a, T> {
    Pass { fused: &'a Fused, slots: Slots<'a, T>, sums: Option<Writable<f64>> },
    Product { shape: MatmulShape, a: Readable<'a, T>, b: Readable<'a, T>, out: Writable<T> },
}

impl<'a, T: Math> Ready<'a, T> {
    /// # Safety
    /// As [`Memory::slots`].
    pub(crate) unsafe fn new(work: &'a Part, memory: &'a Memory<T>) -> Self {
        match work {
            // SAFETY: the caller's promise.
            Part::Pass { fused, sums, .. } => Ready::Pass {
                fused,
                slots: unsafe { memory.slots(fused) },
                sums: sums.map(|sums| memory.sums(sums)),
            },
            Part::Product { shape, a, b, out, .. } => Ready::Product {
                shape: *shape,
                a: memory.readable(*a),
                b: memory.readable(*b),
                out: memory.writable(*out),
            },
        }
    }

    /// Runs part `part` of `parts` on the calling thread.
    ///
    /// # Safety
    /// Nobody else touches what this part writes, or writes what it reads, meanwhile (see [`Part::touches`]).
    pub(crate) unsafe fn run(&self, path: Instructions, part: usize, parts: usize) {
        match self {
            Ready::Pass { fused, slots, sums: None } => fused::run_part(path, fused, slots, part, parts),
            Ready::Pass { fused, slots, sums: Some(sums) } => {
                let len = sums.len() / parts;
                // SAFETY: the caller's promise.
                let sums = unsafe { sums.stretch(part * len, len) };
                fused::run_stretch(path, fused, slots, (part, parts), sums);
            }
            Ready::Product { shape, a, b, out } => {
                let (start, len) = shape.reach_of_part(part, parts);
                let written = shape.m / parts * shape.n;
                // SAFETY: the caller's promise.
                let (a, b, out) = unsafe {
                    (a.stretch(start, len), b.stretch(0, b.len()), out.stretch(part * written, written))
                };
                multiply_part(*shape, parts, a, b, out);
            }
        }
    }
}

impl Combine {
    /// # Safety
    /// Nobody writes the sums, or touches the targets, meanwhile.
    pub(crate) unsafe fn run<T: Math>(&self, memory: &Memory<T>) {
        let inner = self.targets.first().map_or(1, |((_, len), _)| *len);
        let width = inner * self.targets.len();
        // SAFETY: the caller's promise.
        let sums = unsafe { memory.sums(self.sums).stretch(0, self.sums.1) };
        for (number, (target, is_max)) in self.targets.iter().enumerate() {
            // SAFETY: the caller's promise; targets are different values.
            let out = unsafe { memory.writable(*target).stretch(0, inner) };
            for (column, out) in out.iter_mut().enumerate() {
                let at = |part: usize| sums[part * width + number * inner + column];
                let total = (1..PARTS).fold(at(0), |total, part| fused::combine(total, at(part), *is_max));
                *out = T::from_f64(total);
            }
        }
    }
}
