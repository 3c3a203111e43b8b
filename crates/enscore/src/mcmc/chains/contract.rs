//! What every transition on the host must do, checked on a small density.

use super::*;
use crate::model::ClosedForm;

/// f = -(x² - 1)² - y²/2 + xy/2, and none where x > 3.
pub(crate) fn density() -> impl HostDensity {
    let value = |x: &[f64]| {
        if x[0] > 3.0 {
            return f64::NEG_INFINITY;
        }
        -(x[0] * x[0] - 1.0).powi(2) - 0.5 * x[1] * x[1] + 0.5 * x[0] * x[1]
    };
    let score = |x: &[f64], s: &mut [f64]| {
        s[0] = -4.0 * x[0] * (x[0] * x[0] - 1.0) + 0.5 * x[1];
        s[1] = -x[1] + 0.5 * x[0];
    };
    ClosedForm::new(2, value, score).unwrap()
}

/// `make` takes a step size in squared units of x.
pub(crate) fn check<T: HostTransition>(make: impl Fn(f64) -> T) {
    let mut target = density();
    let mut start = vec![0.0; 2 * 64];
    normal_row(Key::new(1, 0), 9, 0, &mut start);
    let start = Chains::at(&mut target, start).unwrap();

    let mut run = |step_size: f64, steps: u64| {
        let mut chains = start.clone();
        let mut acceptance = 0.0;
        for step in 0..steps {
            let moves = make(step_size).step(&mut target, &mut chains, Key::new(7, step)).unwrap();
            assert_eq!((moves.acceptance.len(), moves.accepted.len(), moves.failed), (64, 64, 0));
            acceptance += moves.mean_acceptance() / steps as f64;
        }
        (chains, acceptance)
    };
    // Small steps are accepted, huge ones refused; density and score belong to the rows.
    let (chains, small) = run(1e-4, 30);
    let (_, huge) = run(30.0, 30);
    assert!(small > 0.9 && huge < 0.3, "acceptance {small} and {huge}");
    assert_eq!(Chains::at(&mut density(), chains.x.clone()).unwrap(), chains);
    assert_eq!(run(1e-4, 30).0, chains, "the same key, the same chains");

    one_by_one(&make);
    failures_leave_the_state(&make);
}

/// Chains in other batches draw the same.
fn one_by_one<T: HostTransition>(make: &impl Fn(f64) -> T) {
    let mut target = density();
    let rows = vec![0.1, 0.2, -1.0, 0.3, 0.9, -0.7];
    let mut together = Chains::at(&mut target, rows.clone()).unwrap();
    make(0.3).step(&mut target, &mut together, Key::new(3, 4)).unwrap();
    for (row, x) in rows.chunks(2).enumerate() {
        let mut alone = Chains::at(&mut target, x.to_vec()).unwrap();
        make(0.3).step(&mut target, &mut alone, Key { seed: 3, step: 4, row: row as u64 }).unwrap();
        assert_eq!(alone.x, together.x[row * 2..][..2]);
    }
}

/// Proposals that are no numbers are counted, and their chains stay.
fn failures_leave_the_state<T: HostTransition>(make: &impl Fn(f64) -> T) {
    let broken = |x: &[f64]| if x[0] == 0.5 { 0.0 } else { f64::NAN };
    let mut target = ClosedForm::new(1, broken, |_: &[f64], s: &mut [f64]| s[0] = 0.0).unwrap();
    let start = Chains::at(&mut target, vec![0.5; 3]).unwrap();
    let mut chains = start.clone();
    let moves = make(0.1).step(&mut target, &mut chains, Key::new(1, 1)).unwrap();
    assert_eq!((moves.failed, moves.accepted), (3, vec![false; 3]));
    assert_eq!(chains, start);
    let mut none = Chains { x: vec![], log_density: vec![], score: vec![] };
    assert_eq!(make(0.1).step(&mut target, &mut none, Key::new(1, 1)).unwrap(), Moves::default());
}
