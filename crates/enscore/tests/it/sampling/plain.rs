//! A trained model as plainly as it can be used: weights by their names in the checkpoint, one row at a time
//! through the reference interpreter. It shares the models with the library, and nothing of what connects
//! them.
use enscore::sample::{SamplerSettings, WeightsChoice};

use enscore::checkpoint::{DataRecord, RunFolder};
use enscore::mcmc::{NoiseStart, StartNoise, UnitStart};
use enscore::model::{
    Bipartite, Flow, LogDensity, Network, Score, Units, along_rows, batch_shape, parameters_of, trace,
};
use enscore::objective::{ObjectiveKind, ObjectiveSettings};
use enscore::settings::Settings;
use enscore_program::random::{Key, normal_row, row_words, uniform};
use enscore_program::{Kind, Parameter, Program, Value, Var, interpret};

use crate::common::runs::Run;

/// What keeps the noise of starts apart; changing it changes every seeded result.
const START_STREAM: u32 = 0x7374_6172;

/// A model with its weights.
pub struct Plain {
    pub settings: Settings,
    pub data: DataRecord,
    pub model: Network,
    pub parameters: Vec<Parameter>,
    pub weights: Vec<Vec<f64>>,
}

impl Plain {
    /// The model that `settings` draw from, with the weights that the run's newest checkpoint has.
    pub fn of(run: &Run, settings: &Settings) -> Plain {
        let data = RunFolder::open(run.path()).unwrap().manifest().data.clone();
        let (model, below) = match (settings.objective(), &settings.sampler().method) {
            (ObjectiveSettings::FlowContrastive(fce), SamplerSettings::Exact(_)) => {
                (Network::Flow(Box::new(fce.contrasted_flow(&data.facts()).unwrap().unwrap())), "flow.")
            }
            _ => (settings.model().method().build(&data.facts()).unwrap(), ""),
        };
        let average = if settings.sampler().weights == WeightsChoice::Ema { "ema." } else { "" };
        let parameters = parameters_of(&model).unwrap();
        let tensors = run.tensors();
        let value = |parameter: &Parameter| {
            let values = &tensors[&format!("{average}{below}{}", parameter.name)];
            values.iter().map(|value| f64::from(*value)).collect()
        };
        let weights = parameters.iter().map(value).collect();
        Plain { settings: settings.clone(), data, model, parameters, weights }
    }

    pub fn row_len(&self) -> usize {
        self.data.row_shape.iter().product()
    }

    /// A function of one row, traced; `build` has the row `[1, ..]`.
    fn program(
        &self,
        shape: &[usize],
        build: impl for<'s> Fn(&enscore_program::Parameters<'s>, Var<'s>) -> Var<'s>,
    ) -> Program {
        let (program, _) = trace(&self.parameters, |scope, parameters| {
            let x = scope.input("x", Kind::Float, shape);
            vec![("y".to_string(), build(parameters, x))]
        })
        .unwrap();
        program
    }

    fn run(&self, program: &Program, x: &[f64]) -> Vec<f64> {
        let mut inputs: Vec<Value> = self.weights.iter().map(|w| Value::Float(w.clone())).collect();
        inputs.push(Value::Float(x.to_vec()));
        interpret(program, &inputs).unwrap()[0].floats().to_vec()
    }

    /// The score of one row at the noise `sigma`.
    pub fn score(&self, sigma: f64) -> impl Fn(&[f64]) -> Vec<f64> {
        let shape = batch_shape(1, self.model.row_shape());
        let program = self.program(&shape, |parameters, x| {
            let sigma = x.scope().constant(sigma).broadcast_to(&[1]);
            self.model.score(parameters, x, along_rows(sigma, &[1]))
        });
        move |x| self.run(&program, x)
    }

    /// f of one row.
    pub fn log_density(&self) -> impl Fn(&[f64]) -> f64 {
        let shape = batch_shape(1, self.model.row_shape());
        let program =
            self.program(&shape, |parameters, x| LogDensity::log_density(&self.model, parameters, x));
        move |x| self.run(&program, x)[0]
    }

    /// The flow's image of the chain's base draw.
    pub fn flow_draw(&self, seed: u64) -> impl Fn(u64) -> Vec<f64> {
        let flow: &dyn Flow = self.model.flow().unwrap();
        let program =
            self.program(&batch_shape(1, flow.row_shape()), |parameters, z| flow.invert(parameters, z));
        move |chain| self.run(&program, &normal(Key::new(seed, 1), 0, chain, self.row_len()))
    }

    /// Where chain `chain` starts: noise of the size of the data.
    pub fn start(&self, seed: u64, chain: u64) -> Vec<f64> {
        let kind = match self.settings.objective() {
            ObjectiveSettings::ContrastiveDivergence(cd) => cd.chains.start_noise,
            _ => StartNoise::Uniform,
        };
        let noise = NoiseStart::new(kind, self.data.range, &self.data.mean, &self.data.deviation);
        let mut x = vec![0.0; self.row_len()];
        noise.fill(Key::new(seed, 0), START_STREAM, chain, &mut x);
        x.into_iter().map(f64::from).collect()
    }

    pub fn units(&self) -> Sides<'_> {
        let (mean, deviation) = (&self.data.mean[..], &self.data.deviation[..]);
        Sides::new(self.model.bipartite().unwrap(), &self.parameters, &self.weights, [mean, deviation])
    }
}

pub fn normal(key: Key, stream: u32, row: u64, len: usize) -> Vec<f64> {
    let mut z = vec![0.0; len];
    normal_row(key, stream, row, &mut z);
    z
}

fn sigmoid(a: f64) -> f64 {
    1.0 / (1.0 + (-a).exp())
}

/// Units in {0, 1} with these log odds.
fn bernoulli(key: Key, stream: u32, row: u64, log_odds: &[f64]) -> Vec<f64> {
    let mut words = vec![0; log_odds.len()];
    row_words(key, stream, row, &mut words);
    let unit = |(word, odds): (&u32, &f64)| if uniform(*word) < sigmoid(*odds) { 1.0 } else { 0.0 };
    words.iter().zip(log_odds).map(unit).collect()
}

/// Two sides of units, one chain at a time.
pub struct Sides<'a> {
    model: &'a dyn Bipartite,
    second: Program,
    first: Program,
    weights: &'a [Vec<f64>],
    start: UnitStart,
}

impl<'a> Sides<'a> {
    pub fn new(
        model: &'a dyn Bipartite,
        parameters: &[Parameter],
        weights: &'a [Vec<f64>],
        [mean, deviation]: [&[f64]; 2],
    ) -> Sides<'a> {
        let (second, _) = trace(parameters, |scope, parameters| {
            let x = scope.input("x", Kind::Float, &[1, model.first_width()]);
            vec![("inputs".to_string(), model.second_inputs(parameters, x))]
        })
        .unwrap();
        let (first, _) = trace(parameters, |scope, parameters| {
            let h = scope.input("h", Kind::Float, &[1, model.second_width()]);
            vec![("inputs".to_string(), model.first_inputs(parameters, h))]
        })
        .unwrap();
        let start = UnitStart::new(model.first_units(), mean, deviation);
        Sides { model, second, first, weights, start }
    }

    fn run(&self, program: &Program, side: &[f64]) -> Vec<f64> {
        let mut inputs: Vec<Value> = self.weights.iter().map(|w| Value::Float(w.clone())).collect();
        inputs.push(Value::Float(side.to_vec()));
        interpret(program, &inputs).unwrap()[0].floats().to_vec()
    }

    /// Where chain `chain` starts.
    pub fn start(&self, seed: u64, chain: u64) -> Vec<f64> {
        let mut x = vec![0.0; self.model.first_width()];
        self.start.fill(Key::new(seed, 0), START_STREAM, chain, &mut x);
        x.into_iter().map(f64::from).collect()
    }

    /// The chain after sweep `step`, and the means that it was drawn at.
    pub fn sweep(&self, x: &[f64], seed: u64, step: u64, chain: u64) -> [Vec<f64>; 2] {
        let key = Key::new(seed, step);
        let h = bernoulli(key, 0, chain, &self.run(&self.second, x));
        let inputs = self.run(&self.first, &h);
        let (mut moved, mut means, mut rest) = (Vec::new(), Vec::new(), &inputs[..]);
        for (stream, block) in (1..).zip(self.model.first_units()) {
            let (inputs, after) = rest.split_at(block.width);
            rest = after;
            match block.units {
                Units::Bernoulli => {
                    moved.extend(bernoulli(key, stream, chain, inputs));
                    means.extend(inputs.iter().map(|a| sigmoid(*a)));
                }
                Units::Gaussian { deviation } => {
                    let z = normal(key, stream, chain, block.width);
                    moved.extend(inputs.iter().zip(z).map(|(mean, z)| mean + deviation * z));
                    means.extend(inputs);
                }
            }
        }
        [moved, means]
    }
}

/// Asserts that single precision found what double precision expects.
pub fn close(what: &str, found: &[f32], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let scale = expected.iter().fold(1e-3, |scale: f64, x| scale.max(x.abs()));
    for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
        let error = (f64::from(*found) - expected).abs();
        assert!(error <= tolerance * scale, "{what}[{i}]: found {found}, expected {expected}");
    }
}
