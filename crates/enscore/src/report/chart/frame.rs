//! What all charts share: the plotting area with its axes, the legend above it.

use plotters::chart::{ChartBuilder, ChartContext, LabelAreaPosition};
use plotters::coord::cartesian::Cartesian2d;
use plotters::drawing::DrawingAreaErrorKind;
use plotters::element::{PathElement, Rectangle};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontStyle, RGBColor, ShapeStyle, TRANSPARENT};
use std::convert::Infallible;

use crate::report::plot::{
    Area, Axis, BODY, COLOURS, Drawn, FAINT, FRAME, GRID, INK, Ruled, Svg, TITLE, fitted, line, text,
    text_at, title, units, width,
};

/// Width of a chart.
pub(super) const WIDTH: f64 = 560.0;
/// Space at the edges of a drawing, and between its parts.
pub(super) const EDGE: f64 = 8.0;
/// The height that axis labels and tick labels take below a plotting area.
pub(super) const BELOW: f64 = 42.0;
/// The height that tick labels alone take there.
pub(super) const TICKS_BELOW: f64 = 20.0;
/// The height of a line of the legend.
const LEGEND_LINE: f64 = 17.0;

/// The coordinates of a plotting area.
pub(super) type Plane<'a> = ChartContext<'a, Svg<'a>, Cartesian2d<Ruled, Ruled>>;
pub(super) type OnPlane<'a> = Result<Plane<'a>, DrawingAreaErrorKind<Infallible>>;

/// What is drawn of the axes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// Grid lines across, a line below: curves.
    Lines,
    /// A box, with ticks below and at the left: places in the plane.
    Box,
    /// A box with ticks below alone.
    BoxBelow,
    /// A box with ticks at the left alone.
    BoxLeft,
    /// A box without ticks.
    BoxAlone,
    /// A box with ticks at the right: a bar of colours.
    BoxRight,
}

impl Look {
    fn is_box(self) -> bool {
        self != Look::Lines
    }

    fn has_ticks_below(self) -> bool {
        matches!(self, Look::Lines | Look::Box | Look::BoxBelow)
    }

    fn has_ticks_at_left(self) -> bool {
        matches!(self, Look::Lines | Look::Box | Look::BoxLeft)
    }
}

/// A plotting area and its axes.
pub(super) struct Frame {
    /// Its upper left corner.
    pub(super) corner: [f64; 2],
    /// Its width and height.
    pub(super) size: [f64; 2],
    pub(super) x: Ruled,
    pub(super) y: Ruled,
    pub(super) look: Look,
}

impl Frame {
    /// The plotting area with grid, ticks and their labels; what is drawn on it comes over the grid.
    pub(super) fn plane<'a>(&self, area: &Area<'a>) -> OnPlane<'a> {
        let mut plane = self.empty_plane(area)?;
        let small = text(BODY, FAINT);
        let mut mesh = plane.configure_mesh();
        mesh.x_labels(99).y_labels(99).max_light_lines(0).light_line_style(TRANSPARENT).disable_x_mesh();
        mesh.bold_line_style(line(GRID, 1.0, 1.0)).axis_style(line(FRAME, 1.0, 1.0)).label_style(small);
        for side in [LabelAreaPosition::Left, LabelAreaPosition::Right, LabelAreaPosition::Bottom] {
            mesh.set_tick_mark_size(side, units(3.5));
        }
        if self.look.is_box() {
            mesh.disable_y_mesh();
        }
        mesh.draw()?;
        Ok(plane)
    }

    /// The plotting area, with nothing drawn.
    pub(super) fn empty_plane<'a>(&self, area: &Area<'a>) -> OnPlane<'a> {
        let [left, top] = self.corner.map(units);
        let [wide, high] = self.size.map(units);
        let (all_wide, all_high) = area.dim_in_pixel();
        // plotters' ranges end a pixel early.
        let right = all_wide as i32 - left - wide - 1;
        let bottom = all_high as i32 - top - high - 1;
        let mut builder = ChartBuilder::on(area);
        let mut room = |side, size: i32, has_ticks: bool| {
            if has_ticks {
                builder.set_label_area_size(side, size);
            }
            if has_ticks { 0 } else { size }
        };
        let margins = [
            room(LabelAreaPosition::Left, left, self.look.has_ticks_at_left()),
            room(LabelAreaPosition::Right, right, self.look == Look::BoxRight),
            room(LabelAreaPosition::Bottom, bottom, self.look.has_ticks_below()),
        ];
        builder.margin_top(top).margin_left(margins[0]).margin_right(margins[1]).margin_bottom(margins[2]);
        builder.build_cartesian_2d(self.x.clone(), self.y.clone())
    }

    /// The frame of a box, over what lies in it.
    pub(super) fn draw_box(&self, area: &Area) -> Drawn {
        let [left, top] = self.corner.map(units);
        let [wide, high] = self.size.map(units);
        area.draw(&Rectangle::new([(left, top), (left + wide, top + high)], line(FRAME, 1.0, 1.0)))
    }

    /// The labels of the axes: one below, the other level above the plotting area, left of which `from` lies.
    pub(super) fn draw_labels(&self, area: &Area, [x_label, y_label]: [&str; 2], from: f64) -> Drawn {
        let [left, top] = self.corner;
        let [wide, high] = self.size;
        let below = text_at(BODY, INK, HPos::Center, VPos::Top);
        let middle = (units(left + wide / 2.0), units(top + high + TICKS_BELOW + 4.0));
        area.draw_text(&on_scale(x_label, &self.x.axis), &below, middle)?;
        let above = text_at(BODY, INK, HPos::Left, VPos::Bottom);
        area.draw_text(&on_scale(y_label, &self.y.axis), &above, (units(from), units(top - 9.0)))
    }
}

/// An axis's label, which says where the axis is not linear.
fn on_scale(label: &str, axis: &Axis) -> String {
    match axis.scale_name() {
        "" => label.to_string(),
        name => format!("{label}, {name}"),
    }
}

/// The width of the widest label of ticks.
pub(super) fn widest(ticks: &Ruled) -> f64 {
    let widths = ticks.ticks.iter().map(|tick| width(&tick.label, BODY, FontStyle::Normal));
    widths.fold(0.0, f64::max)
}

/// What the last label below an axis needs to its right.
pub(super) fn overhang(ticks: &Ruled) -> f64 {
    let last = ticks.ticks.last();
    last.map_or(0.0, |tick| width(&tick.label, BODY, FontStyle::Normal) / 2.0)
}

/// The title of a drawing, cut to its width.
pub(super) fn draw_title(area: &Area, words: &str, wide: f64) -> Drawn {
    let words = fitted(words, TITLE, FontStyle::Bold, wide - 2.0 * EDGE);
    let at = (units(EDGE), units(EDGE + 2.0));
    area.draw_text(&words, &title().pos(Pos::new(HPos::Left, VPos::Top)), at)
}

/// The height that a title takes; an empty one takes none.
pub(super) fn title_height(words: &str) -> f64 {
    if words.is_empty() { EDGE } else { EDGE + 22.0 }
}

/// Names with their colours, in rows above a plotting area.
pub(super) struct Legend<'a> {
    names: Vec<(&'a str, RGBColor)>,
    /// Left end and top of each name's place.
    places: Vec<[f64; 2]>,
    /// The height that all of them take.
    pub(super) height: f64,
}

impl<'a> Legend<'a> {
    /// Names in the order of the colours, in rows of this width from a height on; of one alone, nothing.
    pub(super) fn new(names: &[&'a str], wide: f64, top: f64) -> Self {
        let coloured = names.iter().copied().zip(COLOURS.into_iter().cycle()).collect();
        Self::coloured(if names.len() > 1 { coloured } else { Vec::new() }, wide, top)
    }

    /// Names with colours of their own.
    pub(super) fn coloured(names: Vec<(&'a str, RGBColor)>, wide: f64, top: f64) -> Self {
        let (mut x, mut y) = (EDGE, top);
        let mut places = Vec::new();
        for (name, _) in &names {
            let needed = KEY + width(name, BODY, FontStyle::Normal) + 18.0;
            if x > EDGE && x + needed > wide {
                (x, y) = (EDGE, y + LEGEND_LINE);
            }
            places.push([x, y]);
            x += needed;
        }
        let height = if names.is_empty() { 0.0 } else { y - top + LEGEND_LINE };
        Legend { names, places, height }
    }

    pub(super) fn draw(&self, area: &Area) -> Drawn {
        for ((name, colour), [x, y]) in self.names.iter().zip(&self.places) {
            let middle = units(y + LEGEND_LINE / 2.0);
            let key = [(units(*x), middle), (units(x + KEY - 6.0), middle)];
            area.draw(&PathElement::new(key, line(*colour, 3.0, 1.0)))?;
            let style = text_at(BODY, INK, HPos::Left, VPos::Center);
            area.draw_text(name, &style, (units(x + KEY), middle))?;
        }
        Ok(())
    }
}

/// The width of a line of the legend, with the space after it.
const KEY: f64 = 22.0;

/// A filled dot's or surface's colour.
pub(super) fn filled(colour: RGBColor, opacity: f64) -> ShapeStyle {
    colour.mix(opacity).filled()
}

#[cfg(test)]
mod tests;
