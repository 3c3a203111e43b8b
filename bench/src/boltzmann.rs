//! The workloads of a restricted Boltzmann machine of 784 visible and 500 hidden units: a temperature of
//! annealed importance sampling, and an update of CD-1. Without noise a unit is at its mean p instead of
//! being drawn, so that runs are those of mean fields, which all libraries can be compared by.

use enscore_program::{Kind, Scope, Var};

use crate::networks::Spec;

/// Visible and hidden units.
const UNITS: [usize; 2] = [784, 500];
/// Chains, and rows of a batch.
pub const ROWS: usize = 100;
/// Batches that the updates go round.
pub const BATCHES: usize = 10;
/// The learning rate of CD-1.
const RATE: f64 = 0.01;

/// W, b and c.
pub fn parameters() -> Vec<Spec> {
    let [visible, hidden] = UNITS;
    vec![
        ("weights".into(), vec![visible, hidden]),
        ("visible".into(), vec![visible]),
        ("hidden".into(), vec![hidden]),
    ]
}

/// The inputs of this many batches of rows.
pub fn rows(batches: usize) -> Vec<Spec> {
    (0..batches).map(|batch| (format!("x{batch}"), vec![ROWS, UNITS[0]])).collect()
}

struct Draws<'s> {
    key: Var<'s>,
    noise: Var<'s>,
}

impl<'s> Draws<'s> {
    fn of(scope: &'s Scope) -> Draws<'s> {
        let noise = scope.input("noise", Kind::Float, &[]);
        Draws { key: scope.input("key", Kind::Key, &[]), noise }
    }

    fn at(&self, p: Var<'s>) -> Var<'s> {
        let x = self.key.uniform(&p.shape()).less(p).to_float();
        let drawn = self.noise.zeros_like().less(self.noise).broadcast_to(&p.shape());
        drawn.select(x, p)
    }
}

/// x moved at `to` from the chains x, and their log weights with this temperature's.
pub fn annealing<'s>(parameters: &[Var<'s>], x: Var<'s>, log_weights: Var<'s>) -> Vec<Var<'s>> {
    let [w, b, c] = [parameters[0], parameters[1], parameters[2]];
    let scope = x.scope();
    let [from, to] = ["from", "to"].map(|name| scope.input(name, Kind::Float, &[]));
    let draws = Draws::of(scope);
    let odds = x.matmul(w) + c;
    let second = ((to * odds).softplus() - (from * odds).softplus()).sum(&[1]);
    let sum = log_weights + (to - from) * (x * b).sum(&[1]) + second;
    let h = draws.at((to * odds).sigmoid());
    let moved = draws.at((to * (h.matmul_with(w, false, true) + b)).sigmoid());
    vec![moved, sum]
}

/// W, b and c after an update of CD-1 on the rows v, and the mean square of what the reconstruction misses.
pub fn contrastive<'s>(parameters: &[Var<'s>], v: Var<'s>) -> Vec<Var<'s>> {
    let [w, b, c] = [parameters[0], parameters[1], parameters[2]];
    let draws = Draws::of(v.scope());
    let up = |v: Var<'s>| (v.matmul(w) + c).sigmoid();
    let p = up(v);
    let v1 = draws.at((draws.at(p).matmul_with(w, false, true) + b).sigmoid());
    let p1 = up(v1);
    let rate = RATE / ROWS as f64;
    let moved = v.matmul_with(p, true, false) - v1.matmul_with(p1, true, false);
    vec![
        w + rate * moved,
        b + rate * (v - v1).sum(&[0]),
        c + rate * (p - p1).sum(&[0]),
        (v - v1).square().mean_all(),
    ]
}
