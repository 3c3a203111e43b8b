//! Suggested noise levels and steps, each number computed once more: distances of all pairs, the overlap by
//! an integral, the variance by its expression.

use enscore::mcmc::StepRule;
use enscore::sample::{
    SuggestionSettings, best_step_size, largest_distance, level_count, overlap_ratio, suggest,
};

/// Rows whose two farthest stand at these places.
fn rows(count: usize, len: usize, [near, far]: [usize; 2]) -> Vec<f32> {
    let mut values: Vec<f32> = (0..count * len).map(|i| ((i * 29) % 17) as f32 / 17.0).collect();
    values[near * len..][..len].fill(-1.5);
    values[far * len..][..len].fill(2.5);
    values
}

/// Of all pairs, wherever the farthest stand: in one block of 64 rows, in two, in the last one, in the tail
/// of a row.
#[test]
fn the_largest_distance_is_that_of_all_pairs() {
    for len in [1, 3, 8, 11] {
        for places in [[0, 1], [5, 63], [63, 64], [2, 149], [128, 149], [149, 148]] {
            let values = rows(150, len, places);
            let mut largest: f64 = 0.0;
            for a in values.chunks(len) {
                for b in values.chunks(len) {
                    let square: f64 = a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2)).sum();
                    largest = largest.max(square.sqrt());
                }
            }
            let found = largest_distance(&values, len);
            assert!(
                (found - largest).abs() < 1e-6 * largest,
                "{len} {places:?}: {found}, expected {largest}"
            );
        }
    }
}

/// The integral of the normal density by Simpson's rule.
fn probability(from: f64, to: f64) -> f64 {
    let n = 4000;
    let h = (to - from) / f64::from(n);
    let density = |x: f64| (-0.5 * x * x).exp() / std::f64::consts::TAU.sqrt();
    let weight = |i: i32| {
        if i == 0 || i == n {
            1.0
        } else if i % 2 == 1 {
            4.0
        } else {
            2.0
        }
    };
    (0..=n).map(|i| weight(i) * density(from + f64::from(i) * h)).sum::<f64>() * h / 3.0
}

/// Technique 2: Φ(√(2D) (g - 1) + 3g) - Φ(√(2D) (g - 1) - 3g) = 1/2.
#[test]
fn neighbouring_levels_overlap_by_half() {
    for dims in [5, 30, 784, 3072] {
        let g = overlap_ratio(dims).unwrap();
        let shift = (2.0 * dims as f64).sqrt() * (g - 1.0);
        let overlap = probability((shift - 3.0 * g).max(-12.0), (shift + 3.0 * g).min(12.0));
        assert!((overlap - 0.5).abs() < 1e-9, "{dims} dimensions: {g} gives {overlap}");
    }
}

#[test]
fn levels_are_counted_up() {
    // 1 + ln(100) / ln(1.5) = 12.36; 1 + ln(8) / ln(2) = 4.
    assert_eq!(
        [level_count(1.0, 0.01, 1.5), level_count(8.0 + 1e-9, 1.0, 2.0), level_count(7.9, 1.0, 2.0)],
        [13, 5, 4]
    );
    assert_eq!(level_count(1.01, 1.0, 2.0), 2);
}

/// Technique 4, the printed expression on a grid.
#[test]
fn the_step_leaves_the_least_variance() {
    for (ratio, sigma, steps) in [(1.04f64, 0.01f64, 5), (1.5, 0.1, 3), (1.2, 1.0, 100)] {
        let expression = |eps: f64| {
            let s2 = sigma * sigma;
            let shrink = 1.0 - eps / s2;
            let stationary = 2.0 * eps / (s2 - s2 * shrink * shrink);
            shrink.powi(2 * steps as i32) * (ratio * ratio - stationary) + stationary
        };
        let (eps, variance) = best_step_size(ratio, sigma, steps);
        assert!((expression(eps) - variance).abs() < 1e-9, "{variance}");
        let least = (1..4000)
            .map(|i| expression(sigma * sigma * f64::from(i) / 4000.0))
            .fold(f64::INFINITY, f64::min);
        assert!(variance <= least + 1e-12 && variance > 1.0, "{variance}, on the grid {least}");
    }
}

/// Every field of a suggestion.
#[test]
fn a_suggestion_is_made_of_these_numbers() {
    let values = rows(70, 20, [3, 66]);
    for (rule, factor) in [(StepRule::Algorithm1, 2.0), (StepRule::ReferenceCode, 1.0)] {
        let settings =
            SuggestionSettings { sigma_min: 0.02, steps_per_level: 4, rule, ..SuggestionSettings::default() };
        let found = suggest(&values, 20, settings).unwrap();
        let sigma_max = 4.0 * 20f64.sqrt();
        assert!((found.sigma_max - sigma_max).abs() < 1e-9);
        let widest = overlap_ratio(20).unwrap();
        assert_eq!((found.technique2_ratio, widest < 2.0), (Some(widest), true));
        let levels = (1.0 + (sigma_max / 0.02).ln() / widest.ln()).ceil();
        assert_eq!(found.levels as f64, levels);
        assert!((found.ratio - (sigma_max / 0.02).powf(1.0 / (levels - 1.0))).abs() < 1e-12);
        let (eps, variance) = best_step_size(found.ratio, 0.02, 4);
        assert_eq!((found.step_size, found.variance_ratio), (factor * eps, variance));
        assert_eq!((found.sigma_min, found.steps_per_level, found.rule), (0.02, 4, rule));
        assert_eq!((found.row_len, found.rows, found.rows_used), (20, 70, 70));
    }
}
