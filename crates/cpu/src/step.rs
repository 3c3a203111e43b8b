//! One step of a compiled program.

use enscore_program::random::Key;
use enscore_program::{Array, Node, Value};
use rayon::prelude::*;

use crate::argument::Options;
use crate::conv::{self, ConvGeometry};
use crate::crew::Span;
use crate::fused::{self, Fused};
use crate::lent::Memory;
use crate::math::Math;
use crate::matmul::{MatmulShape, matmul};
use crate::piece::{self, Combine};
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

    /// About how many nanoseconds one thread needs for all parts.
    fn cost(&self) -> f64 {
        match self {
            Part::Pass { fused, .. } => fused.cost(),
            Part::Product { shape, .. } => shape.cost(),
        }
    }

    fn name(&self) -> String {
        match self {
            Part::Pass { fused, names, .. } => format!("{} x [{names}]", fused.size),
            Part::Product { shape, .. } => name_of_product(shape),
        }
    }
}

/// `matmul A'B 64x32x16`: which operands are stored transposed; rows, depth and columns.
fn name_of_product(shape: &MatmulShape) -> String {
    let MatmulShape { batch, m, k, n, transpose_a, transpose_b, .. } = shape;
    let mark = |transposed: &bool| if *transposed { "'" } else { "" };
    let count = if *batch == 1 { String::new() } else { format!("{batch} of ") };
    format!("matmul A{}B{} {count}{m}x{k}x{n}", mark(transpose_a), mark(transpose_b))
}

/// `conv2d 3x3 of 32x28x28x64 to 64`: taps, images, channels; stride and dilation where they are not 1.
fn name_of_convolution(which: Convolution, geometry: &ConvGeometry) -> String {
    let ConvGeometry { batch, height, width, in_channels, out_channels, kernel, stride, dilation, .. } =
        geometry;
    let name = match which {
        Convolution::Forward => "conv2d",
        Convolution::InputGradient => "conv2d_input_gradient",
        Convolution::WeightGradient => "conv2d_weight_gradient",
    };
    let pair = |name: &str, [rows, columns]: &[usize; 2]| match (rows, columns) {
        (1, 1) => String::new(),
        _ => format!(", {name} {rows}x{columns}"),
    };
    let [rows, columns] = kernel;
    let (stride, dilation) = (pair("stride", stride), pair("dilation", dilation));
    format!(
        "{name} {rows}x{columns} of {batch}x{height}x{width}x{in_channels} to {out_channels}{stride}{dilation}"
    )
}

impl Step {
    pub(crate) fn name(&self) -> String {
        match self {
            Step::Fused { fused, names } => format!("fused {} x [{names}]", fused.size),
            Step::Band { work, parts } => {
                let names: Vec<String> = work.iter().map(Part::name).collect();
                format!("band of {parts}: {}", names.join(", "))
            }
            Step::Combine(combine) => format!("combine {}", combine.sums.1),
            Step::Piece { work, parts, .. } => format!("1 of {parts} parts: {}", work.name()),
            Step::MatMul { shape, .. } => name_of_product(shape),
            Step::Convolution { which, geometry, .. } => name_of_convolution(*which, geometry),
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

    /// About how many nanoseconds one thread needs.
    pub(crate) fn cost(&self) -> f64 {
        /// Of a step by itself, and of an element that is copied.
        const STEP: f64 = 300.0;
        const ELEMENT: f64 = 0.1;
        STEP + match self {
            Step::Fused { fused, .. } => fused.cost(),
            Step::Band { work, .. } => work.iter().map(Part::cost).sum(),
            Step::Piece { work, parts, .. } => work.cost() / *parts as f64,
            Step::MatMul { shape, .. } => shape.cost(),
            Step::Convolution { geometry, .. } => geometry.cost(),
            _ => self.touches().1.iter().map(|write| write.len as f64).sum::<f64>() * ELEMENT,
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
            Step::Piece { work, part, parts } => return piece::touches(work, *part, *parts),
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

/// Runs one step. Every value that it reads differs from every value that it writes: `compile` checked it.
pub(crate) fn run_step<T: Math>(step: &Step, memory: &Memory<T>, options: Options) {
    // SAFETY (all blocks below): a step's reads and writes are disjoint ranges, checked at compile time, and steps that run
    // at the same time don't touch what one of them writes, so a written slice is the only one of its value. The parts of a
    // band write their own rows, and read of what the band writes only what the same part wrote before.
    match step {
        Step::Fused { fused, .. } => {
            let slots = unsafe { memory.slots(fused) };
            fused::run(options.path, fused, &slots);
        }
        Step::Band { work, parts } => {
            let work: Vec<_> = work.iter().map(|work| unsafe { piece::Ready::new(work, memory) }).collect();
            (0..*parts).into_par_iter().with_max_len(1).for_each(|part| {
                work.iter().for_each(|work| unsafe { work.run(options.path, part, *parts) });
            });
        }
        Step::Combine(combine) => unsafe { combine.run(memory) },
        Step::Piece { work, part, parts } => unsafe {
            piece::Ready::new(work, memory).run(options.path, *part, *parts);
        },
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
