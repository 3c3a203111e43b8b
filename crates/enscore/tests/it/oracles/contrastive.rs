//! Noise contrastive estimation of f = -a x²/2 with c = log Z against N(0, 4), and the value of flow
//! contrastive estimation.

use crate::common::derivatives::{Derivatives, Slopes, minimise};
use crate::common::oracles::{assert_close, case, expected, number, numbers};
use enscore::model::{
    Flow, Gaussian, GaussianEnergy, LogDensity, Network, NoiseDensity, standard_normal, trace,
};
use enscore::objective::{Batch, FlowContrastive, LOG_Z, Noise, NoiseContrastive, Objective, Side, contrast};
use enscore_program::random::Key;
use enscore_program::{Initial, Kind, Parameters, Value, Var, interpret};
use nalgebra::{Matrix2, Vector2};

fn float(values: &[f64]) -> Value {
    Value::Float(values.to_vec())
}

/// The library's quadratic energy with its mean at 0, so that the parameters are `precision` and log Z.
struct Centred(GaussianEnergy);

impl LogDensity for Centred {
    fn log_density<'s>(&self, parameters: &Parameters<'s>, x: Var<'s>) -> Var<'s> {
        parameters.fix("mean", x.scope().table(&[0.0], &[1]));
        self.0.log_density(parameters, x)
    }

    fn row_shape(&self) -> &[usize] {
        self.0.row_shape()
    }
}

fn model() -> Network {
    Network::Energy(Box::new(Centred(GaussianEnergy::new(&[1]).unwrap())))
}

/// N(0, 4), and what it is asked to draw.
struct Given {
    density: Gaussian,
    rows: Vec<f64>,
}

impl NoiseDensity for Given {
    fn log_density<'s>(&self, x: Var<'s>) -> Var<'s> {
        self.density.log_density(x)
    }

    fn draw_each<'s>(&self, key: Var<'s>, rows: usize, each: usize) -> Var<'s> {
        assert_eq!(rows * each, self.rows.len(), "as many rows as the ratio says");
        key.scope().table(&self.rows, &[rows * each, 1])
    }

    fn row_shape(&self) -> &[usize] {
        &[1]
    }
}

fn objective(ratio: usize, rows: &[f64]) -> NoiseContrastive {
    let density = Gaussian::diagonal(&[1], &[0.0], &[4.0]).unwrap();
    NoiseContrastive { noise: Noise::new(Given { density, rows: rows.to_vec() }), ratio, log_z: 0.0 }
}

/// (a, c) of the cases, where c stands for -log Z, as (`log_z`, `precision`), and back.
fn swapped(pair: &[f64]) -> [f64; 2] {
    [-pair[1], pair[0]]
}

fn back(pair: &[f64]) -> [f64; 2] {
    [pair[1], -pair[0]]
}

/// Of 5 data and 10 noise rows: the loss and its gradient, then its minimiser.
#[test]
fn loss_gradient_and_minimiser_on_a_sample_are_those_of_the_case() {
    let id = "nce.sample.loss_grad";
    let params = case(id)["params"].clone();
    let [data, noise, theta] = ["data", "noise", "theta"].map(|name| numbers(&params[name]));
    let loss = Derivatives::of(&model(), &objective(2, &noise), 5);
    let names: Vec<&str> = loss.parameters.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(names, [LOG_Z, "precision"]);
    let own = [float(&data), float(&[1.0; 5]), Value::Key(Key::new(1, 1))];
    let at = |theta: &[f64], tangent: &[f64]| loss.interpret(theta, tangent, &own);
    let found = at(&swapped(&theta), &[0.0; 2]);
    let [of_a, of_c] = back(&found.gradient);
    assert_close(id, &[found.loss, of_a, of_c], 1e-10);
    let optimum = minimise(at, &swapped(&theta), 1e-13);
    let [a, c] = back(&optimum);
    assert_close("nce.sample.optimum", &[a, c, at(&optimum, &[0.0; 2]).loss], 1e-9);
}

/// The trapezium rule on ±40 is exact to rounding: nodes, and weights under N(0, v).
const SPACING: f64 = 0.02;
const NODES: usize = 4001;

fn nodes() -> Vec<f64> {
    (0..NODES).map(|i| SPACING * (i as f64 - (NODES / 2) as f64)).collect()
}

fn weights(mean: f64, variance: f64) -> Vec<f64> {
    let scale = SPACING / (std::f64::consts::TAU * variance).sqrt();
    nodes().iter().map(|u| scale * (-0.5 * (u - mean).powi(2) / variance).exp()).collect()
}

/// The expected loss for data N(0, 1), from the losses of each row: those of `contrast` with the objective's
/// own G.
struct Population(Derivatives, [Value; 2]);

impl Population {
    fn new(ratio: usize) -> Population {
        let objective = objective(ratio, &[]);
        let nodes = nodes();
        let loss = Derivatives::build(|scope, parameters| {
            // The first use decides the order of the parameters.
            parameters.get(LOG_Z, &[], Initial::Constant(0.0));
            let [data, noise] = ["data", "noise"].map(|name| scope.input(name, Kind::Float, &[NODES]));
            let u = scope.table(&nodes, &[NODES, 1]);
            let log_ratio = objective.log_ratio(&model(), parameters, u);
            let (of_data, of_noise) = contrast(log_ratio, log_ratio, ratio as f64);
            (data * of_data + noise * of_noise * ratio as f64).sum_all()
        });
        Population(loss, [float(&weights(0.0, 1.0)), float(&weights(0.0, 4.0))])
    }

    fn at(&self, theta: &[f64], tangent: &[f64]) -> Slopes {
        self.0.interpret(theta, tangent, &self.1)
    }
}

const TRUTH: [f64; 2] = [1.0, -0.9189385332046727];

#[test]
fn the_loss_of_the_population_is_least_at_the_truth() {
    let population = Population::new(1);
    let at_truth = population.at(&swapped(&TRUTH), &[0.0; 2]);
    assert_close("nce.gauss.objective_at_truth.nu1", &[-at_truth.loss], 1e-10);
    assert!(at_truth.gradient.iter().all(|slope| slope.abs() < 1e-12), "{:?}", at_truth.gradient);
    let at = |theta: &[f64], tangent: &[f64]| population.at(theta, tangent);
    let found = minimise(at, &swapped(&[0.6, -0.3]), 1e-13);
    assert_close("nce.gauss.logZ", &back(&found), 1e-9);
}

/// With a fixed at a wrong value, c is not -log Z of that a.
#[test]
fn a_wrong_energy_has_no_log_z() {
    let id = "nce.gauss.misspecified_c";
    let params = case(id)["params"].clone();
    let (population, a) = (Population::new(1), number(&params["a"]));
    let along_c = |log_z: &[f64], tangent: &[f64]| {
        let slopes = population.at(&[log_z[0], a], &[tangent[0], 0.0]);
        Slopes { gradient: slopes.gradient[..1].to_vec(), product: slopes.product[..1].to_vec(), ..slopes }
    };
    let found = -minimise(along_c, &[0.9], 1e-13)[0];
    assert_close(id, &[found], 1e-9);
    assert!((found - number(&params["minus_logZ"])).abs() > 0.1);
}

/// The covariance of (a, c) per data row for ν noise rows each (Gutmann and Hyvärinen 2012, theorem 3) as
/// that of any M-estimator, H⁻¹ (Var_data ∇l + ν Var_noise ∇l) H⁻¹, from the gradients of each row's losses.
fn asymptotic_covariance(ratio: usize) -> Matrix2<f64> {
    let population = Population::new(ratio);
    let theta = swapped(&TRUTH);
    let column = |tangent: [f64; 2]| Vector2::from(back(&population.at(&theta, &tangent).product));
    let hessian = Matrix2::from_columns(&[column([0.0, 1.0]), column([-1.0, 0.0])]);
    let objective = objective(ratio, &[]);
    let (program, _) = trace(&[], |scope, parameters| {
        let log_z = parameters.get(LOG_Z, &[], Initial::Constant(0.0));
        let precision = parameters.get("precision", &[1, 1], Initial::Identity);
        let u = scope.table(&nodes(), &[NODES, 1]);
        let log_ratio = objective.log_ratio(&model(), parameters, u);
        let (of_data, of_noise) = contrast(log_ratio, log_ratio, ratio as f64);
        // Rows don't depend on each other: a tangent gives every row's slope. c stands for -log Z.
        let along_a = scope.jvp(&[of_data, of_noise], &[precision], &[precision.full_like(1.0)]);
        let along_c = scope.jvp(&[of_data, of_noise], &[log_z], &[log_z.full_like(-1.0)]);
        [along_a, along_c].concat().into_iter().map(|slopes| ("slopes".to_string(), slopes)).collect()
    })
    .unwrap();
    let slopes = interpret(&program, &[float(&theta[..1]), float(&theta[1..])]).unwrap();
    let variance = |of: usize, weights: &[f64]| {
        let pairs: Vec<Vector2<f64>> =
            (0..NODES).map(|i| Vector2::new(slopes[of].floats()[i], slopes[2 + of].floats()[i])).collect();
        let mean: Vector2<f64> = pairs.iter().zip(weights).map(|(pair, w)| pair * *w).sum();
        pairs.iter().zip(weights).map(|(g, w)| (g - mean) * (g - mean).transpose() * *w).sum::<Matrix2<f64>>()
    };
    let spread = variance(0, &weights(0.0, 1.0)) + variance(1, &weights(0.0, 4.0)) * ratio as f64;
    let inverse = hessian.try_inverse().unwrap();
    inverse * spread * inverse
}

/// With more noise it nears that of maximum likelihood: what is left falls as 1/ν, and is taken out by
/// halving.
#[test]
fn the_covariance_of_the_estimate() {
    for (id, ratio) in [("nce.gauss.asymptotic_cov.nu1", 1), ("nce.gauss.asymptotic_cov.nu1000", 1000)] {
        assert_close(id, asymptotic_covariance(ratio).as_slice(), 1e-8);
    }
    let limit = asymptotic_covariance(20_000_000) * 2.0 - asymptotic_covariance(10_000_000);
    assert_close("nce.gauss.asymptotic_mle", &[limit[(0, 0)], limit[(0, 1)], limit[(1, 1)]], 1e-9);
}

/// N(m, v) as a flow whose base draws are replaced by the parameter `base`, to look at one draw after the
/// other.
struct Affine {
    mean: f64,
    deviation: f64,
}

impl LogDensity for Affine {
    fn log_density<'s>(&self, parameters: &Parameters<'s>, x: Var<'s>) -> Var<'s> {
        let (z, ln_det) = self.transform(parameters, x);
        standard_normal(z) + ln_det
    }

    fn row_shape(&self) -> &[usize] {
        &[1]
    }
}

impl Flow for Affine {
    fn transform<'s>(&self, _: &Parameters<'s>, x: Var<'s>) -> (Var<'s>, Var<'s>) {
        let ln_det = x.scope().constant(-self.deviation.ln()).broadcast_to(&[x.extent(0)]);
        ((x - self.mean) / self.deviation, ln_det)
    }

    fn invert<'s>(&self, parameters: &Parameters<'s>, z: Var<'s>) -> Var<'s> {
        parameters.get("base", &z.shape(), Initial::Constant(0.0)) * self.deviation + self.mean
    }
}

/// V of the objective for data N(0, 1), its exact energy and the flow N(m, v), seen from the flow's side; the
/// energy's side has the opposite sign. V is a data term plus a draw term, so three sums over one argument
/// give its expectation.
fn value(mean: f64, variance: f64) -> f64 {
    let flow = |side| {
        let flow = Affine { mean, deviation: variance.sqrt() };
        FlowContrastive { flow, side, log_z: -TRUTH[1] }
    };
    let (program, parameters) = trace(&[], |scope, parameters| {
        let (weights, key) = (scope.constant(1.0).broadcast_to(&[1]), scope.input("key", Kind::Key, &[]));
        let batch = Batch { x: scope.input("x", Kind::Float, &[1, 1]), weights, key, chains: None };
        let of = |side| flow(side).estimate(&model(), parameters, &batch).loss;
        vec![("flow".to_string(), of(Side::Flow)), ("energy".to_string(), of(Side::Energy))]
    })
    .unwrap();
    let names: Vec<&str> = parameters.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(names, [LOG_Z, "flow.base", "precision"]);
    let at = |x: f64, base: f64| {
        let inputs = [
            Value::Key(Key::new(1, 1)),
            float(&[x]),
            float(&[0.9189385332046727]),
            float(&[base]),
            float(&[1.0]),
        ];
        let found = interpret(&program, &inputs).unwrap();
        assert_eq!(found[0].floats()[0], -found[1].floats()[0], "the game has sum zero");
        found[0].floats()[0]
    };
    // Where both densities are above 1e-40.
    let inner: Vec<usize> = (0..NODES).filter(|i| nodes()[*i].abs() < 16.0).step_by(5).collect();
    let (nodes, data) = (nodes(), weights(0.0, 1.0));
    let over =
        |term: &dyn Fn(f64) -> f64| inner.iter().map(|i| 5.0 * data[*i] * term(nodes[*i])).sum::<f64>();
    over(&|x| at(x, 0.0)) + over(&|base| at(0.0, base)) - at(0.0, 0.0)
}

#[test]
fn the_value_of_the_game() {
    let id = "fce.value";
    let params = case(id)["params"].clone();
    let found = [value(number(&params["m"]), number(&params["v"])), value(0.0, 1.0)];
    assert_close(id, &found, 1e-10);
    assert!(expected(id)[0] > found[1], "the flow wins most where it is the data");
}
