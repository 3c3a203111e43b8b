//! Reverse mode: linearise with forward mode, then transpose the linear part.
//!
//! Each primitive has one derivative rule (its JVP), and a transpose rule where it is linear; a VJP is the
//! two together (Radul, Paszke, Frostig, Johnson and Maclaurin 2023, "You only linearize once").

use crate::program::Id;
use crate::scope::Scope;
use crate::var::Var;

impl Scope {
    /// ∇ₓ y for each of `xs`, for a scalar y.
    pub fn gradient<'s>(&'s self, y: Var<'s>, xs: &[Var<'s>]) -> Vec<Var<'s>> {
        if !y.shape().is_empty() {
            let shape = y.shape();
            return vec![
                self.fail(format!("gradient of a value of shape {shape:?}: sum it first"));
                xs.len()
            ];
        }
        self.vjp(&[y], xs, &[self.constant(1.0)])
    }

    /// ȳ·J: the cotangent of each of `xs`, given one for each of `ys`.
    pub fn vjp<'s>(&'s self, ys: &[Var<'s>], xs: &[Var<'s>], cotangents: &[Var<'s>]) -> Vec<Var<'s>> {
        self.vjp_with(ys, xs, cotangents, &[]).0
    }

    /// As [`Scope::vjp`], with the cotangents of values `at` between xs and ys beside; None where they are
    /// zero.
    pub(super) fn vjp_with<'s>(
        &'s self,
        ys: &[Var<'s>],
        xs: &[Var<'s>],
        cotangents: &[Var<'s>],
        at: &[Id],
    ) -> (Vec<Var<'s>>, Vec<Option<Var<'s>>>) {
        let none = || vec![None; at.len()];
        if self.has_failed() {
            return (xs.to_vec(), none());
        }
        if let Some((y, cotangent)) = ys.iter().zip(cotangents).find(|(y, c)| y.shape() != c.shape()) {
            let y = y.shape();
            let cotangent = cotangent.shape();
            let failed = self.fail(format!("vjp: a value {y:?} has a cotangent {cotangent:?}"));
            return (vec![failed; xs.len()], none());
        }
        let tangents: Vec<Var> = xs.iter().map(|x| self.tangent(&x.shape())).collect();
        let shape = |id: Id| Var { scope: self, id }.shape();
        let pushed: Vec<(Id, Var)> = at.iter().map(|id| (*id, self.tangent(&shape(*id)))).collect();
        let moved = self.push_forward(ys, xs, &tangents, &pushed);
        if self.has_failed() {
            return (xs.to_vec(), none());
        }
        let leaves: Vec<Var> = tangents.iter().copied().chain(pushed.iter().map(|(_, leaf)| *leaf)).collect();
        let linear = self.linear_part(&leaves);
        let first = linear.first;
        let mut pending: Vec<Option<Var<'s>>> = vec![None; linear.depends.len()];
        for (moved, cotangent) in moved.into_iter().zip(cotangents) {
            if let Some(moved) = moved.filter(|moved| linear.contains(moved.id)) {
                accumulate(&mut pending[moved.id - first], *cotangent);
            }
        }
        for id in (first..first + linear.depends.len()).rev().filter(|id| linear.contains(*id)) {
            if let Some(cotangent) = pending[id - first] {
                self.pull_back(id, cotangent, &linear, &mut pending);
            }
        }
        let of = |leaf: &Var<'s>| pending.get(leaf.id - first).copied().flatten();
        let results = xs.iter().zip(&tangents).map(|(x, leaf)| of(leaf).unwrap_or_else(|| x.zeros_like()));
        (results.collect(), pushed.iter().map(|(_, leaf)| of(leaf)).collect())
    }

    /// Hands the cotangent of node `id` on to the operands that it is linear in.
    fn pull_back<'s>(&'s self, id: Id, cotangent: Var<'s>, linear: &Linear, pending: &mut [Option<Var<'s>>]) {
        let (op, inputs) = {
            let graph = self.graph.borrow();
            (graph.nodes[id].op.clone(), graph.nodes[id].inputs.clone())
        };
        if inputs.is_empty() {
            return;
        }
        let operands: Vec<Var> = inputs.iter().map(|id| Var { scope: self, id: *id }).collect();
        let flags: Vec<bool> = inputs.iter().map(|id| linear.contains(*id)).collect();
        let shares = op.transpose(&operands, &flags, cotangent);
        for ((input, flag), share) in inputs.iter().zip(flags).zip(shares) {
            if let (true, Some(share)) = (flag, share) {
                accumulate(&mut pending[input - linear.first], share);
            }
        }
    }

    /// Which nodes depend on the perturbations `tangents`, all of which are newer than what they perturb.
    fn linear_part(&self, tangents: &[Var]) -> Linear {
        let graph = self.graph.borrow();
        let first = tangents.iter().map(|tangent| tangent.id).min().unwrap_or(graph.nodes.len());
        let mut depends = vec![false; graph.nodes.len() - first];
        for id in first..graph.nodes.len() {
            let is_leaf = tangents.iter().any(|tangent| tangent.id == id);
            let inherits =
                graph.nodes[id].inputs.iter().any(|input| *input >= first && depends[input - first]);
            depends[id - first] = is_leaf || inherits;
        }
        Linear { first, depends }
    }
}

/// The nodes from `first` on that are linear in the perturbations.
struct Linear {
    first: Id,
    depends: Vec<bool>,
}

impl Linear {
    fn contains(&self, id: Id) -> bool {
        id.checked_sub(self.first).and_then(|i| self.depends.get(i)).copied().unwrap_or(false)
    }
}

fn accumulate<'s>(slot: &mut Option<Var<'s>>, share: Var<'s>) {
    *slot = Some(slot.map_or(share, |sum| sum + share));
}
