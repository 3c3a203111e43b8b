//! No key without a test in which changing it changes the right thing: the keys that there are, by the
//! reference that the documentation is made from, against those that the tables and tests of this folder
//! name.

use enscore::settings::settings_reference;

use super::data_and_train::{DATA, TRAIN};
use super::effects::Row;
use super::model_and_objective::{MODEL, OBJECTIVE};
use super::optimiser_and_sampler::{OPTIMISER, SAMPLER};
use crate::common::runs::Folder;

/// Keys whose effect no table can say: the key, the file of this folder, its test.
const ELSEWHERE: [(&str, &str, &str); 27] = [
    ("data.grey", "reading.rs", "grey_values_are_what_they_are_asked_to_be"),
    ("data.label", "reading.rs", "labels_and_categories_are_columns_of_words"),
    ("data.one_hot", "reading.rs", "labels_and_categories_are_columns_of_words"),
    ("data.missing", "reading.rs", "missing_values_are_settled_as_asked"),
    ("data.header", "reading.rs", "the_first_row_is_names_or_data_as_asked"),
    ("data.shape", "reading.rs", "rows_have_the_shape_that_is_asked_for"),
    ("data.size", "reading.rs", "pictures_have_the_size_and_colours_that_are_asked_for"),
    ("data.colour", "reading.rs", "pictures_have_the_size_and_colours_that_are_asked_for"),
    ("model.conv", "model_and_objective.rs", "convolutions_are_computed_as_asked_for"),
    ("objective.tangents", "model_and_objective.rs", "tangents_change_the_memory_and_not_the_result"),
    ("objective.flow_run", "model_and_objective.rs", "noise_comes_from_the_named_flow"),
    ("train.wall_time_minutes", "data_and_train.rs", "the_wall_time_ends_a_training"),
    ("train.decay_by", "data_and_train.rs", "the_decay_follows_steps_or_time"),
    ("train.memory_limit_gib", "data_and_train.rs", "a_training_beyond_the_memory_limit_is_refused"),
    ("train.keep", "data_and_train.rs", "the_state_with_the_lowest_validation_loss_is_kept_beside_the_last"),
    ("train.patience", "data_and_train.rs", "patience_ends_a_training"),
    ("train.warm_start", "data_and_train.rs", "a_warm_start_takes_the_averages"),
    ("train.products", "data_and_train.rs", "products_are_computed_as_asked_for"),
    ("stability.rollbacks", "stability.rs", "returns_are_as_many_as_allowed_each_with_the_factor"),
    ("stability.rate_factor", "stability.rs", "returns_are_as_many_as_allowed_each_with_the_factor"),
    ("stability.loss_ratio", "stability.rs", "each_limit_is_named_where_it_is_passed"),
    ("stability.gradient_ratio", "stability.rs", "each_limit_is_named_where_it_is_passed"),
    ("stability.energy_gap", "stability.rs", "each_limit_is_named_where_it_is_passed"),
    ("stability.range_ratio", "stability.rs", "chains_outside_the_range_count"),
    ("stability.escaped", "stability.rs", "chains_outside_the_range_count"),
    ("sampler.batch", "optimiser_and_sampler.rs", "samples_do_not_depend_on_the_batch_of_the_sampler"),
    ("sampler.kind", "optimiser_and_sampler.rs", "the_sampler_of_a_game_draws_from_either_side"),
];

fn tables() -> impl Iterator<Item = &'static Row> {
    [DATA, MODEL, OBJECTIVE, OPTIMISER, TRAIN, SAMPLER].into_iter().flatten()
}

/// A key and the values under which another key applies.
type Condition = (String, Vec<String>);

/// `a.kind = "x" or a.kind = "y" with b.kind = "u" or "v"`: the alternatives, each a list of conditions.
fn alternatives(applies: &str) -> Vec<Vec<Condition>> {
    let mut found: Vec<Vec<Condition>> = Vec::new();
    for part in applies.split(" or ").filter(|part| !part.is_empty()) {
        if !part.contains('=') {
            // A further value of the condition before.
            let last = found.last_mut().and_then(|conditions| conditions.last_mut());
            last.unwrap().1.push(part.to_string());
            continue;
        }
        let condition = |text: &str| {
            let (key, value) = text.split_once(" = ").unwrap();
            (key.to_string(), vec![value.to_string()])
        };
        found.push(part.split(" with ").map(condition).collect());
    }
    if found.is_empty() { vec![Vec::new()] } else { found }
}

#[test]
fn every_key_has_a_test_that_changes_it() {
    let folder = Folder::new();
    let mut missing = Vec::new();
    for key in settings_reference() {
        if ELSEWHERE.iter().any(|(name, _, _)| *name == key.key) {
            continue;
        }
        for conditions in alternatives(&key.applies) {
            let holds = |row: &&Row| {
                let settings = folder.settings(row.family, row.beside);
                conditions.iter().all(|(name, values)| {
                    settings.resolved().iter().any(|(known, value)| known == name && values.contains(value))
                })
            };
            if !tables().filter(|row| row.key == key.key).any(|row| holds(&row)) {
                missing.push(format!("{} with {conditions:?}", key.key));
            }
        }
    }
    assert!(missing.is_empty(), "keys that no test changes:\n{}", missing.join("\n"));
}

#[test]
fn the_tables_name_keys_and_tests_that_there_are() {
    let known = settings_reference();
    let is_known = |key: &str| known.iter().any(|known| known.key == key);
    for row in tables() {
        assert!(is_known(row.key), "there is no key {}", row.key);
    }
    let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/settings");
    for (key, file, test) in ELSEWHERE {
        assert!(is_known(key), "there is no key {key}");
        let text = std::fs::read_to_string(here.join(file)).unwrap();
        let body =
            text.split(&format!("fn {test}()")).nth(1).unwrap_or_else(|| panic!("{file} has no {test}"));
        let body = body.split("\n#[test]").next().unwrap();
        let (table, name) = key.split_once('.').unwrap();
        let names = body.contains(key)
            || body.contains(&format!("\"{name}"))
            || body.contains(&format!("{table}.{name}"));
        assert!(names, "{test} does not name {key}");
    }
}

#[test]
fn conditions_are_read_as_they_are_written() {
    let pair = |key: &str, values: &[&str]| (key.to_string(), values.iter().map(|v| v.to_string()).collect());
    assert_eq!(alternatives(""), [Vec::<Condition>::new()]);
    assert_eq!(
        alternatives("a.kind = \"x\" or a.kind = \"y\" with b.kind = \"u\" or \"v\""),
        [
            vec![pair("a.kind", &["\"x\""])],
            vec![pair("a.kind", &["\"y\""]), pair("b.kind", &["\"u\"", "\"v\""])]
        ]
    );
}
