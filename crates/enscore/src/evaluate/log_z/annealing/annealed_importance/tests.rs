//! Normalising constants that are known, and the sides on which the bounds lie.

use super::super::shifted::{Shifted, correlated_gaussian};
use super::*;
use crate::evaluate::Mean;
use crate::evaluate::{GaussianBase, IsotropicMixture};
use crate::model::ClosedForm;

fn settings(chains: usize, kernel: Kernel) -> AnnealingSettings {
    AnnealingSettings { chains, kernel, ..AnnealingSettings::default() }
}

/// The estimate is within 4 of its standard errors, the bounds on their sides, and all within `width` nats.
fn check_bracket(found: &Bracket, truth: f64, width: f64) {
    let Bracket { forward, reverse } = found;
    for side in [forward, reverse] {
        assert!((side.log_z - truth).abs() < 4.0 * side.std_err + 1e-9, "{truth}: {side:?}");
        assert!((side.bound - truth).abs() < width, "{truth}: {side:?}");
        assert!(side.effective_sample_size > 0.25 * side.chains as f64, "{side:?}");
        assert!(side.least_acceptance > 0.3 && side.failed == 0, "{side:?}");
    }
    assert!(forward.bound < truth && truth < reverse.bound, "{truth}: {found:?}");
    assert_eq!((forward.side, reverse.side), (BoundSide::Lower, BoundSide::Upper));
}

#[test]
fn annealing_finds_log_z_of_gaussians_in_two_and_ten_dimensions() {
    for (d, kernel) in [(2, Kernel::Mala), (2, Kernel::Hmc(5)), (10, Kernel::Mala), (10, Kernel::Hmc(5))] {
        let exact = correlated_gaussian(d).unwrap();
        let mut target = Shifted(exact.clone(), -37.5);
        let mut base = GaussianBase::isotropic(&vec![0.0; d], 1.0).unwrap();
        let samples = exact.clone().draw(Key::new(11, 0), 400).unwrap();
        let temperatures = Temperatures::linear(60).unwrap();
        let found = bracket(
            &mut target,
            &mut base,
            &samples,
            SampleOrigin::Exact,
            &temperatures,
            settings(400, kernel),
        )
        .unwrap();
        check_bracket(&found, -37.5, 0.3);
        assert!((0.0..0.6).contains(&found.gap()), "{found:?}");
    }
}

#[test]
fn the_bracket_holds_log_z_of_a_mixture_of_three() {
    let means = [2.0, 0.0, -1.0, 1.7, -1.0, -1.7];
    let mixture = IsotropicMixture::new(&[0.5, 0.3, 0.2], &means, &[0.15; 3], 2).unwrap();
    let mut exact = mixture.noisy(0.0).unwrap();
    let samples = exact.draw(Key::new(5, 0), 500).unwrap();
    let mut base = GaussianBase::isotropic(&[0.0; 2], 4.0).unwrap();
    let found = bracket(
        &mut Shifted(exact, 12.0),
        &mut base,
        &samples,
        SampleOrigin::Exact,
        &Temperatures::sigmoid(100).unwrap(),
        settings(500, Kernel::Hmc(5)),
    )
    .unwrap();
    check_bracket(&found, 12.0, 0.3);
}

/// A product of three double wells exp(-x⁴/4 + x²/2), whose log Z is known, with samples by inversion on a
/// grid.
#[test]
fn annealing_finds_log_z_of_a_product_of_double_wells() {
    let well = |x: f64| -0.25 * x.powi(4) + 0.5 * x * x;
    let value = move |x: &[f64]| x.iter().map(|x| well(*x)).sum();
    let score = |x: &[f64], s: &mut [f64]| s.iter_mut().zip(x).for_each(|(s, x)| *s = x - x.powi(3));
    let mut target = ClosedForm::new(3, value, score).unwrap();
    let mut base = GaussianBase::isotropic(&[0.0; 3], 1.0).unwrap();
    let steps = 40_000;
    let mut cumulated = vec![0.0];
    let at = |i: usize| -5.0 + 10.0 * i as f64 / steps as f64;
    (0..steps).for_each(|i| cumulated.push(cumulated[i] + well(at(i) + 5.0 / steps as f64).exp()));
    let mut words = vec![0; 3 * 400];
    enscore_program::random::row_words(Key::new(3, 0), 1, 0, &mut words);
    let invert = |word: &u32| {
        let share = enscore_program::random::uniform(*word) * cumulated[steps];
        at(cumulated.partition_point(|sum| *sum < share))
    };
    let samples: Vec<f64> = words.iter().map(invert).collect();
    let temperatures = Temperatures::linear(50).unwrap();
    for kernel in [Kernel::Mala, Kernel::Hmc(4)] {
        let found = bracket(
            &mut target,
            &mut base,
            &samples,
            SampleOrigin::Exact,
            &temperatures,
            settings(400, kernel),
        )
        .unwrap();
        check_bracket(&found, 3.0 * 1.3622929093987413, 0.3);
    }
}

/// log mean exp(f(x_i) - log p_0(x_i)) over `rows` draws from the base, under the seed of a forward run.
fn importance_sampling(
    target: &mut dyn HostDensity,
    base: &mut dyn Base,
    rows: usize,
    seed: u64,
) -> Result<LogWeights> {
    let x = base.draw(Key::new(seed_of(seed, FORWARD), 0), rows)?;
    let f = target.log_density(&x)?;
    let p = base.log_density(&x)?;
    LogWeights::of(&f.iter().zip(&p).map(|(f, p)| f - p).collect::<Vec<_>>())
}

/// With a single temperature all is known: for x ~ N(0, 1) and the target N(m, 1), log w = m x - m²/2 + log
/// Z.
#[test]
fn one_temperature_is_importance_sampling() {
    let target = || Shifted(GaussianBase::isotropic(&[0.8], 1.0).unwrap(), 2.0);
    let mut base = GaussianBase::isotropic(&[0.0], 1.0).unwrap();
    let plain = importance_sampling(&mut target(), &mut base, 4000, 9).unwrap();
    let settings = AnnealingSettings { seed: 9, ..settings(4000, Kernel::Mala) };
    let once =
        Annealing::tune(&mut target(), &mut base, &Temperatures::linear(1).unwrap(), settings).unwrap();
    let found = once.forward(&mut target(), &mut base).unwrap();
    assert_eq!((found.acceptance, found.temperatures), (1.0, 1));
    assert!((plain.log_mean - found.log_z).abs() < 1e-12);
    let Mean { value, std_err, count } = plain.mean_log;
    assert!((value - (2.0 - 0.32)).abs() < 4.0 * std_err && count == 4000);
    assert!((std_err - 0.8 / 4000f64.sqrt()).abs() < 0.001);
    // ESS / n = 1 / E[w²] with E[w²] = exp(m²) for the normalised weight.
    assert!((plain.effective_sample_size / 4000.0 - (-0.64f64).exp()).abs() < 0.05);
    assert!((plain.log_mean - 2.0).abs() < 4.0 * plain.std_err);
}

/// A bound is claimed from exact samples only; wrong samples would break it.
#[test]
fn samples_that_are_not_exact_give_no_bound() {
    let mut target = GaussianBase::isotropic(&[0.0], 1.0).unwrap();
    let mut base = GaussianBase::isotropic(&[0.0], 4.0).unwrap();
    let temperatures = Temperatures::linear(10).unwrap();
    let annealing =
        Annealing::tune(&mut target, &mut base, &temperatures, settings(64, Kernel::Mala)).unwrap();
    let found = annealing.reverse(&mut target, &mut base, &[3.0; 64], SampleOrigin::Approximate).unwrap();
    assert_eq!(found.side, BoundSide::Neither);
    assert!(found.bound < -0.5, "{found:?}");
}

/// The same seed gives the same figures in any batches; another seed gives others.
#[test]
fn figures_do_not_depend_on_batches() {
    let mixture = IsotropicMixture::new(&[0.5, 0.5], &[1.0, 0.0, -1.0, 0.5], &[0.3, 0.2], 2).unwrap();
    let mut target = mixture.noisy(0.0).unwrap();
    let mut base = GaussianBase::isotropic(&[0.0; 2], 2.0).unwrap();
    let samples = target.draw(Key::new(5, 0), 50).unwrap();
    let mut run = |batch, seed| {
        let settings = AnnealingSettings { batch, seed, ..settings(50, Kernel::Hmc(3)) };
        let temperatures = Temperatures::linear(8).unwrap();
        let Bracket { forward, reverse } =
            bracket(&mut target, &mut base, &samples, SampleOrigin::Exact, &temperatures, settings).unwrap();
        [forward.log_z, forward.bound, reverse.log_z, reverse.bound]
    };
    let whole = run(1024, 1);
    assert_eq!(whole, run(7, 1));
    assert_ne!(whole, run(1024, 2));
}

/// Tuned steps are accepted about as often as was aimed at.
#[test]
fn pilots_settle_the_steps() {
    for (kernel, variance) in
        [(Kernel::Mala, 1e-6), (Kernel::Hmc(5), 1e-6), (Kernel::Mala, 1e6), (Kernel::Hmc(5), 1e6)]
    {
        let mut target = GaussianBase::isotropic(&[0.0; 5], variance).unwrap();
        let mut base = GaussianBase::isotropic(&[0.0; 5], 2.0 * variance).unwrap();
        let temperatures = Temperatures::linear(20).unwrap();
        let annealing =
            Annealing::tune(&mut target, &mut base, &temperatures, settings(100, kernel)).unwrap();
        let found = annealing.forward(&mut target, &mut base).unwrap();
        assert!((found.acceptance - kernel.acceptance()).abs() < 0.1, "{found:?}");
        assert!(found.log_z.abs() < 4.0 * found.std_err, "{found:?}");
    }
}

#[test]
fn refuses_what_cannot_be_annealed() {
    let mut target = GaussianBase::isotropic(&[0.0], 1.0).unwrap();
    let mut base = GaussianBase::isotropic(&[0.0; 2], 1.0).unwrap();
    let temperatures = Temperatures::linear(3).unwrap();
    let mut tune = |settings| Annealing::tune(&mut target, &mut base, &temperatures, settings);
    assert!(tune(AnnealingSettings::default()).unwrap_err().to_string().contains("different lengths"));
    for wrong in [
        AnnealingSettings { chains: 1, ..AnnealingSettings::default() },
        AnnealingSettings { batch: 0, ..AnnealingSettings::default() },
        AnnealingSettings { transitions: 0, ..AnnealingSettings::default() },
        AnnealingSettings { pilot_chains: 0, ..AnnealingSettings::default() },
    ] {
        assert!(tune(wrong).is_err());
    }
    let mut wide = GaussianBase::isotropic(&[0.0], 1.0).unwrap();
    let annealing =
        Annealing::tune(&mut target, &mut wide, &temperatures, AnnealingSettings::default()).unwrap();
    for samples in [&[][..], &[0.0]] {
        assert!(annealing.reverse(&mut target, &mut wide, samples, SampleOrigin::Exact).is_err());
    }
}

/// From N(0, 1) to exp(-(x-m)²/(2v)) with chains that mix: forward, interval k is weighed under β_k, in
/// reverse under β_{k+1}; both means are sums of Gaussian moments.
#[test]
fn each_interval_is_weighed_at_its_own_end() {
    let m = 1.5;
    let v = 0.4;
    let mut target = Shifted(GaussianBase::isotropic(&[m], v).unwrap(), 0.0);
    let mut base = GaussianBase::isotropic(&[0.0], 1.0).unwrap();
    let temperatures = Temperatures::new(&[0.0, 0.2, 0.7, 1.0]).unwrap();
    let betas = temperatures.as_slice();
    // E of log p_1 - log p_0 where the precision is 1 - β + β/v.
    let slope = |beta: f64| {
        let variance = 1.0 / (1.0 - beta + beta / v);
        let mean = variance * beta * m / v;
        0.5 * (variance + mean * mean) - 0.5 * (variance + (mean - m).powi(2)) / v - 0.5 * f64::ln(v)
    };
    let sum = |end: usize| (0..3).map(|k| (betas[k + 1] - betas[k]) * slope(betas[k + end])).sum::<f64>();
    let samples = target.0.draw(Key::new(8, 0), 6000).unwrap();
    let settings = AnnealingSettings { transitions: 15, ..settings(6000, Kernel::Mala) };
    let found =
        bracket(&mut target, &mut base, &samples, SampleOrigin::Exact, &temperatures, settings).unwrap();
    for (side, truth) in [(&found.forward, sum(0)), (&found.reverse, sum(1))] {
        assert!((side.bound - truth).abs() < 4.5 * side.bound_std_err, "{truth}: {side:?}");
    }
    assert!(sum(0) < -0.1 && sum(1) > 0.1);
}
