//! How long the methods run, as the arguments say.

use enscore::ising::denoise::GibbsSettings;

use crate::args::Denoise;

/// Sweeps of annealing, where none are given.
const ANNEALING_SWEEPS: u32 = 500;

pub(super) fn annealing_sweeps(arguments: &Denoise) -> usize {
    arguments.sweeps.unwrap_or(ANNEALING_SWEEPS) as usize
}

pub(super) fn gibbs_settings(arguments: &Denoise) -> GibbsSettings {
    let usual = GibbsSettings::default();
    let number = |given: Option<u32>, usual: usize| given.map_or(usual, |given| given as usize);
    GibbsSettings {
        chains: number(arguments.chains, usual.chains),
        burn_in: number(arguments.burn_in, usual.burn_in),
        sweeps: number(arguments.sweeps, usual.sweeps),
        seed: arguments.seed,
    }
}
