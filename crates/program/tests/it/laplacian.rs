//! Laplacians and curvatures against explicit Hessians and central differences, in f64, and what is refused.

#[allow(dead_code, reason = "the checks of first derivatives are not used here")]
use crate::common;
use crate::common::by_rows::{At, Function, assert_near, check_again, check_differences, per_row};
use enscore_program::{Conv, Kind, Scope, Unary, Value, Var, interpret};
use proptest::prelude::*;

/// Laplacian and gradient of Σ w f against the trace of the Hessian and central differences for all chunk
/// sizes, and the Laplacian's own derivatives.
fn check(what: &str, at: At, f: impl for<'s> Fn(&'s Scope, Var<'s>, &[Var<'s>]) -> Var<'s> + 'static) {
    let f: &Function = &f;
    let count = at.count();
    let truth = at.here(|s, x, w| {
        let gradient = s.gradient(per_row(f(s, x, w)).sum_all(), &[x])[0];
        let axes: Vec<usize> = (1..at.shape.len()).collect();
        let second = |k| {
            let unit = at.unit(s, k);
            (s.jvp(&[gradient], &[x], &[unit])[0] * unit).sum(&axes)
        };
        let laplacian = (1..count).fold(second(0), |sum, k| sum + second(k));
        vec![gradient, laplacian]
    });
    for chunk in [1, 2, count].into_iter().filter(|chunk| *chunk <= count) {
        let found = at.here(|s, x, w| {
            let laplacian = s.laplacian(per_row(f(s, x, w)), x, chunk);
            vec![laplacian.gradient, laplacian.laplacian]
        });
        assert_near(&format!("{what}: gradient, chunk {chunk}"), &found[0], &truth[0], 1e-11);
        assert_near(&format!("{what}: laplacian, chunk {chunk}"), &found[1], &truth[1], 1e-10);
    }
    check_curvature(what, &at, f);
    check_differences(what, &at, &truth[1], |s, x, w| s.gradient(per_row(f(s, x, w)).sum_all(), &[x])[0]);
    check_again(what, &at, |s, x, w| s.laplacian(per_row(f(s, x, w)), x, count).laplacian);
}

/// v'∇²y v against the inner product of v with the derivative of the gradient along v, and its own
/// derivatives.
fn check_curvature(what: &str, at: &At, f: &Function) {
    let direction = common::values(57, at.x.len());
    let both = at.here(|s, x, w| {
        let (y, v) = (per_row(f(s, x, w)), s.table(&direction, &at.shape));
        let gradient = s.gradient(y.sum_all(), &[x])[0];
        let axes: Vec<usize> = (1..at.shape.len()).collect();
        let curvature = s.curvature(y, x, v);
        vec![
            curvature.gradient,
            gradient,
            curvature.along,
            (s.jvp(&[gradient], &[x], &[v])[0] * v).sum(&axes),
        ]
    });
    assert_near(&format!("{what}: gradient beside curvature"), &both[0], &both[1], 1e-11);
    assert_near(&format!("{what}: curvature"), &both[2], &both[3], 1e-10);
    check_again(what, at, |s, x, w| {
        s.curvature(per_row(f(s, x, w)), x, s.table(&direction, &at.shape)).along
    });
}

#[test]
fn laplacians_of_unary_functions_agree_with_hessians() {
    for f in Unary::ALL {
        let name = format!("{f:?}");
        let at = At::new(&[2, 3], &[]);
        match f {
            Unary::Neg => check(&name, at, |_, x, _| -x),
            Unary::Exp => check(&name, at, |_, x, _| x.exp()),
            Unary::Log => check(&name, at.positive(), |_, x, _| x.log()),
            Unary::Sqrt => check(&name, at.positive(), |_, x, _| x.sqrt()),
            Unary::Tanh => check(&name, at, |_, x, _| x.tanh()),
            Unary::Sigmoid => check(&name, at, |_, x, _| x.sigmoid()),
            Unary::Softplus => check(&name, at, |_, x, _| x.softplus()),
            Unary::Silu => check(&name, at, |_, x, _| x.silu()),
            Unary::SiluSlope => check(&name, at, |_, x, _| x.silu_slope()),
            Unary::Sin => check(&name, at, |_, x, _| x.sin()),
            Unary::Cos => check(&name, at, |_, x, _| x.cos()),
            Unary::Abs => check(&name, at, |_, x, _| x.abs() * x),
            Unary::Sign => check(&name, at, |_, x, _| x.sign() * x * x),
        }
    }
}

#[test]
fn laplacians_of_binary_functions_agree_with_hessians() {
    check("add", At::new(&[2, 3], &[&[3]]), |_, x, w| (x + w[0]).exp() + x.sin());
    check("sub", At::new(&[2, 3], &[&[3]]), |_, x, w| (w[0] - x).exp() - x.sin());
    check("mul", At::new(&[2, 3], &[&[3]]), |_, x, w| x * w[0] * x.exp());
    check("mul by itself", At::new(&[2, 3], &[]), |_, x, _| (x * x) * (x * x));
    check("div", At::new(&[2, 3], &[&[3]]).positive(), |_, x, w| w[0] / x + x.sin() / (x.exp() + 1.0));
    check("operand equal to the derivative", At::new(&[2, 3], &[]).positive(), |_, x, _| (1.0 / x) / x);
    check("maximum", At::new(&[2, 3], &[&[3]]), |_, x, w| x.maximum(w[0]) * x.sin());
    check("minimum", At::new(&[2, 3], &[&[3]]), |_, x, w| x.minimum(w[0]) * x.sin());
    check("select", At::new(&[2, 3], &[&[3]]), |_, x, w| x.less(w[0]).select(x.exp(), x.sin() * w[0]));
    check("is_finite", At::new(&[2, 3], &[]), |_, x, _| x.is_finite().select(x.exp(), x));
    check("functions of mixed values", At::new(&[2, 3], &[&[3, 3]]), |_, x, w| {
        let h = x.matmul(w[0]);
        x * h.exp() + h * h.tanh() / (x.square() + 1.0) + x.tanh() * h
    });
    check("x of rank 1", At::new(&[3], &[]), |_, x, _| x.exp() * x);
    check("constant", At::new(&[2, 3], &[]), |_, x, _| x.zeros_like() + 2.0);
    check("linear", At::new(&[2, 3], &[&[3]]), |_, x, w| x * w[0] - x);
}

#[test]
fn laplacians_do_not_pass_stop_gradient() {
    let at = At::new(&[2, 2], &[]);
    let out =
        at.here(|s, x, _| vec![s.laplacian((x.stop_gradient().square() * x).sum(&[1]), x, 2).laplacian]);
    assert_eq!(out[0], [0.0, 0.0]);
}

#[test]
fn laplacians_of_reductions_agree_with_hessians() {
    check("sum", At::new(&[2, 3, 2], &[&[2, 2]]), |_, x, _| x.sum(&[1]).exp());
    check("sum of mixed", At::new(&[2, 3], &[&[3, 6]]), |_, x, w| {
        x.matmul(w[0]).reshape(&[2, 2, 3]).sum(&[2]).exp()
    });
    check("max", At::new(&[2, 3, 2], &[]), |_, x, _| x.exp().max(&[1]) * x.sum(&[1]));
    check("log_sum_exp", At::new(&[2, 4], &[]), |_, x, _| (x * 2.0).log_sum_exp(1));
}

#[test]
fn laplacians_of_layouts_agree_with_hessians() {
    check("reshape", At::new(&[2, 6], &[&[2, 3]]), |_, x, w| (x.reshape(&[2, 2, 3]).sin() * w[0]).exp());
    check("rows apart", At::new(&[2, 6], &[&[3, 2]]), |_, x, w| {
        let apart = x.exp().reshape(&[4, 3]);
        let mixed = (apart.matmul(w[0]).tanh() * apart.slice(1, 0, 2)).pad(&[(0, 0), (1, 0)]);
        let both = mixed.concatenate(&[apart, mixed.square()], 1);
        let spread = both.broadcast_axes(&[4, 2, 9], &[0, 2]).transpose(&[0, 2, 1]).sum(&[1]).square();
        spread.reshape(&[2, 4])
    });
    check("broadcast", At::new(&[2, 3], &[&[4, 3]]), |_, x, w| {
        ((x.broadcast_axes(&[2, 4, 3], &[0, 2]) - w[0]).square() * -0.5).exp()
    });
    check("transpose", At::new(&[2, 3, 2], &[&[2, 3]]), |_, x, w| {
        x.sin().transpose(&[0, 2, 1]).square() * w[0]
    });
    check("slice", At::new(&[2, 5], &[]), |_, x, _| x.slice(1, 1, 4).square() * x.slice(1, 2, 5).exp());
    check("pad", At::new(&[2, 3], &[]), |_, x, _| x.sin().pad(&[(0, 0), (2, 1)]).exp());
    check("concatenate", At::new(&[2, 3], &[&[2, 2], &[3, 2]]), |_, x, w| {
        let h = x.matmul(w[1]);
        w[0].concatenate(&[x.square(), h], 1).slice(1, 1, 6).exp() * x.concatenate(&[h], 1)
    });
}

#[test]
fn laplacians_of_matrix_products_agree_with_hessians() {
    check("matmul", At::new(&[2, 3], &[&[3, 4]]), |_, x, w| x.matmul(w[0]).exp());
    check("matmul b'", At::new(&[2, 3], &[&[4, 3]]), |_, x, w| x.sin().matmul_with(w[0], false, true).exp());
    check("one column", At::new(&[2, 3], &[&[3, 4], &[4, 1]]), |_, x, w| {
        x.matmul(w[0]).sin().matmul(w[1]).exp() + x.matmul(w[0]).matmul(w[1]).square()
    });
    check("batched", At::new(&[2, 2, 3], &[&[2, 3, 2]]), |_, x, w| x.sin().matmul(w[0]).exp());
    check("batched, shared weight", At::new(&[2, 2, 3], &[&[3, 2]]), |_, x, w| {
        x.sin().matmul(w[0].broadcast_axes(&[2, 3, 2], &[1, 2])).exp()
    });
    check("weight on the left", At::new(&[2, 2, 3], &[&[2, 2]]), |_, x, w| {
        w[0].broadcast_axes(&[2, 2, 2], &[1, 2]).matmul(x.sin()).exp()
    });
    check("stored transposed", At::new(&[2, 2, 3], &[&[2, 4, 2]]), |_, x, w| {
        x.sin().matmul_with(w[0], true, true).exp()
    });
    check("of two that vary", At::new(&[2, 2, 3], &[]), |_, x, _| {
        x.sin().matmul_with(x.exp(), false, true).square()
    });
    check("attention of two heads", At::new(&[2, 12], &[]), |_, x, _| {
        let heads = x.reshape(&[4, 3, 2]);
        heads.matmul_with(heads.sin(), false, true).exp().matmul(heads).reshape(&[2, 12])
    });
}

#[test]
fn laplacians_of_convolutions_agree_with_hessians() {
    let odd = Conv { stride: [1, 2], padding: [[0, 1], [2, 0]], dilation: [2, 1] };
    check("dilated", At::new(&[2, 4, 3, 1], &[&[2, 2, 1, 2]]), move |_, x, w| x.conv2d(w[0], odd).exp());
    check("input gradient", At::new(&[2, 2, 2, 2], &[&[3, 3, 1, 2]]), |_, x, w| {
        x.sin().conv2d_input_gradient(w[0], Conv::strided(2, 1), &[2, 4, 4, 1]).exp()
    });
    check("energy", At::new(&[2, 4, 4, 1], &[&[3, 3, 1, 3], &[3, 3, 3, 2], &[2]]), |_, x, w| {
        let h = x.conv2d(w[0], Conv::same(3)).softplus();
        let h = h.conv2d(w[1], Conv::strided(2, 1)) + w[2];
        h.silu().average_pool().sum(&[1, 2]).square()
    });
    check("group norm", At::new(&[2, 2, 2, 1], &[&[3, 3, 1, 4], &[4], &[4]]), |_, x, w| {
        x.conv2d(w[0], Conv::same(3)).group_norm(w[1], w[2], 2).silu()
    });
    check("pooled and up-sampled", At::new(&[2, 2, 2, 1], &[]), |_, x, _| {
        x.exp().average_pool().upsample_nearest().square() * x
    });
}

#[test]
fn laplacians_of_rows_by_index_and_triangular_systems_agree_with_hessians() {
    check("gather of each row", At::new(&[2, 3], &[]), |s, x, _| x.sin().gather(s.iota(&[2], 0)).exp());
    check("scatter of each row", At::new(&[2, 3], &[]), |s, x, _| {
        x.sin().scatter_add(s.iota(&[2], 0), 2).exp()
    });
    for transpose in [false, true] {
        check("triangular_solve", At::new(&[2, 3], &[&[3, 3]]), move |s, x, w| {
            let identity = s.table(&[3.0, 0.0, 0.0, 0.0, 3.0, 0.0, 0.0, 0.0, 3.0], &[3, 3]);
            let factor = (w[0].matmul_with(w[0], false, true) + identity).cholesky();
            let right = x.sin().reshape(&[2, 3, 1]);
            let both = right.concatenate(&[right.square()], 2);
            factor.broadcast_axes(&[2, 3, 3], &[1, 2]).triangular_solve(both, transpose).exp()
        });
    }
}

#[test]
fn laplacians_of_perceptrons_agree_with_hessians() {
    let layers: [&[usize]; 5] = [&[3, 5], &[5], &[5, 4], &[4], &[4, 1]];
    let network = |name: &str, activation: for<'s> fn(Var<'s>) -> Var<'s>| {
        check(name, At::new(&[2, 3], &layers), move |_, x, w| {
            let h = activation(x.matmul(w[0]) + w[1]);
            activation(h.matmul(w[2]) + w[3]).matmul(w[4]) - (x.square() * 0.25).sum(&[1]).reshape(&[2, 1])
        });
    };
    network("tanh", |h| h.tanh());
    network("softplus", |h| h.softplus());
    network("silu", |h| h.silu());
    network("sigmoid", |h| h.sigmoid());
}

#[test]
fn laplacians_of_mixtures_and_quadratic_forms_agree_with_hessians() {
    check("mixture", At::new(&[2, 3], &[&[4, 3], &[4]]), |_, x, w| {
        let distance = (x.broadcast_axes(&[2, 4, 3], &[0, 2]) - w[0]).square().sum(&[2]);
        (w[1] - distance * 0.5).log_sum_exp(1)
    });
    check("quadratic form", At::new(&[2, 3], &[&[3, 3]]), |_, x, w| (x.matmul(w[0]) * x).sum(&[1]) * -0.5);
}

/// One chunk after the other: the same parts, each of which reads what it waits for.
#[test]
fn parts_that_wait_for_each_other_sum_to_the_laplacian() {
    let at = At::new(&[2, 4], &[&[4, 3], &[3, 4]]);
    let parts = |wait: bool| {
        at.here(|s, x, w| {
            let field = x.matmul(w[0]).tanh().matmul(w[1]) * x;
            let (y, mut outputs) = (field.sum(&[1]), Vec::new());
            for start in [0, 2] {
                let after = if wait { outputs.clone() } else { Vec::new() };
                let part = s.laplacian_part_after(y, x, start..start + 2, &after);
                let trace = s.divergence_part_after(field, x, start..start + 2, &after);
                let loss = (part.laplacian + part.gradient.square().sum(&[1]) + trace).sum_all();
                outputs.extend(s.gradient(loss, w));
            }
            outputs
        })
    };
    for (found, expected) in parts(true).iter().zip(&parts(false)) {
        assert_near("a part that waits", found, expected, 1e-12);
    }
}

/// Repetition over the batch is looked through, but never x itself: Δ Σ x³ = 6 x, whose derivative in x is 6.
#[test]
fn x_may_be_a_repetition() {
    let scope = Scope::new();
    let point = scope.input("point", Kind::Float, &[3]);
    let x = point.broadcast_to(&[2, 3]);
    let laplacian = scope.laplacian((x.square() * x).sum(&[1]), x, 2).laplacian;
    let gradient = scope.gradient(laplacian.sum_all(), &[x])[0];
    let program = scope.finish(&[("laplacian", laplacian), ("gradient", gradient)]).unwrap();
    let out = interpret(&program, &[Value::Float(vec![1.0, 2.0, -0.5])]).unwrap();
    assert_near("laplacian", out[0].floats(), &[15.0; 2], 1e-14);
    assert_near("its derivative", out[1].floats(), &[6.0; 6], 1e-14);
}

#[test]
fn what_has_no_rule_is_refused() {
    let message = |trace: &dyn for<'s> Fn(&'s Scope, Var<'s>) -> Var<'s>| {
        let scope = Scope::new();
        let x = scope.input("x", Kind::Float, &[2, 3]);
        let y = trace(&scope, x);
        scope.finish(&[("y", y)]).unwrap_err().to_string()
    };
    let laplacian = |f: &'static dyn for<'s> Fn(&'s Scope, Var<'s>) -> Var<'s>| {
        message(&|s, x| s.laplacian(f(s, x), x, 3).laplacian)
    };
    let starts = |message: String, start: &str| assert!(message.starts_with(start), "{message}");
    starts(
        laplacian(&|_, x| x.exp().sum(&[0]).slice(0, 0, 2)),
        "laplacian: sum into [3] depends on x: it reduces over the batch",
    );
    starts(
        laplacian(&|_, x| (x - x.mean(&[0])).sum(&[1])),
        "laplacian: sum into [3] depends on x: it reduces",
    );
    starts(
        laplacian(&|_, x| x.matmul_with(x, false, true).sum(&[1])),
        "laplacian: matmul into [2, 2] depends on x",
    );
    starts(
        laplacian(&|_, x| x.matmul_with(x, true, false).sum(&[1]).slice(0, 0, 2)),
        "laplacian: matmul into [3, 3] depends on x: it contracts over the batch",
    );
    starts(
        laplacian(&|_, x| x.transpose(&[1, 0]).sum(&[0])),
        "laplacian: transpose into [3, 2] depends on x",
    );
    starts(
        laplacian(&|s, x| x.gather(s.iota(&[1], 0)).concatenate(&[x.slice(0, 0, 1)], 0).sum(&[1])),
        "laplacian: gather into [1, 3] depends on x",
    );
    starts(
        laplacian(&|s, x| {
            let identity = s.table(&[1.0, 0.0, 0.0, 1.0], &[2, 2]).broadcast_axes(&[2, 2, 2], &[1, 2]);
            let square = x.slice(1, 0, 1).square().reshape(&[2, 1, 1]);
            (identity + square.broadcast_to(&[2, 2, 2]) * 0.1).cholesky().sum(&[1, 2])
        }),
        "laplacian: cholesky into [2, 2, 2] depends on x: there is no rule",
    );
    starts(
        laplacian(&|s, x| {
            let images = s.constant(1.0).broadcast_to(&[2, 3, 3, 1]);
            images.conv2d(x.slice(1, 0, 2).reshape(&[2, 2, 1, 1]), Conv::same(3)).sum(&[1, 2, 3])
        }),
        "laplacian: conv2d into",
    );
    starts(
        message(&|s, x| s.curvature((x - x.mean(&[0])).square().sum(&[1]), x, x).along),
        "curvature: sum into [3] depends on x: it reduces over the batch",
    );
    starts(
        message(&|s, x| s.curvature(x.matmul_with(x, false, true).sum(&[1]), x, x).along),
        "curvature: matmul into [2, 2] depends on x",
    );
    starts(
        message(&|s, x| s.curvature(x.square(), x, x).along),
        "curvature of y [2, 3] in x [2, 3] along v [2, 3]",
    );
    starts(
        message(&|s, x| s.curvature(x.sum(&[1]), x, x.sum(&[1])).along),
        "curvature of y [2] in x [2, 3] along v [2]",
    );
    starts(message(&|s, x| s.laplacian(x, x, 1).laplacian), "laplacian in x [2, 3]");
    starts(message(&|s, x| s.divergence(x.sum(&[1]), x, 1)), "divergence in x [2, 3]");
    starts(message(&|s, x| s.laplacian(x.sum(&[1]), x, 0).laplacian), "laplacian: chunks of 0 tangents");
    starts(message(&|s, x| s.divergence(x, x, 4)), "divergence: chunks of 4 tangents");
    starts(message(&|s, x| s.laplacian_part(x.sum(&[1]), x, 2..4).laplacian), "laplacian: coordinates 2..4");
    starts(
        message(&|s, x| s.laplacian_part_after(x.sum(&[1]), x, 0..1, &[s.iota(&[3], 0)]).laplacian),
        "is_finite of (Index []) into []",
    );
    starts(message(&|s, x| s.divergence_part(x, x, 1..1)), "divergence: coordinates 1..1");
}

proptest! {
    /// A small dense energy of any shape.
    #[test]
    fn laplacians_of_networks_of_any_shape_agree_with_hessians(
        batch in 1usize..4,
        d in 1usize..4,
        hidden in 1usize..5,
    ) {
        check("any shape", At::new(&[batch, d], &[&[d, hidden], &[hidden], &[hidden, hidden]]), |_, x, w| {
            (x.matmul(w[0]) + w[1]).softplus().matmul(w[2]).tanh()
        });
    }
}
