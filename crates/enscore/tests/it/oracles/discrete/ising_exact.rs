//! Exact values of Ising models and their samplers' transition matrices against cases that were computed in
//! two ways.

use crate::common::oracles::{assert_close, case, number, numbers};
use enscore::ising::chains::{Rule, flip_probability, probability_up};
use enscore::ising::exact::{
    exact_log_z, log_z_by_enumeration, log_z_by_kaufman, log_z_by_transfer_matrix, moments, torus_exact,
};
use enscore::ising::{Adjacency, Coupling, Field, IsingModel, infinite, magnetisation};
use nalgebra::DMatrix;

fn model(id: &str) -> IsingModel {
    let params = &case(id)["params"];
    let (rows, columns) = (number(&params["R"]) as usize, number(&params["C"]) as usize);
    let build = if params["boundary"] == "free" { IsingModel::grid } else { IsingModel::torus };
    build(rows, columns, Coupling::Uniform(1.0), Field::Uniform(0.0), number(&params["beta"])).unwrap()
}

#[test]
fn log_z_of_small_lattices_is_the_same_in_every_way() {
    let id = "ising.free3x3.logZ.beta0.5";
    let grid = model(id);
    assert_close(id, &[log_z_by_enumeration(&grid).unwrap()], 1e-12);
    assert_close(id, &[log_z_by_transfer_matrix(&grid).unwrap()], 1e-12);
    for id in ["ising.torus4x4.logZ.beta0.2", "ising.torus4x4.logZ.beta0.440687"] {
        let torus = model(id);
        let (sum, closed) = (log_z_by_enumeration(&torus).unwrap(), log_z_by_kaufman(&torus).unwrap());
        assert_close(id, &[sum, closed], 1e-12);
        assert_close(
            id,
            &[log_z_by_transfer_matrix(&torus).unwrap(), exact_log_z(&torus).unwrap().log_z],
            1e-12,
        );
    }
}

#[test]
fn moments_of_the_small_torus_are_those_of_the_case() {
    for (energies, magnetisation) in [
        ("ising.torus4x4.energy_var.beta0.2", "ising.torus4x4.absmag.beta0.2"),
        ("ising.torus4x4.energy_var.beta0.440687", "ising.torus4x4.absmag.beta0.440687"),
    ] {
        let torus = model(energies);
        let exact = moments(&torus).unwrap();
        assert_close(energies, &[exact.energy, exact.energy_variance], 1e-11);
        assert_close(magnetisation, &[exact.absolute_magnetisation], 1e-11);
        let closed = torus_exact(4, 4, torus.beta()).unwrap();
        assert!((16.0 * closed.energy_per_site - exact.energy).abs() < 1e-11);
    }
}

#[test]
fn kaufmans_formula_on_tori_up_to_64_is_that_of_the_cases() {
    for id in
        ["ising.torus8x8.logZ.beta0.2", "ising.torus8x8.logZ.beta0.440687", "ising.torus8x8.logZ.beta0.6"]
    {
        let torus = model(id);
        assert_close(id, &[log_z_by_kaufman(&torus).unwrap()], 1e-12);
        assert_close(id, &[log_z_by_transfer_matrix(&torus).unwrap()], 1e-12);
    }
    for id in [
        "ising.torus16x16.logZ_u.beta0.4",
        "ising.torus16x16.logZ_u.beta0.440687",
        "ising.torus16x16.logZ_u.beta0.5",
        "ising.torus32x32.logZ_u.beta0.440687",
        "ising.torus32x32.logZ_u.beta0.5",
        "ising.torus64x64.logZ_u.beta0.4",
        "ising.torus64x64.logZ_u.beta0.440687",
    ] {
        let side = number(&case(id)["params"]["R"]) as usize;
        let exact = torus_exact(side, side, number(&case(id)["params"]["beta"])).unwrap();
        assert_close(id, &[exact.log_z, exact.energy_per_site], 1e-11);
    }
}

#[test]
fn the_infinite_lattice_has_the_values_of_onsager_and_yang() {
    let k = infinite::CRITICAL_COUPLING;
    assert_close("ising.beta_c", &[k, 1.0 / k], 1e-14);
    let values = |k: f64| [infinite::log_z_per_site(k), infinite::energy_per_site(k)];
    assert_close("ising.onsager.critical", &values(k), 1e-12);
    assert_close("ising.onsager.T2.0", &values(0.5), 1e-12);
    assert_close("ising.onsager.T3.0", &values(1.0 / 3.0), 1e-12);
    assert_close("ising.yang.magnetisation.T1.5", &[infinite::magnetisation(1.0 / 1.5)], 1e-13);
    assert_close("ising.yang.magnetisation.T2.0", &[infinite::magnetisation(0.5)], 1e-13);
}

/// log Z(b) - log Z(a) = -∫_a^b ⟨E⟩ dβ by Gauss and Legendre's rule of 24 points.
#[test]
fn the_energy_integrates_to_log_z() {
    let id = "ising.torus4x4.thermo_integration";
    let ends = numbers(&case(id)["params"]["beta"]);
    let at = |beta| IsingModel::torus(4, 4, Coupling::Uniform(1.0), Field::Uniform(0.0), beta).unwrap();
    let (middle, half) = ((ends[0] + ends[1]) / 2.0, (ends[1] - ends[0]) / 2.0);
    let points = gauss_legendre(24);
    let by_enumeration: f64 =
        points.iter().map(|(x, w)| -half * w * moments(&at(middle + half * x)).unwrap().energy).sum();
    let by_kaufman: f64 = points
        .iter()
        .map(|(x, w)| -half * w * 16.0 * torus_exact(4, 4, middle + half * x).unwrap().energy_per_site)
        .sum();
    let difference = log_z_by_kaufman(&at(ends[1])).unwrap() - log_z_by_kaufman(&at(ends[0])).unwrap();
    for found in [by_enumeration, by_kaufman, difference] {
        assert_close(id, &[found], 1e-11);
    }
}

/// Points and weights on [-1, 1]: the eigenvalues of the Jacobi matrix (Golub and Welsch 1969).
fn gauss_legendre(n: usize) -> Vec<(f64, f64)> {
    let jacobi = DMatrix::from_fn(n, n, |i, j| {
        let k = i.max(j) as f64;
        if i.abs_diff(j) == 1 { k / (4.0 * k * k - 1.0).sqrt() } else { 0.0 }
    });
    let eigen = jacobi.symmetric_eigen();
    (0..n).map(|i| (eigen.eigenvalues[i], 2.0 * eigen.eigenvectors[(0, i)].powi(2))).collect()
}

fn spins(state: usize) -> Vec<i8> {
    (0..9).map(|i| 2 * (state >> i & 1) as i8 - 1).collect()
}

fn grid(beta: f64) -> IsingModel {
    IsingModel::grid(3, 3, Coupling::Uniform(1.0), Field::Uniform(0.0), beta).unwrap()
}

/// The transition matrix `[512, 512]` of an update of `site`, from the library's conditional probabilities.
fn update(model: &IsingModel, rule: Rule, site: usize) -> DMatrix<f64> {
    let adjacency = Adjacency::new(model);
    let mut matrix = DMatrix::zeros(512, 512);
    for state in 0..512 {
        let x = spins(state);
        let field = model.beta() * adjacency.local_field(&x, site);
        let flips = flip_probability(rule, x[site], field);
        if rule == Rule::HeatBath {
            let up = probability_up(field);
            assert!((if x[site] > 0 { 1.0 - up } else { up } - flips).abs() < 1e-15);
        }
        matrix[(state, state ^ 1 << site)] += flips;
        matrix[(state, state)] += 1.0 - flips;
    }
    matrix
}

fn stationary(model: &IsingModel) -> Vec<f64> {
    let log_z = log_z_by_enumeration(model).unwrap();
    (0..512).map(|state| (model.log_density(&spins(state)).unwrap() - log_z).exp()).collect()
}

/// The second eigenvalue of a random site's update, and by how much detailed balance fails.
#[test]
fn spectra_of_single_site_updates_are_those_of_the_cases() {
    for (id, rule) in [
        ("ising.free3x3.heatbath.second_eigenvalue", Rule::HeatBath),
        ("ising.free3x3.metropolis.second_eigenvalue", Rule::Metropolis),
    ] {
        let model = grid(number(&case(id)["params"]["beta"]));
        let pi = stationary(&model);
        let matrix = (0..9).map(|site| update(&model, rule, site)).sum::<DMatrix<f64>>() / 9.0;
        let flow = DMatrix::from_fn(512, 512, |i, j| pi[i] * matrix[(i, j)]);
        let defect = (&flow - flow.transpose()).amax();
        let symmetric = DMatrix::from_fn(512, 512, |i, j| (pi[i] / pi[j]).sqrt() * matrix[(i, j)]);
        let mut eigenvalues = symmetric.symmetric_eigenvalues().as_slice().to_vec();
        eigenvalues.sort_by(f64::total_cmp);
        assert!((eigenvalues[511] - 1.0).abs() < 1e-12);
        assert_close(id, &[eigenvalues[510], if defect < 1e-16 { 0.0 } else { defect }], 1e-10);
    }
}

/// Autocorrelation of the magnetisation over one sweep of the heat bath, and the magnetisation's variance.
#[test]
fn the_autocorrelation_over_a_sweep_is_that_of_the_case() {
    let id = "ising.free3x3.sweep_autocorr";
    let model = grid(number(&case(id)["params"]["beta"]));
    let pi = stationary(&model);
    let mut sweep = DMatrix::<f64>::identity(512, 512);
    for site in 0..9 {
        sweep *= update(&model, Rule::HeatBath, site);
    }
    let m: Vec<f64> = (0..512).map(|state| magnetisation(&spins(state))).collect();
    let after: DMatrix<f64> = &sweep * DMatrix::from_column_slice(512, 1, &m);
    let both: f64 = (0..512).map(|i| pi[i] * m[i] * after[i]).sum();
    let variance = moments(&model).unwrap().squared_magnetisation;
    assert_close(id, &[both / variance, variance], 1e-10);
}
