//! `enscore sample`: each number of each chain, one step at a time in double precision.

use enscore::mcmc::StepRule;
use enscore::model::{Units, batch_shape, mean_units, trace};
use enscore::sample::{AnnealedSettings, SamplerSettings};
use enscore_program::random::{Key, normal_row, row_words, uniform};
use enscore_program::{Kind, Parameters, Value, Var, interpret};

use super::plain::by_hand::{AVERAGED, ByHand, FLOW, RAW, Rows};
use super::plain::trained::{folder, train};
use crate::common::Folder;

/// What keeps the starts of chains apart from their steps.
const START: u32 = 0x7374_6172;
/// A batch of 3 or 4 and a short one.
const COUNT: usize = 5;
pub const SEED: u64 = 6;

fn normals(step: u64, stream: u32, chain: usize, len: usize) -> Vec<f64> {
    let mut z = vec![0.0; len];
    normal_row(Key::new(SEED, step), stream, chain as u64, &mut z);
    z
}

fn uniforms(step: u64, stream: u32, chain: usize, len: usize) -> Vec<f64> {
    let mut words = vec![0; len];
    row_words(Key::new(SEED, step), stream, chain as u64, &mut words);
    words.into_iter().map(uniform).collect()
}

/// The network's own score, which chains follow whatever their temperature.
fn score(hand: &ByHand, x: &[f64], sigma: f64) -> Vec<f64> {
    let scores = hand.scores(&[x.to_vec()], sigma);
    scores[0].iter().map(|s| s * hand.temperature).collect()
}

/// Uniform noise over the range of the data.
fn start(hand: &ByHand, chain: usize) -> Vec<f64> {
    let [low, high] = hand.data.range;
    uniforms(0, START, chain, hand.row_len()).iter().map(|u| low + (high - low) * u).collect()
}

/// The state after this many steps.
pub fn langevin(hand: &ByHand, chain: usize, steps: u64, a: f64, b: f64) -> Vec<f64> {
    let mut x = start(hand, chain);
    for step in 1..=steps {
        let (s, z) = (score(hand, &x, 1.0), normals(step, 0, chain, x.len()));
        (0..x.len()).for_each(|i| x[i] += a * s[i] + b * z[i]);
    }
    x
}

/// The start, the ends of all levels, and the denoised end if there is one.
pub fn annealed(hand: &ByHand, chain: usize, settings: &AnnealedSettings) -> Rows {
    let levels = hand.settings.objective().method().levels().unwrap();
    let (mut x, mut step) = (start(hand, chain), 0);
    let mut stages = vec![x.clone()];
    let last = levels.last();
    for sigma in levels.as_slice() {
        let alpha = settings.step_size * (sigma / last).powi(2);
        let (a, b) = match settings.rule {
            StepRule::Algorithm1 => (alpha / 2.0, alpha.sqrt()),
            StepRule::ReferenceCode => (alpha, (2.0 * alpha).sqrt()),
        };
        for _ in 0..settings.steps_per_level {
            step += 1;
            let (s, z) = (score(hand, &x, *sigma), normals(step, 0, chain, x.len()));
            (0..x.len()).for_each(|i| x[i] += a * s[i] + b * z[i]);
        }
        stages.push(x.clone());
    }
    if settings.denoise {
        let s = score(hand, &x, last);
        (0..x.len()).for_each(|i| x[i] += last * last * s[i]);
        stages.push(x);
    }
    stages
}

/// z ~ N(0, I) sent back through the flow.
fn inverted(hand: &ByHand, chain: usize) -> Vec<f64> {
    let (program, _) = trace(&hand.parameters, |scope, parameters| {
        let z = scope.input("z", Kind::Float, &batch_shape(1, &hand.data.row_shape));
        vec![("x".to_string(), hand.model.flow().unwrap().invert(parameters, z))]
    })
    .unwrap();
    let mut inputs = hand.weights.clone();
    inputs.push(Value::Float(normals(1, 0, chain, hand.row_len())));
    interpret(&program, &inputs).unwrap()[0].floats().to_vec()
}

/// A function of one side of units.
fn side(
    hand: &ByHand,
    values: &[f64],
    function: impl for<'s> Fn(&Parameters<'s>, Var<'s>) -> Var<'s>,
) -> Vec<f64> {
    let (program, _) = trace(&hand.parameters, |scope, parameters| {
        let x = scope.input("x", Kind::Float, &[1, values.len()]);
        vec![("value".to_string(), function(parameters, x))]
    })
    .unwrap();
    let mut inputs = hand.weights.clone();
    inputs.push(Value::Float(values.to_vec()));
    interpret(&program, &inputs).unwrap()[0].floats().to_vec()
}

/// Gibbs sweeps of a machine: the second side, then the first one, each from streams of its own; what is
/// known is put back after each. The states, and the means that the last ones were drawn at.
pub fn gibbs(hand: &ByHand, chain: usize, steps: u64, known: &[Option<f64>]) -> [Vec<f64>; 2] {
    let put_back = |x: &mut [f64]| {
        x.iter_mut().zip(known).for_each(|(x, known)| *x = known.unwrap_or(*x));
    };
    let units = hand.units().unwrap();
    let width = units.first_width();
    // A side that is not all data has hidden units in it, of which the data say nothing.
    let mean = |i: usize| hand.data.mean.get(i).copied().unwrap_or(0.5);
    let deviation = match units.first_units()[0].units {
        Units::Bernoulli => None,
        Units::Gaussian { deviation } => Some(deviation),
    };
    let mut x: Vec<f64> = match deviation {
        None => {
            let draws = uniforms(0, START, chain, width);
            draws.iter().enumerate().map(|(i, u)| f64::from(u8::from(*u < mean(i)))).collect()
        }
        Some(_) => {
            let z = normals(0, START, chain, width);
            (0..width).map(|i| mean(i) + hand.data.deviation[i] * z[i]).collect()
        }
    };
    put_back(&mut x);
    let mut means = x.clone();
    for step in 1..=steps {
        let odds = side(hand, &x, |parameters, x| units.second_inputs(parameters, x));
        let draws = uniforms(step, 0, chain, odds.len());
        let unit = |(u, odds): (&f64, &f64)| f64::from(u8::from(*u < 1.0 / (1.0 + (-odds).exp())));
        let h: Vec<f64> = draws.iter().zip(&odds).map(unit).collect();
        means = side(hand, &h, |parameters, h| {
            mean_units(units.first_units(), units.first_inputs(parameters, h))
        });
        x.clear();
        // A stream for each block of units.
        for (stream, block) in (1..).zip(units.first_units()) {
            let means = &means[x.len()..][..block.width];
            match deviation {
                None => {
                    let draws = uniforms(step, stream, chain, block.width);
                    x.extend(draws.iter().zip(means).map(|(u, mean)| f64::from(u8::from(u < mean))));
                }
                Some(deviation) => {
                    let z = normals(step, stream, chain, block.width);
                    x.extend(means.iter().zip(z).map(|(mean, z)| mean + deviation * z));
                }
            }
        }
        put_back(&mut x);
    }
    put_back(&mut means);
    // The data's units come first.
    [x, means].map(|side| side[..hand.row_len()].to_vec())
}

fn by_hand(hand: &ByHand, method: &SamplerSettings) -> Rows {
    let chain = |chain: usize| match method {
        SamplerSettings::Langevin(settings) => {
            let noise = settings.noise_std;
            langevin(hand, chain, settings.steps, settings.step_size, noise)
        }
        SamplerSettings::Annealed(settings) => annealed(hand, chain, settings).pop().unwrap(),
        SamplerSettings::Gibbs(settings) => {
            let [states, _] = gibbs(hand, chain, settings.steps, &[]);
            states
        }
        SamplerSettings::Exact(_) => inverted(hand, chain),
        SamplerSettings::Mala(_) | SamplerSettings::Hmc(_) => panic!("no family draws by {method:?}"),
    };
    (0..COUNT).map(chain).collect()
}

/// The file's rows are those of the chains, in the units of the data.
fn assert_drawn(folder: &Folder, name: &str, prefix: &str, options: &str) {
    let mut hand = ByHand::open(folder, name, prefix);
    let sets: Vec<String> =
        options.split_whitespace().filter(|word| word.starts_with("sampler.")).map(str::to_string).collect();
    let path = folder.path(&format!("{name}/settings.toml"));
    hand.settings = enscore::settings::Settings::reopen(&path, &sets).unwrap();
    folder.succeed(&format!("sample {name} --seed {SEED} --num {COUNT} --out drawn.npy {options}"));
    let method = hand.settings.sampler().method.clone();
    let drawn = folder.npy("drawn.npy");
    let rows = by_hand(&hand, &method);
    assert_eq!(drawn.len(), COUNT * hand.row_len(), "{name}");
    for (chain, (found, row)) in drawn.chunks(hand.row_len()).zip(&rows).enumerate() {
        let raw: Vec<f64> = match (&hand.data.whitening, hand.data.row_shape.len()) {
            (Some(map), _) => map.invert(row).unwrap(),
            (None, 1) => row.clone(),
            // The digits have the levels 0 to 16.
            (None, _) => row.iter().map(|x| 16.0 * x).collect(),
        };
        for (found, expected) in found.iter().zip(&raw) {
            let error = (f64::from(*found) - expected).abs();
            let near = error <= 2e-3 * expected.abs().max(1.0);
            assert!(near, "{name} {options}, chain {chain}: drawn {found}, by hand {expected}");
        }
    }
}

#[test]
fn chains_are_those_of_the_settings() {
    let folder = folder();
    for (name, options) in [
        ("ncsn-mlp", ""),
        ("ncsn-mlp", "--set sampler.rule=reference-code --set sampler.denoise=false"),
        ("dsm-mlp", ""),
        ("ssm-mlp", ""),
        ("ssm-mlp", "--set sampler.steps=1"),
        ("sm-energy", "--set sampler.noise_std=0.3 --set sampler.steps=7"),
        ("cd-persistent", ""),
        ("ml-flow", ""),
    ] {
        if !folder.exists(name) {
            train(&folder, name, name, "");
        }
        assert_drawn(&folder, name, AVERAGED, options);
    }
    assert_drawn(&folder, "sm-energy", RAW, "--set sampler.weights=raw");
}

#[test]
fn sweeps_of_machines_are_those_of_the_settings() {
    let folder = folder();
    for name in ["rbm-tempered", "rbm-gaussian", "dbm-pretrained"] {
        train(&folder, name, name, "");
        assert_drawn(&folder, name, AVERAGED, "");
        // Chains that draw alike soon forget where they began.
        assert_drawn(&folder, name, AVERAGED, "--set sampler.steps=1");
    }
}

#[test]
fn either_side_of_a_game_is_drawn_by_its_own_method() {
    let folder = folder();
    train(&folder, "fce-energy", "fce-energy", "");
    assert_drawn(&folder, "fce-energy", AVERAGED, "");
    assert_drawn(&folder, "fce-energy", FLOW, "--set sampler.kind=exact");
}

#[test]
fn images_and_mapped_rows_are_written_in_the_units_of_the_data() {
    let folder = folder();
    for name in ["sm-dkef", "ncsn-unet", "ssm-residual", "ml-image-flow"] {
        train(&folder, name, name, "");
        assert_drawn(&folder, name, AVERAGED, "");
    }
}
