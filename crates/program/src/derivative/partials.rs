//! First and second derivatives of the primitives that work element by element, from their one derivative
//! rule.
//!
//! The rule is applied to free variables in a scope of its own, and again to what it gave; the result is
//! replayed on the operands. In the graph itself an operand may be a function of another, or equal to its
//! derivative (as in (1/b)/b), and the second application would follow that connection.

use crate::op::Op;
use crate::program::{Node, Program};
use crate::scope::Scope;
use crate::shape::ShapeError;
use crate::var::Var;

/// ∂f/∂aᵢ and ∂²f/∂aᵢ∂aⱼ of f(a₁, a₂, ..), in the shape of its value; None where they are zero everywhere.
pub(super) struct Partials<'s> {
    pub(super) first: Vec<Option<Var<'s>>>,
    /// For i ≤ j.
    pub(super) second: Vec<(usize, usize, Var<'s>)>,
}

impl<'s> Partials<'s> {
    /// Of `output`, whose operands are among `arguments`, with respect to those of `arguments` that vary.
    pub(super) fn of(output: Var<'s>, arguments: &[Var<'s>], varies: &[bool]) -> Result<Self, ShapeError> {
        let (op, inputs) = output.application();
        let position = |input: &Var| arguments.iter().position(|argument| argument.id == input.id);
        let positions: Vec<usize> = inputs.iter().filter_map(position).collect();
        let program = free_partials(&op, &positions, arguments, varies)?;
        let values = program.replay(output.scope(), arguments);
        let mut partials = Partials { first: vec![None; arguments.len()], second: Vec::new() };
        for (name, id) in program.outputs().iter().filter(|(_, id)| !is_zero(&program, *id)) {
            let indices: Vec<usize> = name.split(' ').filter_map(|index| index.parse().ok()).collect();
            match indices.as_slice() {
                [i] => partials.first[*i] = Some(values[*id]),
                [i, j] => partials.second.push((*i, *j, values[*id])),
                _ => {}
            }
        }
        Ok(partials)
    }
}

/// The program from free arguments to the derivatives: output "i" is the first, "i j" the second.
fn free_partials(
    op: &Op,
    positions: &[usize],
    arguments: &[Var],
    varies: &[bool],
) -> Result<Program, ShapeError> {
    let scope = Scope::new();
    let free: Vec<Var> = arguments
        .iter()
        .enumerate()
        .map(|(i, argument)| scope.input(&i.to_string(), argument.kind(), &argument.shape()))
        .collect();
    let operands: Vec<Var> = positions.iter().map(|position| free[*position]).collect();
    let value = scope.apply(op.clone(), &operands, &arguments[0].shape());
    let varying: Vec<usize> = (0..free.len()).filter(|i| varies[*i]).collect();
    let along = |y: Var, i: usize| {
        let x = free[i];
        scope.push_forward(&[Var { scope: &scope, id: y.id }], &[x], &[x.full_like(1.0)], &[])[0]
    };
    let mut outputs = Vec::new();
    for (place, i) in varying.iter().enumerate() {
        let Some(first) = along(value, *i) else { continue };
        outputs.push((i.to_string(), first));
        for j in &varying[place..] {
            outputs.extend(along(first, *j).map(|second| (format!("{i} {j}"), second)));
        }
    }
    let outputs: Vec<(&str, Var)> = outputs.iter().map(|(name, var)| (name.as_str(), *var)).collect();
    scope.finish(&outputs)
}

/// Whether the node is zero everywhere, as the algebra of a finished program shows.
fn is_zero(program: &Program, id: usize) -> bool {
    match &program.nodes()[id] {
        Node { op: Op::Constant(bits), .. } => f64::from_bits(*bits) == 0.0,
        Node { op: Op::Broadcast(_) | Op::Reshape, inputs, .. } => is_zero(program, inputs[0]),
        _ => false,
    }
}

impl Program {
    /// Adds the program's nodes to a scope, with `arguments` for its inputs; the variable of each node.
    fn replay<'s>(&self, scope: &'s Scope, arguments: &[Var<'s>]) -> Vec<Var<'s>> {
        let mut values: Vec<Var<'s>> = Vec::with_capacity(self.nodes().len());
        for node in self.nodes() {
            values.push(match node.op {
                Op::Input(position) => arguments[position],
                _ => {
                    let operands: Vec<Var> = node.inputs.iter().map(|id| values[*id]).collect();
                    scope.apply(node.op.clone(), &operands, &node.shape)
                }
            });
        }
        values
    }
}
