//! Defines a checkerboard of 4 x 4 squares of side 2, of which eight are filled, with soft edges.
//!
//! > p(x, y) = (e(x) e(y) + o(x) o(y)) / 32
//!
//! e sums b_k(t) = S((t - a_k) / tau) - S((t - a_k - 2) / tau) over the even stripes a = -4, 0 and o over the
//! odd ones a = -2, 2; S is the logistic sigmoid. Each b_k integrates to its width, 2, so Z = 8 squares x 2 x
//! 2 = 32 exactly; and it is a box convolved with the logistic density, so a draw is uniform in a filled
//! square with logistic noise of scale tau added to x and y.

use super::draws::Draws;
use super::point::{Point, Value};

/// The scale of the edges: they rise from a tenth to nine tenths over 4.4 of it.
const TAU: f64 = 0.05;
const SIDE: f64 = 2.0;
/// Where the stripes begin.
const STRIPES: [f64; 4] = [-4.0, -2.0, 0.0, 2.0];

/// log Z = ln 32.
pub(super) fn log_z() -> f64 {
    8.0f64.ln() + 2.0 * SIDE.ln()
}

/// Log density and score at `x`.
pub(super) fn value(x: Point) -> Value {
    let [even, odd] = [0, 1].map(|parity| [stripes(x[0], parity), stripes(x[1], parity)]);
    let logs = [even, odd].map(|[x, y]| x.0 + y.0);
    let log_sum = log_add(logs[0], logs[1]);
    let shares = logs.map(|log| (log - log_sum).exp());
    let score = [0, 1].map(|axis| shares[0] * even[axis].1 + shares[1] * odd[axis].1);
    Value { log_density: log_sum - log_z(), score }
}

/// A draw: a filled square, a uniform point in it, and logistic noise.
pub(super) fn draw(draws: &mut Draws) -> Point {
    // Column k holds the two squares whose row has its parity.
    let column = ((4.0 * draws.uniform()) as usize).min(3);
    let row = (column % 2 + if draws.uniform() < 0.5 { 0 } else { 2 }).min(3);
    [column, row].map(|stripe| {
        let inside = draws.uniform();
        let u = draws.uniform();
        STRIPES[stripe] + SIDE * inside + TAU * (u.ln() - (-u).ln_1p())
    })
}

/// A square beyond which lies 1e-4 of the mass or less.
pub(super) fn window() -> [[f64; 2]; 2] {
    // Each edge leaks about 1/4 tau exp(-distance / tau) beyond the window.
    [[-4.0 - 6.0 * TAU, 4.0 + 6.0 * TAU]; 2]
}

/// The logarithm of the stripes of one parity at `t`, and its derivative.
fn stripes(t: f64, parity: usize) -> (f64, f64) {
    let [(a, da), (b, db)] = [STRIPES[parity], STRIPES[parity + 2]].map(|start| stripe(t, start));
    let log_sum = log_add(a, b);
    (log_sum, (a - log_sum).exp() * da + (b - log_sum).exp() * db)
}

/// log(S(u) - S(v)) with u = (t - start) / tau and v = u - 2 / tau, which is
/// ln(1 - e^(v - u)) - ln(1 + e^v) - ln(1 + e^-u), and its derivative in t.
fn stripe(t: f64, start: f64) -> (f64, f64) {
    let width = SIDE / TAU;
    let u = (t - start) / TAU;
    let v = u - width;
    let log = (-(-width).exp()).ln_1p() - softplus(v) - softplus(-u);
    (log, (sigmoid(-u) - sigmoid(v)) / TAU)
}

fn sigmoid(t: f64) -> f64 {
    (-softplus(-t)).exp()
}

/// ln(1 + e^t).
fn softplus(t: f64) -> f64 {
    t.max(0.0) + (-t.abs()).exp().ln_1p()
}

/// ln(e^a + e^b).
fn log_add(a: f64, b: f64) -> f64 {
    a.max(b) + (-(a - b).abs()).exp().ln_1p()
}
