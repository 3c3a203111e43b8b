//! How long the update of `settings/mnist.toml` takes from the model to a program that runs: tracing,
//! derivatives, compilation.

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use enscore::model::DataFacts;
use enscore::objective::Ncsn;
use enscore::settings::Settings;
use enscore::train::update::{Optimiser, UpdateProgram};
use enscore_cpu::{Executable, Options};

/// Other work on the machine makes single runs slow; the best of a few is the compiler's own time.
const RUNS: usize = 5;
/// Pixels along a side of an image.
const SIDE: usize = 28;

/// The least time of a few runs, as text.
pub fn milliseconds() -> Result<String, Box<dyn Error>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../settings/mnist.toml");
    let settings = Settings::load(&path, &[]).map_err(|error| error.to_string())?;
    let mut least = f64::INFINITY;
    for _ in 0..RUNS {
        let began = Instant::now();
        compile(&settings).map_err(|error| error.to_string())?;
        least = least.min(began.elapsed().as_secs_f64());
    }
    Ok((1e3 * least).to_string())
}

fn compile(settings: &Settings) -> Result<Executable<f32>, Box<dyn Error>> {
    let moments = vec![0.5; SIDE * SIDE];
    let row_shape = [SIDE, SIDE, 1];
    let facts = DataFacts {
        row_shape: &row_shape,
        variance: 0.095,
        mean: &moments,
        deviation: &moments,
        levels: None,
        count: None,
        rows: &[],
    };
    let model = settings.model().method().build(&facts)?;
    let ncsn = Ncsn { levels: settings.objective().method().levels()? };
    let optimiser = Optimiser { clip_norm: settings.optimiser().clip_norm, ..Optimiser::default() };
    let update = UpdateProgram::trace(&model, &ncsn, &optimiser, settings.train().batch, &row_shape)?;
    Ok(Executable::compile(&update.program, Options::default())?)
}
