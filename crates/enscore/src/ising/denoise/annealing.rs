//! Simulated annealing of an image (Kirkpatrick, Gelatt and Vecchi 1983; Geman and Geman 1984): heat-bath
//! sweeps of exp(-E(x)/T) while T falls, then single flips as long as one lowers the energy. It optimises:
//! the labelling of least energy that was seen comes back, which is no sample.

use std::fmt;

use enscore_program::random::Key;

use super::checkerboard::{Checkerboard, Table};
use super::model::{IsingDenoising, Labelling};
use crate::error::{Error, Result};

const MOST: usize = 1 << 30;

/// How the temperature falls from the first to the last over S sweeps, s = 0 .. S - 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TemperatureSchedule {
    /// T_s = T_first (T_last / T_first)^(s / (S - 1)).
    #[default]
    Geometric,
    /// T_s = T_first + (T_last - T_first) s / (S - 1).
    Linear,
}

impl fmt::Display for TemperatureSchedule {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            TemperatureSchedule::Geometric => "geometric",
            TemperatureSchedule::Linear => "linear",
        })
    }
}

/// How an image is annealed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AnnealingSettings {
    /// Sweeps, at least 1.
    pub sweeps: usize,
    /// How the temperature falls.
    pub schedule: TemperatureSchedule,
    /// The first and the last temperature, in units where the posterior has 1; both positive, the last not
    /// above the first.
    pub temperatures: [f64; 2],
    /// Seed of every random number.
    pub seed: u64,
}

impl AnnealingSettings {
    /// The geometric schedule over `sweeps` sweeps, from the largest pull on a site, |η| + 4 |β|, where most
    /// flips are free, to a twentieth of the smaller weight, where hardly any is.
    pub fn geometric(model: &IsingDenoising, sweeps: usize, seed: u64) -> AnnealingSettings {
        let weights = [model.eta().abs(), model.beta().abs()];
        let largest = weights[0] + 4.0 * weights[1];
        let least = weights.into_iter().filter(|weight| *weight > 0.0).fold(largest, f64::min);
        // Without any weight every labelling is as good.
        let temperatures = if largest > 0.0 { [largest, 0.05 * least] } else { [1.0, 1.0] };
        AnnealingSettings { sweeps, schedule: TemperatureSchedule::Geometric, temperatures, seed }
    }

    fn check(&self) -> Result<()> {
        if !(1..=MOST).contains(&self.sweeps) {
            let error = Error::input("invalid number of sweeps").at("sweeps").found(self.sweeps);
            return Err(error.expected(format_args!("1 to {MOST}")));
        }
        let [first, last] = self.temperatures;
        if !(first.is_finite() && last > 0.0 && last <= first) {
            return Err(Error::input("the temperatures don't decrease")
                .at("temperatures")
                .found(format_args!("{first} to {last}"))
                .expected("finite numbers above 0, the last at most the first"));
        }
        Ok(())
    }

    /// T_s of sweep `s`.
    fn temperature(&self, sweep: usize) -> f64 {
        let [first, last] = self.temperatures;
        let part = sweep as f64 / (self.sweeps - 1).max(1) as f64;
        match self.schedule {
            TemperatureSchedule::Geometric => first * (last / first).powf(part),
            TemperatureSchedule::Linear => first + (last - first) * part,
        }
    }
}

/// Anneals from `y`; `progress` is told (sweeps done, of all) and may end it by an error.
///
/// # Errors
/// An input error if `y` is not of `height` x `width` spins -1 and 1 or a setting is out of range; what
/// `progress` returns.
pub fn anneal(
    model: &IsingDenoising,
    y: &[i8],
    [height, width]: [usize; 2],
    settings: &AnnealingSettings,
    progress: &mut dyn FnMut(u64, u64) -> Result<()>,
) -> Result<Labelling> {
    settings.check()?;
    let mut best = Labelling { spins: y.to_vec(), energy: model.energy(y, y, height, width)? };
    let mut board = Checkerboard::new(y, y, width);
    for sweep in 0..settings.sweeps {
        progress(sweep as u64, settings.sweeps as u64)?;
        let table = Table::new(model, settings.temperature(sweep));
        let key = Key { seed: settings.seed, step: sweep as u64, row: 0 };
        let sums = board.sweep(&table, key, None);
        let energy = model.energy_of_sums(sums.agreement, sums.alignment);
        if energy < best.energy {
            best = Labelling { spins: board.spins(), energy };
        }
    }
    model.descend(best.spins, y, height, width)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quiet(_: u64, _: u64) -> Result<()> {
        Ok(())
    }

    #[test]
    fn temperatures_go_from_the_first_to_the_last() {
        let settings =
            |schedule| AnnealingSettings { sweeps: 3, schedule, temperatures: [4.0, 1.0], seed: 0 };
        let path = |schedule| [0, 1, 2].map(|sweep| settings(schedule).temperature(sweep));
        assert_eq!(path(TemperatureSchedule::Geometric), [4.0, 2.0, 1.0]);
        assert_eq!(path(TemperatureSchedule::Linear), [4.0, 2.5, 1.0]);
    }

    /// Frustrated and not, against enumeration.
    #[test]
    fn small_images_reach_the_least_energy() {
        let y = [1i8, 1, -1, 1, -1, 1, 1, 1, -1, -1, 1, -1, -1, 1, -1, -1];
        for (eta, beta) in [(1.0, 0.5), (0.4, 0.9), (0.5, -0.6), (-0.3, 0.2), (0.0, 0.0), (1e-300, 0.0)] {
            let model = IsingDenoising::new(eta, beta).unwrap();
            let exact = model.enumerate(&y, 4, 4).unwrap();
            let settings = AnnealingSettings::geometric(&model, 200, 3);
            let found = anneal(&model, &y, [4, 4], &settings, &mut quiet).unwrap();
            assert!((found.energy - exact.least_energy).abs() < 1e-12, "{eta} {beta}: {found:?}");
        }
    }

    #[test]
    fn schedules_that_rise_or_do_not_exist_are_refused() {
        let model = IsingDenoising::new(1.0, 0.5).unwrap();
        let good = AnnealingSettings::geometric(&model, 10, 0);
        let with = |temperatures| AnnealingSettings { temperatures, ..good };
        let wrong = [
            with([1.0, 2.0]),
            with([1.0, 0.0]),
            with([f64::NAN, 1.0]),
            with([f64::INFINITY, 1.0]),
            AnnealingSettings { sweeps: 0, ..good },
        ];
        for settings in wrong {
            assert!(anneal(&model, &[1], [1, 1], &settings, &mut quiet).is_err(), "{settings:?}");
        }
    }
}
