//! The program as the executor sees it: aliases resolved, reductions over contiguous axes only.

use enscore_program::{Id, Kind, Node, Op, Program};

/// How the executor treats a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// There before the program runs: an input or a constant.
    Source,
    /// Another name for its operand: a reshape.
    Alias,
    /// An element-by-element node, a strided view or random draws: computed tile by tile in one or more
    /// units.
    Fusable,
    /// A sum or maximum: the end of a fused unit.
    Reduce,
    /// Work of its own kind: a matrix product, a convolution, ..
    Kernel,
}

/// A reduction of `[outer, reduced, inner]` to `[outer, inner]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Form {
    pub(crate) outer: usize,
    pub(crate) reduced: usize,
    pub(crate) inner: usize,
}

impl Form {
    /// The form of a reduction over a contiguous run of axes.
    pub(crate) fn of(shape: &[usize], axes: &[usize]) -> Form {
        let first = axes[0];
        let last = axes[axes.len() - 1];
        let product = |extents: &[usize]| extents.iter().product();
        Form {
            outer: product(&shape[..first]),
            reduced: product(&shape[first..=last]),
            inner: product(&shape[last + 1..]),
        }
    }
}

pub(crate) struct Graph {
    pub(crate) nodes: Vec<Node>,
    pub(crate) classes: Vec<Class>,
    /// The node that holds a node's elements: itself, unless it is an alias.
    pub(crate) base: Vec<Id>,
    /// The nodes (no aliases) that read a base node.
    pub(crate) users: Vec<Vec<Id>>,
    pub(crate) outputs: Vec<Id>,
    /// Whether a node's elements may all be zeros and ones, as far as its operation tells.
    pub(crate) may_be_bits: Vec<bool>,
}

impl Graph {
    pub(crate) fn new(program: &Program) -> Graph {
        let (nodes, renumbered) = split_reductions(program.nodes());
        let classes: Vec<Class> = nodes.iter().map(|node| classify(node, &nodes)).collect();
        let mut base: Vec<Id> = (0..nodes.len()).collect();
        let mut users = vec![Vec::new(); nodes.len()];
        for (id, node) in nodes.iter().enumerate() {
            if classes[id] == Class::Alias {
                base[id] = base[node.inputs[0]];
                continue;
            }
            for input in &node.inputs {
                let users: &mut Vec<Id> = &mut users[base[*input]];
                if !users.contains(&id) {
                    users.push(id);
                }
            }
        }
        let outputs = program.outputs().iter().map(|(_, id)| renumbered[*id]).collect();
        let may_be_bits = may_be_bits(&nodes);
        Graph { nodes, classes, base, users, outputs, may_be_bits }
    }

    pub(crate) fn size(&self, id: Id) -> usize {
        self.nodes[id].size()
    }

    /// Whether the node reads its operand through strides.
    pub(crate) fn is_view(&self, id: Id) -> bool {
        matches!(self.nodes[id].op, Op::Broadcast(_) | Op::Transpose(_) | Op::Slice(_))
    }

    /// The one number that a node is made of, if it is a constant.
    pub(crate) fn constant(&self, id: Id) -> Option<f64> {
        match self.nodes[id].op {
            Op::Constant(bits) => Some(f64::from_bits(bits)),
            Op::Broadcast(_) => self.constant(self.base[self.nodes[id].inputs[0]]),
            _ => None,
        }
    }

    /// The base nodes that a node reads.
    pub(crate) fn operands(&self, id: Id) -> impl Iterator<Item = Id> + '_ {
        self.nodes[id].inputs.iter().map(|input| self.base[*input])
    }
}

/// Inputs may be anything; conditions as floats are bits, and so is what is cut and put together from bits.
fn may_be_bits(nodes: &[Node]) -> Vec<bool> {
    let mut bits: Vec<bool> = Vec::with_capacity(nodes.len());
    for node in nodes {
        let operand = |i: usize| bits[node.inputs[i]];
        let may = match &node.op {
            Op::Input(_) => node.kind == Kind::Float,
            Op::ToFloat => nodes[node.inputs[0]].kind == Kind::Bool,
            Op::Select => operand(1) || operand(2),
            Op::Concatenate(_) => (0..node.inputs.len()).all(operand),
            Op::Reshape
            | Op::StopGradient
            | Op::Slice(_)
            | Op::Transpose(_)
            | Op::Broadcast(_)
            | Op::Gather => operand(0),
            _ => false,
        };
        bits.push(may);
    }
    bits
}

fn classify(node: &Node, nodes: &[Node]) -> Class {
    match &node.op {
        Op::Input(_) | Op::Constant(_) | Op::Table(_) => Class::Source,
        Op::Reshape | Op::StopGradient => Class::Alias,
        Op::Iota(_) => Class::Kernel,
        // Indices live apart from floats; only their conversion takes part in fused work.
        Op::ToFloat if nodes[node.inputs[0]].kind == Kind::Index => Class::Fusable,
        _ if node.kind == Kind::Index => Class::Kernel,
        Op::Broadcast(_) | Op::Transpose(_) | Op::Slice(_) | Op::Random(..) => Class::Fusable,
        Op::Sum(_) | Op::Max(_) => Class::Reduce,
        op if op.is_elementwise() => Class::Fusable,
        _ => Class::Kernel,
    }
}

/// Replaces a reduction over several runs of axes by one reduction for each run, the last first.
fn split_reductions(nodes: &[Node]) -> (Vec<Node>, Vec<Id>) {
    let mut out: Vec<Node> = Vec::with_capacity(nodes.len());
    let mut renumbered = Vec::with_capacity(nodes.len());
    for node in nodes {
        let mut node = node.clone();
        node.inputs.iter_mut().for_each(|input| *input = renumbered[*input]);
        if let Op::Sum(axes) | Op::Max(axes) = &node.op {
            let mut runs: Vec<Vec<usize>> = Vec::new();
            for axis in axes {
                match runs.last_mut() {
                    Some(run) if run[run.len() - 1] + 1 == *axis => run.push(*axis),
                    _ => runs.push(vec![*axis]),
                }
            }
            let is_max = matches!(node.op, Op::Max(_));
            while runs.len() > 1 {
                let run = runs.pop().unwrap_or_default();
                let operand = node.inputs[0];
                let mut shape = out[operand].shape.clone();
                shape.drain(run[0]..=run[run.len() - 1]);
                let op = if is_max { Op::Max(run) } else { Op::Sum(run) };
                out.push(Node { op, inputs: vec![operand], kind: Kind::Float, shape });
                node.inputs[0] = out.len() - 1;
            }
            let run = runs.pop().unwrap_or_default();
            node.op = if is_max { Op::Max(run) } else { Op::Sum(run) };
        }
        renumbered.push(out.len());
        out.push(node);
    }
    (out, renumbered)
}
