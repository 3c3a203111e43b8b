//! Models given by files: each key, each way to write an array, each axis in its place, against energies
//! summed by hand.

use std::path::{Path, PathBuf};

use enscore::checkpoint::{TensorData, Tensors};
use enscore::data::{Split, Values, load};
use enscore::evaluate::unit_rows;
use enscore::ising::IsingModel;
use enscore::sample::{ModelFile, ising_sides};

const W: [[f64; 2]; 3] = [[0.5, -1.25], [2.0, 0.75], [-0.3, 1.1]];
const B: [f64; 3] = [0.2, -0.6, 0.9];
const C: [f64; 2] = [-0.4, 0.7];

/// An npy file of doubles, in C or Fortran order.
fn npy(folder: &Path, name: &str, shape: &[usize], values: &[f64], fortran: bool) {
    let extents: Vec<String> = shape.iter().map(|extent| format!("{extent},")).collect();
    let order = if fortran { "True" } else { "False" };
    let header = format!("{{'descr': '<f8', 'fortran_order': {order}, 'shape': ({})}}\n", extents.join(" "));
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend((header.len() as u16).to_le_bytes());
    file.extend(header.as_bytes());
    values.iter().for_each(|value| file.extend(value.to_le_bytes()));
    std::fs::write(folder.join(name), file).unwrap();
}

fn model(folder: &Path, text: &str) -> ModelFile {
    let path: PathBuf = folder.join("model.toml");
    std::fs::write(&path, format!("[model]\n{text}\n")).unwrap();
    ModelFile::read(&path).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// Three visible units; with a deviation Gaussian ones.
fn log_density(x: &[f32], deviation: Option<f64>) -> f64 {
    let x: Vec<f64> = x.iter().map(|x| f64::from(*x)).collect();
    let hidden = |j: usize| {
        let scale = deviation.map_or(1.0, |d| d * d);
        C[j] + (0..3).map(|i| x[i] * W[i][j]).sum::<f64>() / scale
    };
    let softplus: f64 = (0..2).map(|j| hidden(j).exp().ln_1p()).sum();
    let visible = |i: usize| match deviation {
        None => B[i] * x[i],
        Some(d) => -(x[i] - B[i]).powi(2) / (2.0 * d * d),
    };
    (0..3).map(visible).sum::<f64>() + softplus
}

fn hold(what: &str, file: &ModelFile, deviation: Option<f64>) {
    let ModelFile::Rbm(file) = file else { panic!("{what}: another model") };
    assert_eq!(file.values, [W.concat(), B.to_vec(), C.to_vec()], "{what}");
    let rows: Vec<f32> = (0..8u8).flat_map(|word| (0..3).map(move |i| f32::from(word >> i & 1))).collect();
    let found = file.weighted().unwrap().log_densities(&rows).unwrap();
    for (row, found) in rows.chunks(3).zip(found) {
        let expected = log_density(row, deviation);
        assert!((found - expected).abs() < 1e-12, "{what}, {row:?}: found {found}, expected {expected}");
    }
}

#[test]
fn a_machine_is_read_from_every_kind_of_file() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let transposed: Vec<f64> = (0..2).flat_map(|j| (0..3).map(move |i| W[i][j])).collect();
    npy(at, "W.npy", &[3, 2], &W.concat(), false);
    npy(at, "fortran.npy", &[3, 2], &transposed, true);
    npy(at, "b.npy", &[3], &B, false);
    npy(at, "c.npy", &[2], &C, false);
    let mut tensors = Tensors::new();
    tensors.insert("hidden_bias", &[2], TensorData::F64(C.to_vec())).unwrap();
    tensors.insert("other", &[2], TensorData::F64(vec![9.0; 2])).unwrap();
    tensors.insert("visible_bias", &[3], TensorData::F64(B.to_vec())).unwrap();
    tensors.insert("weights", &[3, 2], TensorData::F64(W.concat())).unwrap();
    tensors.write(&at.join("all.safetensors")).unwrap();
    let inline = "weights = [[0.5, -1.25], [2, 0.75], [-0.3, 1.1]]\nvisible_bias = [0.2, -0.6, 0.9]\nhidden_bias = [-0.4, 0.7]";
    let of =
        |w: &str, b: &str, c: &str| format!("weights = '{w}'\nvisible_bias = '{b}'\nhidden_bias = '{c}'");
    for text in [
        of("W.npy", "b.npy", "c.npy"),
        of("fortran.npy", "b.npy", "c.npy"),
        of("all.safetensors", "all.safetensors", "all.safetensors"),
        inline.to_string(),
    ] {
        hold(&text, &model(at, &format!("kind = 'rbm'\n{text}")), None);
        hold(&text, &model(at, &format!("kind = 'rbm'\nunits = 'bernoulli'\n{text}")), None);
        let gaussian = format!("kind = 'rbm'\nunits = 'gaussian'\ndeviation = 0.5\n{text}");
        hold(&gaussian, &model(at, &gaussian), Some(0.5));
    }
}

/// β and -E of a lattice or graph over all of its states, by bonds written out.
fn hold_ising(
    what: &str,
    file: ModelFile,
    bonds: &[(usize, usize, f64)],
    field: &[f64],
    beta: f64,
) -> IsingModel {
    let ModelFile::Ising(model) = file else { panic!("{what}: another model") };
    assert_eq!((model.sites(), model.beta()), (field.len(), beta), "{what}");
    for word in 0..1u32 << field.len() {
        let spins: Vec<i8> = (0..field.len()).map(|i| if word >> i & 1 == 1 { 1 } else { -1 }).collect();
        let spin = |i: usize| f64::from(spins[i]);
        let along: f64 = bonds.iter().map(|(i, j, coupling)| coupling * spin(*i) * spin(*j)).sum();
        let energy = -along - (0..field.len()).map(|i| field[i] * spin(i)).sum::<f64>();
        let (found, density) = (model.energy(&spins).unwrap(), model.log_density(&spins).unwrap());
        assert!((found - energy).abs() < 1e-12, "{what}, {spins:?}: energy {found}, expected {energy}");
        assert!((density + beta * energy).abs() < 1e-12, "{what}, {spins:?}: log density {density}");
    }
    model
}

const FIELD: [f64; 6] = [0.1, -0.2, 0.3, 0.05, 0.7, -0.4];

/// Sites of two rows and three columns, each with its bonds to the right and down.
fn grid_bonds(coupling: f64) -> Vec<(usize, usize, f64)> {
    let right = [(0, 1), (1, 2), (3, 4), (4, 5)];
    right.into_iter().chain([(0, 3), (1, 4), (2, 5)]).map(|(i, j)| (i, j, coupling)).collect()
}

#[test]
fn every_key_of_an_ising_model_acts() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    npy(at, "h.npy", &[6], &FIELD, false);
    let grid = "kind = 'ising'\nlattice = 'grid'\nshape = [2, 3]\ncoupling = 0.8";
    hold_ising("grid", model(at, grid), &grid_bonds(0.8), &[0.0; 6], 1.0);
    hold_ising(
        "field",
        model(at, &format!("{grid}\nfield = 0.25\nbeta = 0.4")),
        &grid_bonds(0.8),
        &[0.25; 6],
        0.4,
    );
    hold_ising(
        "field of sites",
        model(at, &format!("{grid}\nfield = 'h.npy'")),
        &grid_bonds(0.8),
        &FIELD,
        1.0,
    );
    let listed = format!("{grid}\nbeta = 2\nfield = [0.1, -0.2, 0.3, 0.05, 0.7, -0.4]");
    hold_ising("listed field", model(at, &listed), &grid_bonds(0.8), &FIELD, 2.0);
    // A torus of three by three adds the bonds around.
    let around = |i: usize| [(i, i / 3 * 3 + (i + 1) % 3, -0.5), (i, (i + 3) % 9, -0.5)];
    let torus: Vec<(usize, usize, f64)> = (0..9).flat_map(around).collect();
    let text = "kind = 'ising'\nlattice = 'torus'\nshape = [3, 3]\ncoupling = -0.5\nbeta = 0.3";
    hold_ising("torus", model(at, text), &torus, &[0.0; 9], 0.3);
}

/// A graph's bonds each have their coupling; a matrix holds each twice.
#[test]
fn a_graph_has_a_coupling_for_each_bond() {
    let folder = tempfile::tempdir().unwrap();
    let bonds = [(0, 1, 0.5), (0, 3, -1.0), (1, 2, 2.0), (2, 3, 0.25)];
    let mut matrix = vec![0.0; 16];
    bonds.iter().for_each(|(i, j, coupling)| {
        matrix[i * 4 + j] = *coupling;
        matrix[j * 4 + i] = *coupling;
    });
    npy(folder.path(), "J.npy", &[4, 4], &matrix, false);
    let inline = "[[0, 0.5, 0, -1.0], [0.5, 0, 2.0, 0], [0, 2.0, 0, 0.25], [-1.0, 0, 0.25, 0]]";
    for coupling in ["'J.npy'", inline] {
        let text = format!(
            "kind = 'ising'\nlattice = 'graph'\ncoupling = {coupling}\nfield = [0.1, 0.2, -0.3, 0.4]\nbeta = 0.7"
        );
        let file = model(folder.path(), &text);
        hold_ising(coupling, file, &bonds, &[0.1, 0.2, -0.3, 0.4], 0.7);
    }
}

/// The machine of a two-coloured model: summed over the other colour's spins, -βE is its log density and the
/// constant.
#[test]
fn sites_of_one_colour_are_visible_and_the_others_hidden() {
    let folder = tempfile::tempdir().unwrap();
    let text = "kind = 'ising'\nlattice = 'grid'\nshape = [2, 3]\ncoupling = 0.8\nfield = [0.1, -0.2, 0.3, 0.05, 0.7, -0.4]\nbeta = 0.6";
    let ModelFile::Ising(model) = model(folder.path(), text) else { panic!("another model") };
    let (sides, constant) = ising_sides(&model).unwrap();
    let target = sides.weighted().unwrap();
    // Colours alternate: sites 0, 2, 4 against 1, 3, 5.
    for word in 0..8u32 {
        let units: Vec<f32> = (0..3).map(|i| (word >> i & 1) as f32).collect();
        let found = target.log_densities(&units).unwrap()[0] + constant;
        let of_hidden = |other: u32| {
            let spins: Vec<i8> =
                (0..6)
                    .map(|site| {
                        if (if site % 2 == 0 { word } else { other }) >> (site / 2) & 1 == 1 { 1 } else { -1 }
                    })
                    .collect();
            (-model.beta() * model.energy(&spins).unwrap()).exp()
        };
        let expected = (0..8).map(of_hidden).sum::<f64>().ln();
        assert!((found - expected).abs() < 1e-10, "{units:?}: found {found}, expected {expected}");
    }
}

/// Rows to learn from are those of the training split, rows to score those of the test split.
#[test]
fn rows_for_a_model_file_come_from_the_split_that_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    npy(at, "W.npy", &[64, 2], &[0.0; 128], false);
    npy(at, "b.npy", &[64], &[0.0; 64], false);
    npy(at, "c.npy", &[2], &[0.0; 2], false);
    let text = "kind = 'rbm'\nunits = 'gaussian'\ndeviation = 1.0\nweights = 'W.npy'\nvisible_bias = 'b.npy'\n\
                hidden_bias = 'c.npy'";
    let ModelFile::Rbm(file) = model(at, text) else { panic!("another model") };
    let target = file.weighted().unwrap();
    for split in [Split::Train, Split::Test] {
        let found = unit_rows(&target, "digits", split).unwrap();
        let data = load("digits", split).unwrap();
        let Values::U8(levels) = data.values() else { panic!("not bytes") };
        let expected: Vec<f32> = levels.iter().map(|level| f32::from(*level)).collect();
        assert_eq!(found.len(), expected.len(), "{split:?}");
        assert!(found == expected, "{split:?}: other rows, or rows in other units");
    }
}
