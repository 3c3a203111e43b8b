//! Pieces: steps that are too short to be shared out, cut in two by the rows of the batch, so that a crew can
//! run both halves side by side. A half reads of the batch's values only its own rows wherever it can: it
//! needs no other half then, and what it reads is what the same thread wrote.

use super::{Combine, Part, Step};
use crate::fused::Fused;
use crate::plan::{Place, Stored};

/// Halves are for two threads; more of them would each pack the second operand of a product again.
pub(crate) const PARTS: usize = 2;
/// Steps are cut in two from this time on.
const SMALLEST_NS: f64 = 5_000.0;
/// Steps are shared out to threads that work on one step at a time from this time on.
const SHORTEST_SHARED_NS: f64 = 10_000.0;
/// Rows of a product's half, at least.
const FEWEST_ROWS: usize = 48;

/// The steps with those cut that can be, and how many partial sums they leave in between.
pub(crate) fn cut(steps: Vec<Step>) -> (Vec<Step>, usize) {
    let mut sums = 0;
    (steps.into_iter().flat_map(|step| halves(step, &mut sums)).collect(), sums)
}

/// The steps with those shared out that are too short to share themselves out but long beside handing over a
/// half: for programs whose threads work on one step at a time.
pub(crate) fn share(steps: Vec<Step>) -> Vec<Step> {
    let shared = |step: Step| match step {
        step if step.is_wide() || step.cost() < SHORTEST_SHARED_NS => step,
        Step::MatMul { shape, a, b, out, .. } if falls_into_products(&step) => {
            let work = vec![Part::Product { shape, a, b, out, shared: false }];
            Step::Band { work, parts: PARTS }
        }
        Step::Fused { fused, names } if falls_into_rows(&fused) => {
            Step::Band { work: vec![Part::Pass { fused, names, sums: None }], parts: PARTS }
        }
        step => step,
    };
    steps.into_iter().map(shared).collect()
}

fn halves(step: Step, sums: &mut usize) -> Vec<Step> {
    if step.is_wide() || step.cost() < SMALLEST_NS {
        return vec![step];
    }
    match step {
        Step::MatMul { shape, a, b, out, .. } if falls_into_products(&step) => {
            pieces(Part::Product { shape, a, b, out, shared: !shape.transpose_a })
        }
        Step::Fused { mut fused, names } => {
            let stretches = falls_into_stretches(&fused);
            if !stretches && !falls_into_rows(&fused) {
                return vec![Step::Fused { fused, names }];
            }
            fused.shared = (0..fused.reads.len()).map(|slot| fused.reads_own_part(slot, PARTS)).collect();
            let combine = stretches.then(|| Combine::new(&fused, sums));
            let mut steps = pieces(Part::Pass { fused, names, sums: combine.as_ref().map(|c| c.sums) });
            steps.extend(combine.map(Step::Combine));
            steps
        }
        other => vec![other],
    }
}

fn pieces(work: Part) -> Vec<Step> {
    let piece = |(part, work)| Step::Piece { work, part, parts: PARTS };
    std::iter::repeat_n(work, PARTS).enumerate().map(piece).collect()
}

/// Whether the step is a product that falls into equal parts of enough rows.
fn falls_into_products(step: &Step) -> bool {
    let Step::MatMul { shape, scratch, .. } = step else { return false };
    shape.batch == 1 && shape.m.is_multiple_of(PARTS) && shape.m / PARTS >= FEWEST_ROWS && scratch.1 == 0
}

/// Whether the pass falls into equal parts that write their own elements.
fn falls_into_rows(fused: &Fused) -> bool {
    fused.falls_into(PARTS) && fused.writes.iter().all(|(_, len)| len.is_multiple_of(PARTS))
}

/// Whether the pass sums over all rows, which fall into equal stretches.
fn falls_into_stretches(fused: &Fused) -> bool {
    let form = fused.form.filter(|_| !fused.reductions.is_empty());
    form.is_some_and(|form| form.outer == 1 && form.reduced.is_multiple_of(PARTS) && form.inner > 1)
}

impl Combine {
    fn new(fused: &Fused, sums: &mut usize) -> Combine {
        let targets = fused.reductions.iter().map(|end| (fused.writes[end.target], end.is_max));
        let targets: Vec<(Stored, bool)> = targets.collect();
        let len = PARTS * targets.iter().map(|((_, len), _)| len).sum::<usize>();
        *sums += len;
        Combine { sums: (Place::Sums(*sums - len), len), targets }
    }
}
