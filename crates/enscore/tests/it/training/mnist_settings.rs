//! The training program of `settings/mnist.toml` for rows [28, 28, 1], without the data. How long it takes to
//! compile is a matter of `bench/start_up`.

use std::path::Path;

use enscore::model::DataFacts;
use enscore::objective;
use enscore::settings::Settings;
use enscore::train::update::{Optimiser, UpdateProgram};
use enscore_cpu::{Executable, Options};

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
        levels: None,
        count: None,
        rows: &[],
    };
    let model = settings.model().method().build(&facts).unwrap();
    let levels = settings.objective().method().levels().unwrap();
    let optimiser = Optimiser { clip_norm: settings.optimiser().clip().unwrap(), ..Optimiser::default() };
    let ncsn = objective::Ncsn { levels };
    let update =
        UpdateProgram::trace(&model, &ncsn, &optimiser, settings.train().batch, &[28, 28, 1]).unwrap();
    let executable = Executable::<f32>::compile(&update.program, Options::default()).unwrap();
    assert!(executable.arena_bytes() > 0);
    update.parameters.iter().map(|parameter| parameter.size()).sum()
}

#[test]
fn the_network_of_mnist_has_the_parameters_of_its_page_and_compiles() {
    assert_eq!(compiled(&settings()), PARAMETERS);
}
