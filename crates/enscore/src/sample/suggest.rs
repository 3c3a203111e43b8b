//! Noise levels and step size computed from the data: techniques 1 to 4 of NCSNv2.
//!
//! Song and Ermon 2020, "Improved techniques for training score-based generative models".
//! 1. sigma_1 is the largest Euclidean distance between two training rows.
//! 2. sigma_i are geometric with ratio g where Phi(sqrt(2D) (g - 1) + 3 g) - Phi(sqrt(2D) (g - 1) - 3 g) =
//!    0.5 (D the dimension, Phi the normal distribution function): neighbouring levels overlap by half.
//! 3. The network is s(x) / sigma with s unconditional: a matter of the model, nothing to compute.
//! 4. T steps a level as the budget allows; eps makes
//!    (1 - eps/sigma_L²)^{2T} (g² - 2 eps / (sigma_L² - sigma_L² (1 - eps/sigma_L²)²)) + 2 eps / (sigma_L² -
//!    sigma_L² (1 - eps/sigma_L²)²) as near to 1 as it gets: the variance, relative to its target, that T
//!    steps leave after a level. The formula's eps is that of the published code; it is converted to the rule
//!    asked for.
//!
//! Technique 5 is the moving average of the weights.

use crate::error::{Error, Result};
use crate::mcmc::StepRule;
use crate::model::NoiseLevels;
use crate::streams;
use enscore_program::random::{Key, index, row_words};
use rayon::prelude::*;
use serde::Serialize;
use std::f64::consts::TAU;

/// Where technique 2 asks for a coarser ratio (below some 18 dimensions) or has no solution (up to 4), levels
/// still decrease by this factor at most.
pub const LARGEST_RATIO: f64 = 2.0;
/// Rows per block of the pairwise distances.
const BLOCK: usize = 64;

/// What is not computed from the data.
#[derive(Clone, Copy, Debug)]
pub struct SuggestionSettings {
    /// The smallest level, in units of the data; 0.01 suits data in [0, 1].
    pub sigma_min: f64,
    /// Langevin steps a level, T.
    pub steps_per_level: u32,
    /// The rule that the step size is meant for.
    pub rule: StepRule,
    /// Beyond this many rows, the largest distance is that of a random subset of them.
    pub max_rows: usize,
    /// The seed of the subset.
    pub seed: u64,
}

impl Default for SuggestionSettings {
    fn default() -> Self {
        let rule = StepRule::Algorithm1;
        SuggestionSettings { sigma_min: 0.01, steps_per_level: 5, rule, max_rows: 2000, seed: 0 }
    }
}

/// Settings of an NCSN for a data set.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Suggestion {
    /// Technique 1: the largest distance between two of the rows used.
    pub sigma_max: f64,
    /// The smallest level, as asked for.
    pub sigma_min: f64,
    /// The levels L: 1 + ln(sigma_max / sigma_min) / ln(ratio), rounded up.
    pub levels: usize,
    /// The ratio between neighbouring levels when there are L of them.
    pub ratio: f64,
    /// Technique 2's solution; none up to 4 dimensions, where levels overlap enough at any ratio.
    pub technique2_ratio: Option<f64>,
    /// Langevin steps a level, as asked for.
    pub steps_per_level: u32,
    /// Technique 4: eps under `rule`.
    pub step_size: f64,
    /// The rule that `step_size` is meant for.
    pub rule: StepRule,
    /// Technique 4's expression at this step size; 1 would be perfect.
    pub variance_ratio: f64,
    /// Dimensions of a row.
    pub row_len: usize,
    /// Rows of the data.
    pub rows: usize,
    /// Rows that the largest distance was taken over; if fewer than `rows`, it is a lower bound.
    pub rows_used: usize,
}

/// Suggests noise levels and step size for row-major `values`, `[rows, row_len]`.
///
/// # Errors
/// An input error if the values are no table of at least two rows, a value is not finite, a setting is out of
/// range, or the largest distance does not exceed `sigma_min`.
pub fn suggest(values: &[f32], row_len: usize, settings: SuggestionSettings) -> Result<Suggestion> {
    check(values, row_len, settings)?;
    let rows = values.len() / row_len;
    let chosen = subset(values, row_len, settings);
    let sigma_max = largest_distance(&chosen, row_len);
    let sigma_min = settings.sigma_min;
    if sigma_max <= sigma_min {
        return Err(Error::input("the largest distance in the data is below the smallest noise level")
            .found(sigma_max)
            .expected(format_args!("more than sigma_min = {sigma_min}"))
            .remedy("choose a smaller sigma_min, or scale the data"));
    }
    let technique2_ratio = overlap_ratio(row_len);
    let widest = technique2_ratio.unwrap_or(LARGEST_RATIO).min(LARGEST_RATIO);
    let levels = level_count(sigma_max, sigma_min, widest);
    // The same check that the settings of a run go through.
    NoiseLevels::geometric(sigma_max, sigma_min, levels)?;
    let ratio = (sigma_max / sigma_min).powf(1.0 / (levels - 1) as f64);
    let (eps, variance_ratio) = best_step_size(ratio, sigma_min, settings.steps_per_level);
    Ok(Suggestion {
        sigma_max,
        sigma_min,
        levels,
        ratio,
        technique2_ratio,
        steps_per_level: settings.steps_per_level,
        step_size: settings.rule.from_reference_code(eps),
        rule: settings.rule,
        variance_ratio,
        row_len,
        rows,
        rows_used: chosen.len() / row_len,
    })
}

fn check(values: &[f32], row_len: usize, settings: SuggestionSettings) -> Result<()> {
    if row_len == 0 || !values.len().is_multiple_of(row_len) || values.len() / row_len < 2 {
        return Err(Error::input("too little data to suggest noise levels")
            .found(format_args!("{} values in rows of {row_len}", values.len()))
            .expected("at least two whole rows"));
    }
    if let Some(position) = values.iter().position(|v| !v.is_finite()) {
        return Err(Error::input("a value is not finite")
            .at(format_args!("row {}, column {}", position / row_len, position % row_len))
            .found(values[position]));
    }
    let SuggestionSettings { sigma_min, steps_per_level, max_rows, .. } = settings;
    let wrong = |name: &str, found: &dyn std::fmt::Display, expected: &str| {
        Err(Error::input("a setting is out of range").at(name).found(found).expected(expected))
    };
    if !(sigma_min > 0.0 && sigma_min.is_finite()) {
        return wrong("sigma_min", &sigma_min, "a finite number above 0");
    }
    if !(1..=i32::MAX as u32 / 2).contains(&steps_per_level) {
        return wrong("steps_per_level", &steps_per_level, "at least 1 and below 2^30");
    }
    if max_rows < 2 {
        return wrong("max_rows", &max_rows, "at least 2");
    }
    Ok(())
}

/// All rows, or `max_rows` different ones by the first steps of a shuffle keyed by the seed.
fn subset(values: &[f32], row_len: usize, settings: SuggestionSettings) -> Vec<f32> {
    let rows = values.len() / row_len;
    if rows <= settings.max_rows {
        return values.to_vec();
    }
    let mut words = vec![0; settings.max_rows];
    row_words(Key::new(settings.seed, 0), streams::SUGGESTED_ROWS, 0, &mut words);
    let mut indices: Vec<usize> = (0..rows).collect();
    for (i, word) in words.into_iter().enumerate() {
        indices.swap(i, i + index(word, u32::try_from(rows - i).unwrap_or(u32::MAX)) as usize);
    }
    indices.truncate(settings.max_rows);
    indices.iter().flat_map(|i| &values[i * row_len..(i + 1) * row_len]).copied().collect()
}

/// Technique 1: the largest Euclidean distance between two rows.
pub fn largest_distance(values: &[f32], row_len: usize) -> f64 {
    if row_len == 0 {
        return 0.0;
    }
    let square = |a: &[f32], b: &[f32]| -> f64 {
        // Eight sums side by side, which the compiler turns into vector instructions.
        let mut sums = [0.0f64; 8];
        for (a, b) in a.chunks(8).zip(b.chunks(8)) {
            for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
                let difference = f64::from(*a) - f64::from(*b);
                *sum += difference * difference;
            }
        }
        sums.iter().sum()
    };
    let blocks = values.par_chunks(BLOCK * row_len).enumerate();
    let greatest = blocks.map(|(b, block)| {
        // A block stays in the cache while the rows from it onwards pass by once.
        let others = values[b * BLOCK * row_len..].chunks_exact(row_len);
        let pairs = others.flat_map(|y| block.chunks_exact(row_len).map(move |x| square(x, y)));
        pairs.fold(0.0, f64::max)
    });
    greatest.reduce(|| 0.0, f64::max).sqrt()
}

/// Technique 2: the ratio of neighbouring levels in `dims` dimensions, or none if there is no solution.
pub fn overlap_ratio(dims: usize) -> Option<f64> {
    let root = (2.0 * dims as f64).sqrt();
    // With sqrt(2D) <= 3 the lower bound of the interval never rises to 0: the overlap stays above a half.
    if root <= 3.0 {
        return None;
    }
    let overlap = |g: f64| normal_cdf(root * (g - 1.0) + 3.0 * g) - normal_cdf(root * (g - 1.0) - 3.0 * g);
    let mut low = 1.0;
    let mut high = 2.0 * root / (root - 3.0);
    // Halving to the last bit takes less than 80 steps.
    for _ in 0..80 {
        let middle = 0.5 * (low + high);
        if overlap(middle) > 0.5 { low = middle } else { high = middle }
    }
    Some(0.5 * (low + high))
}

/// L = 1 + ln(sigma_max / sigma_min) / ln(ratio), rounded up, at least 2.
pub fn level_count(sigma_max: f64, sigma_min: f64, ratio: f64) -> usize {
    ((1.0 + (sigma_max / sigma_min).ln() / ratio.ln()).ceil() as usize).max(2)
}

/// Technique 4's expression with q = eps / sigma_L²; 2 eps / (sigma_L² - sigma_L² (1-q)²) is 2 / (2 - q).
fn variance_ratio(q: f64, ratio: f64, steps: u32) -> f64 {
    let stationary = 2.0 / (2.0 - q);
    let kept = (1.0 - q).powi(2 * steps as i32);
    kept * (ratio * ratio - stationary) + stationary
}

/// Technique 4: the eps of the published code with the expression nearest to 1, and the expression there.
///
/// The expression is a weighted mean of ratio² and 2/(2 - q), both above 1, so nearest to 1 is least; q in
/// (0, 1], since beyond 1 steps overshoot.
pub fn best_step_size(ratio: f64, sigma_min: f64, steps_per_level: u32) -> (f64, f64) {
    let value = |log_q: f64| variance_ratio(log_q.exp(), ratio, steps_per_level);
    // A grid over twenty decades brackets the minimum, golden sections refine it.
    let lowest = -20.0 * std::f64::consts::LN_10;
    let points = 2000;
    let at = |i: usize| lowest * (1.0 - i as f64 / points as f64);
    let best = (0..=points).min_by(|i, j| value(at(*i)).total_cmp(&value(at(*j)))).unwrap_or(points);
    let mut low = at(best.saturating_sub(1));
    let mut high = at((best + 1).min(points));
    let golden = 0.5 * (5f64.sqrt() - 1.0);
    for _ in 0..60 {
        let left = high - golden * (high - low);
        let right = low + golden * (high - low);
        if value(left) < value(right) { high = right } else { low = left }
    }
    let log_q = 0.5 * (low + high);
    (log_q.exp() * sigma_min * sigma_min, value(log_q))
}

/// The standard normal distribution function, by its series (Marsaglia 2004, "Evaluating the normal
/// distribution", eq. 2): 1/2 + phi(x) (x + x³/3 + x⁵/(3·5) + ...), absolute error near 1e-16.
fn normal_cdf(x: f64) -> f64 {
    if x.abs() > 9.0 {
        return if x > 0.0 { 1.0 } else { 0.0 };
    }
    let mut term = x;
    let mut sum = x;
    let mut odd = 1.0;
    while sum + term != sum || odd < x * x {
        odd += 2.0;
        term *= x * x / odd;
        sum += term;
    }
    0.5 + sum * (-0.5 * x * x).exp() / TAU.sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values from tables of the normal distribution.
    #[test]
    fn the_normal_distribution_function_agrees_with_tables() {
        let known =
            [(0.0, 0.5), (1.0, 0.841344746068543), (-1.96, 0.024997895148220), (6.0, 0.999999999013412)];
        for (x, expected) in known {
            assert!((normal_cdf(x) - expected).abs() < 2e-15, "{x}: {}", normal_cdf(x));
        }
        assert_eq!((normal_cdf(40.0), normal_cdf(-40.0)), (1.0, 0.0));
    }

    /// The published setting for CIFAR-10: sigma 50 to 0.01, L = 232, T = 5, eps 6.2e-6 in the published
    /// code.
    #[test]
    fn step_size_of_the_published_setting() {
        let ratio = 5000f64.powf(1.0 / 231.0);
        let (eps, variance) = best_step_size(ratio, 0.01, 5);
        assert!((eps / 6.2e-6 - 1.0).abs() < 0.02, "{eps}");
        assert!(variance > 1.0 && variance < 1.06, "{variance}");
        // A minimum: both neighbours are worse.
        for factor in [0.9, 1.1] {
            assert!(variance_ratio(eps / 1e-4 * factor, ratio, 5) > variance);
        }
    }

    /// The expression as printed, term by term.
    #[test]
    fn the_expression_is_the_papers() {
        let eps = 6.2e-6f64;
        let sigma = 0.01f64;
        let gamma = 1.0375f64;
        let steps = 5;
        let s2 = sigma * sigma;
        let shrink = 1.0 - eps / s2;
        let fraction = 2.0 * eps / (s2 - s2 * shrink * shrink);
        let expected = shrink.powi(2 * steps) * (gamma * gamma - fraction) + fraction;
        assert!((variance_ratio(eps / s2, gamma, steps as u32) - expected).abs() < 1e-12);
    }

    #[test]
    fn suggestion_for_the_corners_of_a_cube() {
        let d = 64;
        let mut data = vec![0.0f32; 3 * d];
        data[d..2 * d].fill(1.0);
        data[2 * d..2 * d + 5].fill(0.5);
        let settings = SuggestionSettings { steps_per_level: 7, ..SuggestionSettings::default() };
        let found = suggest(&data, d, settings).unwrap();
        assert_eq!((found.sigma_max, found.rows, found.rows_used), (8.0, 3, 3));
        assert!((found.ratio.powi(found.levels as i32 - 1) - 800.0).abs() < 1e-9);
        assert!(found.ratio <= found.technique2_ratio.unwrap());
        let reference =
            suggest(&data, d, SuggestionSettings { rule: StepRule::ReferenceCode, ..settings }).unwrap();
        assert_eq!(found.step_size, 2.0 * reference.step_size);
    }

    #[test]
    fn few_dimensions_have_a_bounded_ratio() {
        assert_eq!(overlap_ratio(4), None);
        assert!(overlap_ratio(5).unwrap() > LARGEST_RATIO);
        let found = suggest(&[0.0, 0.0, 3.0, 4.0], 2, SuggestionSettings::default()).unwrap();
        assert_eq!((found.sigma_max, found.technique2_ratio, found.levels), (5.0, None, 10));
        assert!(found.ratio <= LARGEST_RATIO);
    }

    #[test]
    fn the_subset_is_seeded_and_said() {
        let data: Vec<f32> = (0..500).map(|v| v as f32).collect();
        let with = |seed| {
            suggest(&data, 1, SuggestionSettings { max_rows: 20, seed, ..SuggestionSettings::default() })
                .unwrap()
        };
        assert_eq!((with(1).rows_used, with(1).rows), (20, 500));
        assert_eq!(with(1), with(1));
        assert!(with(1).sigma_max != with(2).sigma_max && with(1).sigma_max < 499.0);
        assert_eq!(suggest(&data, 1, SuggestionSettings::default()).unwrap().sigma_max, 499.0);
    }

    #[test]
    fn refuses_data_and_settings_without_a_suggestion() {
        let ok = SuggestionSettings::default();
        let refused = |x: &[f32], d, settings| suggest(x, d, settings).unwrap_err().to_string();
        assert!(refused(&[1.0, 2.0], 2, ok).contains("two whole rows"));
        assert!(refused(&[1.0, 2.0], 0, ok).contains("two whole rows"));
        assert!(refused(&[1.0, f32::NAN], 1, ok).contains("row 1, column 0"));
        assert!(refused(&[1.0, 1.0], 1, ok).contains("smallest noise level"));
        assert!(
            refused(&[1.0, 2.0], 1, SuggestionSettings { sigma_min: 0.0, ..ok }).contains("out of range")
        );
        assert!(
            refused(&[1.0, 2.0], 1, SuggestionSettings { steps_per_level: 0, ..ok }).contains("out of range")
        );
        assert!(refused(&[1.0, 2.0], 1, SuggestionSettings { max_rows: 1, ..ok }).contains("out of range"));
    }
}
