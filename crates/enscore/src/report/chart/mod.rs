//! Charts: lines over an axis, points in the plane, columns of tables, densities of two variables.

mod density_map;
mod density_sheet;
mod frame;
mod line_chart;
mod pairs;
mod scatter;
mod sheets_beside;

pub use density_map::{Panel, centres};
pub use density_sheet::density_sheet;
pub use line_chart::{
    Chart, Mark, Series, diagnostic, gradient_norm, learning_rate, loss_curve, sigma_losses,
};
pub use pairs::{MOST_PAIRED, Pairs};
pub use scatter::Scatter;
pub use sheets_beside::{TitledSheet, sheets_beside};
