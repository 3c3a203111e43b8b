//! The trained flow that data are contrasted with: its run's averaged weights, its draws and its density, row
//! by row.
use enscore::trained::frozen_flow;

use enscore::model::{NoiseDensity, trace};
use enscore_program::random::Key;
use enscore_program::{Kind, Value, interpret};

use super::plain::Plain;
use crate::common::families::Family;
use crate::common::families::data::Data;
use crate::common::runs::Folder;

const CONTRASTED: Family = Family {
    name: "nce-flow",
    data: Data::Points,
    text: "model = { kind = 'mlp-energy', hidden = [6] }\ntrain = { steps = 2, batch = 8 }\n\
           [objective]\nkind = 'nce'\nnoise = 'flow'",
};

#[test]
fn the_noise_is_the_flow_with_its_averaged_weights() {
    let folder = Folder::new();
    let flow_settings = folder.settings("ml-flow", &[]);
    let flow = folder.train("flow", &flow_settings);
    let change = format!("objective.flow_run={}", flow.path().display());
    let settings = folder.of_family(&CONTRASTED, &[&change]);
    let noise = frozen_flow(&settings).unwrap().unwrap();
    assert_eq!(noise.row_shape(), [2]);
    let rows = 5;
    let (program, _) = trace(&[], |scope, _| {
        let key = scope.input("key", Kind::Key, &[]);
        let x = scope.input("x", Kind::Float, &[rows, 2]);
        let (drawn, density) = (noise.draw(key, rows), noise.log_density(x));
        vec![("drawn".to_string(), drawn), ("density".to_string(), density)]
    })
    .unwrap();
    let x: Vec<f64> = (0..2 * rows).map(|i| (i as f64 * 0.7).sin()).collect();
    let found = interpret(&program, &[Value::Key(Key::new(4, 1)), Value::Float(x.clone())]).unwrap();
    let plain = Plain::of(&flow, &flow_settings);
    let (draw, density) = (plain.flow_draw(4), plain.log_density());
    let drawn: Vec<f64> = (0..rows as u64).flat_map(draw).collect();
    let densities: Vec<f64> = x.chunks(2).map(density).collect();
    for (what, found, expected) in [("draw", &found[0], drawn), ("log density", &found[1], densities)] {
        for (i, (found, expected)) in found.floats().iter().zip(expected).enumerate() {
            assert!((found - expected).abs() < 1e-10, "{what} {i}: found {found}, expected {expected}");
        }
    }
    assert!(frozen_flow(&flow_settings).unwrap().is_none());
}
