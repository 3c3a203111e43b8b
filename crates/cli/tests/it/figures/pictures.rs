//! The pictures of a report and of `enscore sample`: each image in its place, each pixel at its level.

use super::drawn::{SEED, annealed, gibbs, langevin};
use super::filled::trained;
use super::plain::by_hand::{AVERAGED, ByHand, Rows};
use super::plain::page::Page;
use super::plain::trained::{folder, train};
use crate::common::{Folder, png_size};
use enscore::sample::SamplerSettings;

/// An image of 8 x 8 pixels is seven times enlarged; two pixels lie between images.
const TILE: usize = 56;
const GAP: usize = 2;

/// A picture's pixels as it was written.
struct Picture {
    width: usize,
    pixels: Vec<f32>,
}

impl Picture {
    fn of(folder: &Folder, name: &str) -> Picture {
        let image = enscore::data::read_image(&folder.path(name)).unwrap();
        let mut pixels = vec![0.0; image.row_len()];
        image.copy_row(0, &mut pixels).unwrap();
        Picture { width: image.row_shape()[1], pixels }
    }

    /// The image whose corner is here must be this one, whose values below 0 are black and above 1 white.
    fn assert_tile(&self, what: &str, [left, top]: [usize; 2], image: &[f64]) {
        for (i, value) in image.iter().enumerate() {
            let (x, y) = (left + 7 * (i % 8) + 3, top + 7 * (i / 8) + 3);
            let found = f64::from(self.pixels[y * self.width + x]);
            let expected = value.clamp(0.0, 1.0);
            assert!((found - expected).abs() < 0.01, "{what}, pixel {i}: drawn {found}, by hand {expected}");
        }
    }
}

/// The corner of an image of a sheet.
fn corner(column: usize, row: usize) -> [usize; 2] {
    [GAP + column * (TILE + GAP), GAP + row * (TILE + GAP)]
}

/// Samples as the model has them.
fn samples(folder: &Folder, run: &str, count: usize) -> Rows {
    folder.succeed(&format!("sample {run} --num {count} --seed {SEED} --out samples.npy"));
    let raw = folder.npy("samples.npy");
    raw.chunks(64).map(|row| row.iter().map(|x| f64::from(*x) / 16.0).collect()).collect()
}

/// The states of a chain that a strip shows, from its start to its end.
fn stages(hand: &ByHand, chain: usize) -> Rows {
    match &hand.settings.sampler().method {
        SamplerSettings::Annealed(settings) => annealed(hand, chain, settings),
        SamplerSettings::Langevin(settings) => (0..=settings.steps)
            .map(|steps| langevin(hand, chain, steps, settings.step_size, settings.noise_std))
            .collect(),
        other => panic!("no chain of images: {other:?}"),
    }
}

#[test]
fn samples_their_nearest_rows_and_their_chains_are_drawn_in_their_places() {
    let folder = folder();
    for name in ["ncsn-unet", "ssm-residual"] {
        train(&folder, name, name, "");
        let hand = ByHand::open(&folder, name, AVERAGED);
        let drawn = samples(&folder, name, 9);
        folder.succeed(&format!("evaluate {name} --samples 9 --seed {SEED} --max-rows 3"));
        let sheet = Picture::of(&folder, &format!("{name}/samples.png"));
        let pairs = Picture::of(&folder, &format!("{name}/nearest.png"));
        let training = hand.learnt_from();
        for (i, sample) in drawn.iter().enumerate() {
            sheet.assert_tile(&format!("{name}, sample {i}"), corner(i % 8, i / 8), sample);
            let distance =
                |row: &&Vec<f64>| row.iter().zip(sample).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
            let nearest = training.iter().min_by(|a, b| distance(a).total_cmp(&distance(b))).unwrap();
            // Pairs lie three gaps apart, the two of a pair one.
            let left = 3 * GAP + (i % 8) * (2 * TILE + 4 * GAP);
            let top = 3 * GAP + (i / 8) * (TILE + 3 * GAP);
            pairs.assert_tile(&format!("{name}, sample {i} of the pairs"), [left, top], sample);
            pairs.assert_tile(&format!("{name}, the row nearest to {i}"), [left + TILE + GAP, top], nearest);
        }
        folder
            .succeed(&format!("sample {name} --num 3 --seed {SEED} --trajectory strip.png --out three.png"));
        let three = Picture::of(&folder, "three.png");
        (0..3).for_each(|i| three.assert_tile(&format!("{name}, sheet of three"), corner(i, 0), &drawn[i]));
        // Eight chains of the run's pictures, and as many as samples were drawn.
        for (file, chains) in [(format!("{name}/trajectory.png"), 8), ("strip.png".to_string(), 3)] {
            let strip = Picture::of(&folder, &file);
            for chain in 0..chains {
                let stages = stages(&hand, chain);
                let size = png_size(&folder.path(&file));
                let [width, height] = [stages.len(), chains].map(|tiles| (GAP + 58 * tiles) as u32);
                assert_eq!(size, (width, height), "{file}");
                for (at, stage) in stages.iter().enumerate() {
                    strip.assert_tile(
                        &format!("{file}, chain {chain}, stage {at}"),
                        corner(at, chain),
                        stage,
                    );
                }
            }
        }
    }
}

#[test]
fn pictures_of_machines_show_means_and_files_hold_states() {
    let folder = trained();
    let hand = ByHand::open(&folder, "run", AVERAGED);
    let draw = |name: &str, shown: &str| {
        let sets = format!("--set sampler.steps=6 --set sampler.batch=2 --set sampler.pictures={shown}");
        folder.succeed(&format!("sample run --num 3 --seed {SEED} --out {name} {sets}"));
    };
    draw("means.png", "means");
    draw("states.png", "states");
    draw("states.npy", "means");
    let written = folder.npy("states.npy");
    for chain in 0..3 {
        let [states, means] = gibbs(&hand, chain, 6, &[]);
        Picture::of(&folder, "means.png").assert_tile("means", corner(chain, 0), &means);
        Picture::of(&folder, "states.png").assert_tile("states", corner(chain, 0), &states);
        let row: Vec<f64> = written[chain * 64..][..64].iter().map(|x| f64::from(*x)).collect();
        // The digits have the levels 0 and 1 once they are made two-valued.
        assert_eq!(row, states, "chain {chain} in the file");
    }
}

#[test]
fn points_are_scattered_over_the_rows_that_were_learnt_from() {
    let folder = folder();
    for name in ["ml-flow", "ssm-mlp"] {
        train(&folder, name, name, "");
        let hand = ByHand::open(&folder, name, AVERAGED);
        folder.succeed(&format!("evaluate {name} --samples 20 --seed 3"));
        folder.succeed(&format!("sample {name} --num 20 --seed 3 --out samples.npy"));
        let pair = |row: &[f64]| (row[0], row[1]);
        let raw: Rows = folder
            .npy("samples.npy")
            .chunks(2)
            .map(|row| row.iter().map(|x| f64::from(*x)).collect())
            .collect();
        let mapped = |row: &Vec<f64>| match &hand.data.whitening {
            Some(map) => pair(&map.apply(row).unwrap()),
            None => pair(row),
        };
        let samples: Vec<(f64, f64)> = raw.iter().map(mapped).collect();
        let rows: Vec<(f64, f64)> = hand.learnt_from().iter().map(|row| pair(row)).collect();
        let chart = Page::of(&folder, name).chart("Samples over training rows").unwrap();
        chart.assert_scatters(&rows, &samples);
    }
}
