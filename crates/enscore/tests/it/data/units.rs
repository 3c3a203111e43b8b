//! Log densities in the units of the data, whatever the model sees: they integrate to 1 over the data's own
//! units.

use enscore::evaluate::{rows_for, score_rows};
use enscore::trained::Trained;

use crate::common::runs::Folder;

/// Points of a grid along each axis.
const POINTS: usize = 120;

/// The integral over a grid of what `score` says of its points, given as a CSV file.
fn integral(trained: &Trained, folder: &Folder, [x, y]: [[f64; 2]; 2]) -> f64 {
    let at = |[low, high]: [f64; 2], i: usize| low + (high - low) * (i as f64 + 0.5) / POINTS as f64;
    let mut text = "x,y\n".to_string();
    for i in 0..POINTS * POINTS {
        text.push_str(&format!("{},{}\n", at(x, i / POINTS), at(y, i % POINTS)));
    }
    std::fs::write(folder.path("grid.csv"), text).unwrap();
    let rows = rows_for(trained, &folder.path("grid.csv").display().to_string()).unwrap();
    let log_density = score_rows(trained, &rows, 1).unwrap().log_density.unwrap();
    let cell = (x[1] - x[0]) * (y[1] - y[0]) / (POINTS * POINTS) as f64;
    log_density.iter().map(|log_p| log_p.exp() * cell).sum()
}

#[test]
fn a_density_integrates_to_one_in_the_datas_units() {
    let folder = Folder::new();
    let mut text = "x,y\n".to_string();
    for i in 0..60 {
        let angle = f64::from(i) * 0.7;
        text.push_str(&format!(
            "{},{}\n",
            40.0 + 3.0 * angle.sin(),
            -2.0 + 0.05 * (2.0 * angle).cos() + 0.02 * angle.sin()
        ));
    }
    std::fs::write(folder.path("t.csv"), text).unwrap();
    let path = format!("data.path={}", folder.path("t.csv").display());
    for preprocess in ["standardise", "whiten"] {
        let asked = format!("data.preprocess={preprocess}");
        let run = folder.train(preprocess, &folder.settings("ml-flow", &[&path, &asked]));
        let trained = Trained::open(run.path(), &[]).unwrap();
        let found = integral(&trained, &folder, [[15.0, 65.0], [-2.5, -1.5]]);
        assert!((found - 1.0).abs() < 0.02, "{preprocess}: {found}");
    }
}

/// Two bytes a row: a level is one unit wide, and noise fills it.
#[test]
fn a_dequantised_density_integrates_to_one_over_the_levels() {
    let folder = Folder::new();
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    let header = "{'descr': '|u1', 'fortran_order': False, 'shape': (64, 2), }\n";
    file.extend((header.len() as u16).to_le_bytes());
    file.extend(header.bytes());
    file.extend((0..128u32).map(|i| (100 + i * 37 % 60) as u8));
    std::fs::write(folder.path("t.npy"), file).unwrap();
    let path = format!("data.path={}", folder.path("t.npy").display());
    let run = folder.train("run", &folder.settings("ml-flow", &[&path, "data.dequantise=true"]));
    let trained = Trained::open(run.path(), &[]).unwrap();
    // The model sees (level + 1/2)/256 of a level; a file of floats is scaled by 255.
    let found = integral(&trained, &folder, [[-1800.0, 2000.0]; 2]);
    assert!((found * (256f64 / 255.0).powi(2) - 1.0).abs() < 0.02, "{found}");
}
