//! Bounds of latent variable models against the cases: a linear model, whose bound is exact by four points,
//! and the importance-weighted bound in one dimension.

use crate::common::oracles::{case, number, numbers};
use crate::common::traced::{assert_within_errors, float, key, mean, run, variance};
use enscore::data::{Dataset, Subset, Values};
use enscore::executor::default_executor;
use enscore::model::{
    Activation, DataFacts, LatentVariable, LikelihoodKind, LikelihoodSettings, MlpVaeSettings, ModelKind,
    Network, ScaleSource, parameters_of, trace,
};
use enscore::objective::{Elbo, LatentDraws, Task, log_weights};
use enscore::train::{Training, TrainingOptions};
use enscore_program::{Kind, Value};
use nalgebra::{DMatrix, SymmetricEigen};

/// A model without hidden layers and with one width, in the data's units.
fn linear(elements: usize, latents: usize) -> Network {
    let settings = MlpVaeSettings {
        latents,
        hidden: Vec::new(),
        activation: Activation::Tanh,
        observed: LikelihoodSettings { likelihood: LikelihoodKind::Gaussian, spread: ScaleSource::One },
    };
    let (mean, deviation) = (vec![0.0; elements], vec![1.0; elements]);
    let facts = DataFacts {
        row_shape: &[elements],
        variance: 1.0,
        mean: &mean,
        deviation: &deviation,
        levels: None,
        count: None,
        rows: &[],
    };
    settings.build(&facts).unwrap()
}

/// W `[d, l]`, mu, V `[l, d]`, D and s² as the parameters of [`linear`], in the order of first use.
struct Coefficients {
    w: DMatrix<f64>,
    mu: Vec<f64>,
    v: DMatrix<f64>,
    d: Vec<f64>,
    s2: f64,
}

impl Coefficients {
    fn parameters(&self) -> Vec<Vec<f64>> {
        let (elements, latents) = self.w.shape();
        let bias = -(&self.v * DMatrix::from_column_slice(elements, 1, &self.mu));
        vec![
            // Column-major V' is row-major V.
            self.v.as_slice().to_vec(),
            bias.as_slice().to_vec(),
            vec![0.0; elements * latents],
            self.d.iter().map(|d| d.ln()).collect(),
            self.w.as_slice().to_vec(),
            self.mu.clone(),
            vec![0.5 * self.s2.ln()],
        ]
    }
}

/// A matrix from nested rows.
fn matrix(value: &serde_json::Value) -> DMatrix<f64> {
    let rows = value.as_array().unwrap().len();
    let all = numbers(value);
    DMatrix::from_row_slice(rows, all.len() / rows, &all)
}

/// ±√2 along each axis: a mean over them is exact for squares of z.
fn points(latents: usize) -> Vec<f64> {
    let size = (latents as f64).sqrt();
    (0..2 * latents)
        .flat_map(|point| (0..latents).map(move |i| if i == point / 2 { size } else { 0.0 }))
        .zip(0..)
        .map(|(value, at)| if (at / latents).is_multiple_of(2) { value } else { -value })
        .collect()
}

/// The mean bound of rows, the divergence of the first, and the gradient of the bound.
fn bound(network: &Network, coefficients: &Coefficients, rows: &[f64]) -> Vec<Vec<f64>> {
    let (elements, latents) = coefficients.w.shape();
    let n = rows.len() / elements;
    let known = parameters_of(network).unwrap();
    let (program, _) = trace(&known, |scope, parameters| {
        let x = scope.input("x", Kind::Float, &[n, elements]);
        let e = scope.input("e", Kind::Float, &[n, 2 * latents, latents]);
        let model = network.latent_variable().unwrap();
        let [likelihood, divergence] = Elbo::terms(&LatentDraws::of(model, parameters, x, e));
        let bound = (likelihood - divergence).mean_all();
        let all: Vec<_> = parameters.declared().into_iter().map(|(_, var)| var).collect();
        let gradients = scope.gradient(bound, &all);
        let named = [("bound".to_string(), bound), ("kl".to_string(), divergence)];
        let gradients = gradients.into_iter().enumerate().map(|(i, g)| (format!("g{i}"), g));
        named.into_iter().chain(gradients).collect()
    })
    .unwrap();
    let inputs: Vec<Value> = coefficients
        .parameters()
        .iter()
        .map(|values| float(values))
        .chain([float(rows), float(&points(latents).repeat(n))])
        .collect();
    run(&program, &inputs)
}

fn close(found: &[f64], expected: &[f64], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (f, e) in found.iter().zip(expected) {
        assert!((f - e).abs() <= 1e-9 * e.abs() + 1e-10, "{what}: found {f}, expected {e}");
    }
}

#[test]
fn the_bound_of_a_linear_model_and_its_gradient_are_those_of_the_case() {
    let case = case("vae.linear.elbo_gradient");
    let (params, value) = (&case["params"], &case["value"]);
    let coefficients = Coefficients {
        w: matrix(&params["W"]),
        mu: numbers(&params["mu"]),
        v: matrix(&params["V"]),
        d: numbers(&params["D"]),
        s2: number(&params["s2"]),
    };
    let found = bound(&linear(3, 2), &coefficients, &numbers(&params["x"]));
    close(&found[0], &[number(&value["elbo"])], "bound");
    close(&found[1], &[number(&value["kl"])], "divergence");
    let [of_mean, of_bias, _, of_log_d, of_decoder, _, of_log_scale] = &found[2..] else { panic!() };
    let gradient = &value["grad"];
    // The encoder is V(x - mu): its bias moves with V.
    let of_v = DMatrix::from_column_slice(2, 3, of_mean)
        - DMatrix::from_column_slice(2, 1, of_bias) * DMatrix::from_row_slice(1, 3, &coefficients.mu);
    close(of_v.as_slice(), matrix(&gradient["V"]).as_slice(), "gradient in V");
    close(of_decoder, matrix(&gradient["W"]).as_slice(), "gradient in W");
    let of_d: Vec<f64> = of_log_d.iter().zip(&coefficients.d).map(|(g, d)| g / d).collect();
    close(&of_d, &numbers(&gradient["D"]), "gradient in D");
    close(&[of_log_scale[0] / (2.0 * coefficients.s2)], &numbers(&gradient["s2"]), "gradient in s2");
}

/// W, D and V of probabilistic principal component analysis.
fn optimum(params: &serde_json::Value, value: &serde_json::Value) -> (Coefficients, Vec<f64>) {
    let rows = numbers(&params["data"]);
    let n = rows.len() / 4;
    let mu: Vec<f64> = (0..4).map(|i| rows.iter().skip(i).step_by(4).sum::<f64>() / n as f64).collect();
    let s2 = number(&value["s2"]);
    let eigen = SymmetricEigen::new(matrix(&value["WWt"]));
    let mut order: Vec<usize> = (0..4).collect();
    order.sort_by(|a, b| eigen.eigenvalues[*b].total_cmp(&eigen.eigenvalues[*a]));
    let column = |i: usize| eigen.eigenvectors.column(order[i]) * eigen.eigenvalues[order[i]].sqrt();
    let w = DMatrix::from_columns(&[column(0), column(1)]);
    let m = w.transpose() * &w + DMatrix::identity(2, 2) * s2;
    let inverse = m.try_inverse().unwrap();
    let v = &inverse * w.transpose();
    let d = vec![s2 * inverse[(0, 0)], s2 * inverse[(1, 1)]];
    (Coefficients { w, mu, v, d, s2 }, rows)
}

#[test]
fn a_linear_model_at_its_optimum_has_the_likelihood_of_principal_components() {
    let case = case("vae.linear.optimum");
    let (coefficients, rows) = optimum(&case["params"], &case["value"]);
    let found = bound(&linear(4, 2), &coefficients, &rows);
    close(&found[0], &[number(&case["value"]["log_lik"])], "bound");
    close(&found[0], &[number(&case["value"]["elbo"])], "bound");
    let steepest = found[2..].iter().flatten().fold(0.0f64, |most, g| most.max(g.abs()));
    assert!(steepest < 1e-9, "the gradient vanishes at the optimum: {steepest}");
}

#[test]
fn training_a_linear_model_reaches_the_likelihood_of_principal_components() {
    let case = case("vae.linear.optimum");
    let rows = numbers(&case["params"]["data"]);
    let values = rows.iter().map(|value| *value as f32).collect();
    let data = Dataset::new("rows", "the case", &[4], Values::F32(values)).unwrap();
    let options = TrainingOptions { steps: 6000, batch: 10, ..TrainingOptions::default() };
    let task = Task::new(Elbo { beta: 1.0, draws: 16 });
    let mut training =
        Training::new(linear(4, 2), task, &Subset::all(&data), options, default_executor()).unwrap();
    while training.steps_done() < 6000 {
        training.step().unwrap();
    }
    let averages = training.averages().unwrap();
    let wide = |at: usize| averages[at].iter().map(|v| f64::from(*v)).collect::<Vec<f64>>();
    let network = linear(4, 2);
    let parameters = parameters_of(&network).unwrap();
    let (program, _) = trace(&parameters, |scope, parameters| {
        let x = scope.input("x", Kind::Float, &[10, 4]);
        let e = scope.input("e", Kind::Float, &[10, 4, 2]);
        let draws = LatentDraws::of(network.latent_variable().unwrap(), parameters, x, e);
        let [likelihood, divergence] = Elbo::terms(&draws);
        vec![("bound".to_string(), (likelihood - divergence).mean_all())]
    })
    .unwrap();
    let names: Vec<&str> = training.parameters().iter().map(|parameter| parameter.name.as_str()).collect();
    let place = |name: &str| names.iter().position(|known| *known == name).unwrap();
    let inputs: Vec<Value> = parameters
        .iter()
        .map(|parameter| float(&wide(place(&parameter.name))))
        .chain([float(&rows), float(&points(2).repeat(10))])
        .collect();
    let found = run(&program, &inputs)[0][0];
    let best = number(&case["value"]["log_lik"]);
    println!("bound {found:.4}, at best {best:.4}");
    assert!(found < best + 1e-9 && found > best - 0.05, "{found}, {best}");
}

#[test]
fn importance_weighted_bounds_are_those_of_the_case() {
    let case = case("vae.iwae.1d");
    let (params, value) = (&case["params"], &case["value"]);
    let of = |name: &str| number(&params[name]);
    let network = linear(1, 1);
    let known = parameters_of(&network).unwrap();
    let model: &dyn LatentVariable = network.latent_variable().unwrap();
    let weights = [
        vec![0.0],
        vec![of("m")],
        vec![0.0],
        vec![2.0 * of("s").ln()],
        vec![of("w")],
        vec![0.0],
        vec![0.5 * of("tau2").ln()],
    ];
    let n = 40_000;
    let mut bounds = numbers(&value["bounds"]);
    // Many draws come near ln p(x), from below by about the variance of w over twice their number.
    bounds.push(number(&value["log_p"]));
    for (draws, expected) in [1, 2, 3, 400].into_iter().zip(bounds) {
        let n = if draws == 400 { 400 } else { n };
        let (program, _) = trace(&known, |scope, parameters| {
            let x = scope.input("x", Kind::Float, &[n, 1]);
            let key = scope.input("key", Kind::Key, &[]);
            let weights = log_weights(model, parameters, x, key, draws);
            vec![("bound".to_string(), weights.log_sum_exp(1) - (draws as f64).ln())]
        })
        .unwrap();
        let x = float(&vec![of("x"); n]);
        let inputs: Vec<Value> = weights.iter().map(|w| float(w)).chain([x, key(4, 1)]).collect();
        let found = run(&program, &inputs).remove(0);
        let std_err = (variance(&found) / n as f64).sqrt();
        let bias = if draws == 400 { 0.01 } else { 0.0 };
        assert_within_errors(&format!("K = {draws}"), mean(&found), expected, std_err + bias);
        if draws == 2 {
            let spread = number(&value["variance_K2"]);
            // The standard error of a variance, with the fourth moment of the values themselves.
            let centre = mean(&found);
            let fourth = mean(&found.iter().map(|x| (x - centre).powi(4)).collect::<Vec<f64>>());
            let error = ((fourth - spread * spread) / n as f64).sqrt();
            assert_within_errors("variance at K = 2", variance(&found), spread, error);
        }
    }
}
