//! What an evaluation must say of held-out rows, by plain loops.

use enscore::model::{Network, batch_shape, mean_units, trace};
use enscore::objective::{Batch, ObjectiveSettings, Scene};
use enscore_program::random::{Key, normal_row};
use enscore_program::{Initial, Kind, Parameter, interpret};
use serde_json::Value;

use super::by_hand::{ByHand, Rows, assert_close, mean_and_error};
use super::likelihoods::{bits_per_dim, independent_units};

/// Rows that the objective's loss is taken over at once, at most, and batches at least.
const MOST_AT_ONCE: usize = 256;
const FEWEST_BATCHES: usize = 32;
/// An error of a grid, nats, with which its box stays, and the greatest with which a likelihood is given.
const GOOD: f64 = 1e-3;
const MOST_LOG_Z_ERROR: f64 = 0.5;
/// Steps of the grid along an axis, and on either side of its box.
const INTERVALS: usize = 300;
const MARGIN: usize = 75;
/// How often a box that is too small is doubled by hand.
const MOST_DOUBLINGS: u32 = 11;

/// A figure by its name in answers.
#[derive(Debug)]
pub struct Figure {
    pub name: String,
    pub value: f64,
    pub std_err: Option<f64>,
    pub rows: usize,
}

fn mean_of(name: String, values: &[f64]) -> Figure {
    let (value, error) = mean_and_error(values);
    Figure { name, value, std_err: Some(error), rows: values.len() }
}

/// The mean less log Z, whose error enters in quadrature.
fn likelihood_of(name: String, values: &[f64], log_z: f64, error: f64) -> Figure {
    let mean = mean_of(name, values);
    let std_err = mean.std_err.map(|of_rows| of_rows.hypot(error));
    Figure { value: mean.value - log_z, std_err, ..mean }
}

/// log Z by quadrature and its error as an answer has them, which must be those by hand. Where the box of the
/// data is too small or too coarse another one is taken: both agree within their errors.
fn quadrature_found(hand: &ByHand, found: &Value) -> (f64, f64) {
    let figures = found["figures"].as_array().unwrap();
    let figure = figures.iter().find(|figure| figure["id"] == "log_z_quadrature").unwrap();
    let of = |key: &str| figure[key].as_f64().unwrap();
    assert_quadrature(hand, of("value"), of("std_err"));
    (of("value"), of("std_err"))
}

/// The same of two numbers.
pub fn assert_quadrature(hand: &ByHand, value: f64, error: f64) {
    let (by_hand, of_hand) = quadrature(hand);
    if of_hand <= GOOD {
        assert_close("log Z by quadrature", value, by_hand);
        assert_close("its error", error, of_hand);
    } else {
        let (wide, of_wide) = (1..=MOST_DOUBLINGS)
            .map(|doublings| quadrature_over(hand, f64::from(1 << doublings)))
            .fold((by_hand, of_hand), |best, found| if found.1 < best.1 { found } else { best });
        let apart = (value - wide).abs();
        let what = format!("{value} ± {error}, by hand {wide} ± {of_wide}, {of_hand} in the first box");
        assert!(apart <= error + of_wide && error <= of_hand * 1.01 + 1e-3, "{what}");
    }
}

/// All figures in their order; `kept` is a log Z that was found since the training, `found` the answer that
/// log Z by quadrature is taken from once it is checked.
pub fn figures(
    hand: &ByHand,
    training: &Rows,
    held_out: &Rows,
    seed: u64,
    kept: Option<f64>,
    found: &Value,
) -> Vec<Figure> {
    let mut figures = Vec::new();
    if matches!(
        hand.settings.objective(),
        ObjectiveSettings::ScoreMatching(_)
            | ObjectiveSettings::SlicedScoreMatching(_)
            | ObjectiveSettings::EnergyDiscrepancy(_)
            | ObjectiveSettings::NoiseContrastive(_)
            | ObjectiveSettings::MaximumLikelihood(_)
    ) {
        figures.push(objective_loss(hand, held_out, seed));
    }
    if matches!(hand.model, Network::Score(_)) {
        return figures;
    }
    let bound = hand.units().is_some_and(|units| units.is_bound());
    let densities = hand.log_densities_of_data(held_out);
    let learnt_from = hand.log_densities_of_data(training);
    let of_bits = hand.units().is_some_and(|units| units.is_binary());
    let [unit, up_to] = if of_bits { ["nats", " up to"] } else { ["nats in the data's units", ", up to"] };
    if matches!(hand.model, Network::Flow(_)) {
        figures.push(mean_of(format!("log-likelihood of held-out rows, {unit}"), &densities));
        figures.push(mean_of(format!("log-likelihood of training rows, {unit}"), &learnt_from));
        let bits = bits_per_dim(hand, held_out, seed);
        let name = "bits per dimension of held-out rows with uniform noise";
        figures.extend(bits.map(|bits| mean_of(name.into(), &bits)));
        return figures;
    }
    let of = if bound { "lower bound of the log density" } else { "log density" };
    figures.push(mean_of(format!("{of} of held-out rows, {unit}{up_to} log Z"), &densities));
    figures.push(mean_of(format!("{of} of training rows, {unit}{up_to} log Z"), &learnt_from));
    figures.extend(unit_figures(hand, held_out));
    if let Some(log_z) = hand.learnt_log_z {
        let name = format!("log-likelihood of held-out rows by the learnt log Z, of unknown error, {unit}");
        figures.push(likelihood_of(name, &densities, log_z, 0.0));
    }
    if let Some(log_z) = kept {
        let of = if bound { "lower bound of the log-likelihood" } else { "log-likelihood" };
        let name = format!("{of} of held-out rows by the kept log Z, {unit}");
        figures.push(likelihood_of(name, &densities, log_z, 0.0));
    }
    if matches!(hand.model, Network::Energy(_)) && hand.row_len() == 2 {
        let (log_z, error) = quadrature_found(hand, found);
        if error <= MOST_LOG_Z_ERROR {
            let name = format!("log-likelihood of held-out rows by quadrature, {unit}");
            figures.push(likelihood_of(name, &densities, log_z, error));
        }
        let name = "log Z by quadrature, nats".to_string();
        figures.push(Figure { name, value: log_z, std_err: Some(error), rows: 0 });
    }
    if let Some(values) = independent_units(hand, held_out) {
        figures.push(mean_of("log-likelihood of held-out rows by independent units, nats".into(), &values));
    }
    figures
}

/// The objective's loss as training shows it. Rows are taken one by one, but where draws belong to the whole
/// batch: then a batch with the rows that fill it up weighed 0.
fn objective_loss(hand: &ByHand, rows: &Rows, seed: u64) -> Figure {
    let unit = match hand.settings.objective() {
        ObjectiveSettings::MaximumLikelihood(_) => "nats per dimension",
        ObjectiveSettings::NoiseContrastive(_) | ObjectiveSettings::EnergyDiscrepancy(_) => "nats",
        _ => "per dimension",
    };
    let name = format!("{} loss, {unit}", hand.settings.objective().name());
    let batch = (rows.len() / FEWEST_BATCHES).clamp(1, MOST_AT_ONCE);
    let at_once =
        if matches!(hand.settings.objective(), ObjectiveSettings::NoiseContrastive(_)) { batch } else { 1 };
    let losses: Vec<f64> = (rows.chunks(at_once).enumerate())
        .flat_map(|(i, rows)| {
            let loss = loss_of_batch(hand, rows, at_once, seed, (i * at_once) as u64);
            vec![loss; rows.len()]
        })
        .collect();
    let value = losses.iter().sum::<f64>() / losses.len() as f64;
    let full: Vec<f64> =
        losses.chunks_exact(batch).map(|losses| losses.iter().sum::<f64>() / batch as f64).collect();
    let std_err = (full.len() > 1).then(|| mean_and_error(&full).1);
    Figure { name, value, std_err, rows: rows.len() }
}

fn loss_of_batch(hand: &ByHand, rows: &[Vec<f64>], batch: usize, seed: u64, first: u64) -> f64 {
    let scene = Scene {
        model: hand.settings.model(),
        network: &hand.model,
        data: &hand.data.facts(),
        training: &hand.training,
        validation: None,
        flow_noise: hand.noise(),
    };
    let task = hand.settings.objective().method().build(scene).unwrap();
    let (mut parameters, mut inputs) = (hand.parameters.clone(), hand.weights.clone());
    if let (Some(log_z), Network::Energy(_)) = (hand.learnt_log_z, &hand.model) {
        let initial = Initial::Constant(0.0);
        parameters.push(Parameter { name: "log_z".into(), shape: Vec::new(), initial });
        inputs.push(enscore_program::Value::Float(vec![log_z]));
    }
    let (program, _) = trace(&parameters, |scope, parameters| {
        let batch = Batch {
            x: scope.input("x", Kind::Float, &batch_shape(batch, &hand.data.row_shape)),
            weights: scope.input("weights", Kind::Float, &[batch]),
            key: scope.input("key", Kind::Key, &[]),
            chains: None,
        };
        let estimate = task.players[0].objective.estimate(&hand.model, parameters, &batch);
        let shown = estimate.diagnostics.first().map_or(estimate.loss, |(_, shown)| *shown);
        vec![("loss".to_string(), shown)]
    })
    .unwrap();
    let row = |i: usize| rows.get(i).cloned().unwrap_or_else(|| vec![0.0; hand.row_len()]);
    inputs.push(enscore_program::Value::Float((0..batch).flat_map(row).collect()));
    inputs.push(enscore_program::Value::Float(
        (0..batch).map(|i| f64::from(u8::from(i < rows.len()))).collect(),
    ));
    inputs.push(enscore_program::Value::Key(Key { seed, step: u64::MAX, row: first }));
    interpret(&program, &inputs).unwrap()[0].floats()[0]
}

fn unit_figures(hand: &ByHand, rows: &Rows) -> Vec<Figure> {
    let Some(units) = hand.units() else { return Vec::new() };
    let width = hand.row_len();
    let given_back = hand.of_rows(rows, |_, parameters, x| {
        let (first, _) = units.first_given_data(parameters, x);
        let h = units.second_inputs(parameters, first).sigmoid();
        mean_units(units.first_units(), units.first_inputs(parameters, h))
    });
    let error = |(x, mean): (&Vec<f64>, &Vec<f64>)| {
        x.iter().zip(mean).map(|(x, mean)| (x - mean).powi(2)).sum::<f64>() / width as f64
    };
    let errors: Vec<f64> = rows.iter().zip(&given_back).map(error).collect();
    let mut figures =
        vec![mean_of("reconstruction error per element of held-out rows, squared units".into(), &errors)];
    if !units.is_bound() && units.is_binary() {
        let pseudo: Vec<f64> = rows.iter().map(|row| pseudo_log_likelihood(hand, row)).collect();
        figures.push(mean_of("pseudo-log-likelihood of held-out rows, nats".into(), &pseudo));
    }
    figures
}

/// Σ ln p(x_i | the others), by the odds of the row against the row with the unit flipped.
fn pseudo_log_likelihood(hand: &ByHand, row: &[f64]) -> f64 {
    let flipped = |unit: usize| {
        let mut row = row.to_vec();
        row[unit] = 1.0 - row[unit];
        row
    };
    let mut rows = vec![row.to_vec()];
    rows.extend((0..row.len()).map(flipped));
    let f = hand.log_densities(&rows);
    f[1..].iter().map(|other| -(other - f[0]).exp().ln_1p()).sum()
}

/// log Z over the box that is half as wide again on either side as the data's range, and the bound on its
/// error: the change from twice the step, and what lies in a box 1.5 times as wide or what the border says.
pub fn quadrature(hand: &ByHand) -> (f64, f64) {
    quadrature_over(hand, 1.0)
}

/// log Z and its error over a box of the same centre, `times` as wide.
fn quadrature_over(hand: &ByHand, times: f64) -> (f64, f64) {
    let [low, high] = hand.data.range;
    let width = 2.0 * times * (high - low);
    let start = 0.5 * (low + high) - 0.5 * width;
    let step = width / INTERVALS as f64;
    let last = INTERVALS + 2 * MARGIN;
    let place = |i: usize| start + (i as f64 - MARGIN as f64) * step;
    let f: Rows = (0..=last)
        .map(|i| hand.on_grid(&(0..=last).flat_map(|j| [place(i), place(j)]).collect::<Vec<_>>()))
        .collect();
    let log_z = |from: usize, to: usize, stride: usize| {
        let end = |i: usize| if i == from || i == to { 0.5 } else { 1.0 };
        let places = || (from..=to).step_by(stride);
        let cells = places().flat_map(|i| places().map(move |j| (i, j)));
        let sum: f64 = cells.map(|(i, j)| end(i) * end(j) * f[i][j].exp()).sum();
        (sum * (stride as f64 * step).powi(2)).ln()
    };
    let (first, end) = (MARGIN, MARGIN + INTERVALS);
    let value = log_z(first, end, 1);
    let outside = log_z(0, last, 1) - value;
    let border = (first..=end).flat_map(|i| [f[first][i], f[end][i], f[i][first], f[i][end]]);
    let border = (border.fold(f64::NEG_INFINITY, f64::max) + 2.0 * width.ln() - value).exp();
    (value, (value - log_z(first, end, 2)).abs() + outside.abs().max(border))
}

/// P(inside > outside) + ½ P(equal) by all pairs, and DeLong's standard error.
pub fn auroc(inside: &[f64], outside: &[f64]) -> (f64, f64) {
    let pair = |a: f64, b: f64| if a > b { 1.0 } else { 0.5 * f64::from(u8::from(a == b)) };
    let mean = |values: Vec<f64>| values.iter().sum::<f64>() / values.len() as f64;
    let by_inside: Vec<f64> =
        inside.iter().map(|a| mean(outside.iter().map(|b| pair(*a, *b)).collect())).collect();
    let by_outside: Vec<f64> =
        outside.iter().map(|b| mean(inside.iter().map(|a| pair(*a, *b)).collect())).collect();
    let (value, first) = mean_and_error(&by_inside);
    (value, first.hypot(mean_and_error(&by_outside).1))
}

/// ‖σ s(x + σ z, σ) + z‖² / d of every row at a level; z is keyed by seed, level and row.
pub fn denoising_losses(hand: &ByHand, rows: &Rows, level: usize, sigma: f64, seed: u64) -> Vec<f64> {
    let d = hand.row_len();
    let mut noise = Vec::new();
    let mut moved = Vec::new();
    for (i, row) in rows.iter().enumerate() {
        let mut z = vec![0.0; d];
        normal_row(Key::new(seed, level as u64), 0, i as u64, &mut z);
        moved.push(row.iter().zip(&z).map(|(x, z)| x + sigma * z).collect());
        noise.push(z);
    }
    let scores = hand.scores(&moved, sigma);
    let loss = |(s, z): (&Vec<f64>, &Vec<f64>)| {
        s.iter().zip(z).map(|(s, z)| (sigma * s + z).powi(2)).sum::<f64>() / d as f64
    };
    scores.iter().zip(&noise).map(loss).collect()
}

/// (1/d) (‖I - σ² A‖² + σ² E ‖A (x - m)‖²) with A = (C + σ² I)⁻¹ for mean m and covariance C of the training
/// `rows`, over the `held_out` x: the loss there of the affine network that is best on the training rows.
pub fn affine_loss(rows: &Rows, held_out: &Rows, sigma: f64) -> f64 {
    let (n, d) = (rows.len() as f64, rows[0].len());
    let mean: Vec<f64> = (0..d).map(|j| rows.iter().map(|row| row[j]).sum::<f64>() / n).collect();
    let covariance =
        |j: usize, k: usize| rows.iter().map(|row| (row[j] - mean[j]) * (row[k] - mean[k])).sum::<f64>() / n;
    // The inverse by Gauss and Jordan.
    let mut left: Rows = (0..d).map(|j| (0..d).map(|k| covariance(j, k)).collect()).collect();
    let mut right: Rows = (0..d).map(|j| (0..d).map(|k| f64::from(u8::from(j == k))).collect()).collect();
    (0..d).for_each(|j| left[j][j] += sigma * sigma);
    for j in 0..d {
        let pivot = left[j][j];
        for k in 0..d {
            left[j][k] /= pivot;
            right[j][k] /= pivot;
        }
        for i in (0..d).filter(|i| *i != j) {
            let factor = left[i][j];
            for k in 0..d {
                left[i][k] -= factor * left[j][k];
                right[i][k] -= factor * right[j][k];
            }
        }
    }
    let noise = |j: usize, k: usize| f64::from(u8::from(j == k)) - sigma * sigma * right[j][k];
    let of_noise: f64 = (0..d * d).map(|at| noise(at / d, at % d).powi(2)).sum();
    let of_row = |row: &Vec<f64>| -> f64 {
        let along = |j: usize| (0..d).map(|k| right[j][k] * (row[k] - mean[k])).sum::<f64>();
        (0..d).map(|j| (sigma * along(j)).powi(2)).sum()
    };
    let of_rows = held_out.iter().map(of_row).sum::<f64>() / held_out.len() as f64;
    (of_noise + of_rows) / d as f64
}

/// The standard error of log (1/n) Σ w: the larger of std(w) / (mean(w) √n), from the effective sample size
/// (Σ w)² / Σ w² of n weights, and √ log (1 + (e^v - 1) / n) from the spread v of log w above the median.
pub fn error_of_weights(ess: f64, n: f64, spread: f64) -> f64 {
    let of_spread = (1.0 + (spread.exp() - 1.0) / n).ln().sqrt();
    ((n / ess - 1.0) / (n - 1.0)).sqrt().max(of_spread)
}
