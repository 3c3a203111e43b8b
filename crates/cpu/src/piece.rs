//! Pieces: steps that are too short to be shared out, cut in two by the rows of the batch, so that a crew can run both halves
//! side by side. A half reads of the batch's values only its own rows wherever it can: it needs no other half then, and what
//! it reads is what the same thread wrote.

use crate::crew::Span;
use crate::fused::{self, Fused, Operand, Readable, Slots, Writable};
use crate::lent::Memory;
use crate::math::Math;
use crate::matmul::{MatmulShape, multiply_part};
use crate::simd::Path;
use crate::step::{Part, Step, Stored};

/// Halves are for two threads; more of them would each pack the second operand of a product again.
const PARTS: usize = 2;
/// Nanoseconds of a step from which it is cut.
const SMALLEST: f64 = 5_000.0;
/// Rows of a product's half, at least.
const FEWEST_ROWS: usize = 48;

/// The steps with those cut that can be.
pub(crate) fn cut(steps: Vec<Step>) -> Vec<Step> {
    steps.into_iter().flat_map(halves).collect()
}

fn halves(step: Step) -> Vec<Step> {
    if step.is_wide() || step.cost() < SMALLEST {
        return vec![step];
    }
    let pieces = |work: [Part; PARTS]| {
        let piece = |(part, work)| Step::Piece { work, part, parts: PARTS };
        work.into_iter().enumerate().map(piece).collect()
    };
    match step {
        Step::MatMul { shape, a, b, out, scratch } => {
            let rows = shape.m / PARTS;
            if shape.batch != 1 || !shape.m.is_multiple_of(PARTS) || rows < FEWEST_ROWS || scratch.1 > 0 {
                return vec![Step::MatMul { shape, a, b, out, scratch }];
            }
            let work = || Part::Product { shape, a, b, out, shared: !shape.transpose_a };
            pieces([work(), work()])
        }
        Step::Fused { mut fused, names } => {
            if !can_be_cut(&fused) {
                return vec![Step::Fused { fused, names }];
            }
            fused.shared = (0..fused.reads.len()).map(|slot| reads_own_rows(&fused, slot)).collect();
            pieces([Part::Pass { fused: fused.clone(), names: names.clone() }, Part::Pass { fused, names }])
        }
        other => vec![other],
    }
}

/// Whether the pass falls into equal parts that write their own elements.
fn can_be_cut(fused: &Fused) -> bool {
    let reduces = !fused.reductions.is_empty();
    let outer = fused.form.filter(|_| reduces).map_or(fused.size, |form| form.outer);
    outer.is_multiple_of(PARTS) && fused.writes.iter().all(|(_, len)| len.is_multiple_of(PARTS))
}

/// Whether a part reads only the same part of this value.
fn reads_own_rows(fused: &Fused, slot: usize) -> bool {
    let ends = fused.reductions.iter().map(|reduction| &reduction.operand);
    let mut operands = fused.instructions.iter().flat_map(|i| &i.operands).chain(ends);
    let len = fused.reads[slot].1;
    let aligned = |operand: &Operand| match operand {
        Operand::Scalar(read) => *read != slot,
        Operand::Memory(read) => *read != slot || len == fused.size,
        _ => true,
    };
    let mut views = fused.views.iter().filter(|view| view.slot == slot);
    operands.all(aligned) && views.all(|view| view.keeps_parts(len, PARTS))
}

/// What a part reads and writes.
pub(crate) fn touches(work: &Part, part: usize, parts: usize) -> (Vec<Span>, Vec<Span>) {
    let span = |(value, own): (Stored, bool)| match own {
        true => Span::part(value, part, parts),
        false => Span::whole(value),
    };
    let writes = work.writes().iter().map(|write| Span::part(*write, part, parts));
    (work.reads().into_iter().map(span).collect(), writes.collect())
}

/// Work with its memory.
pub(crate) enum Ready<'a, T> {
    Pass { fused: &'a Fused, slots: Slots<'a, T> },
    Product { shape: MatmulShape, a: Readable<'a, T>, b: Readable<'a, T>, out: Writable<T> },
}

impl<'a, T: Math> Ready<'a, T> {
    /// # Safety
    /// As [`Memory::slots`].
    pub(crate) unsafe fn new(work: &'a Part, memory: &'a Memory<T>) -> Self {
        match work {
            // SAFETY: the caller's promise.
            Part::Pass { fused, .. } => Ready::Pass { fused, slots: unsafe { memory.slots(fused) } },
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
    /// Nobody else touches what this part writes, or writes what it reads, meanwhile (see [`touches`]).
    pub(crate) unsafe fn run(&self, path: Path, part: usize, parts: usize) {
        match self {
            Ready::Pass { fused, slots } => fused::run_part(path, fused, slots, part, parts),
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
