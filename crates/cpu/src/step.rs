//! One step of a compiled program.

use enscore_program::random::Key;
use enscore_program::{Array, Node, Value};
use rayon::prelude::*;

use crate::argument::Options;
use crate::conv::{self, ConvGeometry};
use crate::fused::{self, Fused, Readable, Slots};
use crate::lent::Memory;
use crate::math::Math;
use crate::matmul::{MatmulShape, matmul, multiply_rows};
use crate::plan::Place;
use crate::random;

/// A value in memory: where, and how many elements.
pub(crate) type Stored = (Place, usize);

/// Which of the three convolutions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Convolution {
    Forward,
    InputGradient,
    WeightGradient,
}

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
    MatMul {
        shape: MatmulShape,
        a: Stored,
        b: Stored,
        out: Stored,
        scratch: Stored,
    },
    Convolution {
        which: Convolution,
        geometry: ConvGeometry,
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
        operands: Vec<(Option<Stored>, Vec<usize>, enscore_program::Kind)>,
        out: Stored,
    },
    Copy {
        from: Stored,
        out: Stored,
    },
}

/// What each part of a band does, one after another.
#[derive(Debug)]
pub(crate) enum Part {
    Pass {
        fused: Fused,
        names: String,
    },
    /// The part's rows of a product; `shape` is that of one part.
    Product {
        shape: MatmulShape,
        a: Stored,
        b: Stored,
        out: Stored,
        /// Whether the band itself writes the first operand.
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

    /// Values that are read whole: what the band itself writes is the concern of its parts.
    fn reads(&self) -> Vec<Stored> {
        match self {
            Part::Pass { fused, .. } => {
                let own = fused.reads.iter().zip(&fused.shared).filter(|(_, shared)| !**shared);
                own.map(|(read, _)| read).chain(&fused.indices).copied().collect()
            }
            Part::Product { a, b, shared, .. } => {
                if *shared {
                    vec![*b]
                } else {
                    vec![*a, *b]
                }
            }
        }
    }

    fn name(&self) -> String {
        match self {
            Part::Pass { fused, names } => format!("{} x [{names}]", fused.size),
            Part::Product { shape: MatmulShape { m, k, n, .. }, .. } => format!("matmul {m}x{k}x{n}"),
        }
    }
}

impl Step {
    pub(crate) fn name(&self) -> String {
        match self {
            Step::Fused { fused, names } => format!("fused {} x [{names}]", fused.size),
            Step::Band { work, parts } => {
                let names: Vec<String> = work.iter().map(Part::name).collect();
                format!("band of {parts}: {}", names.join(", "))
            }
            Step::MatMul { shape, .. } => format!("matmul {shape:?}"),
            Step::Convolution { which, geometry, .. } => format!("conv {which:?} {geometry:?}"),
            Step::Interleave { out, .. } => format!("concatenate {}", out.1),
            Step::Pad { out, .. } => format!("pad {}", out.1),
            Step::Gather { out, .. } => format!("gather {}", out.1),
            Step::ScatterAdd { out, .. } => format!("scatter_add {}", out.1),
            Step::DrawIndex { out, .. } => format!("random index {}", out.1),
            Step::Reference { node, .. } => format!("reference {}", node.op.name()),
            Step::Copy { out, .. } => format!("copy {}", out.1),
        }
    }

    /// Whether the step may be shared out to several threads.
    pub(crate) fn is_wide(&self) -> bool {
        match self {
            Step::Fused { fused, .. } => fused::is_wide(fused),
            Step::MatMul { shape, .. } => shape.is_wide(),
            Step::Convolution { .. } | Step::Band { .. } => true,
            _ => false,
        }
    }

    /// Values that the step reads and values that it writes, for the check that none is both.
    pub(crate) fn touches(&self) -> (Vec<Stored>, Vec<Stored>) {
        match self {
            Step::Fused { fused, .. } => {
                let reads = fused.reads.iter().chain(&fused.indices).copied().collect();
                (reads, fused.writes.clone())
            }
            Step::Band { work, .. } => {
                let writes = work.iter().flat_map(Part::writes).copied();
                (work.iter().flat_map(Part::reads).collect(), writes.collect())
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
        }
    }
}

/// Runs one step. Every value that it reads differs from every value that it writes: `compile` checked it.
pub(crate) fn run_step<T: Math>(step: &Step, memory: &Memory<T>, options: Options) {
    // SAFETY (all blocks below): a step's reads and writes are disjoint ranges, checked at compile time, and steps
    // run one after another, so a written slice is the only one of its value.
    match step {
        Step::Fused { fused, .. } => {
            let writes = unsafe { memory.writables(fused.writes.iter()) };
            let slots = unsafe { memory.slots(fused, &writes) };
            fused::run(options.path, fused, &slots);
        }
        Step::Band { work, parts } => {
            let writes = unsafe { memory.writables(work.iter().flat_map(Part::writes)) };
            let slots = |part: &Part| match part {
                Part::Pass { fused, .. } => Some(unsafe { memory.slots(fused, &writes) }),
                Part::Product { .. } => None,
            };
            let slots: Vec<Option<Slots<T>>> = work.iter().map(slots).collect();
            let rows = |place: &Stored, shared: bool| {
                let value = writes.get(&place.0).filter(|_| shared).map(|written| Readable::of(*written));
                value.unwrap_or_else(|| Readable::new(unsafe { memory.floats(*place) }))
            };
            let products = |part: &Part| match part {
                Part::Product { a, b, out, shared, .. } => {
                    Some((rows(a, *shared), unsafe { memory.floats(*b) }, writes[&out.0]))
                }
                Part::Pass { .. } => None,
            };
            let operands: Vec<Option<_>> = work.iter().map(products).collect();
            (0..*parts).into_par_iter().with_max_len(1).for_each(|part| {
                for ((work, slots), operands) in work.iter().zip(&slots).zip(&operands) {
                    match (work, slots, operands) {
                        (Part::Pass { fused, .. }, Some(slots), _) => {
                            fused::run_part(options.path, fused, slots, part, *parts);
                        }
                        (Part::Product { shape, .. }, _, Some((a, b, out))) => {
                            let (read, written) = (shape.m * shape.k, shape.m * shape.n);
                            // SAFETY: of a value that the band writes only this part is read, which this task wrote
                            // before; each task writes its own rows.
                            let (a, out) = unsafe {
                                (a.stretch(part * read, read), out.stretch(part * written, written))
                            };
                            multiply_rows(*shape, a, b, out);
                        }
                        _ => {}
                    }
                }
            });
        }
        Step::MatMul { shape, a, b, out, scratch } => unsafe {
            matmul(
                *shape,
                memory.floats(*a),
                memory.floats(*b),
                memory.floats_mut(*out),
                memory.floats_mut(*scratch),
            );
        },
        Step::Convolution { which, geometry: g, a, b, out, scratch } => {
            let (a, b) = unsafe { (memory.floats(*a), memory.floats(*b)) };
            let (out, scratch) = unsafe { (memory.floats_mut(*out), memory.floats_mut(*scratch)) };
            match which {
                Convolution::Forward => conv::forward(g, options.conv, a, b, out, scratch),
                Convolution::InputGradient => conv::input_gradient(g, options.conv, a, b, out, scratch),
                Convolution::WeightGradient => conv::weight_gradient(g, options.conv, a, b, out, scratch),
            }
        }
        Step::Interleave { parts, stride, out } => {
            let out = unsafe { memory.floats_mut(*out) };
            for (operand, len, offset) in parts {
                let operand = unsafe { memory.floats(*operand) };
                for (block, out) in operand.chunks_exact(*len).zip(out.chunks_exact_mut(*stride)) {
                    out[*offset..offset + len].copy_from_slice(block);
                }
            }
        }
        Step::Pad { operand, shape, edges, out } => unsafe {
            pad(memory.floats(*operand), shape, edges, memory.floats_mut(*out));
        },
        Step::Gather { table, index, rows, out } => unsafe {
            let (table, index, out) =
                (memory.floats(*table), memory.indices(*index), memory.floats_mut(*out));
            let len = table.len() / rows;
            for (index, out) in index.iter().zip(out.chunks_exact_mut(len)) {
                let row = (index.max(&0).unsigned_abs() as usize).min(rows - 1);
                out.copy_from_slice(&table[row * len..(row + 1) * len]);
            }
        },
        Step::ScatterAdd { index, updates, rows, out } => unsafe {
            let (index, updates, out) =
                (memory.indices(*index), memory.floats(*updates), memory.floats_mut(*out));
            let len = out.len() / rows;
            out.fill(T::ZERO);
            for (index, update) in index.iter().zip(updates.chunks_exact(len)) {
                let row = (index.max(&0).unsigned_abs() as usize).min(rows - 1);
                out[row * len..].iter_mut().zip(update).for_each(|(out, update)| *out += *update);
            }
        },
        Step::DrawIndex { bound, stream, row_len, key, out } => {
            let out = unsafe { memory.indices_mut(*out) };
            random::fill_index(options.path, *bound, memory.key(*key), *stream, *row_len, 0, out);
        }
        Step::Reference { node, operands, out } => reference(memory, node, operands, *out),
        Step::Copy { from, out } => unsafe { memory.floats_mut(*out).copy_from_slice(memory.floats(*from)) },
    }
}

/// Copies the rows of `operand` of this `shape` into zeros, `edges` in from each side.
fn pad<T: Math>(operand: &[T], shape: &[usize], edges: &[(usize, usize)], out: &mut [T]) {
    out.fill(T::ZERO);
    let Some((row, outer)) = shape.split_last() else { return out.copy_from_slice(operand) };
    let full: Vec<usize> = shape.iter().zip(edges).map(|(extent, (low, high))| low + extent + high).collect();
    let strides = enscore_program::strides(&full);
    for (number, values) in operand.chunks_exact(*row).enumerate() {
        let mut rest = number;
        let mut at = edges[outer.len()].0;
        for axis in (0..outer.len()).rev() {
            at += (rest % outer[axis] + edges[axis].0) * strides[axis];
            rest /= outer[axis];
        }
        out[at..at + row].copy_from_slice(values);
    }
}

fn reference<T: Math>(
    memory: &Memory<T>,
    node: &Node,
    operands: &[(Option<Stored>, Vec<usize>, enscore_program::Kind)],
    out: Stored,
) {
    use enscore_program::Kind;
    let value = |(stored, _, kind): &(Option<Stored>, Vec<usize>, Kind)| {
        let Some(stored) = *stored else { return Value::Float(Vec::new()) };
        // SAFETY: operands are only read.
        unsafe {
            match kind {
                Kind::Float => Value::Float(memory.floats(stored).iter().map(|x| x.to_f64()).collect()),
                Kind::Bool => Value::Bool(memory.floats(stored).iter().map(|x| *x > T::ZERO).collect()),
                Kind::Index => Value::Index(memory.indices(stored).to_vec()),
                Kind::Key => {
                    Value::Key(if let Place::Input(i) = stored.0 { memory.key(i) } else { Key::default() })
                }
            }
        }
    };
    let values: Vec<Value> = operands.iter().map(value).collect();
    let arrays: Vec<Array> =
        values.iter().zip(operands).map(|(value, operand)| Array { value, shape: &operand.1 }).collect();
    let result = node.op.reference(&arrays, &node.shape);
    // SAFETY: the result is written to its own place, after the operands were copied.
    unsafe {
        match result {
            Value::Float(values) => {
                memory.floats_mut(out).iter_mut().zip(values).for_each(|(out, x)| *out = T::from_f64(x));
            }
            Value::Bool(values) => {
                let truth = |x| if x { T::ONE } else { T::ZERO };
                memory.floats_mut(out).iter_mut().zip(values).for_each(|(out, x)| *out = truth(x));
            }
            Value::Index(values) => memory.indices_mut(out).copy_from_slice(&values),
            Value::Key(_) => {}
        }
    }
}
