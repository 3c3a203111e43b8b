//! The reference's primitives at their edges, against values worked out by hand: the executor is held against
//! this reference.

use enscore_program::random::{Key, index, normal_row, rademacher, row_words, uniform};
use enscore_program::{Conv, Kind, Scope, Value, Var, interpret};

const NAN: f64 = f64::NAN;
const INF: f64 = f64::INFINITY;

/// The values of what `build` makes of `x`, in the shape given.
fn run(x: &[f64], shape: &[usize], build: impl for<'s> Fn(&'s Scope, Var<'s>) -> Var<'s>) -> Vec<f64> {
    let scope = Scope::new();
    let input = scope.input("x", Kind::Float, shape);
    let program = scope.finish(&[("y", build(&scope, input))]).unwrap();
    interpret(&program, &[Value::Float(x.to_vec())]).unwrap()[0].floats().to_vec()
}

/// Equal bit by bit, NaN for NaN.
#[track_caller]
fn same(found: &[f64], expected: &[f64]) {
    let bits = |values: &[f64]| -> Vec<u64> {
        values.iter().map(|v| if v.is_nan() { NAN.to_bits() } else { v.to_bits() }).collect()
    };
    assert_eq!(bits(found), bits(expected), "found {found:?}, expected {expected:?}");
}

const PAIRS: [[f64; 2]; 9] = [
    [1.0, 2.0],
    [2.0, 1.0],
    [3.0, 3.0],
    [0.0, -0.0],
    [NAN, 1.0],
    [1.0, NAN],
    [INF, INF],
    [-INF, INF],
    [NAN, NAN],
];

/// What `build` makes of each pair.
fn of_pairs(build: impl for<'s> Fn(Var<'s>, Var<'s>) -> Var<'s>) -> Vec<f64> {
    let all: Vec<f64> = PAIRS.into_iter().flatten().collect();
    let scope = Scope::new();
    let x = scope.input("x", Kind::Float, &[PAIRS.len(), 2]);
    let side = |at: usize| x.slice(1, at, at + 1).reshape(&[PAIRS.len()]);
    let program = scope.finish(&[("y", build(side(0), side(1)))]).unwrap();
    interpret(&program, &[Value::Float(all)]).unwrap()[0].floats().to_vec()
}

#[test]
fn comparisons_are_false_where_a_value_is_nan() {
    same(&of_pairs(|a, b| a.less(b).to_float()), &[1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
    same(&of_pairs(|a, b| a.less_equal(b).to_float()), &[1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 1.0, 0.0]);
    same(&of_pairs(|a, b| a.equal(b).to_float()), &[0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0]);
    same(&of_pairs(|a, b| a.less(b).not().to_float()), &[0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 1.0]);
    same(&of_pairs(|a, b| a.less(b).select(a, b)), &[1.0, 1.0, 3.0, -0.0, 1.0, NAN, INF, -INF, NAN]);
}

#[test]
fn the_larger_and_the_smaller_of_two_carry_nan() {
    let larger = of_pairs(|a, b| a.maximum(b));
    same(&larger[..3], &[2.0, 2.0, 3.0]);
    same(&larger[4..], &[NAN, NAN, INF, INF, NAN]);
    let smaller = of_pairs(|a, b| a.minimum(b));
    same(&smaller[..3], &[1.0, 1.0, 3.0]);
    same(&smaller[4..], &[NAN, NAN, INF, -INF, NAN]);
    same(&of_pairs(|a, b| a - b)[4..], &[NAN, NAN, NAN, -INF, NAN]);
    same(&of_pairs(|a, b| a / b)[..4], &[0.5, 2.0, 1.0, NAN]);
}

#[test]
fn functions_of_one_number_at_their_edges() {
    let x = [0.0, -0.0, INF, -INF, NAN, -2.0];
    same(&run(&x, &[6], |_, x| -x), &[-0.0, 0.0, -INF, INF, NAN, 2.0]);
    same(&run(&x, &[6], |_, x| x.abs()), &[0.0, 0.0, INF, INF, NAN, 2.0]);
    same(&run(&x, &[6], |_, x| x.sign()), &[0.0, -0.0, 1.0, -1.0, NAN, -1.0]);
    same(&run(&x, &[6], |_, x| x.exp())[..5], &[1.0, 1.0, INF, 0.0, NAN]);
    same(&run(&x, &[6], |_, x| x.log()), &[-INF, -INF, INF, NAN, NAN, NAN]);
    same(&run(&x, &[6], |_, x| x.sqrt()), &[0.0, -0.0, INF, NAN, NAN, NAN]);
    same(&run(&x, &[6], |_, x| x.tanh())[..5], &[0.0, -0.0, 1.0, -1.0, NAN]);
    same(&run(&x, &[6], |_, x| x.sigmoid())[..5], &[0.5, 0.5, 1.0, 0.0, NAN]);
    same(&run(&x, &[6], |_, x| x.is_finite().to_float()), &[1.0, 1.0, 0.0, 0.0, 0.0, 1.0]);
    let softplus = run(&[800.0, -800.0, 0.0, INF, -INF, NAN], &[6], |_, x| x.softplus());
    same(&softplus, &[800.0, 0.0, 2f64.ln(), INF, 0.0, NAN]);
}

#[test]
fn reductions_take_the_axes_that_they_name() {
    let x: Vec<f64> = (0..24).map(|i| -1.0 - f64::from((i * 7) % 24)).collect();
    let at = |i: usize, j: usize, k: usize| x[(i * 3 + j) * 4 + k];
    let shape = [2, 3, 4];
    let fold = |values: Vec<f64>, is_max: bool| -> f64 {
        if is_max { values.into_iter().reduce(f64::max).unwrap() } else { values.into_iter().sum() }
    };
    for is_max in [false, true] {
        let reduce = |axes: &'static [usize]| {
            run(&x, &shape, move |_, x| if is_max { x.max(axes) } else { x.sum(axes) })
        };
        let first: Vec<f64> =
            (0..12).map(|p| fold((0..2).map(|i| at(i, p / 4, p % 4)).collect(), is_max)).collect();
        same(&reduce(&[0]), &first);
        let middle: Vec<f64> =
            (0..8).map(|p| fold((0..3).map(|j| at(p / 4, j, p % 4)).collect(), is_max)).collect();
        same(&reduce(&[1]), &middle);
        let last: Vec<f64> =
            (0..6).map(|p| fold((0..4).map(|k| at(p / 3, p % 3, k)).collect(), is_max)).collect();
        same(&reduce(&[2]), &last);
        let outer: Vec<f64> =
            (0..3).map(|j| fold((0..8).map(|p| at(p / 4, j, p % 4)).collect(), is_max)).collect();
        same(&reduce(&[0, 2]), &outer);
        same(&reduce(&[0, 1, 2]), &[fold(x.clone(), is_max)]);
    }
    same(&run(&[1.0, NAN, 3.0, -INF], &[2, 2], |_, x| x.max(&[1])), &[NAN, 3.0]);
}

/// d max / dx_i = 1 / number of maxima where x_i is one, else 0: [2, 5, 5, 1] shares 1 as [0, 1/2, 1/2, 0].
#[test]
fn the_gradient_of_a_maximum_is_shared_at_ties() {
    let gradient = |x: &[f64], shape: &[usize], axes: &'static [usize]| {
        run(x, shape, move |scope, x| {
            let max = x.max(axes);
            let len: usize = max.shape().iter().product();
            let weights: Vec<f64> = (1..=len).map(|i| i as f64).collect();
            scope.gradient((max * scope.table(&weights, &max.shape())).sum_all(), &[x])[0]
        })
    };
    same(&gradient(&[2.0, 5.0, 5.0, 1.0], &[1, 4], &[1]), &[0.0, 0.5, 0.5, 0.0]);
    same(&gradient(&[-3.0; 4], &[2, 2], &[1]), &[0.5, 0.5, 1.0, 1.0]);
    same(
        &gradient(&[7.0, 1.0, 7.0, 4.0, 7.0, 4.0], &[3, 2], &[0]),
        &[1.0 / 3.0, 0.0, 1.0 / 3.0, 1.0, 1.0 / 3.0, 1.0],
    );
    same(&gradient(&[0.0; 8], &[2, 2, 2], &[0, 1, 2]), &[0.125; 8]);
}

/// At a tie of two values the first has the whole derivative.
#[test]
fn the_gradient_of_the_larger_of_two_goes_to_the_first_at_a_tie() {
    let of = |larger: bool, second: bool| {
        run(&[1.0, 2.0, 2.0, 2.0, 3.0, 2.0], &[3, 2], move |scope, x| {
            let (a, b) = (x.slice(1, 0, 1), x.slice(1, 1, 2));
            let value = if larger { a.maximum(b) } else { a.minimum(b) };
            scope.gradient(value.sum_all(), &[if second { b } else { a }])[0]
        })
    };
    same(&of(true, false), &[0.0, 1.0, 1.0]);
    same(&of(true, true), &[1.0, 0.0, 0.0]);
    same(&of(false, false), &[1.0, 1.0, 0.0]);
    same(&of(false, true), &[0.0, 0.0, 1.0]);
}

#[test]
fn an_even_kernel_has_one_more_row_and_column_of_padding_behind() {
    for (kernel, edge) in [(1, [0, 0]), (2, [0, 1]), (3, [1, 1]), (4, [1, 2]), (5, [2, 2])] {
        let conv = Conv::same(kernel);
        assert_eq!(conv.padding, [edge, edge], "kernel {kernel}");
        assert_eq!((conv.stride, conv.dilation), ([1, 1], [1, 1]));
        assert_eq!((conv.output_extent(0, 7, kernel), conv.output_extent(1, 6, kernel)), (Some(7), Some(6)));
    }
    // y_ij = x_ij + 10 x_i(j+1) + 100 x_(i+1)j + 1000 x_(i+1)(j+1), 0 beyond the last row and column.
    let y = run(&[1.0, 2.0, 3.0, 4.0], &[1, 2, 2, 1], |scope, x| {
        x.conv2d(scope.table(&[1.0, 10.0, 100.0, 1000.0], &[2, 2, 1, 1]), Conv::same(2))
    });
    same(&y, &[4321.0, 402.0, 43.0, 4.0]);
    let (strided, one) = (Conv::strided(3, 2), Conv::strided(1, 0));
    assert_eq!((strided.stride, strided.padding), ([3, 3], [[2, 2], [2, 2]]));
    assert_eq!((strided.output_extent(0, 5, 4), one.output_extent(0, 2, 3)), (Some(2), None));
}

#[test]
fn each_axis_of_a_convolution_has_its_own_stride_padding_and_dilation() {
    // Rows 0 and 2 of three, columns 0, 2, 4 with one zero before: taps (0, 0), (0, 1), (2, 0), (2, 1).
    let conv = Conv { stride: [1, 2], padding: [[0, 0], [1, 0]], dilation: [2, 1] };
    let x: Vec<f64> = (1..=15).map(f64::from).collect();
    let y = run(&x, &[1, 3, 5, 1], move |scope, x| {
        x.conv2d(scope.table(&[1.0, 100.0, 10_000.0, 1_000_000.0], &[2, 2, 1, 1]), conv)
    });
    same(&y, &[11_000_100.0, 13_120_302.0, 15_140_504.0]);
}

#[test]
fn rows_are_taken_and_added_by_their_indices_however_often() {
    let run =
        |build: &dyn for<'s> Fn(Var<'s>, Var<'s>) -> Var<'s>, rows: usize, x: &[f64], indices: &[i32]| {
            let scope = Scope::new();
            let x_in = scope.input("x", Kind::Float, &[rows, x.len() / rows]);
            let i_in = scope.input("i", Kind::Index, &[indices.len()]);
            let program = scope.finish(&[("y", build(x_in, i_in))]).unwrap();
            let inputs = [Value::Float(x.to_vec()), Value::Index(indices.to_vec())];
            interpret(&program, &inputs).unwrap()[0].floats().to_vec()
        };
    let table = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
    let taken = run(&|x, i| x.gather(i), 3, &table, &[2, 0, 2, -5, 9]);
    same(&taken, &[5.0, 6.0, 1.0, 2.0, 5.0, 6.0, 1.0, 2.0, 5.0, 6.0]);
    let added = run(&|x, i| x.scatter_add(i, 4), 3, &table, &[3, 1, 3]);
    same(&added, &[0.0, 0.0, 3.0, 4.0, 0.0, 0.0, 6.0, 8.0]);
    let nearest = run(&|x, i| x.scatter_add(i, 2), 3, &table, &[-1, 7, 0]);
    same(&nearest, &[6.0, 8.0, 3.0, 4.0]);
}

#[test]
fn layouts_move_each_element_to_its_place() {
    let x: Vec<f64> = (0..6).map(f64::from).collect();
    same(&run(&x, &[2, 3], |_, x| x.transpose(&[1, 0])), &[0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
    same(&run(&x, &[1, 2, 3], |_, x| x.transpose(&[2, 0, 1])), &[0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
    same(&run(&x, &[2, 3], |_, x| x.slice(0, 1, 2).slice(1, 1, 3)), &[4.0, 5.0]);
    same(
        &run(&x, &[2, 3], |_, x| x.slice(0, 0, 1).pad(&[(1, 0), (0, 2)])),
        &[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 2.0, 0.0, 0.0],
    );
    same(
        &run(&x, &[2, 3], |_, x| x.slice(1, 2, 3).concatenate(&[x.slice(1, 0, 2)], 1)),
        &[2.0, 0.0, 1.0, 5.0, 3.0, 4.0],
    );
    same(&run(&[7.0, 8.0], &[2], |_, x| x.broadcast_axes(&[2, 2], &[0])), &[7.0, 7.0, 8.0, 8.0]);
    same(&run(&[7.0, 8.0], &[2], |_, x| x.broadcast_to(&[2, 2])), &[7.0, 8.0, 7.0, 8.0]);
}

/// A draw's row is the key's row plus its place, beyond 2^32 too, and every draw has a stream of its own.
#[test]
fn draws_follow_the_whole_key() {
    let scope = Scope::new();
    let key_in = scope.input("key", Kind::Key, &[]);
    let draws = [
        ("normal", key_in.normal(&[3, 5])),
        ("uniform", key_in.uniform(&[3, 5])),
        ("sign", key_in.rademacher(&[3, 5])),
        ("index", key_in.random_index(1000, &[3, 5]).to_float()),
    ];
    let program = scope.finish(&draws).unwrap();
    for (seed, step, row) in [(3, 4, 5), (3, 4 + (1 << 32), 5), (3, 4, (1 << 32) - 1), (3, 7 << 33, 5 << 40)]
    {
        let key = Key { seed, step, row };
        let found = interpret(&program, &[Value::Key(key)]).unwrap();
        for i in 0..3 {
            let (mut normal, mut words) = ([0.0; 5], [[0; 5]; 3]);
            normal_row(key, 0, row + i, &mut normal);
            (1..).zip(&mut words).for_each(|(stream, words)| row_words(key, stream, row + i, words));
            let [for_uniform, for_sign, for_index] = words;
            let part = |at: usize| &found[at].floats()[i as usize * 5..][..5];
            same(part(0), &normal);
            same(part(1), &for_uniform.map(uniform));
            same(part(2), &for_sign.map(rademacher));
            same(part(3), &for_index.map(|word| f64::from(index(word, 1000))));
        }
    }
}

/// Beyond 2^32 rows and steps change the seed by a mix of their high words, rows in the high half: written
/// out from the definition, with the finaliser of SplitMix64.
#[test]
fn high_words_of_row_and_step_have_a_half_of_the_mixed_word_each() {
    let mixed = |high: u64| {
        let z = high.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    };
    let words = |seed: u64, step: u64, row: u64| {
        let mut words = [0; 6];
        row_words(Key { seed, step, row: 0 }, 9, row, &mut words);
        words
    };
    let (row, step) = (6u64, 5u64);
    for (row_high, step_high) in [(1u64, 0u64), (0, 1), (3, 8), (8, 3)] {
        let far = words(77, step | step_high << 32, row | row_high << 32);
        assert_eq!(far, words(77 ^ mixed(row_high << 32 | step_high), step, row), "{row_high} {step_high}");
        assert_ne!(far, words(77, step, row));
    }
}
