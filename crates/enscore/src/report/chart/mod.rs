//! Charts as SVG: lines over an axis, points in the plane.

mod axis;
mod frame;
mod line_chart;
mod pairs;
mod scatter;

pub use axis::Scale;
pub use line_chart::{
    Chart, Mark, Series, diagnostic, gradient_norm, learning_rate, loss_curve, sigma_losses,
};
pub use pairs::{MOST_PAIRED, Pairs};
pub use scatter::Scatter;
