//! How long the training program of `settings/mnist.toml` takes from the model to the first step: tracing, derivatives and
//! compilation, for rows [28, 28, 1] without the data.

use std::path::Path;
use std::time::{Duration, Instant};

use enscore::model::{DataFacts, build};
use enscore::objective;
use enscore::settings::Settings;
use enscore::train::update::{Optimiser, UpdateProgram};
use enscore_cpu::{Executable, Options};

/// Other work on the machine makes single runs slow; the best of a few is the compiler's own time.
const RUNS: usize = 5;
/// Parameters of the network, as docs/mnist.md counts them.
const PARAMETERS: usize = 534_465;

fn settings() -> Settings {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../settings/mnist.toml");
    Settings::load(&path, &[]).unwrap()
}

/// The number of parameters of the compiled update.
fn compiled(settings: &Settings) -> usize {
    let moments = vec![0.5; 28 * 28];
    let facts = DataFacts {
        row_shape: &[28, 28, 1],
        variance: 0.095,
        mean: &moments,
        deviation: &moments,
        rows: &[],
    };
    let model = build(settings.model(), &facts).unwrap();
    let levels = objective::noise_levels(settings.objective()).unwrap();
    let optimiser = Optimiser { clip_norm: settings.optimiser().clip().unwrap(), ..Optimiser::default() };
    let ncsn = objective::Ncsn { levels };
    let update =
        UpdateProgram::trace(&model, &ncsn, &optimiser, settings.train().batch, &[28, 28, 1]).unwrap();
    let executable = Executable::<f32>::compile(&update.program, Options::default()).unwrap();
    assert!(executable.arena_bytes() > 0);
    update.parameters.iter().map(|parameter| parameter.size()).sum()
}

#[test]
fn the_update_of_the_mnist_network_is_compiled_within_200_milliseconds() {
    let settings = settings();
    let times = (0..RUNS).map(|_| {
        let began = Instant::now();
        assert_eq!(compiled(&settings), PARAMETERS);
        began.elapsed()
    });
    let best = times.min().unwrap();
    // Without optimisation it takes many times as long.
    let limit = Duration::from_millis(if cfg!(debug_assertions) { 10_000 } else { 200 });
    assert!(best < limit, "{best:?}");
}
