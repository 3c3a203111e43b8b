//! A table on its way to a model: columns left out and dropped, noise of each column's own resolution, the
//! map, each computed once more by plain loops.

use enscore::data::{Dataset, Prepared, Subset, Values, prepare, prepare_other};
use enscore::settings::Settings;
use enscore_program::random::{Key, row_words, uniform};

/// The streams of the noise of a run's own rows and of other rows; changing one changes every seeded result.
const OWN_STREAM: u32 = 0x746f_776e;
const OTHER_STREAM: u32 = 0x746f_7468;
const NAMES: [&str; 6] = ["label", "a", "twice", "constant", "quarters", "tens"];
const ROWS: usize = 40;

/// A label, a column and its double, a constant, and two columns of other resolutions.
fn row(i: usize) -> [f64; 6] {
    let mixed = |factor: usize, modulus: usize| ((i * factor + i * i) % modulus) as f64;
    let a = mixed(7, 23);
    [i as f64, a, 2.0 * a + 1.0, 5.0, 0.25 * mixed(5, 17), 10.0 * mixed(3, 19) - 80.0]
}

fn table() -> Dataset {
    let values = (0..ROWS).flat_map(row).collect();
    let data = Dataset::new("t", "t.csv", &[6], Values::F64(values)).unwrap();
    data.with_columns(NAMES.map(String::from).to_vec()).unwrap()
}

fn settings(data: &str) -> Settings {
    let text = format!("{data}\ndata.name = 'made'\nmodel.kind = 'mlp'\nobjective.kind = 'dsm'");
    Settings::parse(&text, "t.toml", &[]).unwrap()
}

const ASKED: &str = "data.preprocess = 'PREPROCESS'\ndata.leave_out = ['label']\ndata.drop_correlated = 0.98\n\
                     data.dequantise = true\ndata.test_fraction = 0.2\ndata.validation = 0.2";

fn prepared(preprocess: &str, seed: u64) -> Prepared {
    prepare(&table(), settings(&ASKED.replace("PREPROCESS", preprocess)).data(), seed, None).unwrap()
}

/// The kept columns `twice`, `quarters` and `tens` of one row with noise that reaches as far as the median
/// gap of their values.
fn noisy(i: usize, reach: &[f64; 3], seed: u64, stream: u32) -> [f64; 3] {
    let mut words = [0; 3];
    row_words(Key::new(seed, 0), stream, i as u64, &mut words);
    std::array::from_fn(|j| row(i)[[2, 4, 5][j]] + reach[j] * (2.0 * uniform(words[j]) - 1.0))
}

/// The median gap between the sorted distinct values of a column of these rows.
fn median_gap(rows: &[u32], column: usize) -> f64 {
    let mut values: Vec<f64> = rows.iter().map(|i| row(*i as usize)[column]).collect();
    values.sort_by(f64::total_cmp);
    values.dedup();
    let mut gaps: Vec<f64> = values.windows(2).map(|pair| pair[1] - pair[0]).collect();
    gaps.sort_by(f64::total_cmp);
    let middle = gaps.len() / 2;
    if gaps.len() % 2 == 1 { gaps[middle] } else { 0.5 * (gaps[middle - 1] + gaps[middle]) }
}

fn rows_of(subset: &Subset) -> Vec<(usize, Vec<f64>)> {
    let take = |row: &u32| {
        let mut out = vec![0.0; subset.dataset().row_len()];
        subset.dataset().copy_row_f64(*row as usize, &mut out).unwrap();
        (*row as usize, out)
    };
    subset.rows().iter().map(take).collect()
}

/// Of the correlated pair the first goes, the constant goes, the label goes by its name; what is left keeps
/// its order.
#[test]
fn columns_that_stay_are_the_right_ones_in_their_order() {
    let whitening = prepared("standardise", 3).whitening.unwrap();
    assert_eq!((whitening.columns, &whitening.kept[..]), (6, &[2, 4, 5][..]));
    for (name, kept) in [("label", vec![1, 4, 5]), ("tens", vec![0, 1, 4])] {
        let asked =
            format!("data.preprocess = 'standardise'\ndata.leave_out = ['twice', 'constant', '{name}']");
        let found = prepare(&table(), settings(&asked).data(), 3, None).unwrap().whitening.unwrap();
        assert_eq!((found.kept, found.noise.len()), (kept, 0));
    }
    let message = |asked: &str| prepare(&table(), settings(asked).data(), 3, None).unwrap_err().to_string();
    let constant = message("data.preprocess = 'whiten'\ndata.leave_out = ['label', 'a']");
    assert!(constant.contains("found constant;"), "{constant}");
    let unknown = message("data.preprocess = 'whiten'\ndata.leave_out = ['b']");
    assert!(unknown.contains("\"b\"") && unknown.contains("label, a, twice"), "{unknown}");
}

#[test]
fn noise_has_the_resolution_of_its_own_column_on_training_rows() {
    for seed in [3, 4] {
        let found = prepared("standardise", seed);
        let training = found.parts.training.rows();
        let reach = [2, 4, 5].map(|column| median_gap(training, column));
        assert_eq!(found.whitening.unwrap().noise, reach, "seed {seed}");
    }
}

/// Mean and deviation are those of the noisy training rows alone, and every row of every part is mapped by
/// them.
#[test]
fn every_row_is_standardised_by_the_training_rows() {
    let seed = 3;
    let found = prepared("standardise", seed);
    let (parts, whitening) = (found.parts, found.whitening.unwrap());
    let reach = [2, 4, 5].map(|column| median_gap(parts.training.rows(), column));
    let training: Vec<[f64; 3]> =
        parts.training.rows().iter().map(|i| noisy(*i as usize, &reach, seed, OWN_STREAM)).collect();
    let n = training.len() as f64;
    let mean: [f64; 3] = std::array::from_fn(|j| training.iter().map(|row| row[j]).sum::<f64>() / n);
    let deviation: [f64; 3] = std::array::from_fn(|j| {
        (training.iter().map(|row| (row[j] - mean[j]).powi(2)).sum::<f64>() / n).sqrt()
    });
    let log_det: f64 = deviation.iter().map(|d| -d.ln()).sum();
    assert!((whitening.log_abs_det - log_det).abs() < 1e-12);
    let standard =
        |row: [f64; 3]| -> Vec<f64> { (0..3).map(|j| (row[j] - mean[j]) / deviation[j]).collect() };
    let close = |found: &[f64], expected: &[f64], what: &str| {
        assert_eq!(found.len(), expected.len(), "{what}");
        let worst = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(worst < 1e-9, "{what}: found {found:?}, expected {expected:?}");
    };
    for (name, part) in [
        ("training", Some(&parts.training)),
        ("validation", parts.validation.as_ref()),
        ("test", parts.test.as_ref()),
    ] {
        for (i, found) in rows_of(part.unwrap()) {
            close(&found, &standard(noisy(i, &reach, seed, OWN_STREAM)), &format!("{name}, row {i}"));
        }
    }
    // Rows from elsewhere have noise of their own, and may come with all columns or with the kept ones.
    let elsewhere = prepare_other(&table(), seed, Some(&whitening)).unwrap();
    let kept = (0..ROWS).flat_map(|i| [2, 4, 5].map(|column| row(i)[column])).collect();
    let kept = Dataset::new("t", "t", &[3], Values::F64(kept)).unwrap();
    let of_kept = prepare_other(&kept, seed, Some(&whitening)).unwrap();
    assert_eq!(elsewhere.values(), of_kept.values());
    for (i, found) in rows_of(&Subset::all(&elsewhere)) {
        close(&found, &standard(noisy(i, &reach, seed, OTHER_STREAM)), &format!("elsewhere, row {i}"));
    }
}

/// Row i of W has the i-th largest eigenvalue of the correlations: W D R D W' = I with ‖(W D)_i‖^-2 falling,
/// and each direction's largest entry positive.
#[test]
fn principal_components_come_in_the_order_of_their_variance() {
    let seed = 5;
    let found = prepared("whiten", seed);
    let whitening = found.whitening.unwrap();
    let reach: [f64; 3] = whitening.noise.clone().try_into().unwrap();
    let training: Vec<[f64; 3]> =
        found.parts.training.rows().iter().map(|i| noisy(*i as usize, &reach, seed, OWN_STREAM)).collect();
    let n = training.len() as f64;
    let moment = |f: &dyn Fn(&[f64; 3]) -> f64| training.iter().map(f).sum::<f64>() / n;
    let mean: [f64; 3] = std::array::from_fn(|j| moment(&|row| row[j]));
    let deviation: [f64; 3] = std::array::from_fn(|j| moment(&|row| (row[j] - mean[j]).powi(2)).sqrt());
    let directions: Vec<Vec<f64>> = whitening
        .matrix
        .chunks(3)
        .map(|row| row.iter().zip(deviation).map(|(w, d)| w * d).collect())
        .collect();
    let variances: Vec<f64> = directions.iter().map(|u| 1.0 / u.iter().map(|u| u * u).sum::<f64>()).collect();
    assert!(variances.windows(2).all(|pair| pair[0] > pair[1]), "{variances:?}");
    assert!((variances.iter().sum::<f64>() - 3.0).abs() < 1e-9, "the trace of correlations: {variances:?}");
    for u in &directions {
        let largest = u.iter().copied().fold(0.0, |most: f64, u| if u.abs() > most.abs() { u } else { most });
        assert!(largest > 0.0, "{u:?}");
    }
    // Each component explains the variance that it says: Var(u'(x - mean)/d) / |u|² = variance.
    for (u, variance) in directions.iter().zip(&variances) {
        let along = moment(&|row| {
            let projected: f64 = (0..3).map(|j| u[j] * (row[j] - mean[j]) / deviation[j]).sum();
            projected * projected
        });
        assert!((along - 1.0).abs() < 1e-9 && *variance > 0.0, "{along}");
    }
}
