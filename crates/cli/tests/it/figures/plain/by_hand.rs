//! A trained run read plainly: its settings, the tensors of its newest checkpoint and its rows; and its
//! model's functions of single rows in double precision.

use std::collections::BTreeMap;

use enscore::checkpoint::{DataRecord, RunFolder};
use enscore::data::{self, Dataset, Split, Subset};
use enscore::model::{Bipartite, LogDensity, Network, Score, batch_shape, parameters_of, trace};
use enscore::objective::{FrozenFlow, ObjectiveKind, ObjectiveSettings};
use enscore::settings::Settings;
use enscore_program::{Kind, Parameter, Parameters, Scope, Value, Var, interpret};

use crate::common::Folder;

pub type Rows = Vec<Vec<f64>>;

/// Which tensors of a checkpoint are taken: by the start of their names.
pub const AVERAGED: &str = "ema.";
pub const RAW: &str = "";
pub const FLOW: &str = "ema.flow.";

pub struct ByHand {
    pub settings: Settings,
    pub data: DataRecord,
    pub step: u64,
    pub model: Network,
    pub parameters: Vec<Parameter>,
    /// The parameters' values, as inputs of programs.
    pub weights: Vec<Value>,
    pub tensors: BTreeMap<String, Vec<f32>>,
    /// log Z where it is learnt.
    pub learnt_log_z: Option<f64>,
    /// T of exp(f / T) / Z.
    pub temperature: f64,
    pub training: Subset,
    /// The run of the flow that noise comes from, where one is named.
    noise: Option<Box<ByHand>>,
    held_out: Option<Subset>,
}

impl ByHand {
    pub fn open(folder: &Folder, run: &str, prefix: &str) -> ByHand {
        ByHand::open_at(folder, run, prefix, folder.latest_step(run))
    }

    /// The run as it was after this many steps.
    pub fn open_at(folder: &Folder, run: &str, prefix: &str, step: u64) -> ByHand {
        let path = folder.path(run);
        let settings = Settings::reopen(&path.join("settings.toml"), &[]).unwrap();
        let data = RunFolder::open(&path).unwrap().manifest().data.clone();
        let tensors = folder.tensors(run, step);
        let model = match (settings.objective(), prefix == FLOW) {
            (ObjectiveSettings::FlowContrastive(fce), true) => {
                Network::Flow(Box::new(fce.contrasted_flow(&data.facts()).unwrap().unwrap()))
            }
            _ => settings.model().method().build(&data.facts()).unwrap(),
        };
        let parameters = parameters_of(&model).unwrap();
        let weights = parameters.iter().map(|p| wide(&tensors[&format!("{prefix}{}", p.name)])).collect();
        let log_z = tensors.get(&format!("{prefix}log_z")).map(|values| f64::from(values[0]));
        let learnt_log_z = if model.flow().is_some() { Some(0.0) } else { log_z };
        // Chains with step a on the score and noise b have the temperature b²/(2a).
        let temperature = match settings.objective() {
            ObjectiveSettings::ContrastiveDivergence(cd) if cd.chains.noise_std > 0.0 => {
                cd.chains.noise_std.powi(2) / (2.0 * cd.chains.step_size)
            }
            _ => 1.0,
        };
        let noise = match settings.objective() {
            ObjectiveSettings::NoiseContrastive(nce) if !nce.against.flow_run.is_empty() => {
                Some(Box::new(ByHand::open(folder, &nce.against.flow_run, AVERAGED)))
            }
            _ => None,
        };
        let whole = data::load_as(settings.data(), Split::Train).unwrap();
        let seed = settings.train().seed;
        let prepared = data::prepare(&whole, settings.data(), seed, data.whitening.as_ref()).unwrap();
        let (training, held_out) =
            (prepared.parts.training, prepared.parts.test.or(prepared.parts.validation));
        ByHand {
            settings,
            data,
            step,
            model,
            parameters,
            weights,
            tensors,
            learnt_log_z,
            temperature,
            training,
            noise,
            held_out,
        }
    }

    /// The flow that noise comes from, with its averaged weights.
    pub fn noise(&self) -> Option<FrozenFlow> {
        let noise = self.noise.as_ref()?;
        let values = |p: &Parameter| (p.clone(), noise.tensors[&format!("{AVERAGED}{}", p.name)].clone());
        match noise.settings.model().method().build(&noise.data.facts()).unwrap() {
            Network::Flow(flow) => Some(FrozenFlow::new(flow, noise.parameters.iter().map(values).collect())),
            _ => panic!("noise comes from a flow"),
        }
    }

    pub fn row_len(&self) -> usize {
        self.data.row_shape.iter().product()
    }

    pub fn learnt_from(&self) -> Rows {
        rows_of(&self.training)
    }

    /// The rows that the run held out.
    pub fn own_held_out(&self) -> Rows {
        rows_of(self.held_out.as_ref().unwrap())
    }

    /// The rows of other data as the model sees them, of its test split where it has one.
    pub fn rows_of_source(&self, source: &str) -> Rows {
        let dataset = match data::load_test(source, &data::Reading::default()).unwrap() {
            Some(test) => test,
            None => data::load(source, Split::Train).unwrap(),
        };
        let binarised = if self.settings.data().binarise { dataset.binarised().unwrap() } else { dataset };
        let seed = self.settings.train().seed;
        let mapped = data::prepare_other(&binarised, seed, self.data.whitening.as_ref()).unwrap();
        rows_of(&Subset::all(&mapped))
    }

    /// The outputs of a function of one row.
    pub fn of_rows(
        &self,
        rows: &[Vec<f64>],
        function: impl for<'s> Fn(&'s Scope, &Parameters<'s>, Var<'s>) -> Var<'s>,
    ) -> Rows {
        let shape = batch_shape(1, &self.data.row_shape);
        let (program, _) = trace(&self.parameters, |scope, parameters| {
            let x = scope.input("x", Kind::Float, &shape);
            vec![("value".to_string(), function(scope, parameters, x))]
        })
        .unwrap();
        let one = |row: &Vec<f64>| {
            let mut inputs = self.weights.clone();
            inputs.push(Value::Float(row.clone()));
            interpret(&program, &inputs).unwrap()[0].floats().to_vec()
        };
        rows.iter().map(one).collect()
    }

    /// f/T of each row.
    pub fn log_densities(&self, rows: &[Vec<f64>]) -> Vec<f64> {
        let f = self.of_rows(rows, |_, parameters, x| self.model.log_density(parameters, x));
        f.iter().map(|f| f[0] / self.temperature).collect()
    }

    /// f/T of each row in the units of the data: with the logarithm of how much a volume of rows shrinks on
    /// the way to the model.
    pub fn log_densities_of_data(&self, rows: &[Vec<f64>]) -> Vec<f64> {
        let log_volume = self.log_volume();
        self.log_densities(rows).iter().map(|f| f + log_volume).collect()
    }

    fn log_volume(&self) -> f64 {
        if self.units().is_some_and(|units| units.is_binary()) {
            return 0.0;
        }
        let scale: data::Scale = serde_json::from_value(self.data.scale.clone()).unwrap();
        let width = scale.high - scale.low;
        let Some(whitening) = &self.data.whitening else {
            let filled = scale.levels.filter(|_| self.settings.data().dequantise).map(f64::from);
            let step = filled.map_or(1.0, |levels| levels / (levels - 1.0));
            return -(self.row_len() as f64) * (width * step).ln();
        };
        // The determinant by elimination; a whitening map needs no exchange of rows for it to be exact
        // enough.
        let k = whitening.kept.len();
        let mut matrix = whitening.matrix.clone();
        let mut log_det = 0.0;
        for i in 0..k {
            log_det += matrix[i * k + i].abs().ln();
            for row in i + 1..k {
                let factor = matrix[row * k + i] / matrix[i * k + i];
                (i..k).for_each(|j| matrix[row * k + j] -= factor * matrix[i * k + j]);
            }
        }
        log_det - k as f64 * width.ln()
    }

    /// ∇f/T of each row; of a score network the score at `sigma`.
    pub fn scores(&self, rows: &[Vec<f64>], sigma: f64) -> Rows {
        let scores = self.of_rows(rows, |scope, parameters, x| {
            self.model.score(parameters, x, scope.constant(sigma).broadcast_to(&[1]))
        });
        scores.iter().map(|s| s.iter().map(|s| s / self.temperature).collect()).collect()
    }

    pub fn units(&self) -> Option<&dyn Bipartite> {
        self.model.bipartite()
    }

    /// f/T at many points at once.
    pub fn on_grid(&self, points: &[f64]) -> Vec<f64> {
        self.at_once(points, |_, parameters, x| self.model.log_density(parameters, x))
    }

    /// Its gradient there, or a network's score at the noise level 1.
    pub fn scores_on_grid(&self, points: &[f64]) -> Vec<f64> {
        self.at_once(points, |scope, parameters, x| {
            self.model.score(parameters, x, scope.constant(1.0).broadcast_to(&[x.extent(0)]))
        })
    }

    fn at_once(
        &self,
        points: &[f64],
        function: impl for<'s> Fn(&'s Scope, &Parameters<'s>, Var<'s>) -> Var<'s>,
    ) -> Vec<f64> {
        let n = points.len() / self.row_len();
        let (program, _) = trace(&self.parameters, |scope, parameters| {
            let x = scope.input("x", Kind::Float, &batch_shape(n, &self.data.row_shape));
            vec![("value".to_string(), function(scope, parameters, x))]
        })
        .unwrap();
        let mut inputs = self.weights.clone();
        inputs.push(Value::Float(points.to_vec()));
        let values = interpret(&program, &inputs).unwrap()[0].floats().to_vec();
        values.iter().map(|value| value / self.temperature).collect()
    }
}

fn wide(values: &[f32]) -> Value {
    Value::Float(values.iter().map(|value| f64::from(*value)).collect())
}

pub fn rows_of(subset: &Subset) -> Rows {
    subset.rows().iter().map(|row| row_of(subset.dataset(), *row as usize)).collect()
}

/// A row as the executor gets it: rounded to single precision.
fn row_of(data: &Dataset, row: usize) -> Vec<f64> {
    let mut x = vec![0.0f32; data.row_len()];
    data.copy_row(row, &mut x).unwrap();
    x.iter().map(|x| f64::from(*x)).collect()
}

/// The mean, and its standard error: the deviation with n - 1 over √n.
pub fn mean_and_error(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
    (mean, (squares / (n - 1.0) / n).sqrt())
}

pub fn number(value: &serde_json::Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("not a number: {value}"))
}

/// Equal up to single precision, relative to numbers of about 1.
pub fn assert_close(what: &str, found: f64, expected: f64) {
    let error = (found - expected).abs();
    assert!(error <= 2e-4 * expected.abs().max(1.0), "{what}: found {found}, by hand {expected}");
}

/// Equal up to single precision of a standard error, which is small beside what it is the error of.
pub fn assert_same_error(what: &str, found: f64, expected: f64) {
    let error = (found - expected).abs();
    assert!(error <= 2e-3 * expected.abs() + 1e-6, "{what}: found {found}, by hand {expected}");
}
