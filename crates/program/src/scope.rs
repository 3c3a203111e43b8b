//! A growing graph: where functions over symbolic variables are traced and differentiated.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use crate::op::Op;
use crate::primitive::arithmetic::Binary;
use crate::program::{Id, Input, Node, Program};
use crate::shape::{Kind, ShapeError};
use crate::simplify::Simpler;
use crate::var::Var;

/// A graph under construction. Equal applications are shared, so that a value is the same value wherever it
/// is computed, also for derivatives with respect to it; the first mistake is kept and returned by
/// [`Scope::finish`], so that tracing reads like the equations.
#[derive(Default)]
pub struct Scope {
    pub(crate) graph: RefCell<Graph>,
    next_stream: Cell<u32>,
}

#[derive(Default)]
pub(crate) struct Graph {
    pub(crate) nodes: Vec<Node>,
    pub(crate) inputs: Vec<Input>,
    tangents: usize,
    known: HashMap<(Op, Vec<Id>, Vec<usize>), Id>,
    error: Option<ShapeError>,
    /// Nothing is differentiated any more: algebra may look through values.
    is_final: bool,
}

impl Scope {
    /// A scope whose graph is empty.
    pub fn new() -> Self {
        Scope::default()
    }

    /// A value that the caller passes at run time. A key has shape `[]`.
    pub fn input(&self, name: &str, kind: Kind, shape: &[usize]) -> Var<'_> {
        let position = {
            let mut graph = self.graph.borrow_mut();
            if graph.inputs.iter().any(|input| input.name == name) {
                graph.fail(format!("two inputs are called {name:?}"));
            }
            graph.inputs.push(Input { name: name.to_string(), kind, shape: shape.to_vec() });
            graph.inputs.len() - 1
        };
        self.apply(Op::Input(position), &[], shape)
    }

    /// A scalar constant.
    pub fn constant(&self, value: f64) -> Var<'_> {
        self.apply(Op::Constant(value.to_bits()), &[], &[])
    }

    /// An array of constants in row-major order.
    pub fn table(&self, values: &[f64], shape: &[usize]) -> Var<'_> {
        self.apply(Op::Table(values.iter().map(|value| value.to_bits()).collect()), &[], shape)
    }

    /// The positions 0, 1, .. along `axis`, as indices.
    pub fn iota(&self, shape: &[usize], axis: usize) -> Var<'_> {
        self.apply(Op::Iota(axis), &[], shape)
    }

    /// A stream of random draws that no other call in this scope has.
    pub(crate) fn fresh_stream(&self) -> u32 {
        let stream = self.next_stream.get();
        self.next_stream.set(stream + 1);
        stream
    }

    /// Applies a primitive and shares the result with an equal application made before.
    pub(crate) fn apply<'s>(&'s self, op: Op, operands: &[Var<'s>], shape: &[usize]) -> Var<'s> {
        let mut graph = self.graph.borrow_mut();
        let inputs: Vec<Id> = operands.iter().map(|operand| operand.id).collect();
        let id = graph.apply(op, inputs, shape);
        Var { scope: self, id }
    }

    /// A leaf that stands for the perturbation of a variable of this shape.
    pub(crate) fn tangent(&self, shape: &[usize]) -> Var<'_> {
        let position = {
            let mut graph = self.graph.borrow_mut();
            graph.tangents += 1;
            graph.tangents - 1
        };
        self.apply(Op::Tangent(position), &[], shape)
    }

    /// Records a mistake, which [`Scope::finish`] returns unless there was one before, and gives a variable
    /// to go on with.
    pub fn fail(&self, message: String) -> Var<'_> {
        let mut graph = self.graph.borrow_mut();
        let id = graph.fail(message);
        Var { scope: self, id }
    }

    /// Whether a mistake was recorded: nothing that follows matters.
    pub(crate) fn has_failed(&self) -> bool {
        self.graph.borrow().error.is_some()
    }

    /// The program that computes `outputs`, or the first mistake made while tracing.
    pub fn finish(&self, outputs: &[(&str, Var)]) -> Result<Program, ShapeError> {
        let graph = self.graph.borrow();
        if let Some(error) = &graph.error {
            return Err(error.clone());
        }
        let (simplified, renumbered) = graph.simplified()?;
        let outputs: Vec<_> =
            outputs.iter().map(|(name, var)| (name.to_string(), renumbered[var.id])).collect();
        let program = Program::without_dead_nodes(&simplified.nodes, graph.inputs.clone(), &outputs);
        match program.nodes.iter().find(|node| matches!(node.op, Op::Tangent(_))) {
            Some(_) => Err(ShapeError("an output depends on a perturbation that was never supplied".into())),
            None => Ok(program),
        }
    }
}

impl Graph {
    /// Checks an application and adds it, or something simpler with the same value.
    fn apply(&mut self, op: Op, inputs: Vec<Id>, shape: &[usize]) -> Id {
        if self.error.is_some() {
            return 0;
        }
        if let Err(error) = self.check(&op, &inputs, shape) {
            return self.fail(error.0);
        }
        let simpler = self.simplify(&op, &inputs, shape).filter(|simpler| self.may_replace(simpler, &inputs));
        match simpler {
            None => self.add(op, inputs, shape),
            Some(Simpler::Known(id)) => id,
            Some(Simpler::Uniform(value)) => self.uniform_of(value, shape),
            Some(Simpler::Apply(op, inputs)) => self.apply(op, inputs, shape),
            Some(Simpler::Broadcast(op, inputs, narrow, axes)) => {
                let id = self.apply(op, inputs, &narrow);
                self.apply(Op::Broadcast(axes), vec![id], shape)
            }
            Some(Simpler::Scaled(id, scale)) => {
                let scale = self.uniform_of(scale, shape);
                self.apply(Op::Binary(Binary::Mul), vec![id, scale], shape)
            }
            Some(Simpler::Outer(column, row)) => {
                let sides = [(column, 0), (row, 1)].map(|(id, axis)| {
                    let flat = self.apply(Op::Reshape, vec![id], &shape[axis..=axis]);
                    self.apply(Op::Broadcast(vec![axis]), vec![flat], shape)
                });
                self.apply(Op::Binary(Binary::Mul), sides.to_vec(), shape)
            }
        }
    }

    /// While tracing, a value keeps reading the operands that it was applied to: somebody may yet
    /// differentiate with respect to one of them. With x = 2y, 3x must not become 6y before that.
    fn may_replace(&self, simpler: &Simpler, inputs: &[Id]) -> bool {
        self.is_final
            || match simpler {
                Simpler::Known(id) => inputs.contains(id),
                Simpler::Uniform(_) => true,
                Simpler::Apply(_, ids) => ids.iter().all(|id| inputs.contains(id)),
                Simpler::Broadcast(..) | Simpler::Scaled(..) | Simpler::Outer(..) => false,
            }
    }

    /// The same graph with all algebra applied, and each node's new number.
    fn simplified(&self) -> Result<(Graph, Vec<Id>), ShapeError> {
        let mut graph = Graph { inputs: self.inputs.clone(), is_final: true, ..Graph::default() };
        let mut renumbered = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            let inputs = node.inputs.iter().map(|id| renumbered[*id]).collect();
            renumbered.push(graph.apply(node.op.clone(), inputs, &node.shape));
        }
        match graph.error {
            Some(error) => Err(error),
            None => Ok((graph, renumbered)),
        }
    }

    fn uniform_of(&mut self, value: f64, shape: &[usize]) -> Id {
        let constant = self.add(Op::Constant(value.to_bits()), Vec::new(), &[]);
        if shape.is_empty() { constant } else { self.add(Op::Broadcast(Vec::new()), vec![constant], shape) }
    }

    fn check(&self, op: &Op, inputs: &[Id], shape: &[usize]) -> Result<Kind, ShapeError> {
        let operands: Vec<(Kind, &[usize])> =
            inputs.iter().map(|id| (self.nodes[*id].kind, self.nodes[*id].shape.as_slice())).collect();
        match op {
            Op::Input(position) => Ok(self.inputs[*position].kind),
            op => op.check(&operands, shape),
        }
    }

    /// Adds an application unless an equal one is known.
    fn add(&mut self, op: Op, inputs: Vec<Id>, shape: &[usize]) -> Id {
        let kind = self.check(&op, &inputs, shape);
        let kind = match kind {
            Ok(kind) => kind,
            Err(error) => return self.fail(error.0),
        };
        let next = self.nodes.len();
        let id = *self.known.entry((op.clone(), inputs.clone(), shape.to_vec())).or_insert(next);
        if id == next {
            self.nodes.push(Node { op, inputs, kind, shape: shape.to_vec() });
        }
        id
    }

    fn fail(&mut self, message: String) -> Id {
        if self.error.is_none() {
            self.error = Some(ShapeError(message));
        }
        if self.nodes.is_empty() {
            // A variable needs a node to point at even when the very first application is wrong.
            let op = Op::Constant(0f64.to_bits());
            self.nodes.push(Node { op, inputs: Vec::new(), kind: Kind::Float, shape: Vec::new() });
        }
        0
    }
}
