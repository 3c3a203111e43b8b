//! The posterior of an image by Gibbs sampling (Geman and Geman 1984): means E\[x_i | y\], the estimate that
//! errs on the fewest pixels, x_i = sign E\[x_i | y\] (maximiser of posterior marginals; Marroquin, Mitter
//! and Poggio 1987), and how far chains that start apart agree.

use enscore_program::random::{Key, row_words};

use super::checkerboard::{Checkerboard, Means, Table};
use super::model::{IsingDenoising, Labelling};
use crate::error::{Error, Result};
use crate::streams;

const MOST: usize = 1 << 30;

/// How long chains are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GibbsSettings {
    /// Chains, at least 2: their spread tells the error. The first starts from the noisy image, the others
    /// from noise.
    pub chains: usize,
    /// Sweeps that are left out at the start of each chain.
    pub burn_in: usize,
    /// Sweeps of each chain that count, at least 1.
    pub sweeps: usize,
    /// Seed of every random number.
    pub seed: u64,
}

impl Default for GibbsSettings {
    fn default() -> Self {
        GibbsSettings { chains: 4, burn_in: 100, sweeps: 500, seed: 0 }
    }
}

impl GibbsSettings {
    fn check(&self) -> Result<()> {
        let ranges = [
            ("chains", self.chains, 2, 1024),
            ("burn_in", self.burn_in, 0, MOST),
            ("sweeps", self.sweeps, 1, MOST),
        ];
        for (name, value, least, most) in ranges {
            if !(least..=most).contains(&value) {
                let error = Error::input("a sampler setting is out of range").at(name).found(value);
                return Err(error.expected(format_args!("{least} to {most}")));
            }
        }
        Ok(())
    }
}

/// What chains found of a posterior.
#[derive(Clone, Debug, PartialEq)]
pub struct Posterior {
    /// E\[x_i | y\], `[height, width]`.
    pub means: Vec<f64>,
    /// Standard errors of the means, from the spread of the chains: of few chains, so rough one by one.
    pub std_errs: Vec<f64>,
    /// The signs of the means (where one is 0, the noisy pixel), with their energy.
    pub labelling: Labelling,
    /// E\[E(x) | y\], nats.
    pub mean_energy: f64,
    /// Its standard error, from the scatter of the chains' means, which are independent whatever the
    /// autocorrelation of a chain.
    pub mean_energy_std_err: f64,
    /// Split R-hat of the energy (Gelman et al. 2013, "Bayesian data analysis", section 11.4): near 1 where
    /// chains agree. None where the energy never changes or there are fewer than 4 sweeps.
    pub r_hat: Option<f64>,
}

impl Posterior {
    /// The root mean square of the standard errors.
    pub fn std_err(&self) -> f64 {
        root_mean_square(&self.std_errs)
    }
}

pub(super) fn root_mean_square(values: &[f64]) -> f64 {
    let squares: f64 = values.iter().map(|value| value * value).sum();
    (squares / values.len() as f64).sqrt()
}

/// Samples the posterior given `y`; `progress` is told (sweeps done, of all) and may end it by an error.
///
/// # Errors
/// An input error if `y` is not of `height` x `width` spins -1 and 1 or a setting is out of range; what
/// `progress` returns.
pub fn posterior(
    model: &IsingDenoising,
    y: &[i8],
    [height, width]: [usize; 2],
    settings: &GibbsSettings,
    progress: &mut dyn FnMut(u64, u64) -> Result<()>,
) -> Result<Posterior> {
    settings.check()?;
    model.energy(y, y, height, width)?;
    let table = Table::new(model, 1.0);
    let each = settings.burn_in + settings.sweeps;
    let mut moments = Moments::new(y.len());
    let mut energies = Vec::new();
    for chain in 0..settings.chains {
        let row = (chain * height) as u64;
        let start = if chain == 0 { y.to_vec() } else { noise(settings.seed, row, height, width) };
        let mut board = Checkerboard::new(&start, y, width);
        let mut means = Means::new(&board);
        let mut path = Vec::with_capacity(settings.sweeps);
        for sweep in 0..each {
            progress((chain * each + sweep) as u64, (settings.chains * each) as u64)?;
            let key = Key { seed: settings.seed, step: sweep as u64, row };
            let counts = sweep >= settings.burn_in;
            let sums = board.sweep(&table, key, counts.then_some(&mut means));
            if counts {
                path.push(model.energy_of_sums(sums.agreement, sums.alignment));
            }
        }
        moments.add(&means.over(&board, settings.sweeps));
        energies.push(path);
    }
    let std_errs = moments.std_errs();
    let sign = |(mean, y): (&f64, &i8)| if *mean == 0.0 { *y } else { mean.signum() as i8 };
    let spins: Vec<i8> = moments.means.iter().zip(y).map(sign).collect();
    let energy = model.energy(&spins, y, height, width)?;
    let mut of_chains = Moments::new(1);
    energies.iter().for_each(|path| of_chains.add(&[path.iter().sum::<f64>() / path.len() as f64]));
    Ok(Posterior {
        means: moments.means,
        std_errs,
        labelling: Labelling { spins, energy },
        mean_energy: of_chains.means[0],
        mean_energy_std_err: of_chains.std_errs()[0],
        r_hat: split_r_hat(&energies),
    })
}

/// Independent spins with the words of rows `row` on.
fn noise(seed: u64, row: u64, height: usize, width: usize) -> Vec<i8> {
    let mut words = vec![0; width];
    let mut spins = Vec::with_capacity(height * width);
    for i in 0..height as u64 {
        row_words(Key::new(seed, 0), streams::DENOISING_START, row + i, &mut words);
        spins.extend(words.iter().map(|word| if word >> 31 == 0 { 1i8 } else { -1 }));
    }
    spins
}

/// Means of the chains' means, and their squared deviations (Welford 1962).
struct Moments {
    count: f64,
    means: Vec<f64>,
    squares: Vec<f64>,
}

impl Moments {
    fn new(size: usize) -> Moments {
        Moments { count: 0.0, means: vec![0.0; size], squares: vec![0.0; size] }
    }

    fn add(&mut self, values: &[f64]) {
        self.count += 1.0;
        for ((mean, square), value) in self.means.iter_mut().zip(&mut self.squares).zip(values) {
            let before = value - *mean;
            *mean += before / self.count;
            *square += before * (value - *mean);
        }
    }

    fn std_errs(&self) -> Vec<f64> {
        let degrees = self.count * (self.count - 1.0);
        self.squares.iter().map(|square| (square / degrees).sqrt()).collect()
    }
}

/// √((n - 1)/n + B/(n W)) over the halves of all chains, n the length of a half.
pub(super) fn split_r_hat(chains: &[Vec<f64>]) -> Option<f64> {
    let half = chains.first()?.len() / 2;
    if half < 2 {
        return None;
    }
    let n = half as f64;
    let halves = || chains.iter().flat_map(|chain| [&chain[..half], &chain[chain.len() - half..]]);
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let variance = |values: &[f64]| {
        let centre = mean(values);
        values.iter().map(|value| (value - centre).powi(2)).sum::<f64>() / (values.len() - 1) as f64
    };
    let means: Vec<f64> = halves().map(mean).collect();
    let within = mean(&halves().map(variance).collect::<Vec<_>>());
    let ratio = variance(&means) / within;
    let r_hat = ((n - 1.0) / n + ratio).sqrt();
    r_hat.is_finite().then_some(r_hat)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quiet(_: u64, _: u64) -> Result<()> {
        Ok(())
    }

    /// Both signs of the coupling, shapes with borders of every kind: within 5 standard errors of
    /// enumeration, the standard errors being of 16 chains.
    #[test]
    fn marginals_are_those_of_enumeration() {
        let y = [1i8, 1, -1, 1, -1, 1, 1, 1, -1, -1, 1, -1];
        for (eta, beta) in [(1.0, 0.5), (0.4, 0.3), (0.5, -0.6), (-0.3, 0.2)] {
            for shape in [[3, 4], [4, 3], [1, 12], [12, 1], [2, 6]] {
                let model = IsingDenoising::new(eta, beta).unwrap();
                let exact = model.enumerate(&y, shape[0], shape[1]).unwrap();
                let settings = GibbsSettings { chains: 16, burn_in: 50, sweeps: 2000, seed: 5 };
                let found = posterior(&model, &y, shape, &settings, &mut quiet).unwrap();
                for (i, mean) in found.means.iter().enumerate() {
                    let bound = 5.0 * found.std_errs[i].max(found.std_err());
                    let error = mean - exact.means[i];
                    assert!(error.abs() < bound, "{eta} {beta} {shape:?}, pixel {i}: {error}, {bound}");
                }
                assert!(found.std_err() < 0.03, "{}", found.std_err());
                assert!(found.r_hat.unwrap() < 1.02, "{:?}", found.r_hat);
            }
        }
    }

    /// The mean energy beside enumeration over seeds, in units of its error.
    #[test]
    fn the_mean_energy_is_that_of_enumeration_within_its_error() {
        let y = [1i8, 1, -1, 1, -1, 1, 1, 1, -1, -1, 1, -1];
        let model = IsingDenoising::new(0.5, 0.6).unwrap();
        let spins = |state: usize| -> Vec<i8> { (0..12).map(|i| 2 * (state >> i & 1) as i8 - 1).collect() };
        let energies: Vec<f64> = (0..1 << 12).map(|s| model.energy(&spins(s), &y, 3, 4).unwrap()).collect();
        let z: f64 = energies.iter().map(|e| (-e).exp()).sum();
        let exact = energies.iter().map(|e| e * (-e).exp()).sum::<f64>() / z;
        let seeds = 60;
        let square = |seed: u64| {
            let settings = GibbsSettings { chains: 16, burn_in: 50, sweeps: 100, seed };
            let found = posterior(&model, &y, [3, 4], &settings, &mut quiet).unwrap();
            ((found.mean_energy - exact) / found.mean_energy_std_err).powi(2)
        };
        let spread = ((0..seeds).map(square).sum::<f64>() / seeds as f64).sqrt();
        assert!((0.75..1.35).contains(&spread), "{spread}");
    }

    /// Without a coupling the conditional mean is the mean.
    #[test]
    fn independent_pixels_are_exact() {
        let model = IsingDenoising::new(0.8, 0.0).unwrap();
        let settings = GibbsSettings { chains: 2, burn_in: 0, sweeps: 3, seed: 1 };
        let found = posterior(&model, &[1, -1, 1, 1], [2, 2], &settings, &mut quiet).unwrap();
        assert!((found.means[1] + 0.8f64.tanh()).abs() < 1e-9 && found.std_err() < 1e-9);
        assert_eq!((found.labelling.spins, found.r_hat), (vec![1, -1, 1, 1], None));
    }

    #[test]
    fn chains_that_stay_apart_are_told() {
        let apart: Vec<Vec<f64>> = (0..4).map(|c| (0..50).map(|i| f64::from(c + i % 2)).collect()).collect();
        assert!(split_r_hat(&apart).unwrap() > 2.0);
        assert_eq!((split_r_hat(&[vec![1.0; 9]]), split_r_hat(&[vec![1.0; 3]])), (None, None));
        // Halves 0 1 0 and 1 0 2: means 1/3 and 1, B/n = 2/9, W = (1/3 + 1)/2.
        let known = split_r_hat(&[vec![0.0, 1.0, 0.0, 1.0, 0.0, 2.0]]).unwrap();
        assert!((known - (2.0f64 / 3.0 + 1.0 / 3.0).sqrt()).abs() < 1e-12, "{known}");
    }

    #[test]
    fn settings_out_of_range_are_refused() {
        let model = IsingDenoising::new(0.8, 0.1).unwrap();
        let good = GibbsSettings::default();
        for wrong in [GibbsSettings { chains: 1, ..good }, GibbsSettings { sweeps: 0, ..good }] {
            assert!(posterior(&model, &[1], [1, 1], &wrong, &mut quiet).is_err());
        }
        assert!(posterior(&model, &[1, 0], [1, 2], &good, &mut quiet).is_err());
        let stopped = posterior(&model, &[1], [1, 1], &good, &mut |_, _| Err(Error::run("stop")));
        assert_eq!(stopped.unwrap_err().what, "stop");
    }
}
