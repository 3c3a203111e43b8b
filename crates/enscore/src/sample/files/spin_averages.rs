//! Averages over the states of independent chains of spins, with errors that know of autocorrelation: each
//! chain is averaged over the second half of its steps, and the means of chains, which are independent,
//! scatter as they are uncertain. Of a single chain the means of its parts do (batch means; Geyer 1992).

use serde::Serialize;

use crate::ising::IsingModel;
use crate::mcmc::batch_means;

/// States of a chain that are measured, about.
const MEASURED: u64 = 100;
/// Parts of a single chain.
const PARTS: usize = 10;

/// An average with its standard error.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Average {
    /// The average.
    pub value: f64,
    /// Its standard error; none of a single chain too short for it.
    #[serde(rename = "standard_error")]
    pub std_err: Option<f64>,
}

/// What chains of spins came to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct SpinAverages {
    /// E per site, without β, in units of energy.
    pub energy_per_site: Average,
    /// The mean spin.
    pub magnetisation: Average,
    /// The mean size of the magnetisation per site.
    pub absolute_magnetisation: Average,
}

/// Whether the state after step `step` of `steps` is measured.
pub(super) fn is_measured(step: u64, steps: u64) -> bool {
    let first = steps / 2;
    step > first && (steps - step).is_multiple_of(((steps - first) / MEASURED).max(1))
}

impl SpinAverages {
    /// From E and the magnetisation of the states of each chain: `[chains][states]`.
    pub(super) fn of(model: &IsingModel, chains: &[Vec<[f64; 2]>]) -> SpinAverages {
        let sites = model.sites() as f64;
        let of = |value: &dyn Fn(&[f64; 2]) -> f64| {
            let of_chain = |states: &Vec<[f64; 2]>| states.iter().map(value).collect::<Vec<f64>>();
            average(&chains.iter().map(of_chain).collect::<Vec<_>>())
        };
        SpinAverages {
            energy_per_site: of(&|[energy, _]| energy / sites),
            magnetisation: of(&|[_, m]| *m),
            absolute_magnetisation: of(&|[_, m]| m.abs()),
        }
    }
}

fn average(chains: &[Vec<f64>]) -> Average {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let found = match chains {
        [one] => batch_means(one, PARTS.min(one.len())),
        many => batch_means(&many.iter().map(|states| mean(states)).collect::<Vec<_>>(), many.len()),
    };
    Average { value: found.mean, std_err: Some(found.std_err).filter(|error| error.is_finite()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_half_is_measured_up_to_its_end() {
        let measured = |steps: u64| (1..=steps).filter(|step| is_measured(*step, steps)).collect::<Vec<_>>();
        assert_eq!(measured(1), [1]);
        assert_eq!(measured(5), [3, 4, 5]);
        let many = measured(1000);
        assert_eq!((many.len(), many[0], many[99]), (100, 505, 1000));
    }

    #[test]
    fn the_means_of_chains_scatter() {
        let found = average(&[vec![1.0, 3.0], vec![4.0, 4.0], vec![6.0, 6.0]]);
        assert_eq!((found.value, found.std_err), (4.0, Some(f64::sqrt(4.0 / 3.0))));
        let one = average(&[vec![1.0, 3.0]]);
        assert_eq!((one.value, one.std_err), (2.0, Some(1.0)));
        assert_eq!(average(&[vec![2.0]]), Average { value: 2.0, std_err: None });
    }
}
