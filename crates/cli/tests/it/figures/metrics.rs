//! The metrics of samples beside real rows, and of real rows beside real rows, by double loops, sorting and
//! the closed form in the plane.

use enscore_program::random::{Key, index, normal_row, row_words};
use serde_json::Value;

use super::plain::by_hand::{AVERAGED, ByHand, Rows, number};
use super::plain::trained::{folder, more_rows, train};
use crate::common::Folder;

/// What keeps the draws of the comparison apart.
const REAL: u32 = 0x7457_0001;
const SAMPLES: u32 = 0x7457_0002;
const DIRECTIONS: u32 = 0x51CE_0001;
/// Random subsets that values are averaged over.
const DRAWS: u64 = 4;

/// value, null value, deviation of the null value.
type Compared = [f64; 3];

/// `size` different indices, by the first steps of a shuffle.
fn subset(count: usize, size: usize, key: Key, stream: u32) -> Vec<usize> {
    let mut words = vec![0; size];
    row_words(key, stream, 0, &mut words);
    let mut indices: Vec<usize> = (0..count).collect();
    for (i, word) in words.into_iter().enumerate() {
        indices.swap(i, i + index(word, (count - i) as u32) as usize);
    }
    indices[..size].to_vec()
}

/// A metric over the subsets: samples against A, B against A, where A and B are halves of the real rows.
fn compared(
    samples: &Rows,
    real: &Rows,
    seed: u64,
    metric: impl Fn(&Rows, &Rows) -> f64,
) -> (Compared, usize) {
    let n = samples.len().min(real.len() / 2);
    let take = |rows: &Rows, at: &[usize]| -> Rows { at.iter().map(|i| rows[*i].clone()).collect() };
    let (mut values, mut nulls) = (Vec::new(), Vec::new());
    for draw in 0..DRAWS {
        let key = Key::new(seed, draw);
        let chosen = subset(real.len(), 2 * n, key, REAL);
        let (a, b) = (take(real, &chosen[..n]), take(real, &chosen[n..]));
        values.push(metric(&take(samples, &subset(samples.len(), n, key, SAMPLES)), &a));
        nulls.push(metric(&b, &a));
    }
    let mean = |values: &[f64]| values.iter().sum::<f64>() / DRAWS as f64;
    let null = mean(&nulls);
    let deviation = nulls.iter().map(|x| (x - null).powi(2)).sum::<f64>() / (DRAWS - 1) as f64;
    ([mean(&values), null, deviation.sqrt()], n)
}

fn square_distance(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(x, y)| (x - y).powi(2)).sum()
}

/// The unbiased MMD² with the mean of Gaussian kernels of half, once and twice the median distance of the
/// real rows.
fn mmd(real: &Rows) -> impl Fn(&Rows, &Rows) -> f64 {
    let pairs = (0..real.len()).flat_map(|i| (0..i).map(move |j| (i, j)));
    let mut squares: Vec<f64> = pairs.map(|(i, j)| square_distance(&real[i], &real[j])).collect();
    squares.sort_by(f64::total_cmp);
    let median = squares[squares.len() / 2];
    let kernel = move |x: &[f64], y: &[f64]| {
        let of = |scale: f64| (-square_distance(x, y) / (2.0 * scale * scale * median)).exp();
        (of(0.5) + of(1.0) + of(2.0)) / 3.0
    };
    move |x, y| {
        let n = x.len() as f64;
        let sum = |a: &Rows, b: &Rows, all: bool| {
            let mut sum = 0.0;
            for (i, a) in a.iter().enumerate() {
                for (j, b) in b.iter().enumerate() {
                    if all || i != j {
                        sum += kernel(a, b);
                    }
                }
            }
            sum
        };
        (sum(x, x, false) + sum(y, y, false)) / (n * (n - 1.0)) - 2.0 * sum(x, y, true) / (n * n)
    }
}

/// The same with the kernel (x'y/d + 1)³.
fn kid(x: &Rows, y: &Rows) -> f64 {
    let n = x.len() as f64;
    let kernel = |a: &[f64], b: &[f64]| {
        let product: f64 = a.iter().zip(b).map(|(a, b)| a * b).sum();
        (product / a.len() as f64 + 1.0).powi(3)
    };
    let sum = |a: &Rows, b: &Rows| a.iter().flat_map(|a| b.iter().map(|b| kernel(a, b))).sum::<f64>();
    let diagonal = |a: &Rows| a.iter().map(|a| kernel(a, a)).sum::<f64>();
    let within = |a: &Rows| (sum(a, a) - diagonal(a)) / (n * (n - 1.0));
    within(x) + within(y) - 2.0 * sum(x, y) / (n * n)
}

/// The root of the mean over 256 directions of the mean square difference of sorted projections.
fn sliced_wasserstein(seed: u64) -> impl Fn(&Rows, &Rows) -> f64 {
    move |x, y| {
        let mut sum = 0.0;
        for k in 0..256 {
            let mut direction = vec![0.0; x[0].len()];
            normal_row(Key::new(seed, 0), DIRECTIONS, k, &mut direction);
            let length = direction.iter().map(|v| v * v).sum::<f64>().sqrt();
            let sorted = |rows: &Rows| {
                let along = |row: &Vec<f64>| row.iter().zip(&direction).map(|(x, v)| x * v / length).sum();
                let mut values: Vec<f64> = rows.iter().map(along).collect();
                values.sort_by(f64::total_cmp);
                values
            };
            sum += square_distance(&sorted(x), &sorted(y)) / x.len() as f64;
        }
        (sum / 256.0).sqrt()
    }
}

/// |m - m'|² + tr(S + S' - 2 (S S')^½) in the plane, where tr (S S')^½ = √(tr S S' + 2 √(det S det S')).
fn frechet(x: &Rows, y: &Rows) -> f64 {
    let moments = |rows: &Rows| {
        let n = rows.len() as f64;
        let mean = [0, 1].map(|j| rows.iter().map(|row| row[j]).sum::<f64>() / n);
        let covariance = |j: usize, k: usize| {
            rows.iter().map(|row| (row[j] - mean[j]) * (row[k] - mean[k])).sum::<f64>() / n
        };
        (mean, [covariance(0, 0), covariance(0, 1), covariance(1, 1)])
    };
    let ((m, s), (other, t)) = (moments(x), moments(y));
    let det = |s: [f64; 3]| (s[0] * s[2] - s[1] * s[1]).max(0.0);
    let product = s[0] * t[0] + 2.0 * s[1] * t[1] + s[2] * t[2];
    let cross = (product + 2.0 * (det(s) * det(t)).sqrt()).sqrt();
    square_distance(&m, &other) + s[0] + s[2] + t[0] + t[2] - 2.0 * cross
}

/// The squared distance of each row from its fifth nearest other one.
fn fifth(rows: &Rows) -> Vec<f64> {
    let of = |i: usize| {
        let others = rows.iter().enumerate().filter(|(j, _)| *j != i);
        let mut all: Vec<f64> = others.map(|(_, row)| square_distance(row, &rows[i])).collect();
        all.sort_by(f64::total_cmp);
        all[4]
    };
    (0..rows.len()).map(of).collect()
}

fn share(found: impl Iterator<Item = bool>) -> f64 {
    let all: Vec<bool> = found.collect();
    all.iter().filter(|found| **found).count() as f64 / all.len() as f64
}

/// The share of rows x within the ball of some row y.
fn within_some_ball(x: &Rows, y: &Rows) -> f64 {
    let radii = fifth(y);
    share(x.iter().map(|x| y.iter().zip(&radii).any(|(y, radius)| square_distance(x, y) <= *radius)))
}

/// The share of rows y whose ball holds some row x.
fn coverage(x: &Rows, y: &Rows) -> f64 {
    let radii = fifth(y);
    share(y.iter().zip(&radii).map(|(y, radius)| x.iter().any(|x| square_distance(x, y) <= *radius)))
}

fn assert_metric(found: &Value, name: &str, (by_hand, n): (Compared, usize)) {
    let metric = &found["metrics"][name];
    assert_eq!(metric["n"], n, "rows on each side of {name}: {metric}");
    for (key, expected) in ["value", "null", "null_std"].into_iter().zip(by_hand) {
        let error = (number(&metric[key]) - expected).abs();
        assert!(error < 1e-6, "{name}, {key}: found {}, by hand {expected}", metric[key]);
    }
}

/// Samples as `enscore sample` writes them.
fn samples(folder: &Folder, options: &str, row_len: usize) -> Rows {
    folder.succeed(&format!("sample run {options} --out samples.npy"));
    let values = folder.npy("samples.npy");
    values.chunks(row_len).map(|row| row.iter().map(|x| f64::from(*x)).collect()).collect()
}

#[test]
fn each_metric_compares_the_samples_of_the_seed_and_the_held_out_rows() {
    for name in ["ncsn-mlp", "ml-flow", "ssm-mlp"] {
        let folder = folder();
        train(&folder, name, "run", "");
        let hand = ByHand::open(&folder, "run", AVERAGED);
        let source = more_rows(&folder, name).unwrap();
        let found =
            folder.succeed(&format!("evaluate run --json --data {source} --samples 23 --seed 5")).json();
        let (mut x, real) = (samples(&folder, "--num 23 --seed 5", 2), hand.rows_of_source(&source));
        // Rows are compared as the model sees them.
        if let Some(map) = &hand.data.whitening {
            x.iter_mut().for_each(|row| *row = map.apply(row).unwrap());
        }
        assert_eq!(found["metrics"].as_object().unwrap().len(), 7);
        assert_metric(&found, "mmd2", compared(&x, &real, 5, mmd(&real)));
        let sliced = sliced_wasserstein(5);
        assert_metric(&found, "sliced_wasserstein256", compared(&x, &real, 5, sliced));
        assert_metric(&found, "frechet_pca2", compared(&x, &real, 5, frechet));
        assert_metric(&found, "kid", compared(&x, &real, 5, kid));
        assert_metric(&found, "precision_k5", compared(&x, &real, 5, within_some_ball));
        assert_metric(&found, "recall_k5", compared(&x, &real, 5, |x, y| within_some_ball(y, x)));
        assert_metric(&found, "coverage_k5", compared(&x, &real, 5, coverage));
    }
}

/// More samples than half of the real rows; images, whose samples are written in 16ths.
#[test]
fn metrics_of_images_are_of_scaled_rows() {
    let folder = folder();
    train(&folder, "ml-image-flow", "run", "");
    let hand = ByHand::open(&folder, "run", AVERAGED);
    let found = folder.succeed("evaluate run --json --max-rows 5 --samples 20 --metrics mmd").json();
    let raw = samples(&folder, "--num 20", 64);
    let scaled: Rows = raw.iter().map(|row| row.iter().map(|x| x / 16.0).collect()).collect();
    let real = hand.rows_of_source("digits");
    assert_eq!(found["metrics"].as_object().unwrap().len(), 1);
    assert_metric(&found, "mmd2", compared(&scaled, &real, 0, mmd(&real)));
}

#[test]
fn only_the_metrics_asked_for_are_taken() {
    let folder = folder();
    train(&folder, "dsm-mlp", "run", "");
    let source = more_rows(&folder, "dsm-mlp").unwrap();
    let run = |options: &str| {
        let found = folder.succeed(&format!("evaluate run --json --data {source} {options}")).json();
        found["metrics"].as_object().unwrap().clone()
    };
    let all = run("--samples 9");
    let two = run("--samples 9 --metrics frechet,sliced_wasserstein");
    assert_eq!(two.keys().collect::<Vec<_>>(), ["sliced_wasserstein256", "frechet_pca2"]);
    two.iter().for_each(|(name, metric)| assert_eq!(metric, &all[name], "{name} beside others and alone"));
    assert!(run("--samples 0").is_empty(), "no samples, no metrics");
}
