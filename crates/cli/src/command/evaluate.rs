//! `enscore evaluate`: the loss on held-out rows, samples beside real rows, and the report of both.

use enscore::trained::Trained;
use std::path::{Path, PathBuf};

use enscore::checkpoint::{RunFolder, read_metrics};
use enscore::evaluate::{self, Evaluation, EvaluationSettings, HeldOut, Normaliser, run_data};
use enscore::memory::MemoryLimit;
use enscore::report::{ReportRequest, collapsed, unmixed_chains, write_report};
use enscore::settings::Settings;
use enscore::{Error, Reason, Result};
use serde_json::{Value, json};

use crate::args::Evaluate;
use crate::context::Context;
use crate::given;
use crate::output::{Answer, Lines, evaluation_json, merged, text_of};
use crate::pictures::create_folder;
use crate::progress::Progress;

/// Chains whose trajectory the report shows.
pub(crate) const CHAINS: usize = 8;
/// Importance-weighted draws of a bound, where no number is given.
const DRAWS: usize = 100;

/// What an evaluation of a run takes.
#[derive(Default)]
pub(crate) struct Wanted<'a> {
    pub(crate) sets: &'a [String],
    pub(crate) data: Option<&'a str>,
    pub(crate) metrics: &'a [String],
    /// The run's sampler.count where none.
    pub(crate) samples: Option<usize>,
    pub(crate) seed: u64,
    /// All rows where none.
    pub(crate) max_rows: Option<usize>,
    /// The default where none.
    pub(crate) draws: Option<usize>,
    pub(crate) against: Option<&'a str>,
    /// Where the report goes; the run's folder where none.
    pub(crate) out: Option<&'a Path>,
}

/// An evaluated run, with its report.
pub(crate) struct Evaluated {
    pub(crate) evaluation: Evaluation,
    pub(crate) origin: HeldOut,
    pub(crate) step: u64,
    pub(crate) warnings: Vec<String>,
    /// None where the run's folder takes none.
    pub(crate) report: Option<PathBuf>,
}

/// The threads that the run at `path` was set to train on. What is wrong with the run is said when it is
/// opened.
pub(crate) fn threads_of(path: &Path) -> usize {
    let settings = RunFolder::open(path).and_then(|run| Settings::load(&run.settings_path(), &[]));
    settings.map_or(0, |settings| settings.train().threads)
}

/// Evaluates the run at `path` and writes its report.
pub(crate) fn evaluate(path: &Path, wanted: &Wanted, progress: &mut Progress) -> Result<Evaluated> {
    let trained = Trained::open(path, wanted.sets)?;
    let data = run_data(&trained, wanted.data)?;
    let settings = EvaluationSettings {
        samples: wanted.samples.unwrap_or(trained.settings.sampler().count),
        chains: CHAINS,
        max_rows: wanted.max_rows.unwrap_or(usize::MAX),
        draws: wanted.draws.unwrap_or(DRAWS),
        seed: wanted.seed,
        metrics: wanted.metrics.to_vec(),
        against: wanted.against.map(str::to_string),
        log_z: Normaliser::found(path, &trained)?,
    };
    refuse_beyond_memory(&trained, settings.samples)?;
    let mut tell = |phase: &str, done, total| progress.phase(phase, done, total);
    let evaluation = evaluate::evaluate(&trained, &data, &settings, &mut tell)?;
    progress.end();
    refuse_nothing(&evaluation, settings.samples)?;
    let mut warnings = trained.warnings.clone();
    warnings.extend(Normaliser::damage(path));
    let folder = RunFolder::open(path)?;
    let old = folder.report_path();
    // Without samples there are no pictures: a report that has some is worth more.
    let report = if settings.samples == 0 && wanted.out.is_none() && old.exists() {
        Some(old)
    } else {
        let typed: Vec<String> =
            std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
        let command = typed.join(" ");
        let request = ReportRequest {
            folder: &folder,
            out: wanted.out.unwrap_or(path),
            trained: &trained,
            training: &data.training,
            held_out: &data.held_out,
            evaluation: &evaluation,
            command: Some(&command),
        };
        match write_report(&request) {
            Ok(written) => {
                warnings.extend(written.damage);
                Some(written.path)
            }
            // The figures don't depend on it.
            Err(error) if error.reason == Reason::Unwritable && wanted.out.is_none() => {
                let error = error.remedy("name another folder with --out DIR");
                warnings.push(format!("no report was written: {error}"));
                None
            }
            Err(error) => return Err(error),
        }
    };
    let origin = data.origin;
    // What is wrong with the metrics is said by the report.
    let metrics = read_metrics(&folder.metrics_path());
    if let Ok(metrics) = metrics {
        warnings.extend(unmixed_chains(&metrics.rows));
        warnings.extend(collapsed(&metrics.rows));
    }
    warnings.extend(evaluation.warnings.iter().cloned());
    warnings.extend(data.held_out.dataset().notes().iter().cloned());
    Ok(Evaluated { evaluation, origin, step: trained.step, warnings, report })
}

/// Samples are held as drawn, in raw units and as the metrics take them, in double precision.
fn refuse_beyond_memory(trained: &Trained, samples: usize) -> Result<()> {
    let needed = samples as f64 * trained.model.row_len() as f64 * 24.0;
    let limit = MemoryLimit::of_run(trained.settings.train().memory_limit_gib);
    let place = format!("--samples {samples}");
    let refused = limit.refuse_beyond("the evaluation needs", &place, needed);
    refused.map_err(|error| error.remedy("ask for fewer: ten thousand tell small differences"))
}

/// Without samples and without figures of rows there is nothing to say.
fn refuse_nothing(evaluation: &Evaluation, samples: usize) -> Result<()> {
    let Evaluation { loss, figures, refused_figures, .. } = evaluation;
    if samples > 0 || loss.is_some() || !figures.is_empty() || !refused_figures.is_empty() {
        return Ok(());
    }
    Err(Error::input("nothing to evaluate")
        .found("no held-out rows, and --samples 0")
        .remedy("name rows with --data, or draw samples with --samples N"))
}

impl Evaluated {
    /// `object` with the evaluation's keys after its own.
    pub(crate) fn json(&self, object: Value) -> Value {
        let mut keys = evaluation_json(&self.evaluation);
        keys.insert("held_out".into(), json!(self.origin));
        keys.insert("report".into(), json!(self.report.as_deref().map(text_of)));
        merged(object, keys)
    }
}

pub(crate) fn run(context: &Context, arguments: &Evaluate) -> Result<Answer> {
    let wanted = Wanted {
        sets: &arguments.set,
        data: arguments.data.as_deref(),
        metrics: &arguments.metrics,
        samples: arguments.samples.map(|count| count as usize),
        seed: arguments.seed,
        max_rows: arguments.max_rows.map(|count| count as usize),
        draws: Some(arguments.draws as usize),
        against: arguments.against.as_deref(),
        out: arguments.out.as_deref(),
    };
    given::run(&arguments.run)?;
    wanted.data.into_iter().chain(wanted.against).try_for_each(given::data)?;
    if let Some(out) = wanted.out {
        create_folder(out)?;
    }
    let evaluated = context.on_threads(threads_of(&arguments.run), || {
        evaluate(&arguments.run, &wanted, &mut Progress::new(context))
    })?;
    let run = &arguments.run;
    let json = evaluated.json(json!({
        "run": text_of(run), "step": evaluated.step, "seed": arguments.seed, "warnings": evaluated.warnings,
    }));
    let text = Lines::default()
        .line("run", format!("{}, step {}", run.display(), evaluated.step))
        .evaluation(&evaluated.evaluation)
        .warnings(&evaluated.warnings)
        .report(evaluated.report.as_deref());
    Ok(Answer::new(json, text.text()).warning_on_stderr())
}
