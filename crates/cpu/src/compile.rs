//! From a program to steps with places: the planner's results put together.

use std::collections::{BTreeMap, HashMap};

use enscore_program::executor::ExecutorError;
use enscore_program::{Id, Input, Kind, Op, Program};

use crate::argument::Options;
use crate::band::{Band, bands};
use crate::conv::{ConvGeometry, Convolution, Direction};
use crate::fused::{self, Fused};
use crate::math::Math;
use crate::matmul::{MatmulShape, Products, bf16, scratch_len};
use crate::plan::{Class, Graph, Grouping, Place, Request, Stored, place};
use crate::run::{self, Order};
use crate::step::{Part, Step, piece};

/// A planned program.
pub(crate) struct Compiled<T> {
    pub(crate) steps: Vec<Step>,
    /// How a crew of threads runs the steps, where that is worth it.
    pub(crate) order: Option<Order>,
    /// Whether any step is shared out to several threads.
    pub(crate) wide: bool,
    pub(crate) inputs: Vec<Input>,
    pub(crate) output_lengths: Vec<usize>,
    pub(crate) constants: Vec<T>,
    /// Elements of the arena.
    pub(crate) arena: usize,
    /// Elements of partial sums, in double precision.
    pub(crate) sums: usize,
    /// The index arena as it is before a run: constant indices stand in it.
    pub(crate) index_start: Vec<i32>,
}

pub(crate) fn compile<T: Math>(program: &Program, options: Options) -> Result<Compiled<T>, ExecutorError> {
    let graph = Graph::new(program);
    refuse_unsupported(program, &graph, options)?;
    let grouping = Grouping::new(&graph);
    let places = HashMap::new();
    let constants = Vec::new();
    let mut plan = Plan { graph: &graph, grouping: &grouping, places, constants, options };
    plan.place_sources();
    let output_of = plan.place_outputs();
    let index_start = plan.place_indices();
    let bands = bands(&graph, &grouping);
    let (arena, scratch) = plan.place_arena::<T>(&bands);
    let mut steps = Vec::new();
    for band in &bands {
        steps.extend(match band.units[..] {
            [unit] => plan.step(unit, scratch.get(&unit).copied().unwrap_or((Place::Arena(0), 0))),
            _ => Some(plan.band(band)),
        });
    }
    for (position, id) in graph.outputs.iter().enumerate() {
        let base = graph.base[*id];
        if output_of.get(&base) != Some(&position) {
            steps.push(Step::Copy {
                from: plan.stored(base),
                out: (Place::Output(position), graph.size(base)),
            });
        }
    }
    let crew = run::is_worth_it(&steps);
    let mut sums = 0;
    if crew {
        (steps, sums) = piece::cut(steps);
    } else if steps.iter().any(Step::is_wide) {
        steps = piece::share(steps);
    }
    refuse_overlap(&steps)?;
    Ok(Compiled {
        order: crew.then(|| Order::new(&steps)),
        wide: steps.iter().any(Step::is_wide),
        steps,
        inputs: program.inputs().to_vec(),
        output_lengths: graph.outputs.iter().map(|id| graph.size(*id)).collect(),
        constants: plan.constants.iter().map(|x| T::from_f64(*x)).collect(),
        arena,
        sums,
        index_start,
    })
}

fn refuse_unsupported(program: &Program, graph: &Graph, options: Options) -> Result<(), ExecutorError> {
    if options.products == Products::Bf16 && !bf16::is_available() {
        return Err(ExecutorError("products in bf16: this processor has no AVX-512 BF16".into()));
    }
    if let Some(node) = graph.nodes.iter().find(|node| node.size() == 0) {
        return Err(ExecutorError(format!("{}: an empty value of shape {:?}", node.op.name(), node.shape)));
    }
    if let Some(node) = graph.nodes.iter().find(|node| node.shape.len() > fused::MAX_AXES) {
        return Err(ExecutorError(format!("{}: more than {} axes", node.op.name(), fused::MAX_AXES)));
    }
    let is_float = |id: Id| matches!(program.nodes()[id].kind, Kind::Float | Kind::Bool);
    match program.outputs().iter().find(|(_, id)| !is_float(*id)) {
        Some((name, _)) => Err(ExecutorError(format!("output {name:?} is not made of floats; convert it"))),
        None => Ok(()),
    }
}

/// No step may write what it reads, or write one element twice: kernels rely on it.
fn refuse_overlap(steps: &[Step]) -> Result<(), ExecutorError> {
    for step in steps {
        let (reads, writes) = step.touches();
        for (i, write) in writes.iter().enumerate() {
            if reads.iter().chain(&writes[i + 1..]).any(|other| write.overlaps(other)) {
                return Err(ExecutorError(format!("{}: planned over its own operands", step.name())));
            }
        }
    }
    Ok(())
}

/// What room in the arena is for.
enum Owner {
    /// A value that a unit stores.
    Value(Id),
    /// Work space of a unit's kernel.
    Scratch { unit: usize, len: usize },
}

struct Plan<'a> {
    graph: &'a Graph,
    grouping: &'a Grouping,
    places: HashMap<Id, Place>,
    constants: Vec<f64>,
    options: Options,
}

impl Plan<'_> {
    fn stored(&self, id: Id) -> Stored {
        let base = self.graph.base[id];
        (self.places.get(&base).copied().unwrap_or(Place::Constant(0)), self.graph.size(base))
    }

    /// Inputs stay where the caller has them; constants that are read from memory are laid side by side.
    fn place_sources(&mut self) {
        for (id, node) in self.graph.nodes.iter().enumerate() {
            let values: Vec<f64> = match &node.op {
                Op::Input(position) => {
                    self.places.insert(id, Place::Input(*position));
                    continue;
                }
                Op::Constant(bits) => vec![f64::from_bits(*bits)],
                Op::Table(bits) => bits.iter().map(|bits| f64::from_bits(*bits)).collect(),
                _ => continue,
            };
            self.places.insert(id, Place::Constant(self.constants.len()));
            self.constants.extend(values);
        }
    }

    /// A computed output is written where the caller wants it; a second name for it is copied at the end.
    fn place_outputs(&mut self) -> HashMap<Id, usize> {
        let mut output_of = HashMap::new();
        for (position, id) in self.graph.outputs.iter().enumerate() {
            let base = self.graph.base[*id];
            if self.grouping.stored_in[base].is_some() && !output_of.contains_key(&base) {
                output_of.insert(base, position);
                self.places.insert(base, Place::Output(position));
            }
        }
        output_of
    }

    /// Indices are few: each has its own room, and those known beforehand are filled in once.
    fn place_indices(&mut self) -> Vec<i32> {
        let mut start = Vec::new();
        for (id, node) in self.graph.nodes.iter().enumerate() {
            if node.kind != Kind::Index || self.graph.classes[id] != Class::Kernel {
                continue;
            }
            self.places.insert(id, Place::Index(start.len()));
            match &node.op {
                Op::Iota(_) => start.extend_from_slice(node.op.reference(&[], &node.shape).indices()),
                _ => start.extend(std::iter::repeat_n(0, node.size())),
            }
        }
        start
    }

    /// Gives every value that a unit stores, and the scratch of kernels, room in the arena.
    fn place_arena<T: Math>(&mut self, bands: &[Band]) -> (usize, BTreeMap<usize, Stored>) {
        // Parts of a band are in different units at any moment, so its values live as long as the band.
        let mut time = vec![0; self.grouping.units.len()];
        for (when, band) in bands.iter().enumerate() {
            band.units.iter().for_each(|unit| time[*unit] = when);
        }
        let mut last_read: HashMap<Id, usize> = HashMap::new();
        for (unit, members) in self.grouping.units.iter().enumerate().map(|(i, unit)| (i, &unit.members)) {
            for id in members.iter().flat_map(|id| self.graph.operands(*id)) {
                let last = last_read.entry(id).or_default();
                *last = time[unit].max(*last);
            }
        }
        let mut requests = Vec::new();
        let mut owners = Vec::new();
        let outputs: Vec<Id> = self.graph.outputs.iter().map(|id| self.graph.base[*id]).collect();
        for (id, unit) in self.grouping.stored_in.iter().enumerate() {
            let Some(unit) = unit.filter(|_| !self.places.contains_key(&id)) else { continue };
            let first = time[unit];
            let last =
                if outputs.contains(&id) { bands.len() } else { *last_read.get(&id).unwrap_or(&first) };
            requests.push(Request { len: self.graph.size(id), first, last: last.max(first) });
            owners.push(Owner::Value(id));
        }
        for unit in bands.iter().flat_map(|band| &band.units) {
            let len = self.scratch::<T>(*unit);
            if len > 0 {
                requests.push(Request { len, first: time[*unit], last: time[*unit] });
                owners.push(Owner::Scratch { unit: *unit, len });
            }
        }
        let layout = place(&requests);
        let mut scratch = BTreeMap::new();
        for (owner, offset) in owners.into_iter().zip(layout.offsets) {
            match owner {
                Owner::Value(id) => {
                    self.places.insert(id, Place::Arena(offset));
                }
                Owner::Scratch { unit, len } => {
                    scratch.insert(unit, (Place::Arena(offset), len));
                }
            }
        }
        (layout.len, scratch)
    }

    /// Elements of work space that a unit's kernel needs.
    fn scratch<T: Math>(&self, unit: usize) -> usize {
        let Some(id) = self.grouping.units[unit].kernel else { return 0 };
        if let Some(shape) = self.matmul_shape(id) {
            return scratch_len(shape);
        }
        self.convolution(id).map_or(0, |convolution| convolution.scratch::<T>())
    }

    fn matmul_shape(&self, id: Id) -> Option<MatmulShape> {
        let node = &self.graph.nodes[id];
        let Op::MatMul { transpose_a, transpose_b } = node.op else { return None };
        let a = &self.graph.nodes[node.inputs[0]].shape;
        let rank = a.len();
        let m = node.shape[rank - 2];
        let n = node.shape[rank - 1];
        let k = a[if transpose_a { rank - 2 } else { rank - 1 }];
        let batch = a[..rank - 2].iter().product();
        let bits = self.graph.may_be_bits[node.inputs[0]];
        Some(MatmulShape { batch, m, k, n, transpose_a, transpose_b, bits, products: self.options.products })
    }

    fn convolution(&self, id: Id) -> Option<Convolution> {
        let node = &self.graph.nodes[id];
        let shape = |i: usize| &self.graph.nodes[node.inputs[i]].shape;
        let (direction, conv, x, w) = match &node.op {
            Op::Conv2d(conv) => (Direction::Forward, conv, shape(0), shape(1)),
            Op::Conv2dInputGradient(conv) => (Direction::InputGradient, conv, &node.shape, shape(1)),
            Op::Conv2dWeightGradient(conv) => (Direction::WeightGradient, conv, shape(0), &node.shape),
            _ => return None,
        };
        let geometry = ConvGeometry {
            batch: x[0],
            height: x[1],
            width: x[2],
            in_channels: x[3],
            out_channels: w[3],
            kernel: [w[0], w[1]],
            stride: conv.stride,
            padding: conv.padding,
            dilation: conv.dilation,
        };
        Some(Convolution { direction, geometry, algorithm: self.options.conv })
    }

    /// The instructions of a fused unit, and the names of what it computes.
    fn pass(&self, unit: usize) -> (Fused, String) {
        let place = |id: Id| self.places.get(&self.graph.base[id]).copied().unwrap_or(Place::Constant(0));
        let fused = fused::build(self.graph, self.grouping, unit, &place);
        let names: Vec<&str> =
            self.grouping.units[unit].members.iter().map(|id| self.graph.nodes[*id].op.name()).collect();
        (fused, names.join(" "))
    }

    fn band(&self, band: &Band) -> Step {
        let part = |unit: &usize| match self.grouping.units[*unit].kernel {
            Some(id) => {
                let a = self.graph.nodes[id].inputs[0];
                let b = self.graph.nodes[id].inputs[1];
                let shape = self.matmul_shape(id)?;
                let shape = MatmulShape { batch: 1, ..shape };
                let a = self.stored(a);
                let b = self.stored(b);
                let out = self.stored(id);
                Some(Part::Product { shape, a, b, out, shared: false })
            }
            None => {
                let (fused, names) = self.pass(*unit);
                Some(Part::Pass { fused, names, sums: None })
            }
        };
        let mut parts: Vec<Part> = band.units.iter().filter_map(part).collect();
        let written: Vec<Stored> = parts.iter().flat_map(Part::writes).copied().collect();
        for part in &mut parts {
            match part {
                Part::Pass { fused, .. } => {
                    fused.shared = fused.reads.iter().map(|read| written.contains(read)).collect();
                }
                Part::Product { a, shared, .. } => *shared = written.contains(a),
            }
        }
        Step::Band { work: parts, parts: band.parts }
    }

    fn step(&self, unit: usize, scratch: Stored) -> Option<Step> {
        let Some(id) = self.grouping.units[unit].kernel else {
            let (fused, names) = self.pass(unit);
            return Some(Step::Fused { fused, names });
        };
        let node = &self.graph.nodes[id];
        let operand = |i: usize| self.stored(node.inputs[i]);
        let shape = |i: usize| &self.graph.nodes[node.inputs[i]].shape;
        let out = self.stored(id);
        let product = |extents: &[usize]| extents.iter().product::<usize>();
        if let Some(shape) = self.matmul_shape(id) {
            return Some(Step::MatMul { shape, a: operand(0), b: operand(1), out, scratch });
        }
        if let Some(convolution) = self.convolution(id) {
            return Some(Step::Convolution { convolution, a: operand(0), b: operand(1), out, scratch });
        }
        Some(match &node.op {
            // Filled in once, before the first run.
            Op::Iota(_) => return None,
            Op::Concatenate(axis) => {
                let mut offset = 0;
                let part = |i: usize| {
                    let len = product(&shape(i)[*axis..]);
                    offset += len;
                    (operand(i), len, offset - len)
                };
                let parts = (0..node.inputs.len()).map(part).collect();
                Step::Interleave { parts, stride: product(&node.shape[*axis..]), out }
            }
            Op::Pad(edges) => {
                Step::Pad { operand: operand(0), shape: shape(0).clone(), edges: edges.clone(), out }
            }
            Op::Gather => Step::Gather { table: operand(0), index: operand(1), rows: shape(0)[0], out },
            Op::ScatterAdd => {
                Step::ScatterAdd { index: operand(0), updates: operand(1), rows: node.shape[0], out }
            }
            Op::Random(enscore_program::Distribution::Index(bound), stream) => {
                let Place::Input(key) = operand(0).0 else { return None };
                let row_len = product(&node.shape[1..]);
                Step::DrawIndex { bound: *bound, stream: *stream, row_len, key, out }
            }
            _ => {
                let operands = (0..node.inputs.len())
                    .map(|i| (Some(operand(i)), shape(i).clone(), self.graph.nodes[node.inputs[i]].kind))
                    .collect();
                Step::Reference { node: Box::new(node.clone()), operands, out }
            }
        })
    }
}
