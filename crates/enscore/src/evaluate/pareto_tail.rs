//! How heavy the tail of importance weights is: the shape k of a generalised Pareto distribution fitted to
//! the largest of them (Vehtari, Simpson, Gelman, Yao and Gabry 2024, "Pareto smoothed importance sampling",
//! section 2; the fit by Zhang and Stephens 2009, "A new and efficient estimation method for the generalized
//! Pareto distribution"). Weights have a finite variance for k < 1/2; beyond 0.7 their mean can't be relied
//! on.

/// Fewer weights than this in the tail give no shape.
const FEWEST_IN_TAIL: usize = 5;
/// The prior shape of small tails, and the weights that it counts for.
const PRIOR_SHAPE: f64 = 0.5;
const PRIOR_WEIGHT: f64 = 10.0;
/// The prior of the fit by Zhang and Stephens.
const PRIOR_SCALE: f64 = 3.0;

/// k of the tail of `log_weights`: of the largest min(n / 5, 3 √n). None of fewer than 25, and of a tail
/// whose weights are all the same: it has no tail.
pub fn pareto_shape(log_weights: &[f64]) -> Option<f64> {
    let n = log_weights.len();
    let tail = (n / 5).min((3.0 * (n as f64).sqrt()).ceil() as usize);
    if tail < FEWEST_IN_TAIL {
        return None;
    }
    let mut sorted = log_weights.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let greatest = sorted[n - 1];
    let cut = (sorted[n - tail - 1] - greatest).exp();
    let beyond: Vec<f64> = sorted[n - tail..].iter().map(|w| (w - greatest).exp() - cut).collect();
    let shape = shape_of(&beyond)?;
    let count = tail as f64;
    Some((count * shape + PRIOR_WEIGHT * PRIOR_SHAPE) / (count + PRIOR_WEIGHT))
}

/// The shape of ascending exceedances x: a mean over b of -log-likelihood weights, k = mean log (1 - b x).
fn shape_of(x: &[f64]) -> Option<f64> {
    let n = x.len();
    let quartile = x[(n as f64 / 4.0 + 0.5) as usize - 1];
    // A quartile of 0 would be the tail of ties.
    if quartile <= 0.0 || x[n - 1] <= quartile {
        return None;
    }
    let points = 30 + (n as f64).sqrt() as usize;
    let place = |j: usize| {
        1.0 / x[n - 1] + (1.0 - (points as f64 / (j as f64 + 0.5)).sqrt()) / (PRIOR_SCALE * quartile)
    };
    let shape = |b: f64| x.iter().map(|x| (-b * x).ln_1p()).sum::<f64>() / n as f64;
    let candidates: Vec<(f64, f64)> = (0..points)
        .map(place)
        .map(|b| {
            let k = shape(b);
            (b, n as f64 * ((-b / k).ln() - k - 1.0))
        })
        .filter(|(_, log_likelihood)| log_likelihood.is_finite())
        .collect();
    let greatest = candidates.iter().map(|(_, l)| *l).fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = candidates.iter().map(|(_, l)| (l - greatest).exp()).sum();
    let b = candidates.iter().map(|(b, l)| b * (l - greatest).exp()).sum::<f64>() / sum;
    let k = shape(b);
    k.is_finite().then_some(k)
}

#[cfg(test)]
mod tests {
    use super::*;
    use enscore_program::random::{Key, normal_row, row_words, uniform};

    fn uniforms(n: usize, row: u64) -> Vec<f64> {
        let mut words = vec![0; n];
        row_words(Key::new(4, 0), 1, row, &mut words);
        words.into_iter().map(uniform).collect()
    }

    /// Weights u^-k have a Pareto tail of shape k.
    #[test]
    fn the_shape_of_pareto_weights_is_theirs() {
        for k in [0.2, 0.5, 0.9] {
            let one =
                |row| pareto_shape(&uniforms(2000, row).iter().map(|u| -k * u.ln()).collect::<Vec<_>>());
            let shapes: Vec<f64> = (0..40).map(|row| one(row).unwrap()).collect();
            let mean = shapes.iter().sum::<f64>() / 40.0;
            // A tail of 135 is drawn to the prior a little.
            let expected = (135.0 * k + PRIOR_WEIGHT * PRIOR_SHAPE) / (135.0 + PRIOR_WEIGHT);
            assert!((mean - expected).abs() < 0.05, "{k}: {mean}, {expected}");
        }
    }

    #[test]
    fn normal_log_weights_have_heavier_tails_the_more_they_vary() {
        let shapes: Vec<f64> = [0.1, 1.0, 3.0]
            .map(|deviation| {
                let mut z = vec![0.0; 1000];
                normal_row(Key::new(1, 0), 1, 0, &mut z);
                pareto_shape(&z.iter().map(|z| deviation * z).collect::<Vec<_>>()).unwrap()
            })
            .to_vec();
        assert!(shapes[0] < 0.2 && shapes[0] < shapes[1] && shapes[1] < shapes[2], "{shapes:?}");
        assert!(shapes[2] > 0.7, "{shapes:?}");
    }

    #[test]
    fn few_or_equal_weights_have_no_tail() {
        assert_eq!(pareto_shape(&[0.0; 100]), None);
        assert_eq!(pareto_shape(&uniforms(24, 0)), None);
        assert!(pareto_shape(&uniforms(25, 0)).is_some());
    }
}
