//! Divergences against explicit Jacobians and central differences, in f64.

#[allow(dead_code, reason = "the checks of first derivatives are not used here")]
use crate::common::by_rows::{At, Function, assert_near, check_again, check_differences};
use enscore_program::{Conv, Scope, Var};

/// The divergence of a field against its explicit Jacobian, for all chunk sizes.
fn check_divergence(
    what: &str,
    at: At,
    field: impl for<'s> Fn(&'s Scope, Var<'s>, &[Var<'s>]) -> Var<'s> + 'static,
) {
    let field: &Function = &field;
    let count = at.count();
    let axes: Vec<usize> = (1..at.shape.len()).collect();
    let truth = at.here(|s, x, w| {
        let own = |k| {
            let unit = at.unit(s, k);
            (s.jvp(&[field(s, x, w)], &[x], &[unit])[0] * unit).sum(&axes)
        };
        vec![(1..count).fold(own(0), |sum, k| sum + own(k))]
    });
    for chunk in [1, 2, count].into_iter().filter(|chunk| *chunk <= count) {
        let found = at.here(|s, x, w| vec![s.divergence(field(s, x, w), x, chunk)]);
        assert_near(&format!("{what}: divergence, chunk {chunk}"), &found[0], &truth[0], 1e-11);
    }
    check_differences(what, &at, &truth[0], field);
    check_again(what, &at, |s, x, w| s.divergence(field(s, x, w), x, count));
}

#[test]
fn divergences_agree_with_the_trace_of_the_jacobian() {
    let layers: [&[usize]; 3] = [&[3, 5], &[5], &[5, 3]];
    check_divergence("score network", At::new(&[2, 3], &layers), |_, x, w| {
        (x.matmul(w[0]) + w[1]).tanh().matmul(w[2]) - x * 0.5
    });
    check_divergence("gradient of an energy", At::new(&[2, 3], &layers), |s, x, w| {
        let energy = (x.matmul(w[0]) + w[1]).softplus().matmul(w[2]).square();
        s.gradient(energy.sum_all(), &[x])[0]
    });
    check_divergence("images", At::new(&[2, 3, 2, 1], &[&[3, 3, 1, 2], &[3, 3, 2, 1]]), |s, x, w| {
        let h = x.conv2d(w[0], Conv::same(3)).silu().conv2d(w[1], Conv::same(3));
        h + s.gradient(h.square().sum_all(), &[x])[0]
    });
    check_divergence("of each element", At::new(&[2, 3], &[&[3]]), |_, x, w| x.sin() * w[0]);
    check_divergence("skips around a product", At::new(&[2, 3], &layers), |_, x, w| {
        let s = x.matmul(w[0]).silu().matmul(w[2]);
        (s - x * s.sigmoid()) / (x.square() + 1.0) + (s + s * 2.0)
    });
    check_divergence("weights stored transposed", At::new(&[2, 3], &[&[3, 4], &[3, 4]]), |_, x, w| {
        -x.matmul(w[0]).sin().matmul_with(w[1], false, true)
    });
    check_divergence("rows in pieces", At::new(&[2, 4], &[&[4, 4], &[2, 2]]), |_, x, w| {
        x.matmul(w[0]).sin().reshape(&[4, 2]).matmul(w[1]).reshape(&[2, 4])
    });
    check_divergence("constant", At::new(&[2, 3], &[&[3]]), |_, x, w| x.zeros_like() + w[0]);
    check_divergence("rank 1", At::new(&[3], &[]), |_, x, _| x.sin());
    check_divergence("a gain after a product", At::new(&[2, 3], &[&[3, 3]]), |_, x, w| x.matmul(w[0]).tanh());
}
