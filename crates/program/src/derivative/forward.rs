//! Forward mode: the derivative of values along given perturbations, one rule per primitive.

use crate::program::Id;
use crate::scope::Scope;
use crate::var::Var;

impl Scope {
    /// J·ẋ: the derivative of each of `ys` when each of `xs` moves along its tangent.
    pub fn jvp<'s>(&'s self, ys: &[Var<'s>], xs: &[Var<'s>], tangents: &[Var<'s>]) -> Vec<Var<'s>> {
        if self.has_failed() {
            return ys.to_vec();
        }
        if let Some((x, tangent)) = xs.iter().zip(tangents).find(|(x, tangent)| x.shape() != tangent.shape())
        {
            let x = x.shape();
            let tangent = tangent.shape();
            return vec![
                self.fail(format!("jvp: a variable {x:?} moves along a tangent {tangent:?}"));
                ys.len()
            ];
        }
        let moved = self.push_forward(ys, xs, tangents, &[]);
        ys.iter().zip(moved).map(|(y, tangent)| tangent.unwrap_or_else(|| y.zeros_like())).collect()
    }

    /// As [`Scope::jvp`], with None for what does not vary; what is between xs and ys and in `pushed` moves
    /// along the tangent there on top.
    pub(super) fn push_forward<'s>(
        &'s self,
        ys: &[Var<'s>],
        xs: &[Var<'s>],
        tangents: &[Var<'s>],
        pushed: &[(Id, Var<'s>)],
    ) -> Vec<Option<Var<'s>>> {
        let Some(last) = ys.iter().map(|y| y.id).max() else { return Vec::new() };
        let mut moved: Vec<Option<Var<'s>>> = vec![None; last + 1];
        let pinned: Vec<Id> = xs.iter().map(|x| x.id).collect();
        for (x, tangent) in xs.iter().zip(tangents).filter(|(x, _)| x.id <= last) {
            moved[x.id] = Some(*tangent);
        }
        for id in self.path(ys, &pinned, last) {
            let (op, inputs) = {
                let graph = self.graph.borrow();
                (graph.nodes[id].op.clone(), graph.nodes[id].inputs.clone())
            };
            let operands: Vec<Var> = inputs.iter().map(|id| Var { scope: self, id: *id }).collect();
            let operand_tangents: Vec<_> = inputs.iter().map(|id| moved[*id]).collect();
            moved[id] = op.jvp(&operands, Var { scope: self, id }, &operand_tangents);
            for (_, tangent) in pushed.iter().filter(|(place, _)| *place == id) {
                moved[id] = Some(moved[id].map_or(*tangent, |sum| sum + *tangent));
            }
        }
        ys.iter().map(|y| moved[y.id]).collect()
    }

    /// The nodes between `xs` and `ys`, in order: those that depend on xs and that ys depend on.
    pub(super) fn path(&self, ys: &[Var], xs: &[Id], last: Id) -> Vec<Id> {
        let graph = self.graph.borrow();
        let mut varies = vec![false; last + 1];
        let mut needed = vec![false; last + 1];
        xs.iter().filter(|x| **x <= last).for_each(|x| varies[*x] = true);
        ys.iter().for_each(|y| needed[y.id] = true);
        for id in 0..=last {
            varies[id] |= graph.nodes[id].inputs.iter().any(|input| varies[*input]);
        }
        for id in (0..=last).rev().filter(|id| varies[*id]) {
            if needed[id] {
                graph.nodes[id].inputs.iter().for_each(|input| needed[*input] = true);
            }
        }
        (0..=last).filter(|id| varies[*id] && needed[*id] && !xs.contains(id)).collect()
    }
}
