//! Trains a family with a key as it is and changed, and says what of the run is another.

use enscore::trained::Trained;
use std::collections::BTreeMap;

use enscore::data::Subset;
use enscore::data::rows_of;
use enscore::evaluate::run_data;
use enscore::sample::draw;
use enscore::settings::Settings;

use crate::common::runs::{Folder, Run};

/// Something of a run that a key may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The rows that it learns from, as the model sees them.
    Rows,
    /// The rows that it is evaluated on.
    HeldOut,
    /// Names and shapes of the parameters.
    Shapes,
    /// The weights before the first step.
    Start,
    /// The weights after the last.
    Weights,
    /// Their averages.
    Averages,
    /// Chains that persist.
    Chains,
    /// The steps of the lines of metrics.jsonl.
    Lines,
    /// The learning rates in these lines.
    Rates,
    /// Step and value of each validation.
    Validation,
    /// The steps with a checkpoint.
    Checkpoints,
    /// The names of the pictures drawn meanwhile.
    Pictures,
    /// The noise levels.
    Levels,
    /// The temperature.
    Temperature,
    /// Samples, as files have them.
    Samples,
    /// Samples, as pictures show them.
    Shown,
    /// How many samples are drawn where nobody says.
    Count,
}

use Part::{
    Averages, Chains, Checkpoints, Count, HeldOut, Levels, Lines, Pictures, Rates, Rows, Samples, Shapes,
    Shown, Start, Temperature, Validation, Weights,
};

/// What other steps lead to.
pub const LEARNT: [Part; 6] = [Weights, Averages, Chains, Validation, Samples, Shown];
/// What other steps at other learning rates lead to.
pub const PACED: [Part; 7] = [Weights, Averages, Chains, Rates, Validation, Samples, Shown];
/// What another network leads to.
pub const NETWORK: [Part; 8] = [Shapes, Start, Weights, Averages, Chains, Validation, Samples, Shown];
/// What another sampler leads to.
pub const DRAWN: [Part; 2] = [Samples, Shown];

/// A key with a family in whose run a change of it is seen.
pub struct Row {
    pub key: &'static str,
    pub family: &'static str,
    /// The changed value.
    pub value: &'static str,
    /// What both runs have besides.
    pub beside: &'static [&'static str],
    /// What must change; all else must not. A part that the family has not, as chains, doesn't count.
    pub changes: &'static [Part],
}

/// A row of the table.
pub const fn row(
    key: &'static str,
    family: &'static str,
    value: &'static str,
    changes: &'static [Part],
) -> Row {
    Row { key, family, value, beside: &[], changes }
}

type Seen = BTreeMap<Part, Vec<String>>;

/// Text of numbers to the last bit.
fn exact(values: impl IntoIterator<Item = f64>) -> Vec<String> {
    values.into_iter().map(|value| format!("{value:e}")).collect()
}

fn rows(subset: &Subset) -> Vec<String> {
    exact(rows_of(subset, usize::MAX).unwrap().into_iter().map(f64::from))
}

fn tensors(run: &Run, step: u64, prefix: &str) -> Vec<String> {
    let other = ["moment1.", "moment2.", "ema.", "objective.", "stability.", "log."];
    let wanted = |name: &str| {
        if prefix.is_empty() {
            !other.iter().any(|other| name.starts_with(other))
        } else {
            name.starts_with(prefix)
        }
    };
    let tensors = run.tensors_at(step);
    let of = tensors.iter().filter(|(name, _)| wanted(name));
    of.flat_map(|(_, values)| exact(values.iter().map(|value| f64::from(*value)))).collect()
}

/// Everything of the run that `settings` give.
pub fn see(folder: &Folder, name: &str, settings: &Settings) -> Seen {
    let start = folder.stopped(&format!("{name}-start"), settings, 0);
    let run = folder.train(name, settings);
    let trained = Trained::open(run.path(), &[]).unwrap();
    let data = run_data(&trained, None).unwrap();
    let last = *run.checkpoints().last().unwrap();
    let shapes = trained.model.parameters().iter().map(|p| format!("{} {:?}", p.name, p.shape));
    let lines = run.metric("gradient_norm").into_iter().map(|(step, _)| step as f64);
    let validation = run.metric("validation_loss_per_dim").into_iter().chain(run.metric("free_energy_gap"));
    let pictures = std::fs::read_dir(run.path().join("samples")).map_or(Vec::new(), |entries| {
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    });
    let sampler = trained.settings.sampler();
    let drawn = draw(&trained.model, sampler, 4, 3, 0, &mut |_, _| Ok(())).unwrap();
    let single = |values: &[f32]| exact(values.iter().map(|value| f64::from(*value)));
    Seen::from([
        (Rows, rows(&data.training)),
        (HeldOut, rows(&data.held_out)),
        (Shapes, shapes.collect()),
        (Start, tensors(&start, 0, "")),
        (Weights, tensors(&run, last, "")),
        (Averages, tensors(&run, last, "ema.")),
        (Chains, tensors(&run, last, "objective.chains")),
        (Lines, exact(lines)),
        (Rates, exact(run.metric("learning_rate").into_iter().map(|(_, rate)| rate))),
        (Validation, exact(validation.flat_map(|(step, value)| [step as f64, value]))),
        (Checkpoints, exact(run.checkpoints().into_iter().map(|step| step as f64))),
        (Pictures, pictures),
        (Levels, exact(trained.model.levels.as_slice().iter().copied())),
        (Temperature, exact([trained.model.temperature])),
        (Samples, single(&drawn.rows)),
        (Shown, single(drawn.shown())),
        (Count, exact([sampler.count as f64])),
    ])
}

/// Holds every row of a table.
pub fn hold(table: &[Row]) {
    let folder = Folder::new();
    let mut wrong = Vec::new();
    let mut bases: BTreeMap<(&str, &[&str]), Seen> = BTreeMap::new();
    for (number, row) in table.iter().enumerate() {
        let located = |text: &str| text.replace("FOLDER", &folder.path("").display().to_string());
        let beside: Vec<String> = row.beside.iter().map(|text| located(text)).collect();
        let beside: Vec<&str> = beside.iter().map(String::as_str).collect();
        let base = bases
            .entry((row.family, row.beside))
            .or_insert_with(|| see(&folder, &format!("base{number}"), &folder.settings(row.family, &beside)));
        let change = format!("{}={}", row.key, located(row.value));
        let changes = [&beside[..], &[change.as_str()]].concat();
        let changed = see(&folder, &format!("changed{number}"), &folder.settings(row.family, &changes));
        for (part, before) in base.iter() {
            let after = &changed[part];
            let absent = before.is_empty() && after.is_empty();
            let must = row.changes.contains(part) && !absent;
            let is = if before == after { "does not change" } else { "changes" };
            if (before != after) != must {
                wrong.push(format!("{} {change}: {is} {part:?}", row.family));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
