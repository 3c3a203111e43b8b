//! The exact score matching loss of a small network, its score and its gradient in the weights.

use crate::common::oracles;
use crate::common::oracles::{case, number, numbers};
use enscore_program::{Kind, Scope, Value, Var, interpret};

/// f(x) = v' tanh(W x + b) - |x|² / 4 for x `[batch, 3]`: `[batch]`.
fn log_density<'s>(x: Var<'s>, [w, b, v]: [Var<'s>; 3]) -> Var<'s> {
    let hidden = (x.matmul_with(w, false, true) + b).tanh();
    (hidden * v).sum(&[1]) - x.square().sum(&[1]) * 0.25
}

/// Mean of Δf + |∇f|² / 2 (Hyvärinen 2005, eq. 4) summed over chunks of coordinates, the score, the gradients
/// of the chunks' losses in W, b and v, summed, and the loss by the divergence of the score.
fn outputs(chunk: usize) -> Vec<Vec<f64>> {
    let scope = Scope::new();
    let input = |name: &str, shape: &[usize]| scope.input(name, Kind::Float, shape);
    let x = input("X", &[5, 3]);
    let weights = [input("W", &[4, 3]), input("b", &[4]), input("v", &[4])];
    let f = log_density(x, weights);
    let (mut loss, mut gradients): (Option<Var>, Vec<Var>) = (None, Vec::new());
    for part in scope.laplacian_parts(f, x, chunk) {
        let own = (part.laplacian + part.gradient.square().sum(&[1]) * 0.5).mean_all();
        let of_part = scope.gradient(own, &weights);
        loss = Some(loss.map_or(own, |loss| loss + own));
        gradients = match gradients.as_slice() {
            [] => of_part,
            known => known.iter().zip(of_part).map(|(sum, part)| *sum + part).collect(),
        };
    }
    let score = scope.gradient(f.sum_all(), &[x])[0];
    let by_divergence = (scope.divergence(score, x, chunk) + score.square().sum(&[1]) * 0.5).mean_all();
    let mut named = vec![("loss", loss.unwrap()), ("score", scope.laplacian(f, x, chunk).gradient)];
    named.extend(["W", "b", "v"].into_iter().zip(gradients));
    named.push(("divergence", by_divergence));
    let program = scope.finish(&named).unwrap();
    let params = &case("sm.mlp.loss")["params"];
    let inputs: Vec<Value> =
        ["X", "W", "b", "v"].iter().map(|name| Value::Float(numbers(&params[name]))).collect();
    interpret(&program, &inputs).unwrap().iter().map(|value| value.floats().to_vec()).collect()
}

fn assert_near(what: &str, found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (found, expected) in found.iter().zip(expected) {
        let tolerance = 1e-10 * expected.abs() + 1e-12;
        assert!((found - expected).abs() <= tolerance, "{what}: found {found}, expected {expected}");
    }
}

#[test]
fn loss_score_and_gradient_of_a_network_are_those_of_the_case() {
    let expected = oracles::expected("sm.mlp.loss");
    let gradients = &case("sm.mlp.param_gradient")["value"];
    for chunk in 1..=3 {
        let found = outputs(chunk);
        assert_near("loss", &found[0], &[number(&case("sm.mlp.loss")["value"][0])]);
        assert_near("score at the first point", &found[1][..3], &expected[1..]);
        for (name, found) in ["W", "b", "v"].iter().zip(&found[2..5]) {
            assert_near(name, found, &numbers(&gradients[name]));
        }
        assert_near("loss by divergence", &found[5], &expected[..1]);
    }
}
