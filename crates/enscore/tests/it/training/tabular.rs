//! Tables as the settings prepare them: the Gaussian that score matching fits to one, whitening on training
//! rows alone, and splits that the seed fixes.

use crate::common::oracles::assert_close;
use crate::common::shared::shared_data;
use enscore::checkpoint::DataRecord;
use enscore::data::{
    Dataset, Prepared, Preprocess, Scale, Split, Subset, Values, Whitening, WhiteningSettings, load, prepare,
    prepare_other,
};
use enscore::settings::Settings;

/// A table of the shared data without its last columns, or none where it is missing.
fn table(name: &str, dropped: usize) -> Option<Dataset> {
    let bytes = shared_data(&format!("tabular/{name}.csv"))?;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.csv");
    std::fs::write(&path, bytes).unwrap();
    let all = load(path.to_str().unwrap(), Split::Train).unwrap();
    let Values::F64(values) = all.values() else { panic!("a table of f64") };
    let (width, kept) = (all.row_len(), all.row_len() - dropped);
    let values = values.chunks(width).flat_map(|row| row[..kept].to_vec()).collect();
    Some(Dataset::new(name, name, &[kept], Values::F64(values)).unwrap())
}

/// A table with correlated columns in 12 steps of different sizes, where no file is needed.
fn made() -> Dataset {
    let step = |i: u64, j: u64| ((i * i * 7 + i * (j + 3) * 11 + j * 5) % 97 % 12) as f64;
    let row = |i: u64| {
        let [a, b, c] = [0, 1, 2].map(|j| step(i, j));
        [a, 1e3 + 50.0 * (b + a).floor(), 1e-3 * (c - 0.5 * a)]
    };
    Dataset::new("made", "made", &[3], Values::F64((0..400).flat_map(row).collect())).unwrap()
}

fn settings(data: &str) -> Settings {
    let text = format!("{data}\ndata.name = 'made'\nmodel.kind = 'mlp'\nobjective.kind = 'dsm'");
    Settings::parse(&text, "t.toml", &[]).unwrap()
}

fn prepared(dataset: &Dataset, data: &str, seed: u64) -> Prepared {
    prepare(dataset, settings(data).data(), seed, None).unwrap()
}

/// Mean and covariance of rows, dividing by their number.
fn moments(subset: &Subset) -> (Vec<f64>, Vec<f64>) {
    let (d, n) = (subset.dataset().row_len(), subset.rows().len() as f64);
    let rows: Vec<Vec<f64>> = subset
        .rows()
        .iter()
        .map(|&row| {
            let mut out = vec![0.0; d];
            subset.dataset().copy_row_f64(row as usize, &mut out).unwrap();
            out
        })
        .collect();
    let mean: Vec<f64> = (0..d).map(|j| rows.iter().map(|row| row[j]).sum::<f64>() / n).collect();
    let entry =
        |i: usize, j: usize| rows.iter().map(|row| (row[i] - mean[i]) * (row[j] - mean[j])).sum::<f64>() / n;
    let covariance = (0..d * d).map(|at| entry(at / d, at % d)).collect();
    (mean, covariance)
}

fn product(a: &[f64], b: &[f64], d: usize) -> Vec<f64> {
    (0..d * d).map(|at| (0..d).map(|k| a[at / d * d + k] * b[k * d + at % d]).sum()).collect()
}

fn assert_identity(matrix: &[f64], d: usize, what: &str) {
    for (at, value) in matrix.iter().enumerate() {
        let expected = if at / d == at % d { 1.0 } else { 0.0 };
        assert!((value - expected).abs() < 1e-9, "{what}[{at}] = {value}");
    }
}

/// With z = W x white, W^T W is the precision of x: of the standardised table, the inverse of its
/// correlations R. It solves the normal equations (R P + P R) / 2 = I of J(P) = tr(P R P) / 2 - tr P, and
/// J(P) = -tr P / 2 there.
#[test]
fn whitening_gives_the_gaussian_of_score_matching() {
    let Some(wine) = table("wine", 1) else { return };
    let d = wine.row_len();
    let fit = |data: &Dataset, preprocess| {
        let asked =
            WhiteningSettings { preprocess, drop_correlated: 0.0, noise: false, leave_out: Vec::new() };
        Whitening::fit(&Subset::all(data), asked, 0, 0).unwrap()
    };
    let standardised = fit(&wine, Preprocess::Standardise).transformed(&wine, 0, 0).unwrap();
    let whitening = fit(&standardised, Preprocess::Whiten);
    let transposed: Vec<f64> = (0..d * d).map(|at| whitening.matrix[at % d * d + at / d]).collect();
    let precision = product(&transposed, &whitening.matrix, d);
    let trace: f64 = (0..d).map(|i| precision[i * d + i]).sum();
    let log_det = 2.0 * whitening.log_abs_det;
    assert_close("data.wine.gaussian_sm", &[precision[0], precision[1], log_det, -0.5 * trace], 1e-9);

    let (_, correlations) = moments(&Subset::all(&standardised));
    let (rp, pr) = (product(&correlations, &precision, d), product(&precision, &correlations, d));
    let normal: Vec<f64> = rp.iter().zip(&pr).map(|(a, b)| 0.5 * (a + b)).collect();
    assert_identity(&normal, d, "(R P + P R) / 2");
}

#[test]
fn whitened_training_rows_are_white_and_other_rows_change_nothing() {
    let made = made();
    let asked = "data.preprocess = 'whiten'\ndata.test_fraction = 0.1\ndata.dequantise = true";
    let first = prepared(&made, asked, 7);
    let (mean, covariance) = moments(&first.parts.training);
    assert!(mean.iter().all(|m| m.abs() < 1e-9), "{mean:?}");
    assert_identity(&covariance, 3, "covariance");

    // Rows that are not for training may be anything: the map stays, bit for bit.
    let test = first.parts.test.as_ref().unwrap().rows();
    let Values::F64(values) = made.values() else { panic!("not f64") };
    let mut changed = values.clone();
    test.iter().for_each(|&row| changed[row as usize * 3] += 1e4);
    let changed = Dataset::new("made", "made", &[3], Values::F64(changed)).unwrap();
    let second = prepared(&changed, asked, 7);
    assert_eq!(first.whitening, second.whitening);
    assert_eq!(first.parts.training.rows(), second.parts.training.rows());
    assert_ne!(first.parts.test.unwrap().dataset().values(), second.parts.test.unwrap().dataset().values());
}

#[test]
fn a_map_is_inverted_and_its_determinant_is_known() {
    let made = made();
    for kind in ["whiten", "standardise"] {
        let prepared = prepared(&made, &format!("data.preprocess = '{kind}'"), 3);
        let whitening = prepared.whitening.unwrap();
        let x = [4.0, 1300.0, -2e-3];
        let back = whitening.invert(&whitening.apply(&x).unwrap()).unwrap();
        x.iter().zip(&back).for_each(|(x, back)| assert!((x - back).abs() < 1e-9 * x.abs().max(1e-3)));
        assert_identity(&product(&whitening.matrix, &whitening.inverse, 3), 3, "W W^-1");
        // By the rule of Sarrus.
        let m = |i: usize, j: usize| whitening.matrix[i * 3 + j];
        let term = |i: usize| m(0, i) * m(1, (i + 1) % 3) * m(2, (i + 2) % 3);
        let back = |i: usize| m(0, i) * m(1, (i + 2) % 3) * m(2, (i + 1) % 3);
        let determinant: f64 = (0..3).map(|i| term(i) - back(i)).sum();
        assert!((determinant.abs().ln() - whitening.log_abs_det).abs() < 1e-9, "{kind}");
    }
}

#[test]
fn the_seed_fixes_the_split_and_the_noise() {
    let made = made();
    let asked = "data.preprocess = 'standardise'\ndata.test_fraction = 0.2\ndata.dequantise = true";
    let [a, b, other] = [5, 5, 6].map(|seed| prepared(&made, asked, seed));
    let rows = |part: &Prepared| part.parts.test.as_ref().unwrap().rows().to_vec();
    assert_eq!(
        (rows(&a), a.parts.training.dataset().values()),
        (rows(&b), b.parts.training.dataset().values())
    );
    assert_ne!(rows(&a), rows(&other));
    // A map that is known is used as it is, and without one nothing is changed.
    let known = prepare(&made, settings(asked).data(), 5, a.whitening.as_ref()).unwrap();
    assert_eq!(known.parts.training.dataset().values(), a.parts.training.dataset().values());
    let plain = prepared(&made, "", 5);
    assert_eq!((plain.parts.training.dataset().values(), plain.whitening), (made.values(), None));
    let elsewhere = prepare_other(&made, 5, a.whitening.as_ref()).unwrap();
    assert_ne!(elsewhere.values(), a.parts.training.dataset().values());
    assert_eq!(prepare_other(&made, 5, None).unwrap().values(), made.values());
}

/// What a model draws is written in the units of the data: first the map is undone, then the scale.
#[test]
fn drawn_rows_go_back_to_the_units_of_the_data() {
    let scale = Scale::range(-2.0, 30.0);
    let made = made().with_scale(scale).unwrap();
    let asked = "data.preprocess = 'whiten'";
    let prepared = prepared(&made, asked, 2);
    let mapped = prepared.parts.training.dataset();
    let mut rows = vec![0.0; 2 * 3];
    rows.chunks_mut(3).enumerate().for_each(|(row, out)| mapped.copy_row(row, out).unwrap());
    let data = DataRecord {
        name: "made".into(),
        fingerprint: String::new(),
        scale: serde_json::to_value(scale).unwrap(),
        row_shape: vec![3],
        variance: 1.0,
        count: None,
        range: [-3.0, 3.0],
        mean: Vec::new(),
        deviation: Vec::new(),
        whitening: prepared.whitening,
        table: None,
    };
    let mut model =
        enscore::trained::trained_model(&settings(asked), data, |p| Ok(vec![0.0; p.size()])).unwrap();
    let raw = model.raw_rows(&rows).unwrap();
    let Values::F64(values) = made.values() else { panic!("not f64") };
    for (raw, value) in raw.iter().zip(values) {
        assert!((f64::from(*raw) - value).abs() < 1e-5 * value.abs().max(1.0), "{raw} {value}");
    }
    model.data.whitening = None;
    assert_eq!(model.raw_rows(&[0.5]).unwrap(), [14.0]);
}

/// The published protocol leaves 15 voice measures and 11 of wine.
#[test]
fn tables_keep_the_columns_of_the_protocol() {
    let asked = "data.preprocess = 'whiten'\ndata.drop_correlated = 0.98\ndata.dequantise = true\ndata.test_fraction = 0.1";
    for (name, dropped, expected) in [("winequality-red", 1, 11), ("winequality-white", 1, 11)] {
        let Some(data) = table(name, dropped) else { return };
        let prepared = prepared(&data, asked, 1);
        assert_eq!(prepared.whitening.unwrap().width(), expected, "{name}");
        let (_, covariance) = moments(&prepared.parts.training);
        assert_identity(&covariance, expected, name);
    }
    let Some(all) = table("parkinsons_updrs", 0) else { return };
    // Subject, age and sex are no measures.
    let Values::F64(values) = all.values() else { panic!("not f64") };
    let values: Vec<f64> = values.chunks(all.row_len()).flat_map(|row| row[3..].to_vec()).collect();
    let data = Dataset::new("parkinsons", "parkinsons", &[all.row_len() - 3], Values::F64(values)).unwrap();
    let prepared = prepared(&data, asked, 1);
    assert_eq!(prepared.whitening.unwrap().width(), 15);
}
