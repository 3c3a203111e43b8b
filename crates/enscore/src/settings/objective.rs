//! `[objective]`: the objective to minimise.

use super::model::{Family, Model};
use super::reading::{ListOf, Reader, above, at_least, choice, from_to_below, keys, within};
use crate::Result;

choice! {
    /// A kind of objective.
    Kind {
        /// Denoising score matching over a ladder of noise levels.
        Ncsn = "ncsn",
        /// Denoising score matching at one noise level.
        Dsm = "dsm",
        /// Exact score matching.
        Sm = "sm",
        /// Sliced score matching.
        Ssm = "ssm",
        /// Contrastive divergence: Langevin chains for energies of real numbers, Gibbs chains for bipartite
        /// models.
        Cd = "cd",
        /// Noise contrastive estimation.
        Nce = "nce",
        /// Flow contrastive estimation.
        Fce = "fce",
        /// Maximum likelihood.
        Ml = "ml",
    }
}

choice! {
    /// Distribution of the projection directions of sliced score matching; E vv' = I.
    Projection {
        /// Independent signs.
        Rademacher = "rademacher",
        /// Standard normal.
        Gaussian = "gaussian",
        /// Uniform on the sphere of radius sqrt(d).
        Sphere = "sphere",
    }
}

choice! {
    /// Where the chains of contrastive divergence start at each update.
    ChainStart {
        /// At the batch: CD-k.
        Data = "data",
        /// At uniform noise on the data's range: short-run.
        Noise = "noise",
        /// Where they stopped at the last update: persistent, from a replay buffer.
        Persistent = "persistent",
    }
}

choice! {
    /// The noise that chains start from.
    StartNoise {
        /// Uniform on the data's range.
        Uniform = "uniform",
        /// Independent normal numbers with each element's mean and standard deviation, kept within the data's
        /// range.
        Gaussian = "gaussian",
    }
}

choice! {
    /// The noise that data are contrasted with.
    NoiseKind {
        /// A Gaussian with the data's mean and covariance.
        Gaussian = "gaussian",
        /// A mixture of Gaussians fitted to the data.
        Mixture = "mixture",
        /// Uniform on a box.
        Uniform = "uniform",
        /// A trained flow.
        Flow = "flow",
    }
}

keys! {
    /// Denoising score matching over noise levels in geometric progression (Song and Ermon 2019, equation 6).
    Ncsn {
        sigma_max: f64 = 1.0, above(0.0), "Largest noise level (standard deviation), in units of the scaled data.";
        sigma_min: f64 = 0.01, above(0.0),
            "Smallest noise level (standard deviation), in units of the scaled data; below sigma_max.";
        levels: usize = 10, within(2, 10_000), "Number of noise levels from sigma_max down to sigma_min.";
    }
}

keys! {
    /// Denoising score matching at one noise level (Vincent 2011).
    Dsm {
        sigma: f64 = 0.1, above(0.0), "Standard deviation of the noise, in units of the scaled data.";
    }
}

keys! {
    /// Exact score matching (Hyvarinen 2005, theorem 1).
    Sm {
        tangents: usize = 0, within(0, 1 << 20),
            "Second derivatives computed at once; 0: as many as the memory limit allows.";
    }
}

keys! {
    /// Sliced score matching (Song, Garg, Shi and Ermon 2019, equations 7 and 8).
    Ssm {
        projections: usize = 1, within(1, 4096), "Projection directions per row.";
        direction: Projection = Projection::Rademacher, (), "Distribution of the projection directions.";
        variance_reduction: bool = true, (), "Reduce variance by using |s|^2 in place of (v's)^2 (SSM-VR).";
    }
}

keys! {
    /// Contrastive divergence with Langevin chains (Hinton 2002; Nijkamp et al. 2019; Du and Mordatch 2019).
    Cd {
        start: ChainStart = ChainStart::Persistent, (), "Where chains start at each update: at the batch, at noise, or where they stopped.";
        start_noise: StartNoise = StartNoise::Uniform, (), "Noise that chains start from, in training and sampling.";
        steps: u64 = 40, within(1, 1 << 20), "Langevin steps per update.";
        step_size: f64 = 0.01, above(0.0),
            "Step size: a step is x + step_size s + noise_std z with score s and standard normal z; in squared units of the scaled data.";
        noise_std: f64 = 0.0, at_least(0.0),
            "Standard deviation of the noise per step; 0: sqrt(2 step_size), which samples at temperature 1.";
        buffer: usize = 10_000, within(1, 1 << 24), "With start = \"persistent\": chains in the replay buffer.";
        restart: f64 = 0.05, within(0.0, 1.0),
            "With start = \"persistent\": probability that a chain restarts from noise at an update.";
        energy_l2: f64 = 0.0, at_least(0.0), "Weight of the penalty on squared log densities of data and chains.";
        data_noise: f64 = 0.0, at_least(0.0),
            "Standard deviation of noise added to the data, in units of the scaled data; 0: none.";
    }
}

keys! {
    /// Contrastive divergence with block Gibbs sampling (Hinton 2002; Tieleman 2008).
    CdGibbs {
        start: ChainStart = ChainStart::Persistent, (), "Where chains start at each update: at the batch, at noise, or where they stopped.";
        steps: u64 = 1, within(1, 1 << 20), "Gibbs sweeps per update.";
        chains: usize = 0, within(0, 1 << 20),
            "Number of chains, all updated at every step; 0: train.batch. Must be 0 with start = \"data\".";
        temperatures: usize = 1, within(1, 256),
            "With start = \"persistent\": inverse temperatures of parallel tempering, from 0 to 1, each with its own set of chains; 1: no tempering.";
        centring: bool = true, (), "Use the centred gradient, which subtracts the units' batch means.";
        pretrain_steps: Vec<usize> = Vec::new(), ListOf { items: within(0, 1 << 30), length: within(0, 3) },
            "With model.kind = \"dbm\": steps of greedy pretraining per layer, bottom to top, before joint training; they count towards train.steps. []: no pretraining.";
        pretrain_sweeps: u64 = 1, within(1, 100), "Gibbs sweeps from the data per update of pretraining.";
        pretrain_rate: f64 = 1.0, above(0.0), "Learning rate of pretraining, as a multiple of optimiser.learning_rate.";
    }
}

keys! {
    /// Noise contrastive estimation with a learnt log Z (Gutmann and Hyvarinen 2010, 2012).
    Nce {
        ratio: usize = 1, within(1, 10_000), "Noise rows per data row.";
        noise: NoiseKind = NoiseKind::Gaussian, (), "Noise that the data are contrasted with.";
        components: usize = 8, within(1, 1024), "With noise = \"mixture\": components of the mixture.";
        widen: f64 = 1.0, above(0.0),
            "Factor on the standard deviation of Gaussian and mixture noise, or on the width of the data's range for uniform noise.";
        flow_run: String = String::new(), (), "With noise = \"flow\": run folder of a trained flow.";
    }
}

keys! {
    /// Flow contrastive estimation (Gao et al. 2020).
    Fce {
        threshold: f64 = 0.6, from_to_below(0.5, 1.0),
            "Update the energy while its accuracy at telling data from flow samples is below this, and the flow otherwise.";
        flow_couplings: usize = 8, within(1, 1024), "Affine couplings of the flow.";
        flow_width: usize = 64, within(1, 65_536), "Width of the two hidden layers of each coupling's perceptron.";
        flow_rate: f64 = 1.0, above(0.0), "Learning rate of the flow, as a multiple of optimiser.learning_rate.";
    }
}

keys! {
    /// Maximum likelihood of a normalised density.
    Ml {}
}

/// The objective to minimise.
#[derive(Clone, Debug, PartialEq)]
pub enum Objective {
    /// Over a ladder of noise levels.
    Ncsn(Ncsn),
    /// At one noise level.
    Dsm(Dsm),
    /// Exact score matching.
    Sm(Sm),
    /// Sliced score matching.
    Ssm(Ssm),
    /// Contrastive divergence with Langevin chains.
    Cd(Cd),
    /// Contrastive divergence with Gibbs sampling.
    CdGibbs(CdGibbs),
    /// Noise contrastive estimation.
    Nce(Nce),
    /// Flow contrastive estimation.
    Fce(Fce),
    /// Maximum likelihood.
    Ml(Ml),
}

impl Objective {
    /// Its name in settings.
    pub fn name(&self) -> &'static str {
        match self {
            Objective::Ncsn(_) => Kind::Ncsn.name(),
            Objective::Dsm(_) => Kind::Dsm.name(),
            Objective::Sm(_) => Kind::Sm.name(),
            Objective::Ssm(_) => Kind::Ssm.name(),
            Objective::Cd(_) | Objective::CdGibbs(_) => Kind::Cd.name(),
            Objective::Nce(_) => Kind::Nce.name(),
            Objective::Fce(_) => Kind::Fce.name(),
            Objective::Ml(_) => Kind::Ml.name(),
        }
    }

    /// Reads the table of an objective for `model`.
    pub(super) fn read(reader: &mut Reader, model: &Model) -> Result<Objective> {
        let family = model.family();
        reader.table("objective");
        let kind = reader.get("kind", Kind::Ncsn, (), "Objective to minimise.")?;
        refuse_other_families(reader, kind, family)?;
        match kind {
            Kind::Ncsn => {
                reader.only_with("objective.kind = \"ncsn\"");
                let ncsn = Ncsn::read_keys(reader)?;
                if ncsn.sigma_min >= ncsn.sigma_max {
                    return Err(reader
                        .wrong("sigma_min")
                        .found(ncsn.sigma_min)
                        .expected(format!("a number below sigma_max = {}", ncsn.sigma_max)));
                }
                Ok(Objective::Ncsn(ncsn))
            }
            Kind::Dsm => {
                reader.only_with("objective.kind = \"dsm\"");
                Ok(Objective::Dsm(Dsm::read_keys(reader)?))
            }
            Kind::Sm => {
                reader.only_with("objective.kind = \"sm\"");
                Ok(Objective::Sm(Sm::read_keys(reader)?))
            }
            Kind::Ssm => {
                reader.only_with("objective.kind = \"ssm\"");
                Ok(Objective::Ssm(Ssm::read_keys(reader)?))
            }
            Kind::Cd if family == Family::Bipartite => CdGibbs::read(reader, model).map(Objective::CdGibbs),
            other => Objective::read_of_densities(other, reader),
        }
    }

    /// The objectives that need a log density.
    fn read_of_densities(kind: Kind, reader: &mut Reader) -> Result<Objective> {
        match kind {
            Kind::Cd => {
                reader.only_with("objective.kind = \"cd\"");
                Ok(Objective::Cd(Cd::read_keys(reader)?))
            }
            Kind::Nce => {
                reader.only_with("objective.kind = \"nce\"");
                let nce = Nce::read_keys(reader)?;
                if (nce.noise == NoiseKind::Flow) == nce.flow_run.is_empty() {
                    let (found, expected) = (format!("{:?}", nce.flow_run), "the run folder of a flow");
                    return Err(match nce.flow_run.is_empty() {
                        true => reader.wrong("flow_run").found(found).expected(expected),
                        false => {
                            reader.wrong("flow_run").found(found).expected("\"\" unless noise = \"flow\"")
                        }
                    });
                }
                Ok(Objective::Nce(nce))
            }
            Kind::Fce => {
                reader.only_with("objective.kind = \"fce\"");
                Ok(Objective::Fce(Fce::read_keys(reader)?))
            }
            _ => {
                reader.only_with("objective.kind = \"ml\"");
                Ok(Objective::Ml(Ml::read_keys(reader)?))
            }
        }
    }
}

impl CdGibbs {
    /// Most sweeps from the data: each is traced into the program.
    const MOST_FROM_DATA: u64 = 100;

    fn read(reader: &mut Reader, model: &Model) -> Result<CdGibbs> {
        reader.only_with("objective.kind = \"cd\" with model.kind = \"rbm\" or \"dbm\"");
        let cd = CdGibbs::read_keys(reader)?;
        if cd.start == ChainStart::Data && cd.steps > Self::MOST_FROM_DATA {
            let expected = format!("at most {} with start = \"data\"", Self::MOST_FROM_DATA);
            return Err(reader.wrong("steps").found(cd.steps).expected(expected));
        }
        if cd.start == ChainStart::Data && cd.chains > 0 {
            let error = reader.wrong("chains").found(format!("{} with start = \"data\"", cd.chains));
            return Err(error.expected("0: one chain per row of the batch"));
        }
        if cd.start != ChainStart::Persistent && cd.temperatures > 1 {
            let error =
                reader.wrong("temperatures").found(format!("{} without persistent chains", cd.temperatures));
            return Err(error.expected("1").remedy("set objective.start = \"persistent\""));
        }
        cd.checked_pretraining(reader, model)
    }

    /// Only the layers of a deep Boltzmann machine are pretrained.
    fn checked_pretraining(self, reader: &Reader, model: &Model) -> Result<CdGibbs> {
        let wrong = || reader.wrong("pretrain_steps").found(format!("{:?}", self.pretrain_steps));
        match model {
            _ if self.pretrain_steps.is_empty() => Ok(self),
            Model::Dbm(dbm) if dbm.hidden.len() == self.pretrain_steps.len() => Ok(self),
            Model::Dbm(dbm) => {
                Err(wrong().expected(format!("{} numbers, one per hidden layer, or none", dbm.hidden.len())))
            }
            _ => Err(wrong().expected("[]: only model.kind = \"dbm\" is pretrained")),
        }
    }
}

/// Refuses an objective that the model's family can't be trained by.
fn refuse_other_families(reader: &Reader, kind: Kind, family: Family) -> Result<()> {
    let (fits, needs) = match kind {
        Kind::Ncsn => (family == Family::Score, "a score network: model.kind = \"unet\" or \"mlp\""),
        Kind::Dsm | Kind::Sm | Kind::Ssm => {
            (family != Family::Bipartite, "\"cd\" or \"ml\"; score matching needs a model of real numbers")
        }
        Kind::Cd => (
            matches!(family, Family::Energy | Family::Bipartite),
            "an energy, e.g. model.kind = \"mlp-energy\" or \"rbm\"",
        ),
        Kind::Nce | Kind::Fce => {
            (family == Family::Energy, "an energy of real numbers, e.g. model.kind = \"mlp-energy\"")
        }
        Kind::Ml => (
            matches!(family, Family::Flow | Family::Bipartite),
            "a flow (model.kind = \"real-nvp\" or \"multi-scale-flow\") or a small Boltzmann machine (model.kind = \"rbm\")",
        ),
    };
    match fits {
        true => Ok(()),
        false => Err(reader.wrong("kind").found(format!("{:?}", kind.name())).expected(needs)),
    }
}
