//! Every primitive and composition: derivatives of first and second order against central differences in f64.

use crate::common::{check_derivatives, values};
use enscore_program::{Conv, Kind, Scope, Unary, Value, Var, interpret};
use proptest::prelude::*;

fn check(what: &str, shapes: &[&[usize]], f: impl for<'s> Fn(&'s Scope, &[Var<'s>]) -> Var<'s> + 'static) {
    let size = |shape: &&[usize]| shape.iter().product();
    let points: Vec<Vec<f64>> =
        shapes.iter().enumerate().map(|(i, shape)| values(i as u64, size(shape))).collect();
    check_derivatives(what, shapes, &points, &f);
}

/// As [`check`], at positive points.
fn check_positive(
    what: &str,
    shapes: &[&[usize]],
    f: impl for<'s> Fn(&'s Scope, &[Var<'s>]) -> Var<'s> + 'static,
) {
    let size = |shape: &&[usize]| shape.iter().product();
    let point = |(i, shape): (usize, &&[usize])| {
        values(i as u64, size(shape)).iter().map(|x| x.abs() + 0.5).collect::<Vec<f64>>()
    };
    let points: Vec<Vec<f64>> = shapes.iter().enumerate().map(point).collect();
    check_derivatives(what, shapes, &points, &f);
}

#[test]
fn derivatives_of_unary_functions_agree_with_differences() {
    for f in Unary::ALL {
        let name = format!("{f:?}");
        let shape: &[usize] = &[2, 3];
        let run = move |what: &str| match f {
            Unary::Neg => check(what, &[shape], |_, x| -x[0]),
            Unary::Exp => check(what, &[shape], |_, x| x[0].exp()),
            Unary::Log => check_positive(what, &[shape], |_, x| x[0].log()),
            Unary::Sqrt => check_positive(what, &[shape], |_, x| x[0].sqrt()),
            Unary::Tanh => check(what, &[shape], |_, x| x[0].tanh()),
            Unary::Sigmoid => check(what, &[shape], |_, x| x[0].sigmoid()),
            Unary::Softplus => check(what, &[shape], |_, x| x[0].softplus()),
            Unary::Silu => check(what, &[shape], |_, x| x[0].silu()),
            Unary::SiluSlope => check(what, &[shape], |_, x| x[0].silu_slope()),
            Unary::Sin => check(what, &[shape], |_, x| x[0].sin()),
            Unary::Cos => check(what, &[shape], |_, x| x[0].cos()),
            Unary::Abs => check(what, &[shape], |_, x| x[0].abs() * x[0]),
            Unary::Sign => check(what, &[shape], |_, x| x[0].sign() * x[0] * x[0]),
        };
        run(&name);
    }
}

#[test]
fn derivatives_of_broadcast_binary_functions_agree_with_differences() {
    check("add", &[&[2, 3], &[3]], |_, x| x[0] + x[1]);
    check("sub", &[&[2, 1], &[3]], |_, x| x[0] - x[1]);
    check("mul", &[&[4, 2, 3], &[2, 1]], |_, x| x[0] * x[1]);
    check_positive("div", &[&[2, 3], &[2, 1]], |_, x| x[0] / x[1]);
    check_positive("constant / x", &[&[3]], |_, x| 2.0 / x[0]);
    check("maximum", &[&[2, 3], &[3]], |_, x| x[0].maximum(x[1]) * x[0]);
    check("minimum", &[&[2, 3], &[3]], |_, x| x[0].minimum(x[1]) * x[1]);
    check("a value used twice", &[&[3]], |_, x| x[0] * x[0] + x[0].exp() * x[0]);
}

#[test]
fn derivatives_of_choices_agree_with_differences() {
    check("select", &[&[3, 2], &[2]], |_, x| x[0].less(x[1]).select(x[0].square(), x[1] * x[0]));
    check("logic", &[&[5], &[5]], |s, x| {
        let zero = s.constant(0.0);
        let both = x[0].less(zero).and(x[1].less_equal(zero).not()).or(x[0].equal(x[1]));
        both.select(x[0], x[1]) * x[0]
    });
    check("is_finite", &[&[4]], |_, x| x[0].is_finite().select(x[0].square(), x[0].zeros_like()));
}

#[test]
fn derivatives_do_not_pass_stop_gradient() {
    let scope = Scope::new();
    let x = scope.input("x", Kind::Float, &[]);
    let gradient = scope.gradient(x.stop_gradient() * x, &[x])[0];
    let program = scope.finish(&[("g", gradient)]).unwrap();
    assert_eq!(interpret(&program, &[Value::Float(vec![3.0])]).unwrap()[0], Value::Float(vec![3.0]));
}

/// Algebra must not look through a value that is differentiated with respect to.
#[test]
fn derivatives_are_taken_with_respect_to_computed_values() {
    let gradient = |compute: &dyn for<'s> Fn(Var<'s>) -> Var<'s>,
                    use_it: &dyn for<'s> Fn(Var<'s>) -> Var<'s>| {
        let scope = Scope::new();
        let y = scope.input("y", Kind::Float, &[2]);
        let x = compute(y);
        let gradient = scope.gradient(use_it(x).sum_all(), &[x])[0];
        let program = scope.finish(&[("g", gradient)]).unwrap();
        interpret(&program, &[Value::Float(vec![1.0, 2.0])]).unwrap()[0].floats().to_vec()
    };
    assert_eq!(gradient(&|y| y * 2.0, &|x| x * 3.0), [3.0, 3.0]);
    assert_eq!(gradient(&|y| -y, &|x| -x), [-1.0, -1.0]);
    assert_eq!(gradient(&|y| y.reshape(&[1, 2]), &|x| x.reshape(&[2, 1]) * 5.0), [5.0, 5.0]);
    assert_eq!(gradient(&|y| y.broadcast_axes(&[3, 2], &[1]), &|x| x.exp().log()), [1.0; 6]);
    assert_eq!(gradient(&|y| y.reshape(&[1, 2]).swap_last_axes(), &|x| x.swap_last_axes() * 7.0), [7.0, 7.0]);
}

#[test]
fn derivatives_of_reductions_agree_with_differences() {
    check("sum", &[&[2, 3, 4]], |_, x| x[0].square().sum(&[0, 2]));
    check("mean", &[&[2, 3]], |_, x| x[0].square().mean(&[1]) * x[0].mean_all());
    check("max", &[&[3, 4]], |_, x| x[0].max(&[1]).square());
    check("log_sum_exp", &[&[3, 4]], |_, x| x[0].log_sum_exp(1));
}

#[test]
fn derivatives_of_layouts_agree_with_differences() {
    check("reshape", &[&[2, 6]], |_, x| x[0].square().reshape(&[3, 4]).exp());
    check("broadcast", &[&[3]], |_, x| x[0].broadcast_axes(&[2, 3, 2], &[1]).square());
    check("transpose", &[&[2, 3, 4]], |_, x| x[0].transpose(&[2, 0, 1]).exp());
    check("slice", &[&[4, 5]], |_, x| x[0].slice(1, 1, 4).square() * x[0].slice(1, 2, 5));
    check("pad", &[&[2, 3]], |_, x| x[0].pad(&[(1, 0), (2, 1)]).exp());
    check("concatenate", &[&[2, 3], &[2, 1]], |_, x| x[0].concatenate(&[x[1].square(), x[0]], 1).exp());
}

#[test]
fn derivatives_of_matrix_products_agree_with_differences() {
    check("matmul", &[&[3, 4], &[4, 2]], |_, x| x[0].matmul(x[1]).square());
    check("matmul a'", &[&[4, 3], &[4, 2]], |_, x| x[0].matmul_with(x[1], true, false).square());
    check("matmul b'", &[&[3, 4], &[2, 4]], |_, x| x[0].matmul_with(x[1], false, true).square());
    check("matmul a' b'", &[&[4, 3], &[2, 4]], |_, x| x[0].matmul_with(x[1], true, true).square());
    check("batched", &[&[2, 3, 4], &[2, 4, 2]], |_, x| x[0].matmul(x[1]).square());
    check("x x'", &[&[3, 2]], |_, x| x[0].matmul_with(x[0], false, true));
}

#[test]
fn derivatives_of_convolutions_agree_with_differences() {
    check("same", &[&[2, 4, 3, 2], &[3, 3, 2, 2]], |_, x| x[0].conv2d(x[1], Conv::same(3)).square());
    check("strided", &[&[1, 5, 4, 2], &[3, 3, 2, 1]], |_, x| x[0].conv2d(x[1], Conv::strided(2, 1)).square());
    let odd = Conv { stride: [1, 2], padding: [[0, 1], [2, 0]], dilation: [2, 1] };
    check("dilated", &[&[1, 5, 4, 1], &[2, 2, 1, 2]], move |_, x| x[0].conv2d(x[1], odd).square());
    check("input gradient", &[&[1, 2, 2, 2], &[3, 3, 1, 2]], |_, x| {
        x[0].conv2d_input_gradient(x[1], Conv::strided(2, 1), &[1, 4, 4, 1]).square()
    });
    check("weight gradient", &[&[1, 4, 4, 1], &[1, 2, 2, 2]], |_, x| {
        x[0].conv2d_weight_gradient(x[1], Conv::strided(2, 1), &[3, 3, 1, 2]).square()
    });
}

#[test]
fn derivatives_of_rows_by_index_agree_with_differences() {
    check("gather", &[&[3, 2]], |s, x| {
        let twice = s.iota(&[3], 0);
        x[0].gather(twice).square() * x[0]
    });
    check("scatter_add", &[&[3, 2]], |s, x| x[0].square().scatter_add(s.iota(&[3], 0), 4));
}

#[test]
fn derivatives_of_factors_and_triangular_systems_agree_with_differences() {
    // A = x x' + 3 is positive definite for any x.
    check("cholesky", &[&[3, 3]], |s, x| {
        let identity = s.table(&[3.0, 0.0, 0.0, 0.0, 3.0, 0.0, 0.0, 0.0, 3.0], &[3, 3]);
        (x[0].matmul_with(x[0], false, true) + identity).cholesky()
    });
    for transpose in [false, true] {
        check("triangular_solve", &[&[3, 3], &[3, 2]], move |s, x| {
            let identity = s.table(&[3.0, 0.0, 0.0, 0.0, 3.0, 0.0, 0.0, 0.0, 3.0], &[3, 3]);
            let lower = s.table(&[1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0, 1.0], &[3, 3]);
            (x[0] * lower * 0.3 + identity).triangular_solve(x[1].square(), transpose)
        });
    }
}

#[test]
fn derivatives_of_compositions_agree_with_differences() {
    check("silu", &[&[5]], |_, x| x[0].silu());
    check("average_pool", &[&[1, 4, 2, 2]], |_, x| x[0].average_pool().square());
    check("upsample_nearest", &[&[1, 2, 1, 2]], |_, x| x[0].upsample_nearest().square());
    check("group_norm", &[&[2, 2, 2, 4], &[4], &[4]], |_, x| x[0].group_norm(x[1], x[2], 2).silu());
}

#[test]
fn group_norm_has_mean_zero_and_variance_one() {
    let scope = Scope::new();
    let x = scope.input("x", Kind::Float, &[2, 3, 3, 4]);
    let y = x.group_norm(scope.constant(1.0).broadcast_to(&[4]), scope.constant(0.0).broadcast_to(&[4]), 2);
    let program = scope.finish(&[("y", y)]).unwrap();
    let input: Vec<f64> = values(3, 72).iter().map(|x| 5.0 + 3.0 * x).collect();
    let out = interpret(&program, &[Value::Float(input)]).unwrap();
    for (image, group) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
        let of_group = |(i, _): &(usize, &f64)| i / 36 == image && (i % 4) / 2 == group;
        let values: Vec<f64> = out[0].floats().iter().enumerate().filter(of_group).map(|(_, v)| *v).collect();
        let mean = values.iter().sum::<f64>() / 18.0;
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 18.0;
        assert!(mean.abs() < 1e-12 && (variance - 1.0).abs() < 1e-4, "mean {mean}, variance {variance}");
    }
}

#[test]
fn derivatives_reuse_the_draws_of_the_value() {
    let scope = Scope::new();
    let key = scope.input("key", Kind::Key, &[]);
    let x = scope.input("x", Kind::Float, &[4]);
    let noise = key.normal(&[4]);
    let y = (x * noise).sum_all();
    let program = scope.finish(&[("noise", noise), ("gradient", scope.gradient(y, &[x])[0])]).unwrap();
    let key = Value::Key(enscore_program::random::Key::new(3, 9));
    let out = interpret(&program, &[key, Value::Float(vec![1.0; 4])]).unwrap();
    assert_eq!(out[0], out[1]);
}

proptest! {
    /// A small dense network of any shape: the objective of an energy, differentiated three times.
    #[test]
    fn third_derivatives_of_networks_of_any_shape_agree_with_differences(
        batch in 1usize..4,
        d in 1usize..4,
        hidden in 1usize..5,
    ) {
        let shapes: [&[usize]; 3] = [&[batch, d], &[d, hidden], &[hidden]];
        let points: Vec<Vec<f64>> =
            shapes.iter().enumerate().map(|(i, s)| values(7 + i as u64, s.iter().product())).collect();
        check_derivatives("denoising score matching of an energy", &shapes, &points, &|s, v| {
            let log_density = (v[0].matmul(v[1]) + v[2]).softplus().sum_all();
            let score = s.gradient(log_density, &[v[0]])[0];
            (score + v[0]).square()
        });
    }
}
