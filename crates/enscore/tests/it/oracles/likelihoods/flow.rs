//! The density of two affine couplings with known coefficients.

use crate::common::oracles::{assert_close, case, numbers};
use enscore::model::{couple, standard_normal, uncouple};
use enscore_program::{Kind, Scope, Value, Var, interpret};

/// s = tanh(a ws + bs), t = a wt + bt, element by element, for a `[1, 2]`.
fn condition<'s>(a: Var<'s>, [ws, bs, wt, bt]: [Var<'s>; 4]) -> [Var<'s>; 2] {
    [(a * ws + bs).tanh(), a * wt + bt]
}

#[test]
fn the_log_density_of_two_couplings_is_that_of_the_case() {
    let scope = Scope::new();
    let names = ["ws", "bs", "wt", "bt"];
    let weights = names.map(|name| scope.input(name, Kind::Float, &[2]));
    let x = scope.input("x", Kind::Float, &[1, 4]);
    let [a, b] = [x.slice(1, 0, 2), x.slice(1, 2, 4)];
    let of_a = condition(a, weights);
    let (moved_b, first) = couple(b, of_a[0], of_a[1]);
    let of_b = condition(moved_b, weights);
    let (moved_a, second) = couple(a, of_b[0], of_b[1]);
    let z = moved_a.concatenate(&[moved_b], 1);
    let log_density = standard_normal(z) + first + second;
    let back_a = uncouple(moved_a, of_b[0], of_b[1]);
    let again = condition(back_a, weights);
    let back = back_a.concatenate(&[uncouple(moved_b, again[0], again[1])], 1);
    let program = scope.finish(&[("z", z), ("log_density", log_density), ("back", back)]).unwrap();
    let params = &case("flow.realnvp.logp")["params"];
    let inputs: Vec<Value> =
        names.iter().chain(&["x"]).map(|name| Value::Float(numbers(&params[*name]))).collect();
    let outputs = interpret(&program, &inputs).unwrap();
    let found = [outputs[0].floats(), outputs[1].floats()].concat();
    assert_close("flow.realnvp.logp", &found, 1e-12);
    for (back, x) in outputs[2].floats().iter().zip(numbers(&params["x"])) {
        assert!((back - x).abs() < 1e-14, "{back} {x}");
    }
}
