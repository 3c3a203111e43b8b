//! The update in two programs with a seam between gradients and their application: with one worker it is the
//! update in one program, and two workers that share a batch come to what one does.

use enscore::executor::{Routine, default_executor};
use enscore::objective::Player;
use enscore::train::adam::Adam;
use enscore::train::update::{GRADIENT, Optimiser, UpdateApart, UpdateProgram};
use enscore_program::executor::Real;
use enscore_program::random::Key;

use crate::common::runs::Folder;
use crate::common::traced::normals;
use crate::common::training::{Built, updated};

const BATCH: usize = 6;
const OPTIMISER: fn() -> Optimiser =
    || Optimiser { clip_norm: 0.05, weight_decay: 0.1, ..Optimiser::default() };

/// The values of a state by name.
type State<T> = Vec<(String, Vec<T>)>;

/// The rows of one worker, of which the first is row `first` of the whole batch.
struct Rows<T> {
    x: Vec<T>,
    weights: Vec<T>,
    chains: Option<Vec<T>>,
    first: u64,
}

/// What a worker hands over: gradients by parameter, and the loss.
struct Handed<T> {
    gradients: Vec<Vec<T>>,
    loss: Vec<T>,
}

fn routine<T: Real>(program: &enscore_program::Program) -> Routine {
    Routine::compile(&*default_executor(), program, T::WIDTH).unwrap()
}

fn drawn<T: Real>(seed: u64, len: usize) -> Vec<T> {
    normals(seed, len).into_iter().map(|z| T::from_f64(0.3 * z)).collect()
}

/// Rows of unequal weight; of units they need not be zeros and ones.
fn rows<T: Real>(built: &Built, player: &Player) -> Rows<T> {
    let row_len = built.data.dataset().row_len();
    let chains = built.chains(player, BATCH);
    Rows {
        x: drawn(1, BATCH * row_len),
        weights: (0..BATCH).map(|row| T::from_f64(0.5 + 0.25 * row as f64)).collect(),
        chains: chains.map(|shape| drawn(2, shape.iter().product())),
        first: 0,
    }
}

/// A state some steps after the first.
fn state<T: Real>(update: &UpdateProgram) -> State<T> {
    let names = update.state_names().into_iter().zip(update.initial_state(4));
    let value = |(number, (name, start)): (usize, (String, Vec<f32>))| {
        let moved = normals(70 + number as u64, start.len()).into_iter().zip(start);
        let is_second = name.starts_with("moment2.");
        let off = |(z, start): (f64, f32)| {
            T::from_f64(if is_second { 0.05 + z * z } else { f64::from(start) + 0.1 * z })
        };
        (name, moved.map(off).collect())
    };
    names.enumerate().map(value).collect()
}

/// The rates of step 3, by name.
fn rates<T: Real>() -> [(&'static str, [T; 1]); 4] {
    let [correction1, correction2] = Adam::default().corrections(3);
    let names = ["learning_rate", "correction1", "correction2", "ema_decay"];
    let values = [0.01, correction1, correction2, 0.9];
    std::array::from_fn(|place| (names[place], [T::from_f64(values[place])]))
}

/// One step by the one program; its state, then the loss, the norm of the gradient and whether it was taken.
fn together<T: Real>(update: &UpdateProgram, state: &State<T>, rows: &Rows<T>) -> Vec<Vec<T>> {
    let mut after: Vec<Vec<T>> = state.iter().map(|(_, values)| values.clone()).collect();
    let mut reported = [[T::default(); 1]; 3];
    let mut shown = vec![T::default(); update.diagnostics.len()];
    let rates = rates::<T>();
    let mut routine = routine::<T>(&update.program);
    let mut call = routine.call();
    for ((name, values), after) in state.iter().zip(&mut after) {
        call = call.with(name, values).to(name, after);
    }
    call = call.with("x", &rows.x).with("row_weights", &rows.weights).with("key", key(rows));
    for (name, rate) in &rates {
        call = call.with(name, rate);
    }
    if let Some(chains) = &rows.chains {
        call = call.with("chains", chains);
    }
    for (name, value) in ["loss", "gradient_norm", "finite"].into_iter().zip(&mut reported) {
        call = call.to(name, value);
    }
    for (name, value) in update.diagnostics.iter().map(|of| of.name()).zip(shown.chunks_mut(1)) {
        call = call.to(name, value);
    }
    call.run().unwrap();
    after.extend(reported.map(|value| value.to_vec()));
    after
}

fn key<T>(rows: &Rows<T>) -> Key {
    Key { row: rows.first, ..Key::new(9, 3) }
}

/// What one worker makes of its rows.
fn gradients<T: Real>(update: &UpdateApart, state: &State<T>, rows: &Rows<T>) -> Handed<T> {
    let size = |name: &String| state.iter().find(|(other, _)| other == name).unwrap().1.len();
    let mut gradients: Vec<Vec<T>> = update.moved.iter().map(|name| vec![T::default(); size(name)]).collect();
    let names: Vec<String> = update.moved.iter().map(|name| format!("{GRADIENT}{name}")).collect();
    let mut loss = vec![T::default()];
    let mut shown = vec![T::default(); update.diagnostics.len()];
    let mut routine = routine::<T>(&update.gradients);
    let mut call = routine.call();
    for (name, values) in state.iter().take(update.parameters.len()) {
        call = call.with(name, values);
    }
    call = call.with("x", &rows.x).with("row_weights", &rows.weights).with("key", key(rows));
    if let Some(chains) = &rows.chains {
        call = call.with("chains", chains);
    }
    for (name, gradient) in names.iter().zip(&mut gradients) {
        call = call.to(name, gradient);
    }
    call = call.to("loss", &mut loss);
    for (name, value) in update.diagnostics.iter().map(|of| of.name()).zip(shown.chunks_mut(1)) {
        call = call.to(name, value);
    }
    call.run().unwrap();
    Handed { gradients, loss }
}

/// The step along what workers handed over.
fn apply<T: Real>(update: &UpdateApart, state: &State<T>, handed: &Handed<T>) -> Vec<Vec<T>> {
    let mut after: Vec<Vec<T>> = state.iter().map(|(_, values)| values.clone()).collect();
    let mut reported = [[T::default(); 1]; 2];
    let rates = rates::<T>();
    let names: Vec<String> = update.moved.iter().map(|name| format!("{GRADIENT}{name}")).collect();
    let mut routine = routine::<T>(&update.apply);
    let mut call = routine.call();
    for ((name, values), after) in state.iter().zip(&mut after) {
        call = call.with(name, values).to(name, after);
    }
    for (name, gradient) in names.iter().zip(&handed.gradients) {
        call = call.with(name, gradient);
    }
    call = call.with("loss", &handed.loss);
    for (name, rate) in &rates {
        call = call.with(name, rate);
    }
    for (name, value) in ["gradient_norm", "finite"].into_iter().zip(&mut reported) {
        call = call.to(name, value);
    }
    call.run().unwrap();
    after.push(handed.loss.clone());
    after.extend(reported.map(|value| value.to_vec()));
    after
}

/// Element by element the same operations in the same order, and sums over the same parts: the same bits.
#[test]
fn apart_with_one_worker_is_together() {
    let folder = Folder::new();
    for family in updated() {
        let built = Built::by(&folder.of_family(family, &[]));
        for player in &built.task.players {
            let chains = built.chains(player, BATCH);
            let steps = built.steps(player, BATCH, chains.as_deref());
            let objective = &*player.objective;
            let whole = UpdateProgram::trace_steps(&built.model, objective, &OPTIMISER(), &steps).unwrap();
            let cut = UpdateApart::trace(&built.model, objective, &OPTIMISER(), &steps).unwrap();
            assert_eq!(cut.parameters, whole.parameters, "{}", family.name);
            let state = state::<f32>(&whole);
            let rows = rows(&built, player);
            let expected = together(&whole, &state, &rows);
            let found = apply(&cut, &state, &gradients(&cut, &state, &rows));
            assert_eq!(found, expected, "{}", family.name);
            assert_eq!(expected.last().unwrap(), &[1.0], "{}: the step is taken", family.name);
        }
    }
}

/// The rows `first..first + half` of a batch without chains.
fn half<T: Real>(rows: &Rows<T>, first: usize, half: usize) -> Rows<T> {
    let row_len = rows.x.len() / rows.weights.len();
    Rows {
        x: rows.x[first * row_len..][..half * row_len].to_vec(),
        weights: rows.weights[first..][..half].to_vec(),
        chains: None,
        first: first as u64,
    }
}

/// Gradients of two halves with unequal weights, weighted and summed. Objectives without chains that draw
/// once a row: their draws are those of the row in the whole batch.
#[test]
fn two_workers_that_share_a_batch_come_to_what_one_does() {
    let folder = Folder::new();
    for name in ["ncsn-mlp", "ncsn-unet", "dsm-mlp", "sm-energy", "sm-dkef", "ml-flow", "ml-image-flow"] {
        let built = Built::by(&folder.settings(name, &[]));
        let player = &built.task.players[0];
        let steps = |batch| built.steps(player, batch, None);
        let (model, objective) = (&built.model, &*player.objective);
        let whole = UpdateProgram::trace_steps(model, objective, &OPTIMISER(), &steps(BATCH)).unwrap();
        let cut = UpdateApart::trace(model, objective, &OPTIMISER(), &steps(BATCH / 2)).unwrap();
        let state = state::<f64>(&whole);
        let rows = rows::<f64>(&built, player);
        let workers = [0, BATCH / 2].map(|first| half(&rows, first, BATCH / 2));
        let handed = workers.each_ref().map(|rows| gradients(&cut, &state, rows));
        let total: f64 = rows.weights.iter().sum();
        let shares = workers.each_ref().map(|rows| rows.weights.iter().sum::<f64>() / total);
        let sum = |[a, b]: [&Vec<f64>; 2]| -> Vec<f64> {
            a.iter().zip(b).map(|(a, b)| shares[0] * a + shares[1] * b).collect()
        };
        let [a, b] = &handed;
        let summed = Handed {
            gradients: a.gradients.iter().zip(&b.gradients).map(|(a, b)| sum([a, b])).collect(),
            loss: sum([&a.loss, &b.loss]),
        };
        assert!(a.gradients != b.gradients, "{name}: the halves differ");
        let expected = together(&whole, &state, &rows);
        for (found, expected) in apply(&cut, &state, &summed).iter().zip(&expected) {
            let scale = expected.iter().fold(1e-30, |scale: f64, value| scale.max(value.abs()));
            let far = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(far <= 1e-10 * scale, "{name}: {far} of {scale}");
        }
    }
}
