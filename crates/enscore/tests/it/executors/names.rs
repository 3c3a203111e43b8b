//! Programs called by name, and rows taken through them.

use enscore::executor::{BatchMean, Routine, RowSlice, Weights, default_executor};
use enscore_program::executor::Width;
use enscore_program::random::Key;
use enscore_program::{Initial, Kind, Parameter, Program, Scope};

/// a x - b, with a a parameter.
fn affine() -> Program {
    let scope = Scope::new();
    let a = scope.input("a", Kind::Float, &[]);
    let x = scope.input("x", Kind::Float, &[2]);
    let b = scope.input("b", Kind::Float, &[2]);
    scope.finish(&[("y", a * x - b), ("z", a + 1.0)]).unwrap()
}

fn routine(program: &Program, width: Width) -> Routine {
    Routine::compile(&*default_executor(), program, width).unwrap()
}

fn weights(values: Vec<f64>) -> Weights {
    let a = Parameter { name: "a".into(), shape: vec![], initial: Initial::Constant(0.0) };
    Weights::upload(&*default_executor(), &[a], &[values]).unwrap()
}

#[test]
fn values_go_where_their_names_say_in_any_order() {
    let mut affine = routine(&affine(), Width::Double);
    let mut y = [0.0f64; 2];
    let mut z = [0.0f64; 1];
    let weights = weights(vec![3.0]);
    let call = affine.call().with("b", &[0.5f64, 1.0]).to("z", &mut z).to("y", &mut y);
    call.with("x", &[1.0f64, 2.0]).weights(&weights).run().unwrap();
    assert_eq!((y, z), ([2.5, 5.0], [4.0]));
}

#[test]
fn a_call_that_is_wrong_names_what_is() {
    let mut affine = routine(&affine(), Width::Double);
    let mut y = [0.0f64; 2];
    let mut z = [0.0f64; 1];
    let a = [1.0f64];
    let x = [1.0f64; 2];
    let missing = affine.call().with("a", &a).with("b", &x).to("y", &mut y).to("z", &mut z).run();
    let call = affine.call().with("a", &a).with("b", &x).with("x", &x);
    let untaken = call.to("z", &mut z).run();
    let unknown = affine.call().with("c", &a).run();
    let twice = affine.call().with("a", &a).with("a", &a).run();
    let call = affine.call().with("a", &a).with("b", &x).with("x", &[1.0f64; 3]);
    let too_long = call.to("y", &mut y).to("z", &mut z).run();
    for (found, name) in [(missing, "x"), (untaken, "y"), (unknown, "c"), (twice, "a"), (too_long, "x")] {
        let message = found.unwrap_err().to_string();
        assert!(message.contains(&format!("{name:?}")), "{message}");
    }
    let refused = Weights::upload(&*default_executor(), weights(vec![1.0]).parameters(), &[vec![0.0f32; 2]]);
    assert!(refused.unwrap_err().to_string().contains("a: found 2, expected 1"));
}

/// Of rows `[4, 2]` with a shift each: their sums, plus a draw each, their squares, or the weighted mean of
/// the sums.
fn only(name: &str, with_key: bool) -> Program {
    let scope = Scope::new();
    let x = scope.input("x", Kind::Float, &[4, 2]);
    let shift = scope.input("shift", Kind::Float, &[4]);
    let sums = x.sum(&[1]) + shift;
    let sums = if with_key { sums + scope.input("key", Kind::Key, &[]).uniform(&[4]) } else { sums };
    match name {
        "mean" => {
            let w = scope.input("row_weights", Kind::Float, &[4]);
            scope.finish(&[("mean", (sums * w).sum_all() / w.sum_all())]).unwrap()
        }
        "square" => scope.finish(&[("square", x * x + 0.0 * shift.reshape(&[4, 1]))]).unwrap(),
        _ => scope.finish(&[("sum", sums)]).unwrap(),
    }
}

/// Batches of 4 of 6 rows: draws are those of the row, whatever batch it is in, and rows that fill the last
/// batch up count nothing.
#[test]
fn rows_are_taken_through_a_program_batch_by_batch() {
    let values: Vec<f32> = (0..12).map(|i| i as f32).collect();
    let rows = RowSlice::new(&values, 2).unwrap();
    let shift = [100.0f64; 4];
    let mut told = 0;
    let mut tell = || {
        told += 1;
        Ok(())
    };
    let mut sums = routine(&only("sum", true), Width::Double);
    let over = sums.over::<f64>(&rows).with("shift", &shift).key(Key::new(5, 1)).after_each(&mut tell);
    let found = over.per_row("sum").unwrap();
    assert_eq!((found.len(), told), (6, 2));
    let last = RowSlice::new(&values[10..], 2).unwrap();
    let key = Key { row: 5, ..Key::new(5, 1) };
    let alone = sums.over::<f64>(&last).with("shift", &shift).key(key).per_row("sum").unwrap();
    assert_eq!(alone, found[5..], "the draw of row 5");
    let mut squares = routine(&only("square", false), Width::Double);
    let found = squares.over::<f64>(&rows).with("shift", &shift).per_row("square").unwrap();
    assert_eq!(found, (0..12).map(|i| f64::from(i * i)).collect::<Vec<_>>());
    let each = [1.0f64, 2.0, 3.0, 4.0, 5.0, 6.0];
    let mut plain = routine(&only("sum", false), Width::Double);
    let found = plain.over::<f64>(&rows).with_each("shift", &each).per_row("sum").unwrap();
    assert_eq!(found, [2.0, 7.0, 12.0, 17.0, 22.0, 27.0]);
    let mut mean = routine(&only("mean", false), Width::Double);
    let means = mean.over::<f64>(&rows).with("shift", &[0.0f64; 4]).means("mean").unwrap();
    assert_eq!(means, [BatchMean { mean: 7.0, rows: 4 }, BatchMean { mean: 19.0, rows: 2 }]);
    let none = RowSlice::new(&values[..0], 2).unwrap();
    assert!(plain.over::<f64>(&none).with("shift", &shift).per_row("sum").unwrap().is_empty());
    assert!(RowSlice::new(&values[..5], 2).is_err());
}
