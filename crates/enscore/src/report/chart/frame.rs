//! What charts and scatter pictures share as SVG: the plotting area with its axes, the legend, the outer
//! element.

use std::fmt::Write;

use super::axis::Axis;
use crate::report::markup::escape;

/// Colours that read on white and on near-black.
pub(super) const COLOURS: [&str; 6] = ["#3b82c4", "#e07b39", "#3a9d6c", "#a86bb8", "#c24d5c", "#8a8a3a"];
/// Width of the drawing in its own units; a page scales it.
pub(super) const WIDTH: f64 = 480.0;
/// Estimated width of a character at font size 11, for legends and labels.
pub(super) const CHARACTER: f64 = 6.2;

/// The plotting area and its axes.
pub(super) struct Frame {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) wide: f64,
    pub(super) high: f64,
    pub(super) x: Axis,
    pub(super) y: Axis,
}

impl Frame {
    /// Where a point is drawn; y grows downwards.
    pub(super) fn place(&self, (x, y): (f64, f64)) -> (f64, f64) {
        let across = self.left + self.wide * self.x.position(x);
        (across, self.top + self.high * (1.0 - self.y.position(y)))
    }

    /// Grid lines, tick labels and axis labels; the vertical axis's label lies level above it.
    pub(super) fn draw_axes(&self, out: &mut String, x_label: &str, y_label: &str) {
        let right = self.left + self.wide;
        let bottom = self.top + self.high;
        for tick in self.y.ticks(4) {
            let y = self.top + self.high * (1.0 - self.y.position(tick.value));
            let _ = write!(out, r#"<path d="M{:.1} {y:.1}H{right:.1}" class="grid"/>"#, self.left);
            let x = self.left - 6.0;
            let y = y + 4.0;
            let _ = write!(out, r#"<text x="{x:.1}" y="{y:.1}" text-anchor="end">{}</text>"#, tick.label);
        }
        for tick in self.x.ticks(5) {
            let x = self.left + self.wide * self.x.position(tick.value);
            let _ = write!(out, r#"<path d="M{x:.1} {bottom:.1}v4" class="axis"/>"#);
            // A label at an end is moved in, so that the drawing's edge doesn't cut it.
            let half = tick.label.len() as f64 * CHARACTER / 2.0;
            let x = x.min(WIDTH - 2.0 - half);
            let y = bottom + 17.0;
            let _ = write!(out, r#"<text x="{x:.1}" y="{y:.1}" text-anchor="middle">{}</text>"#, tick.label);
        }
        let _ = write!(out, r#"<path d="M{:.1} {bottom:.1}H{right:.1}" class="axis"/>"#, self.left);
        let middle = self.left + self.wide / 2.0;
        let y = bottom + 34.0;
        let x_label = escape(&on_scale(x_label, &self.x));
        let _ = write!(out, r#"<text x="{middle:.1}" y="{y:.1}" text-anchor="middle">{x_label}</text>"#);
        let _ = write!(
            out,
            r#"<text x="4" y="{:.1}">{}</text>"#,
            self.top - 9.0,
            escape(&on_scale(y_label, &self.y))
        );
    }
}

/// An axis's label, which says where the axis is logarithmic.
fn on_scale(label: &str, axis: &Axis) -> String {
    if axis.is_log() { format!("{label}, log scale") } else { label.to_string() }
}

/// The outer element with the title, which may be empty where a caption stands below; `label` is what it says
/// to who can't see it. Text takes the page's colour.
pub(super) fn svg(title: &str, label: &str, height: f64, body: &str) -> String {
    let title = escape(title);
    let label = escape(label);
    format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0}" role="img" aria-label="{label}" font-family="system-ui, sans-serif" font-size="11" fill="currentColor"><style>.grid{{stroke:currentColor;stroke-opacity:.13}}.axis{{stroke:currentColor;stroke-opacity:.55}}</style><text x="4" y="16" font-size="13" font-weight="600">{title}</text>{body}</svg>"#
    )
}

/// Names with their colours in rows from `top`, and the height that they take.
pub(super) fn legend(names: &[&str], top: f64) -> (String, f64) {
    let mut out = String::new();
    let mut x = 4.0;
    let mut y = top;
    for (index, name) in names.iter().enumerate() {
        let wide = name.chars().count() as f64 * CHARACTER + 34.0;
        if x > 4.0 && x + wide > WIDTH {
            (x, y) = (4.0, y + 15.0);
        }
        let colour = COLOURS[index % COLOURS.len()];
        let _ = write!(out, r#"<path d="M{x:.1} {:.1}h14" stroke="{colour}" stroke-width="3"/>"#, y - 4.0);
        let _ = write!(out, r#"<text x="{:.1}" y="{y:.1}">{}</text>"#, x + 19.0, escape(name));
        x += wide;
    }
    (out, y - top + 18.0)
}
