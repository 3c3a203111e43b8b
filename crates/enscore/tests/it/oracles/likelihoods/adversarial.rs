//! Games against the cases: gradients of the generator's losses at the best critic, gradient penalties.

use crate::common::oracles::{case, number, numbers};
use crate::common::traced::{float, run};
use enscore::model::trace;
use enscore::objective::{Game, gradient_penalty};
use enscore_program::{Kind, Value, Var};

fn close(found: &[f64], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (f, e) in found.iter().zip(expected) {
        assert!((f - e).abs() <= tolerance * e.abs() + 1e-11, "{what}: found {f}, expected {e}");
    }
}

/// E over z ~ N(0, 1) by the trapezoid rule, whose error vanishes for smooth functions of normal numbers.
#[test]
fn the_generators_gradients_at_the_best_critic_are_those_of_the_case() {
    let case = case("gan.gradient.gauss");
    let theta = number(&case["params"]["theta"]);
    let h = 0.01;
    let z: Vec<f64> = (-1000..=1000).map(|i| h * f64::from(i)).collect();
    let weights: Vec<f64> =
        z.iter().map(|z| h * (-0.5 * z * z).exp() / std::f64::consts::TAU.sqrt()).collect();
    let found = [Game::NonSaturating, Game::Saturating].map(|game| {
        let (program, _) = trace(&[], |scope, _| {
            let moved = scope.input("theta", Kind::Float, &[]);
            let z = scope.input("z", Kind::Float, &[z.len()]);
            let weights = scope.input("weights", Kind::Float, &[z.extent(0)]);
            let x = z + moved;
            // ln p/q with q held at theta: the log odds of the best critic.
            let critic = (x - theta).square() * 0.5 - x.square() * 0.5;
            let loss = (game.generator_loss(critic) * weights).sum_all();
            vec![("gradient".to_string(), scope.gradient(loss, &[moved])[0])]
        })
        .unwrap();
        run(&program, &[float(&[theta]), float(&z), float(&weights)])[0][0]
    });
    close(&found, &numbers(&case["value"]), 1e-6, "gradients");
}

/// The critic's loss of rows real and fake, its penalty at the places between, and a derivative of that.
fn penalties(
    params: &serde_json::Value,
    share: &[f64],
    critic: impl for<'s> Fn(Var<'s>, &[Var<'s>]) -> Var<'s>,
    weights: &[(&str, Vec<usize>)],
) -> Vec<Vec<f64>> {
    let n = share.len();
    let (program, _) = trace(&[], |scope, _| {
        let vars: Vec<Var> =
            weights.iter().map(|(name, shape)| scope.input(name, Kind::Float, shape)).collect();
        let [x, y] = ["real", "fake"].map(|name| scope.input(name, Kind::Float, &[n, 3]));
        let t = scope.input("t", Kind::Float, &[n]);
        let value = |x| critic(x, &vars);
        let weight = number(&params["penalty_weight"]);
        let penalty = gradient_penalty(value, x, y, t).mean_all() * weight;
        let game = Game::Wasserstein { penalty: weight };
        let loss = game.critic_loss(value(x), value(y)).mean_all() + penalty;
        let slope = scope.gradient(penalty, &vars[..1])[0];
        [("penalty", penalty), ("loss", loss), ("slope", slope)]
            .map(|(name, var)| (name.to_string(), var))
            .to_vec()
    })
    .unwrap();
    let known = weights.iter().map(|(name, _)| float(&numbers(&params[*name])));
    let rows = ["real", "fake"].map(|name| float(&numbers(&params[name])));
    let inputs: Vec<Value> = known.chain(rows).chain([float(share)]).collect();
    run(&program, &inputs)
}

#[test]
fn the_penalty_of_a_linear_critic_is_that_of_the_case() {
    let case = case("gan.wgan_gp.linear");
    let params = &case["params"];
    let found = penalties(
        params,
        &[0.3, 0.8],
        |x, weights| (x * weights[0]).sum(&[1]) + weights[1],
        &[("w", vec![3]), ("b", vec![])],
    );
    close(&found[0], &[number(&case["value"]["penalty"])], 1e-9, "penalty");
    close(&found[1], &[number(&case["value"]["loss"])], 1e-9, "loss");
}

#[test]
fn the_penalty_between_rows_and_its_derivative_are_those_of_the_case() {
    let case = case("gan.wgan_gp.tanh");
    let params = &case["params"];
    let found = penalties(
        params,
        &numbers(&params["eps"]),
        |x, weights| {
            let hidden = (x.matmul_with(weights[0], false, true) + weights[1]).tanh();
            (hidden * weights[2]).sum(&[1])
        },
        &[("U", vec![2, 3]), ("c", vec![2]), ("a", vec![2])],
    );
    close(&found[0], &[number(&case["value"]["penalty"])], 1e-9, "penalty");
    close(&found[2], &numbers(&case["value"]["d_U"]), 1e-9, "derivative");
}
