//! `enscore suggest`: noise levels and step size from the data, as settings that are ready to be used.

use std::path::Path;

use enscore::data::{Split, Subset, load, load_as, prepare, rows_of};
use enscore::mcmc::StepRule;
use enscore::sample::{Suggestion, SuggestionSettings, suggest};
use enscore::settings::Settings;
use enscore::{Error, Result};

use crate::args::{Rule, Suggest};
use crate::context::Context;
use crate::given;
use crate::output::Answer;

pub(crate) fn run(context: &Context, arguments: &Suggest) -> Result<Answer> {
    given::data(&arguments.data)?;
    let rule = match arguments.rule {
        Rule::Algorithm1 => StepRule::Algorithm1,
        Rule::ReferenceCode => StepRule::ReferenceCode,
    };
    let settings = SuggestionSettings {
        sigma_min: arguments.sigma_min,
        steps_per_level: arguments.steps,
        rule,
        ..Default::default()
    };
    let suggestion = context.on_threads(0, || {
        let rows = training_rows(arguments)?;
        suggest(&rows_of(&rows, usize::MAX)?, rows.dataset().row_len(), settings)
    })?;
    let json = serde_json::to_value(&suggestion)
        .map_err(|reason| Error::run("can't write the suggestion").found_error(reason))?;
    Ok(Answer::new(json, toml(&arguments.data, &suggestion)))
}

/// The rows of a data set; of a settings file those that its training sees, after preprocessing.
fn training_rows(arguments: &Suggest) -> Result<Subset> {
    let path = Path::new(&arguments.data);
    if path.extension().is_none_or(|ending| ending != "toml") {
        if let Some(set) = arguments.set.first() {
            return Err(Error::input("a data set has no settings to override")
                .at(format!("override {set}"))
                .remedy(format!("give a settings file with [data] path = {:?} instead", arguments.data)));
        }
        return Ok(Subset::all(&load(&arguments.data, Split::Train)?));
    }
    let (settings, train) = Settings::load_data(path, &arguments.set)?;
    let data = load_as(&settings, Split::Train)?;
    Ok(prepare(&data, &settings, train.seed, None)?.parts.training)
}

fn toml(data: &str, suggestion: &Suggestion) -> String {
    let Suggestion { sigma_max, sigma_min, levels, ratio, steps_per_level, step_size, .. } = suggestion;
    let Suggestion { row_len, rows, rows_used, variance_ratio, .. } = suggestion;
    let bound = if rows_used < rows { ", a lower bound" } else { "" };
    let technique2 = match suggestion.technique2_ratio {
        Some(solution) => format!("technique 2 allows a ratio of at most {solution:.5}"),
        None => format!("technique 2 has no solution in {row_len} dimensions"),
    };
    let rule = match suggestion.rule {
        StepRule::Algorithm1 => "algorithm1",
        StepRule::ReferenceCode => "reference-code",
    };
    format!(
        "# For {data}: {rows} rows of {row_len} values; techniques of NCSNv2 (Song and Ermon 2020).
[objective]
kind = \"ncsn\"
sigma_max = {sigma_max:.6} # technique 1: largest distance between any two of {rows_used} rows{bound}
sigma_min = {sigma_min}
levels = {levels} # {technique2}; this is {ratio:.5}

[sampler]
rule = {rule:?}
step_size = {step_size:.6e} # technique 4: relative variance {variance_ratio:.4} after each level, ideally 1
steps_per_level = {steps_per_level}

# Technique 3, an unconditional network divided by sigma: embedding = 0 in [model].
# Technique 5, averaged weights: ema_decay in [optimiser] and weights = \"ema\" in [sampler], the defaults.
"
    )
}
