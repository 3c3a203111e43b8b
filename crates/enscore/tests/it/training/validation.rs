//! The validation losses of metrics.jsonl beside the same losses from a checkpoint's averaged weights:
//! held-out rows alone, the draws that belong to each row, a last batch that is not full.

use enscore::data::{Split, Subset, load_as, prepare};
use enscore::model::{DataFacts, batch_shape, trace};
use enscore::objective::{Batch, ObjectiveSettings, loss_at};
use enscore::settings::Settings;
use enscore_program::random::Key;
use enscore_program::{Kind, Value, interpret};

use crate::common::plain::task_of;
use crate::common::runs::{Folder, Run};

/// Families whose objective has a loss on held-out rows. Four tenths of 29 rows are 12: a batch of 8 and half
/// a one.
const VALIDATED: [&str; 10] = [
    "ncsn-mlp",
    "ncsn-unet",
    "dsm-mlp",
    "sm-energy",
    "sm-dkef",
    "ssm-mlp",
    "ssm-residual",
    "nce-energy",
    "fce-energy",
    "ml-flow",
];

/// A training whose last step validates and writes a checkpoint.
struct Validated {
    settings: Settings,
    run: Run,
    validation: Subset,
    training: Subset,
}

fn train(folder: &Folder, name: &str) -> Validated {
    let mut changes = vec!["optimiser.ema_decay=0.9", "train.validate_every=2"];
    if !name.contains("unet") && !name.contains("residual") {
        changes.push("data.validation=0.4");
    }
    let settings = folder.settings(name, &changes);
    let run = folder.train(name, &settings);
    let dataset = load_as(settings.data(), Split::Train).unwrap();
    let parts = prepare(&dataset, settings.data(), settings.train().seed, None).unwrap().parts;
    Validated { settings, run, validation: parts.validation.unwrap(), training: parts.training }
}

/// The first rows of a subset that a validation takes, in double precision.
fn rows(subset: &Subset) -> Vec<Vec<f64>> {
    let data = subset.dataset();
    let row = |row: &u32| {
        let mut x = vec![0.0; data.row_len()];
        data.copy_row_f64(*row as usize, &mut x).unwrap();
        x
    };
    subset.rows().iter().take(1024).map(row).collect()
}

impl Validated {
    /// The loss per dimension of these rows under the tensors with this prefix.
    fn loss(&self, rows: &[Vec<f64>], prefix: &str) -> f64 {
        let levels = self.settings.objective().method().levels().unwrap();
        let denoises =
            matches!(self.settings.objective(), ObjectiveSettings::Ncsn(_) | ObjectiveSettings::Dsm(_));
        let batch = self.settings.train().batch.min(rows.len());
        let mut sum = 0.0;
        for (number, chunk) in rows.chunks(batch).enumerate() {
            let key = Key { seed: self.settings.train().seed, step: u64::MAX, row: (number * batch) as u64 };
            let mut x = chunk.concat();
            x.resize(batch * rows[0].len(), 0.0);
            // Of a denoising loss the noise level of each row, of another its weight.
            let beside: Vec<f64> = (0..batch)
                .map(|i| {
                    if denoises {
                        levels.as_slice()[(number * batch + i) % levels.as_slice().len()]
                    } else {
                        f64::from(u8::from(i < chunk.len()))
                    }
                })
                .collect();
            let losses = self.program_of(batch, denoises, prefix, &x, &beside, key);
            sum += if denoises {
                losses[..chunk.len()].iter().sum::<f64>() / rows[0].len() as f64
            } else {
                losses[0] * chunk.len() as f64
            };
        }
        sum / rows.len() as f64
    }

    fn program_of(
        &self,
        batch: usize,
        denoises: bool,
        prefix: &str,
        x: &[f64],
        beside: &[f64],
        key: Key,
    ) -> Vec<f64> {
        let manifest = enscore::checkpoint::RunFolder::open(self.run.path()).unwrap().manifest().data.clone();
        let facts = DataFacts { rows: &[], ..manifest.facts() };
        let model = self.settings.model().method().build(&facts).unwrap();
        let task = task_of(&self.settings, &model, &facts, &self.training);
        let (program, parameters) = trace(&[], |scope, parameters| {
            let x = scope.input("x", Kind::Float, &batch_shape(batch, model.row_shape()));
            let beside = scope.input("beside", Kind::Float, &[batch]);
            let key = scope.input("key", Kind::Key, &[]);
            if denoises {
                return vec![("loss".to_string(), loss_at(&model, parameters, x, beside, key))];
            }
            let batch = Batch { x, weights: beside, key, chains: None };
            let estimate = task.players[0].objective.estimate(&model, parameters, &batch);
            let shown = estimate.diagnostics.first().map_or(estimate.loss, |(_, shown)| *shown);
            vec![("loss".to_string(), shown)]
        })
        .unwrap();
        let tensors = self.run.tensors();
        let value = |name: &str| match name {
            "x" => Value::Float(x.to_vec()),
            "beside" => Value::Float(beside.to_vec()),
            "key" => Value::Key(key),
            name => {
                assert!(parameters.iter().any(|parameter| parameter.name == name), "{name}");
                let values = &tensors[&format!("{prefix}{name}")];
                Value::Float(values.iter().map(|value| f64::from(*value)).collect())
            }
        };
        let inputs: Vec<Value> = program.inputs().iter().map(|input| value(&input.name)).collect();
        interpret(&program, &inputs).unwrap()[0].floats().to_vec()
    }
}

#[test]
fn validation_losses_are_of_averaged_weights_on_held_out_rows() {
    let folder = Folder::new();
    for name in VALIDATED {
        let validated = train(&folder, name);
        let found = validated.run.metric("validation_loss_per_dim").last().unwrap().1;
        let held_out = rows(&validated.validation);
        let expected = validated.loss(&held_out, "ema.");
        assert!(
            (found - expected).abs() < 1e-3 * (1.0 + expected.abs()),
            "{name}: {found}, expected {expected}"
        );
        // What else it could be is something else.
        let raw = validated.loss(&held_out, "");
        let of_training = validated.loss(&rows(&validated.training), "ema.");
        for (what, other) in [("raw weights", raw), ("training rows", of_training)] {
            assert!((found - other).abs() > (found - expected).abs(), "{name}: {what}: {found}, {other}");
        }
    }
}

#[test]
fn held_out_rows_are_none_of_those_learnt_from() {
    let folder = Folder::new();
    for name in ["ncsn-mlp", "sm-dkef", "rbm-tempered"] {
        let validated = train(&folder, name);
        let (held_out, learnt) = (validated.validation.rows(), validated.training.rows());
        assert!(held_out.iter().all(|row| !learnt.contains(row)), "{name}");
        let tests = (validated.settings.data().test_fraction * 29.0).round() as usize;
        assert_eq!(held_out.len() + learnt.len() + tests, 29, "{name}");
    }
}

/// The last losses are what the training's answer says.
#[test]
fn the_outcome_has_the_last_losses() {
    let folder = Folder::new();
    for name in ["ncsn-mlp", "nce-energy", "cd-persistent"] {
        let outcome = folder.ask(name, &folder.settings(name, &[]), false, None).unwrap();
        let run = folder.run(name);
        let last = |key: &str| run.metric(key).last().map(|(_, value)| *value);
        assert_eq!(outcome.loss_per_dim, last("loss_per_dim"), "{name}");
        assert_eq!(outcome.validation_loss_per_dim, last("validation_loss_per_dim"), "{name}");
        assert_eq!(outcome.loss_name == "loss_per_dim", name == "ncsn-mlp", "{name}: {}", outcome.loss_name);
    }
}
