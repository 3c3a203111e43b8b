//! The examples run, each with its own assertions.

#[path = "../../examples/ising_from_scratch.rs"]
mod ising_from_scratch;
#[path = "../../examples/own_model.rs"]
mod own_model;
#[path = "../../examples/own_objective.rs"]
mod own_objective;
#[path = "../../examples/score_and_sample.rs"]
mod score_and_sample;
#[path = "../../examples/train_array.rs"]
mod train_array;

#[test]
fn the_example_that_trains_on_an_array_runs() {
    train_array::main().unwrap();
}

#[test]
fn the_example_with_a_model_of_its_own_runs() {
    own_model::main().unwrap();
}

#[test]
fn the_example_with_an_objective_of_its_own_runs() {
    own_objective::main().unwrap();
}

#[test]
fn the_example_that_scores_and_samples_runs() {
    score_and_sample::main().unwrap();
}

#[test]
fn the_example_of_an_ising_model_from_scratch_runs() {
    ising_from_scratch::main().unwrap();
}
