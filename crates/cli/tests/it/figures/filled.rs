//! `enscore inpaint`: each pixel beside the sweeps of its chain, known pixels put back after each.

use serde_json::{Value, json};

use super::drawn::{SEED, gibbs};
use super::plain::by_hand::{AVERAGED, ByHand};
use crate::common::{Folder, png_size};

const SWEEPS: u64 = 9;

/// A folder with a machine of digits as `run`.
pub fn trained() -> Folder {
    let folder = Folder::new();
    let settings = "[data]\nname = 'digits'\nbinarise = true\n[model]\nkind = 'rbm'\nhidden = 5\n[objective]\nkind = 'cd'\n\
                    [train]\nsteps = 6\nbatch = 20\n";
    folder.write("rbm.toml", settings.as_bytes());
    folder.succeed("train rbm.toml --out run --no-report");
    folder
}

/// An image of 8 x 8 pixels, white and black.
fn picture(folder: &Folder, name: &str, white: impl Fn(usize) -> bool) {
    let pixels: Vec<f32> = (0..64).map(|i| f32::from(u8::from(white(i)))).collect();
    let image = enscore::report::sheet::sheet(&pixels, [8, 8, 1], 1, 1, 0).unwrap();
    enscore::report::png::write(&folder.path(name), &image).unwrap();
}

fn pixels(folder: &Folder, name: &str) -> Vec<f32> {
    let image = enscore::data::read_image(&folder.path(name)).unwrap();
    let mut pixels = vec![0.0; image.row_len()];
    image.copy_row(0, &mut pixels).unwrap();
    pixels
}

/// A pattern, and which of its pixels are unknown: a column and the last rows.
fn white(i: usize) -> bool {
    (i % 8 + i / 8).is_multiple_of(3)
}

fn unknown(i: usize) -> bool {
    i % 8 == 2 || i / 8 > 5
}

fn fill(folder: &Folder, name: &str, options: &str) -> Value {
    folder.succeed(&format!("inpaint run in.png --mask mask.png --out {name} {options} --json")).json()
}

#[test]
fn unknown_pixels_are_the_means_of_sweeps_given_the_known_ones() {
    let folder = trained();
    picture(&folder, "in.png", white);
    picture(&folder, "mask.png", unknown);
    let answer = fill(&folder, "out.png", &format!("--steps {SWEEPS} --seed {SEED}"));
    assert_eq!(answer["filled"], 6 + 2 * 8, "white pixels of the mask are filled");
    assert_eq!(
        (&answer["steps"], &answer["seed"], &answer["num"]),
        (&json!(SWEEPS), &json!(SEED), &json!(1))
    );
    let hand = ByHand::open(&folder, "run", AVERAGED);
    let known: Vec<Option<f64>> =
        (0..64).map(|i| (!unknown(i)).then(|| f64::from(u8::from(white(i))))).collect();
    let [_, means] = gibbs(&hand, 0, SWEEPS, &known);
    let found = pixels(&folder, "out.png");
    for (i, (found, mean)) in found.iter().zip(&means).enumerate() {
        let error = (f64::from(*found) - mean).abs();
        assert!(error < 0.6 / 255.0, "pixel {i}, unknown: {}: filled {found}, by hand {mean}", unknown(i));
    }
    let filled = found.iter().enumerate().filter(|(i, pixel)| unknown(*i) && **pixel > 0.0 && **pixel < 1.0);
    assert!(filled.count() > 5, "means between black and white: {found:?}");
}

#[test]
fn draws_differ_by_seed_and_chain_and_nothing_known_is_changed() {
    let folder = trained();
    picture(&folder, "in.png", white);
    picture(&folder, "mask.png", unknown);
    let of = |name: &str, options: &str| {
        fill(&folder, name, options);
        folder.read(name)
    };
    let first = of("first.png", "--steps 9");
    assert_eq!(of("same.png", "--steps 9"), first);
    assert_ne!(of("seed.png", "--steps 9 --seed 1"), first, "another seed");
    assert_ne!(of("steps.png", "--steps 8"), first, "fewer sweeps");
    let answer = fill(&folder, "three.png", "--steps 9 --num 3");
    assert_eq!(answer["num"], 3);
    // Three images, seven times enlarged, with two pixels between and around them.
    assert_eq!(png_size(&folder.path("three.png")), (3 * 58 + 2, 60));
    picture(&folder, "mask.png", |_| false);
    assert_eq!(fill(&folder, "known.png", "--steps 2")["filled"], 0);
    assert_eq!(pixels(&folder, "known.png"), pixels(&folder, "in.png"), "nothing is unknown");
}
