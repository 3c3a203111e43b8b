//! A sample does not depend on how many are drawn beside it, nor a row's score on the rows beside it: to the
//! last bit, for every family, every sampler that fits it, and inpainting.

use enscore::data::{Dataset, Subset, Values};
use enscore::evaluate::{RowScores, score_rows};
use enscore::sample::{Drawn, draw, draw_clamped};
use enscore::trained::Trained;
use enscore_program::random::{Key, uniform};

use crate::common::families::FAMILIES;
use crate::common::runs::{Folder, Run};

const SEED: u64 = 3;
/// More than one program's rows.
const MANY: usize = 70;

/// Every sampler with few steps.
const SAMPLERS: [&[&str]; 6] = [
    &["kind='annealed'", "step_size=1e-3", "steps_per_level=2"],
    &["kind='langevin'", "step_size=0.01", "steps=4"],
    &["kind='mala'", "steps=3", "warmup=4"],
    &["kind='hmc'", "steps=2", "warmup=2", "leapfrog_steps=2"],
    &["kind='gibbs'", "steps=5"],
    &["kind='exact'"],
];

fn open(run: &Run, sets: &[&str]) -> enscore::Result<Trained> {
    let sets: Vec<String> = sets.iter().map(|set| format!("sampler.{set}")).collect();
    Trained::open(run.path(), &sets)
}

fn drawn(trained: &Trained, count: usize) -> Drawn {
    draw(&trained.model, trained.settings.sampler(), count, SEED, count, &mut |_, _| Ok(())).unwrap()
}

/// The first rows of `all` are `few`, in the trajectory, too.
fn begins_with(what: &str, few: &Drawn, all: &Drawn, count: usize) {
    let len = few.rows.len() / count;
    assert_eq!(few.rows, all.rows[..count * len], "{what}");
    assert_eq!(few.shown(), &all.shown()[..count * len], "{what}: means");
    assert_eq!(few.stages, all.stages, "{what}");
    for (stage, few) in few.trajectory.chunks(count * len).enumerate() {
        assert_eq!(few, &all.trajectory[stage * MANY * len..][..count * len], "{what}: stage {stage}");
    }
}

#[test]
fn samples_do_not_depend_on_their_number() {
    let folder = Folder::new();
    for family in &FAMILIES {
        let run = folder.train(family.name, &folder.of_family(family, &["train.steps=4"]));
        let mut tried = 0;
        for sampler in SAMPLERS {
            let Ok(trained) = open(&run, sampler) else { continue };
            tried += 1;
            let what = format!("{} {sampler:?}", family.name);
            let all = drawn(&trained, MANY);
            for count in [1, 2, 5, 64] {
                begins_with(&format!("{what}: {count}"), &drawn(&trained, count), &all, count);
            }
            let by_three = open(&run, &[sampler, &["batch=3"]].concat()).unwrap();
            assert_eq!(drawn(&by_three, MANY), all, "{what}");
        }
        assert!(tried > 0, "{}", family.name);
        let trained = open(&run, &[]).unwrap();
        if trained.model.model.bipartite().is_some() {
            let len = trained.model.row_len();
            let row: Vec<f32> = (0..len).map(|i| (i % 2) as f32).collect();
            let known: Vec<bool> = (0..len).map(|i| i % 3 == 0).collect();
            let clamped = |count| {
                draw_clamped(&trained.model, (&row, &known), count, 3, SEED, &mut |_, _| Ok(())).unwrap()
            };
            let all = clamped(MANY);
            for count in [1, 5] {
                begins_with(&format!("{}: clamped {count}", family.name), &clamped(count), &all, count);
            }
        }
    }
}

/// Rows in [0, 1]; every third is made of zeros and ones alone, which products may take another way.
fn values(rows: usize, len: usize) -> Vec<f32> {
    let row = |row: usize| {
        let mut words = vec![0; len];
        enscore_program::random::row_words(Key::new(1, 0), 7, row as u64, &mut words);
        words.into_iter().map(move |word| {
            let u = uniform(word) as f32;
            if row.is_multiple_of(3) { u.round() } else { u }
        })
    };
    (0..rows).flat_map(row).collect()
}

fn scores(trained: &Trained, values: Vec<f32>) -> Vec<Vec<u64>> {
    let shape = &trained.model.data.row_shape;
    let data = Dataset::new("rows", "rows", shape, Values::F32(values)).unwrap();
    let RowScores { log_density, score_norm, .. } = score_rows(trained, &Subset::all(&data), 7).unwrap();
    let bits = |column: Vec<f64>| column.into_iter().map(f64::to_bits).collect::<Vec<_>>();
    vec![bits(log_density.unwrap_or_default()), bits(score_norm)]
}

#[test]
fn a_score_does_not_depend_on_the_rows_beside_it() {
    let folder = Folder::new();
    for family in &FAMILIES {
        let run = folder.train(family.name, &folder.of_family(family, &["train.steps=4"]));
        let trained = open(&run, &[]).unwrap();
        // The draws of a bound are those of the row's number.
        if trained.model.model.latent_variable().is_some() {
            continue;
        }
        if trained.model.model.generator().is_some() {
            let shape = &trained.model.data.row_shape;
            let len = shape.iter().product();
            let rows = Dataset::new("rows", "rows", shape, Values::F32(vec![0.0; len])).unwrap();
            let refused = score_rows(&trained, &Subset::all(&rows), 1).err().unwrap().to_string();
            assert!(refused.contains("no likelihood"), "{refused}");
            continue;
        }
        let len = trained.model.row_len();
        let rows = values(270, len);
        let all = scores(&trained, rows.clone());
        for (first, last) in [(0, 1), (1, 2), (3, 100), (200, 270), (130, 131)] {
            let found = scores(&trained, rows[first * len..last * len].to_vec());
            for (found, all) in found.iter().zip(&all) {
                let expected = all.get(first..last).unwrap_or(&[]);
                assert_eq!(found, expected, "{}: rows {first} to {last}", family.name);
            }
        }
        let backwards: Vec<f32> = rows.chunks(len).rev().flatten().copied().collect();
        for (mut found, all) in scores(&trained, backwards).into_iter().zip(all) {
            found.reverse();
            assert_eq!(found, all, "{}: backwards", family.name);
        }
    }
}
