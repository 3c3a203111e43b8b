//! What a compiled program is made of: one step after another.

use enscore_program::{Kind, Node};

use crate::conv::Convolution;
use crate::fused::{self, Fused};
use crate::matmul::MatmulShape;
use crate::plan::{Span, Stored};

mod name;
pub(crate) mod piece;

/// A unit ready to run.
#[derive(Debug)]
pub(crate) enum Step {
    Fused {
        fused: Fused,
        names: String,
    },
    /// Work that runs part by part, each part through all of it.
    Band {
        work: Vec<Part>,
        parts: usize,
    },
    /// Adds up what parts of a reduction came to, in their order.
    Combine(Combine),
    /// One part of work, by itself.
    Piece {
        work: Part,
        part: usize,
        parts: usize,
    },
    MatMul {
        shape: MatmulShape,
        a: Stored,
        b: Stored,
        out: Stored,
        scratch: Stored,
    },
    Convolution {
        convolution: Convolution,
        a: Stored,
        b: Stored,
        out: Stored,
        scratch: Stored,
    },
    /// Blocks of `len` elements side by side: block i of part p goes to i * stride + offset of p.
    Interleave {
        parts: Vec<(Stored, usize, usize)>,
        stride: usize,
        out: Stored,
    },
    Pad {
        operand: Stored,
        shape: Vec<usize>,
        edges: Vec<(usize, usize)>,
        out: Stored,
    },
    Gather {
        table: Stored,
        index: Stored,
        rows: usize,
        out: Stored,
    },
    ScatterAdd {
        index: Stored,
        updates: Stored,
        rows: usize,
        out: Stored,
    },
    DrawIndex {
        bound: u32,
        stream: u32,
        row_len: usize,
        key: usize,
        out: Stored,
    },
    /// A primitive that is rare in hot loops, computed by the reference in double precision.
    Reference {
        node: Box<Node>,
        operands: Vec<(Option<Stored>, Vec<usize>, Kind)>,
        out: Stored,
    },
    Copy {
        from: Stored,
        out: Stored,
    },
}

/// Adds up what the stretches of a reduction came to.
#[derive(Clone, Debug)]
pub(crate) struct Combine {
    /// `[parts, reductions, inner]`
    pub(crate) sums: Stored,
    /// Where each reduction goes, and whether it is a maximum.
    pub(crate) targets: Vec<(Stored, bool)>,
}

/// What each part of a band does, one after another.
#[derive(Clone, Debug)]
pub(crate) enum Part {
    Pass {
        fused: Fused,
        names: String,
        /// Where the parts of a reduction leave their sums, if each has but a stretch of it.
        sums: Option<Stored>,
    },
    /// The part's rows of a product.
    Product {
        shape: MatmulShape,
        a: Stored,
        b: Stored,
        out: Stored,
        /// Whether other parts of the first operand may be written meanwhile: only the same part is read.
        shared: bool,
    },
}

impl Part {
    /// Values that are written.
    pub(crate) fn writes(&self) -> &[Stored] {
        match self {
            Part::Pass { fused, .. } => &fused.writes,
            Part::Product { out, .. } => std::slice::from_ref(out),
        }
    }

    /// Values that are read, and whether only the part itself is read of each.
    pub(crate) fn reads(&self) -> Vec<(Stored, bool)> {
        match self {
            Part::Pass { fused, .. } => {
                let values = fused.reads.iter().copied().zip(fused.shared.iter().copied());
                values.chain(fused.indices.iter().map(|index| (*index, false))).collect()
            }
            Part::Product { a, b, shared, .. } => vec![(*a, *shared), (*b, false)],
        }
    }

    /// What part `part` of `parts` reads and writes.
    pub(crate) fn touches(&self, part: usize, parts: usize) -> (Vec<Span>, Vec<Span>) {
        let span = |(value, own): (Stored, bool)| {
            if own { Span::part(value, part, parts) } else { Span::whole(value) }
        };
        let mut writes = self.writes().to_vec();
        if let Part::Pass { fused, sums: Some(sums), .. } = self {
            // The reductions' targets are written when the parts' sums are combined.
            let targets: Vec<Stored> = fused.reductions.iter().map(|end| fused.writes[end.target]).collect();
            writes.retain(|write| !targets.contains(write));
            writes.push(*sums);
        }
        let writes = writes.into_iter().map(|write| Span::part(write, part, parts)).collect();
        (self.reads().into_iter().map(span).collect(), writes)
    }

    /// About how many nanoseconds one thread needs for all parts.
    fn cost(&self) -> f64 {
        match self {
            Part::Pass { fused, .. } => fused.cost(),
            Part::Product { shape, .. } => shape.cost(),
        }
    }
}

impl Step {
    /// Whether the step may be shared out to several threads.
    pub(crate) fn is_wide(&self) -> bool {
        match self {
            Step::Fused { fused, .. } => fused::is_wide(fused),
            Step::MatMul { shape, .. } => shape.is_wide(),
            Step::Convolution { .. } | Step::Band { .. } => true,
            _ => false,
        }
    }

    /// About how many nanoseconds one thread needs.
    pub(crate) fn cost(&self) -> f64 {
        /// Time of starting a step.
        const STEP_NS: f64 = 300.0;
        /// Time of copying an element.
        const ELEMENT_NS: f64 = 0.1;
        STEP_NS
            + match self {
                Step::Fused { fused, .. } => fused.cost(),
                Step::Band { work, .. } => work.iter().map(Part::cost).sum(),
                Step::Piece { work, parts, .. } => work.cost() / *parts as f64,
                Step::MatMul { shape, .. } => shape.cost(),
                Step::Convolution { convolution, .. } => convolution.geometry.cost(),
                _ => self.touches().1.iter().map(|write| write.len as f64).sum::<f64>() * ELEMENT_NS,
            }
    }

    /// Values that the step reads and values that it writes, for the check that none is both.
    pub(crate) fn touches(&self) -> (Vec<Span>, Vec<Span>) {
        let (reads, writes) = match self {
            Step::Band { work, .. } => {
                let writes: Vec<Stored> = work.iter().flat_map(Part::writes).copied().collect();
                // What the band itself writes is the concern of its parts.
                let reads = work.iter().flat_map(Part::reads).filter(|(_, shared)| !shared);
                (reads.map(|(read, _)| read).collect(), writes)
            }
            Step::Piece { work, part, parts } => return work.touches(*part, *parts),
            Step::Combine(combine) => {
                (vec![combine.sums], combine.targets.iter().map(|(to, _)| *to).collect())
            }
            Step::Fused { fused, .. } => {
                let reads = fused.reads.iter().chain(&fused.indices).copied().collect();
                (reads, fused.writes.clone())
            }
            Step::MatMul { a, b, out, scratch, .. } | Step::Convolution { a, b, out, scratch, .. } => {
                (vec![*a, *b], vec![*out, *scratch])
            }
            Step::Interleave { parts, out, .. } => (parts.iter().map(|part| part.0).collect(), vec![*out]),
            Step::Pad { operand, out, .. } => (vec![*operand], vec![*out]),
            Step::Gather { table, index, out, .. } => (vec![*table, *index], vec![*out]),
            Step::ScatterAdd { index, updates, out, .. } => (vec![*index, *updates], vec![*out]),
            Step::DrawIndex { out, .. } => (Vec::new(), vec![*out]),
            Step::Reference { operands, out, .. } => {
                (operands.iter().filter_map(|operand| operand.0).collect(), vec![*out])
            }
            Step::Copy { from, out } => (vec![*from], vec![*out]),
        };
        let spans = |values: Vec<Stored>| values.into_iter().map(Span::whole).collect();
        (spans(reads), spans(writes))
    }
}
