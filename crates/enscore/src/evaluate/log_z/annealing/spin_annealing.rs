//! Annealed importance sampling of spins on any graph, with couplings of any sign: from fair spins along
//!
//! ```text
//! f_t(x) = -t β E(x),   log Z_0 = n log 2,
//! log w  = -β Σ_{k=1}^{K} (t_k - t_{k-1}) E(x_{k-1}),   x_k: sweeps of single sites at t_k β
//! ```
//!
//! (Neal 2001, "Annealed importance sampling", eq. 9; heat bath sweeps of Geman and Geman 1984). A sweep
//! leaves its density invariant, so the same moves with t falling, from samples of the model, are reverse
//! annealing (Burda, Grosse and Salakhutdinov 2015). In double precision, nats. Models of two colours are
//! annealed as machines instead ([`super::BipartiteAnnealing`]), half of whose units are summed out.

use enscore_program::random::{Key, mix};
use rayon::prelude::*;

use super::annealed_importance::{Annealed, BoundSide, SampleOrigin};
use super::bipartite_annealing::Tell;
use super::geometric_path::Temperatures;
use crate::error::{Error, Result};
use crate::evaluate::LogWeights;
use crate::ising::IsingModel;
use crate::ising::chains::{Rule, SingleSite, SpinTransition, random_spins};
use crate::memory::MemoryLimit;

/// What a site of four neighbours takes, beside its spin in each chain: neighbours, couplings and field, and
/// as much while they are put in order.
const BYTES_PER_SITE: f64 = 160.0;
/// Site updates of a chain between two calls of [`Tell`], about.
const TOLD_EVERY: usize = 1 << 20;
/// Seeds of the runs differ by these.
const FORWARD: u64 = 0x5346;
const REVERSE: u64 = 0x5352;
const LONG_RUN: u64 = 0x534C;

/// Annealing of an Ising model.
pub struct SpinAnnealing<'a> {
    model: &'a IsingModel,
    sweeps: SingleSite,
    /// What bonds of a site to itself add to the energy.
    constant: f64,
    chains: usize,
    seed: u64,
}

/// A chain with the sum of its log weight.
struct Weighed {
    number: u64,
    spins: Vec<i8>,
    sweeps: SingleSite,
    log_weight: f64,
}

impl<'a> SpinAnnealing<'a> {
    /// Annealing of `chains` chains.
    ///
    /// # Errors
    /// Fewer than 2 chains; spins that take more memory than is free.
    pub fn new(model: &'a IsingModel, chains: usize, seed: u64) -> Result<SpinAnnealing<'a>> {
        if chains < 2 {
            return Err(Error::input("too few chains for annealed importance sampling")
                .found(chains)
                .expected("at least 2"));
        }
        let sites = model.sites();
        let place = format!("{chains} chains of {sites} sites");
        let needed = (BYTES_PER_SITE + chains as f64) * sites as f64;
        MemoryLimit::free()
            .refuse_beyond("the spins need", &place, needed)
            .map_err(|error| error.remedy("use fewer chains"))?;
        let mut constant = 0.0;
        model.for_each_bond(|i, j, coupling| constant -= if i == j { coupling } else { 0.0 });
        let sweeps = SingleSite::new(model, Rule::HeatBath);
        Ok(SpinAnnealing { model, sweeps, constant, chains, seed })
    }

    /// log Z_0 of fair spins, nats.
    pub fn base_log_z(&self) -> f64 {
        self.model.sites() as f64 * std::f64::consts::LN_2
    }

    /// Anneals the chains from fair spins to the model: an estimate and a lower bound.
    ///
    /// # Errors
    /// Weights that are not finite; what `tell` returns.
    pub fn forward(&self, temperatures: &Temperatures, tell: &mut Tell) -> Result<Annealed> {
        let seed = mix(self.seed ^ mix(FORWARD));
        let mut chains = self.fair(seed);
        self.weigh(&mut chains, temperatures.as_slice(), seed, "annealing", tell)?;
        self.found(&chains, 1.0, BoundSide::Lower, temperatures)
    }

    /// Anneals `samples` `[chains, sites]` of the model to fair spins: an estimate and, from exact samples,
    /// an upper bound.
    ///
    /// # Errors
    /// As [`SpinAnnealing::forward`]; what are not as many states as chains.
    pub fn reverse(
        &self,
        temperatures: &Temperatures,
        samples: &[i8],
        origin: SampleOrigin,
        tell: &mut Tell,
    ) -> Result<Annealed> {
        let sites = self.model.sites();
        if samples.len() != self.chains * sites {
            return Err(Error::input("invalid samples to anneal from")
                .found(samples.len())
                .expected(format_args!("{} chains of {sites}", self.chains)));
        }
        samples.chunks_exact(sites).try_for_each(|spins| self.model.check_spins(spins))?;
        let seed = mix(self.seed ^ mix(REVERSE));
        let states = samples.chunks_exact(sites).map(<[i8]>::to_vec);
        let mut chains: Vec<Weighed> =
            states.enumerate().map(|(number, spins)| self.at(number, spins)).collect();
        let falling: Vec<f64> = temperatures.as_slice().iter().rev().copied().collect();
        self.weigh(&mut chains, &falling, seed, "reverse annealing", tell)?;
        let side = if origin == SampleOrigin::Exact { BoundSide::Upper } else { BoundSide::Neither };
        self.found(&chains, -1.0, side, temperatures)
    }

    /// The chains `[chains, sites]` after this many sweeps of the model from fair spins. They are annealed
    /// there along `temperatures` first, which spares most of the way.
    ///
    /// # Errors
    /// What `tell` returns.
    pub fn long_run(&self, temperatures: &Temperatures, sweeps: usize, tell: &mut Tell) -> Result<Vec<i8>> {
        let seed = mix(self.seed ^ mix(LONG_RUN));
        let mut chains = self.fair(seed);
        let mut path = temperatures.as_slice().to_vec();
        path.extend(std::iter::repeat_n(1.0, sweeps));
        self.weigh(&mut chains, &path, seed, "Gibbs sweeps", tell)?;
        Ok(chains.into_iter().flat_map(|chain| chain.spins).collect())
    }

    fn at(&self, number: usize, spins: Vec<i8>) -> Weighed {
        Weighed { number: number as u64, spins, sweeps: self.sweeps.clone(), log_weight: 0.0 }
    }

    fn fair(&self, seed: u64) -> Vec<Weighed> {
        let start = |number: usize| {
            let key = Key { row: number as u64, ..Key::new(seed, 0) };
            self.at(number, random_spins(self.model.sites(), key))
        };
        (0..self.chains).map(start).collect()
    }

    /// E of a chain, without the constant.
    fn energy(&self, spins: &[i8]) -> f64 {
        let adjacency = self.sweeps.adjacency();
        // Each bond is seen from both of its ends.
        let at = |i: usize| f64::from(spins[i]) * (adjacency.local_field(spins, i) + adjacency.field()[i]);
        -0.5 * (0..spins.len()).map(at).sum::<f64>()
    }

    /// Adds what each interval of `betas` weighs, and moves the chains at its end.
    fn weigh(
        &self,
        chains: &mut [Weighed],
        betas: &[f64],
        seed: u64,
        phase: &str,
        tell: &mut Tell,
    ) -> Result<()> {
        let beta = self.model.beta();
        let intervals: Vec<(usize, [f64; 2])> =
            betas.windows(2).map(|pair| [pair[0], pair[1]]).enumerate().collect();
        let at_once = (TOLD_EVERY / self.model.sites()).max(1);
        for part in intervals.chunks(at_once) {
            tell(phase, part[0].0 as u64, intervals.len() as u64)?;
            chains.par_iter_mut().try_for_each(|chain| -> Result<()> {
                for (step, [from, to]) in part {
                    let width = beta * (to - from);
                    if width != 0.0 {
                        chain.log_weight -= width * (self.energy(&chain.spins) + self.constant);
                    }
                    chain.sweeps.set_beta(to * beta);
                    let key = Key { seed, step: *step as u64 + 1, row: chain.number };
                    chain.sweeps.step(&mut chain.spins, key)?;
                }
                Ok(())
            })?;
        }
        Ok(())
    }

    /// `sign` is that of log w in log Z.
    fn found(
        &self,
        chains: &[Weighed],
        sign: f64,
        side: BoundSide,
        temperatures: &Temperatures,
    ) -> Result<Annealed> {
        let log_weights: Vec<f64> = chains.iter().map(|chain| chain.log_weight).collect();
        let found = LogWeights::of(&log_weights)?;
        Ok(Annealed::without_proposals(&found, sign, self.base_log_z(), side, temperatures))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ising::exact::exact_log_z;
    use crate::ising::{Coupling, Field};
    use enscore_program::random::{normal_row, row_words, uniform};

    fn quiet(_: &str, _: u64, _: u64) -> Result<()> {
        Ok(())
    }

    /// Couplings of all pairs, normal numbers over √n: a spin glass with odd cycles, in a field.
    fn glass(sites: usize, beta: f64) -> IsingModel {
        let mut coupling = vec![0.0; sites * sites];
        let mut z = vec![0.0; sites];
        for i in 0..sites {
            normal_row(Key::new(8, 0), 1, i as u64, &mut z);
            for j in 0..i {
                let value = z[j] / (sites as f64).sqrt();
                (coupling[i * sites + j], coupling[j * sites + i]) = (value, value);
            }
        }
        let mut words = vec![0; sites];
        row_words(Key::new(8, 0), 2, 0, &mut words);
        let field = Field::PerSite(words.iter().map(|word| 0.4 * uniform(*word) - 0.2).collect());
        IsingModel::dense(sites, &coupling, field, beta).unwrap()
    }

    /// Reverse annealing from long runs, which reach equilibrium here, and forward: z-scores over seeds.
    #[test]
    fn both_directions_find_log_z_of_frustrated_spins() {
        let torus = IsingModel::torus(3, 5, Coupling::Uniform(-0.8), Field::Uniform(0.1), 0.7).unwrap();
        let line = IsingModel::torus(1, 5, Coupling::Uniform(0.7), Field::Uniform(0.1), 0.5).unwrap();
        for (model, steps) in [(glass(14, 1.2), 60), (torus, 60), (line, 20)] {
            let exact = exact_log_z(&model).unwrap().log_z;
            let temperatures = Temperatures::linear(steps).unwrap();
            let mut squares = [0.0; 2];
            let seeds = 40;
            for seed in 0..seeds {
                let annealing = SpinAnnealing::new(&model, 60, seed).unwrap();
                let forward = annealing.forward(&temperatures, &mut quiet).unwrap();
                let samples = annealing.long_run(&temperatures, 100, &mut quiet).unwrap();
                let origin = SampleOrigin::Approximate;
                let reverse = annealing.reverse(&temperatures, &samples, origin, &mut quiet).unwrap();
                assert_eq!((forward.side, reverse.side), (BoundSide::Lower, BoundSide::Neither));
                for (square, found) in squares.iter_mut().zip([forward, reverse]) {
                    *square += ((found.log_z - exact) / found.std_err).powi(2) / seeds as f64;
                }
            }
            let spread = squares.map(f64::sqrt);
            assert!(spread.iter().all(|spread| (0.7..1.35).contains(spread)), "{model:?}: {spread:?}");
        }
    }

    #[test]
    fn too_few_chains_and_too_many_spins_are_refused() {
        let model = glass(3, 1.0);
        assert!(SpinAnnealing::new(&model, 1, 0).is_err());
        let large =
            IsingModel::grid(1 << 13, 1 << 13, Coupling::Uniform(1.0), Field::Uniform(0.0), 1.0).unwrap();
        let refused = SpinAnnealing::new(&large, 1 << 30, 0).err().unwrap().to_string();
        assert!(refused.contains("1073741824 chains of 67108864 sites"), "{refused}");
        let annealing = SpinAnnealing::new(&model, 2, 0).unwrap();
        let temperatures = Temperatures::linear(1).unwrap();
        let origin = SampleOrigin::Exact;
        for samples in [&[1i8; 5][..], &[1, 1, 0, 1, 1, 1]] {
            assert!(annealing.reverse(&temperatures, samples, origin, &mut quiet).is_err());
        }
    }
}
