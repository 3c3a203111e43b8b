//! What is timed: for each name the parameters, the batch, and the program of one run.

use enscore_program::{Kind, LaplacianPart, Program, Scope, ShapeError, Var};

use crate::adam;
use crate::boltzmann;
use crate::drive::Drive;
use crate::generative::Generative;
use crate::networks::{
    Spec, convolution, convolution_parameters, convolutional_energy, convolutional_energy_parameters,
    perceptron, perceptron_parameters, score_network, score_network_parameters,
};

/// Channels of the convolutional workloads.
const CHANNELS: usize = 64;
/// Height and width of their images.
const SIDE: usize = 28;
/// Noise added to the data of denoising score matching.
const SIGMA: f64 = 0.1;
/// Noise levels of annealed Langevin sampling.
const LEVELS: [f64; 2] = [1.0, 0.5];
/// Langevin steps at each level.
const STEPS_PER_LEVEL: usize = 5;
/// The step size at level sigma is STEP_SIZE (sigma / last sigma)^2.
const STEP_SIZE: f64 = 2e-3;

/// The step size of plain Langevin sampling, x + a s(x) + sqrt(2a) z.
const CHAIN_STEP: f64 = 0.01;
/// Coordinates of a row in the score matching workloads.
const COORDINATES: usize = 50;
/// Hidden units in the score matching workloads.
const HIDDEN: usize = 128;

/// Temperatures of annealed importance sampling.
const TEMPERATURES: usize = 200;
/// Updates of CD-1.
const UPDATES: usize = 100;

/// A workload by its name.
pub struct Workload {
    pub drive: Drive,
    pub parameters: Vec<Spec>,
    pub batch: Vec<Spec>,
    /// How many tensors of the batch, from the first, are bits: 1 where a number is above 0.
    pub bits: usize,
    objective: Objective,
}

#[derive(Clone, Copy)]
enum Objective {
    Perceptron,
    DenoisingEnergy,
    DenoisingConvolutions,
    ConvolutionForward,
    ConvolutionGradients,
    ScoreNetwork,
    Langevin,
    ExactScoreMatching,
    SlicedEnergy,
    SlicedScore,
    ChainOfPerceptron,
    ChainOfConvolutions,
    Annealing,
    Contrastive,
    Generative(Generative),
}

fn batch(names: &[&str], shape: &[usize]) -> Vec<Spec> {
    names.iter().map(|name| (name.to_string(), shape.to_vec())).collect()
}

impl Workload {
    /// The workload called `name`, if there is one.
    pub fn named(name: &str) -> Option<Workload> {
        let rows = name.rsplit('_').next().and_then(|rows| rows.parse().ok()).unwrap_or(0);
        let layer = || convolution_parameters("conv", CHANNELS, CHANNELS);
        let (drive, objective, parameters, batch) = match name {
            "mlp_128" | "mlp_4096" => return Workload::grown("mlp", "batch", rows),
            "dsm2_128" | "dsm2_4096" => return Workload::grown("dsm2", "batch", rows),
            "dsm2_conv_32" => (
                Drive::Update,
                Objective::DenoisingConvolutions,
                convolutional_energy_parameters(3),
                batch(&["x", "noise"], &[rows, 28, 28, 1]),
            ),
            "conv_forward" => {
                (Drive::Once, Objective::ConvolutionForward, layer(), batch(&["x"], &[64, 28, 28, CHANNELS]))
            }
            "conv_forward_backward" | "score_net_step" => {
                return Workload::grown(name, "channels", CHANNELS);
            }
            "langevin" => (
                Drive::Langevin,
                Objective::Langevin,
                score_network_parameters(CHANNELS),
                batch(&["x"], &[64, 28, 28, 1]),
            ),
            "exact_sm_128" => (
                Drive::Update,
                Objective::ExactScoreMatching,
                perceptron_parameters(&[COORDINATES, HIDDEN, HIDDEN, 1]),
                batch(&["x"], &[rows, COORDINATES]),
            ),
            "ssmvr_energy_128" => (
                Drive::Update,
                Objective::SlicedEnergy,
                perceptron_parameters(&[COORDINATES, HIDDEN, HIDDEN, 1]),
                batch(&["x", "direction"], &[rows, COORDINATES]),
            ),
            "ssmvr_score_128" => (
                Drive::Update,
                Objective::SlicedScore,
                perceptron_parameters(&[COORDINATES, HIDDEN, HIDDEN, COORDINATES]),
                batch(&["x", "direction"], &[rows, COORDINATES]),
            ),
            "langevin_mlp" => (
                Drive::Chain(100),
                Objective::ChainOfPerceptron,
                perceptron_parameters(&[2, HIDDEN, HIDDEN, 1]),
                batch(&["x"], &[1024, 2]),
            ),
            "langevin_conv" => (
                Drive::Chain(20),
                Objective::ChainOfConvolutions,
                convolutional_energy_parameters(4),
                batch(&["x"], &[64, 28, 28, 1]),
            ),
            "ais" => {
                let batch = [boltzmann::rows(1), batch(&["log_weights"], &[boltzmann::ROWS])].concat();
                (Drive::Anneal(TEMPERATURES), Objective::Annealing, boltzmann::parameters(), batch)
            }
            "rbm_cd1" => (
                Drive::Contrast(UPDATES),
                Objective::Contrastive,
                boltzmann::parameters(),
                boltzmann::rows(boltzmann::BATCHES),
            ),
            _ => {
                let of = Generative::named(name)?;
                (of.drive(), Objective::Generative(of), of.parameters(), of.batch())
            }
        };
        let bits = match objective {
            Objective::Annealing | Objective::Generative(_) => 1,
            Objective::Contrastive => batch.len(),
            _ => 0,
        };
        Some(Workload { drive, parameters, batch, bits, objective })
    }

    /// The workload called `name` with another extent: the "batch" of mlp and dsm2; the "channels" or the
    /// "side" of the images of conv_forward_backward and score_net_step.
    pub fn grown(name: &str, axis: &str, extent: usize) -> Option<Workload> {
        let (channels, side) = match axis {
            "side" => (CHANNELS, extent),
            _ => (extent, SIDE),
        };
        let (drive, objective, parameters, batch) = match (name, axis) {
            ("mlp", "batch") => (
                Drive::Update,
                Objective::Perceptron,
                perceptron_parameters(&[2, 128, 128, 2]),
                batch(&["x", "target"], &[extent, 2]),
            ),
            ("dsm2", "batch") => (
                Drive::Update,
                Objective::DenoisingEnergy,
                perceptron_parameters(&[2, 128, 128, 1]),
                batch(&["x", "noise"], &[extent, 2]),
            ),
            ("conv_forward_backward", "channels" | "side") => (
                Drive::Once,
                Objective::ConvolutionGradients,
                convolution_parameters("conv", channels, channels),
                batch(&["x"], &[64, side, side, channels]),
            ),
            ("score_net_step", "channels" | "side") => (
                Drive::Update,
                Objective::ScoreNetwork,
                score_network_parameters(channels),
                batch(&["x", "target"], &[32, side, side, 1]),
            ),
            _ => return None,
        };
        Some(Workload { drive, parameters, batch, bits: 0, objective })
    }

    /// The program of one run.
    pub fn program(&self) -> Result<Program, ShapeError> {
        let scope = Scope::new();
        let inputs = |prefix: &str, specs: &[Spec]| -> Vec<Var> {
            let input = |(name, shape): &Spec| scope.input(&format!("{prefix}{name}"), Kind::Float, shape);
            specs.iter().map(input).collect()
        };
        let parameters = inputs("", &self.parameters);
        let moments = (self.drive == Drive::Update)
            .then(|| ["m.", "v."].map(|prefix| inputs(prefix, &self.parameters)));
        // Updates that go round several batches take one at a time.
        let one_of_many = matches!(self.drive, Drive::Contrast(_));
        let batch = inputs("batch.", if one_of_many { &self.batch[..1] } else { &self.batch });
        let (loss, outputs) = self.objective.trace(&parameters, &batch);
        let mut named: Vec<(String, Var)> = Vec::new();
        if let Some([first, second]) = moments {
            let corrections = ["first", "second"].map(|name| scope.input(name, Kind::Float, &[]));
            let gradients = scope.gradient(loss, &parameters);
            let steps: Vec<[Var; 3]> = (0..parameters.len())
                .map(|i| adam::step([parameters[i], first[i], second[i]], gradients[i], corrections))
                .collect();
            for which in 0..3 {
                named.extend(steps.iter().enumerate().map(|(i, step)| (format!("{which}.{i}"), step[which])));
            }
        }
        named.extend(outputs.into_iter().enumerate().map(|(i, output)| (format!("out.{i}"), output)));
        let named: Vec<(&str, Var)> = named.iter().map(|(name, var)| (name.as_str(), *var)).collect();
        scope.finish(&named)
    }
}

impl Objective {
    /// The loss, and what a run puts out besides updated parameters.
    fn trace<'s>(self, parameters: &[Var<'s>], batch: &[Var<'s>]) -> (Var<'s>, Vec<Var<'s>>) {
        let x = batch[0];
        let scope = x.scope();
        match self {
            Objective::Perceptron => {
                let loss = (perceptron(parameters, x) - batch[1]).square().mean_all();
                (loss, vec![loss])
            }
            Objective::DenoisingEnergy | Objective::DenoisingConvolutions => {
                let noise = batch[1];
                let noisy = x + batch[1] * SIGMA;
                let energy = match self {
                    Objective::DenoisingEnergy => perceptron(parameters, noisy),
                    _ => convolutional_energy(parameters, noisy),
                };
                let gradient = scope.gradient(energy.sum_all(), &[noisy])[0];
                let loss = (gradient - noise * (1.0 / SIGMA)).square().mean_all();
                (loss, vec![loss])
            }
            Objective::ConvolutionForward => {
                let y = convolution(parameters, x);
                (y, vec![y])
            }
            Objective::ConvolutionGradients => {
                let loss = convolution(parameters, x).square().mean_all();
                let mut outputs = scope.gradient(loss, &[x, parameters[0], parameters[1]]);
                outputs.push(loss);
                (loss, outputs)
            }
            Objective::ScoreNetwork => {
                let loss = (score_network(parameters, x) - batch[1]).square().mean_all();
                (loss, vec![loss])
            }
            Objective::Langevin => {
                let [size, noise, sigma] =
                    ["step", "noise", "sigma"].map(|name| scope.input(name, Kind::Float, &[]));
                let key = scope.input("key", Kind::Key, &[]);
                let score = score_network(parameters, x) / sigma;
                let x = x + score * size + key.normal(&x.shape()) * noise;
                (x, vec![x])
            }
            Objective::ExactScoreMatching => {
                let f = perceptron(parameters, x).sum(&[1]);
                let parts = scope.laplacian_parts(f, x, COORDINATES);
                let row = |part: LaplacianPart<'s>| part.laplacian + 0.5 * part.gradient.square().sum(&[1]);
                let loss = parts.map(|part| row(part).mean_all()).reduce(|sum, part| sum + part);
                let loss = loss.unwrap_or(f);
                (loss, vec![loss])
            }
            Objective::SlicedEnergy => {
                let curvature = scope.curvature(perceptron(parameters, x).sum(&[1]), x, batch[1].sign());
                let loss = (curvature.along + 0.5 * curvature.gradient.square().sum(&[1])).mean_all();
                (loss, vec![loss])
            }
            Objective::SlicedScore => {
                let loss = sliced(x, perceptron(parameters, x), batch[1]);
                (loss, vec![loss])
            }
            Objective::ChainOfPerceptron | Objective::ChainOfConvolutions => {
                let [size, noise] = ["step", "noise"].map(|name| scope.input(name, Kind::Float, &[]));
                let key = scope.input("key", Kind::Key, &[]);
                let f = match self {
                    Objective::ChainOfPerceptron => perceptron(parameters, x),
                    _ => convolutional_energy(parameters, x),
                };
                let score = scope.gradient(f.sum_all(), &[x])[0];
                let x = x + score * size + key.normal(&x.shape()) * noise;
                (x, vec![x])
            }
            Objective::Annealing => (x, boltzmann::annealing(parameters, x, batch[1])),
            Objective::Contrastive => (x, boltzmann::contrastive(parameters, x)),
            Objective::Generative(of) => of.trace(parameters, batch),
        }
    }
}

/// Sliced score matching with variance reduction, along the signs of `direction`.
fn sliced<'s>(x: Var<'s>, score: Var<'s>, direction: Var<'s>) -> Var<'s> {
    let v = direction.sign();
    let moved = x.scope().jvp(&[score], &[x], &[v])[0];
    ((v * moved).sum(&[1]) + 0.5 * score.square().sum(&[1])).mean_all()
}

/// Step size and noise size of a step of a chain.
pub fn chain_step() -> [f32; 2] {
    [CHAIN_STEP as f32, (2.0 * CHAIN_STEP).sqrt() as f32]
}

/// (step size, noise size, sigma) of every Langevin step, in order.
pub fn langevin_schedule() -> Vec<[f32; 3]> {
    let last = LEVELS[LEVELS.len() - 1];
    let level = |sigma: f64| {
        let size = STEP_SIZE * (sigma / last) * (sigma / last);
        std::iter::repeat_n([size as f32, (2.0 * size).sqrt() as f32, sigma as f32], STEPS_PER_LEVEL)
    };
    LEVELS.into_iter().flat_map(level).collect()
}
