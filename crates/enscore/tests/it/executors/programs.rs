//! Every kind of program that the library makes, for each family.

use std::path::Path;

use enscore::data::{Split, Subset, load_as, prepare};
use enscore::evaluate::{annealing_program, pseudo_likelihood_program};
use enscore::mcmc::{TemperedGibbsProgram, denoise_program, gibbs_program, langevin_program};
use enscore::model::{LogDensity, Network, batch_shape, trace};
use enscore::objective::{self, ChainSettings, Task, evaluation_program, log_weights, objective_program};
use enscore::sample::WeightedBipartite;
use enscore::train::update::{Optimiser, Steps, UpdateProgram};
use enscore::trained::Trained;
use enscore_program::{Kind, Parameter, Program};

use crate::common::plain::task_of;

/// Rows of every batch.
const BATCH: usize = 5;

/// The programs of the run at `path`, by name.
pub fn of_run(path: &Path) -> Vec<(String, Program)> {
    let trained = Trained::open(path, &[]).unwrap();
    let (model, parameters) = (&trained.model.model, trained.model.parameters());
    let dataset = load_as(trained.settings.data(), Split::Train).unwrap();
    let prepared = prepare(&dataset, trained.settings.data(), trained.settings.train().seed, None).unwrap();
    let task = task(&trained, &prepared.parts.training);
    let mut programs = updates(model, &task);
    programs.extend(losses(&trained, &task));
    if model.has_score() {
        let langevin = langevin_program(model, parameters, BATCH).unwrap();
        let denoise = denoise_program(model, parameters, BATCH).unwrap();
        programs.push(("Langevin step".into(), langevin));
        programs.push(("denoising step".into(), denoise));
    }
    if let Some(model) = model.generator() {
        let (program, _) = trace(parameters, |scope, parameters| {
            let z = scope.input("key", Kind::Key, &[]).normal(&[BATCH, model.latents()]);
            vec![("x".to_string(), model.generate(parameters, z))]
        })
        .unwrap();
        programs.push(("draws".into(), program));
    }
    if let Some(model) = model.latent_variable() {
        let (program, _) = trace(parameters, |scope, parameters| {
            let key = scope.input("key", Kind::Key, &[]);
            let z = key.normal(&[BATCH, model.latents()]);
            let x = model.draw(parameters, z, key);
            let weights = log_weights(model, parameters, x, key, 3);
            let means = model.expected(parameters, z);
            [("x", x), ("means", means), ("weights", weights)].map(|(name, v)| (name.to_string(), v)).to_vec()
        })
        .unwrap();
        programs.push(("draws and their weights".into(), program));
    }
    if model.has_density() {
        programs.push(("log density".into(), log_density(model, parameters)));
    }
    if let Some(flow) = model.flow() {
        let (program, _) = trace(parameters, |scope, parameters| {
            let z = scope.input("key", Kind::Key, &[]).normal(&batch_shape(BATCH, flow.row_shape()));
            vec![("x".to_string(), flow.invert(parameters, z))]
        })
        .unwrap();
        programs.push(("exact draws".into(), program));
    }
    programs.extend(of_units(&trained));
    programs
}

fn task(trained: &Trained, training: &Subset) -> Task {
    task_of(&trained.settings, &trained.model.model, &trained.model.data.facts(), training)
}

fn updates(model: &Network, task: &Task) -> Vec<(String, Program)> {
    let row_shape = model.row_shape();
    let chains = match (&task.chains, model.bipartite()) {
        (Some(ChainSettings::Gibbs(_)), Some(units)) => vec![BATCH, units.first_width()],
        _ => batch_shape(BATCH, row_shape),
    };
    let optimiser = Optimiser { clip_norm: 0.05, weight_decay: 0.1, ..Optimiser::default() };
    let update = |(number, player): (usize, &objective::Player)| {
        let chains = task.chains.as_ref().filter(|_| player.learns_from_chains).map(|_| &chains[..]);
        let steps = Steps { batch: BATCH, row_shape, chains, moves: &*player.moves };
        let update = UpdateProgram::trace_steps(model, &*player.objective, &optimiser, &steps).unwrap();
        (format!("update of player {number}"), update.program)
    };
    task.players.iter().enumerate().map(update).collect()
}

fn losses(trained: &Trained, task: &Task) -> Vec<(String, Program)> {
    let (model, parameters) = (&trained.model.model, trained.model.parameters());
    let mut programs = Vec::new();
    if matches!(model, Network::Score(_)) {
        let denoising = evaluation_program(model, parameters, BATCH).unwrap();
        programs.push(("denoising loss".to_string(), denoising));
    }
    if task.chains.is_none() && task.alternation.is_none() {
        let method = trained.settings.objective().method();
        let facts = trained.model.data.facts();
        let further = method.further_parameters(trained.settings.model(), &facts).unwrap();
        let parameters = [parameters, &further].concat();
        let loss = objective_program(model, &*task.players[0].objective, &parameters, BATCH).unwrap();
        programs.push(("objective".to_string(), loss));
    }
    programs
}

fn log_density(model: &Network, parameters: &[Parameter]) -> Program {
    let (program, _) = trace(parameters, |scope, parameters| {
        let x = scope.input("x", Kind::Float, &batch_shape(BATCH, model.row_shape()));
        vec![("f".to_string(), model.log_density(parameters, x))]
    })
    .unwrap();
    program
}

/// Gibbs sweeps, annealing and pseudo-likelihoods.
fn of_units(trained: &Trained) -> Vec<(String, Program)> {
    let (model, parameters) = (&trained.model.model, trained.model.parameters());
    let Some(units) = model.bipartite() else { return Vec::new() };
    let target = WeightedBipartite::of(&trained.model).unwrap().unwrap();
    let mut programs = vec![
        ("Gibbs sweep".to_string(), gibbs_program(units, parameters, BATCH).unwrap()),
        ("annealing".to_string(), annealing_program(&target, BATCH).unwrap()),
    ];
    if units.is_binary() {
        let tempered = TemperedGibbsProgram::trace(units, parameters, BATCH, 3).unwrap();
        programs.push(("tempered sweep".to_string(), tempered.program));
    }
    if units.has_pseudo_likelihood() {
        let pseudo = pseudo_likelihood_program(units, parameters, BATCH, 3).unwrap();
        programs.push(("pseudo-likelihood".to_string(), pseudo));
    }
    programs
}
