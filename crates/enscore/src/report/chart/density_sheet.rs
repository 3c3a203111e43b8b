//! Panels of densities on one sheet: heat maps with their bars of colours, arrows, points, axes and titles.
//!
//! Brightness follows the square root of the density, so that what is a hundredth of the peak is seen. An
//! arrow's direction is the score's; its length grows as the logarithm of the score's norm over the median
//! norm, and is at most a cell. x grows to the right, y upwards, with equal units on both axes.

use plotters::element::Circle;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{FontStyle, FontTransform, RGBColor};

use super::density_map::{Field, Panel};
use super::frame::{EDGE, Frame, Look, TICKS_BELOW, filled, widest};
use crate::error::{Error, Result};
use crate::report::draw::{Image, png};
use crate::report::plot::{
    Area, Arrow, Axis, BODY, COLOURS, Drawn, FAINT, Heat, INK, Picture, Ramp, SMALL, Scale, TITLE, draw,
    fitted, line, text, text_at, title, units,
};

/// The longer side of a plotting area.
const SIDE: f64 = 200.0;
/// The height of title and subtitle, and of the name of an axis.
const HEAD: f64 = 42.0;
/// How far above its panel a title stands over a subtitle, and what the subtitle takes of it.
const RISE: f64 = 26.0;
const SUBTITLE: f64 = 18.0;
const NAME: f64 = 17.0;
/// Space between panels.
const GAP: f64 = 16.0;
/// A bar of colours: its width, its distance from the plotting area, and what its ticks and its name take
/// besides the widest label.
const BAR: f64 = 10.0;
const BAR_GAP: f64 = 8.0;
const BAR_TEXT: f64 = 26.0;
/// Arrows and points on dark and on bright ground.
const ON_DARK: RGBColor = RGBColor(225, 235, 245);
const ON_BRIGHT: RGBColor = RGBColor(30, 30, 60);
const POINT: RGBColor = RGBColor(90, 205, 250);
/// The share of the ramp from which the ground is bright.
const BRIGHT: f64 = 0.55;

/// A sheet of panels, `columns` in a row, each under its title and subtitle.
///
/// # Errors
/// No panel, no column, or a picture too large to draw.
pub fn density_sheet(panels: &[Panel], columns: usize) -> Result<Picture> {
    if panels.is_empty() || columns == 0 {
        return Err(Error::input("a sheet without panels")
            .found(format_args!("{} panels, {columns} columns", panels.len()))
            .expected("at least one of each"));
    }
    let sheet = Sheet::new(panels, columns.min(panels.len()))?;
    let titles: Vec<&str> = panels.iter().map(|panel| panel.title.as_str()).collect();
    draw(&titles.join(", "), sheet.size(), |area| sheet.cells.iter().try_for_each(|cell| cell.draw(area)))
}

/// What lies under arrows and points, with the value of its brightest colour.
struct Ground<'a> {
    field: &'a Field<f64>,
    ramp: Ramp,
    name: &'static str,
    top: f64,
}

impl<'a> Ground<'a> {
    fn of(panel: &'a Panel) -> Option<Ground<'a>> {
        let greatest = |field: &Field<f64>| field.values.iter().fold(0.0, |a: f64, b| a.max(*b));
        match (&panel.density, &panel.length) {
            (Some(field), _) => {
                let top = panel.brightest.unwrap_or(greatest(field));
                Some(Ground { field, ramp: Ramp::Warm, name: "density", top })
            }
            (None, Some(field)) => {
                Some(Ground { field, ramp: Ramp::Cool, name: "length of the score", top: greatest(field) })
            }
            (None, None) => None,
        }
    }

    /// How bright a value is drawn.
    fn share(&self, value: f64) -> f64 {
        if self.top > 0.0 { (value / self.top).sqrt().min(1.0) } else { 0.0 }
    }

    /// How bright it is at shares of the panel's width and height, from its upper left corner.
    fn share_at(&self, [across, down]: [f64; 2]) -> f64 {
        let [rows, columns] = self.field.shape;
        let row = ((down * rows as f64) as usize).min(rows - 1);
        let column = ((across * columns as f64) as usize).min(columns - 1);
        self.share(self.field.values[row * columns + column])
    }

    fn image(&self) -> Image {
        let [height, width] = self.field.shape;
        let colour = |value: &f64| self.ramp.colour(self.share(*value));
        let pixels = self.field.values.iter().flat_map(colour).collect();
        Image { width, height, channels: 3, pixels }
    }

    /// Whether one bar of colours serves both.
    fn is_like(&self, other: &Ground) -> bool {
        self.ramp == other.ramp && self.top == other.top
    }
}

/// A panel on the sheet: where it lies, its heat map as a file, and the bar of its colours, if it has one.
struct Cell<'a> {
    panel: &'a Panel,
    frame: Frame,
    ground: Option<Ground<'a>>,
    heat: Option<Vec<u8>>,
    bar: Option<(Frame, Vec<u8>)>,
    names_y: bool,
    /// How far above the panel its title stands.
    rise: f64,
}

struct Sheet<'a> {
    cells: Vec<Cell<'a>>,
    wide: f64,
    high: f64,
}

impl<'a> Sheet<'a> {
    fn new(panels: &'a [Panel], columns: usize) -> Result<Sheet<'a>> {
        let mut cells = Vec::new();
        for row in panels.chunks(columns) {
            for (at, panel) in row.iter().enumerate() {
                let begins = at == 0 || row[at - 1].window != panel.window;
                cells.push(Cell::new(panel, begins, &row[at + 1..])?);
            }
        }
        let mut sheet = Sheet { cells, wide: EDGE, high: EDGE };
        for column in 0..columns {
            sheet.place_column(column, columns);
        }
        for row in sheet.cells.chunks_mut(columns) {
            let is_plain = row.iter().all(|cell| cell.panel.subtitle.is_empty());
            for cell in row.iter_mut() {
                cell.rise = if is_plain { RISE - SUBTITLE } else { RISE };
                cell.move_to([cell.frame.corner[0], sheet.high + cell.head()]);
            }
            sheet.high += row.iter().map(Cell::height).fold(0.0, f64::max) + GAP;
        }
        Ok(sheet)
    }

    /// Puts the panels of a column below each other, as wide as the widest needs.
    fn place_column(&mut self, column: usize, columns: usize) {
        let cells = || self.cells.iter().skip(column).step_by(columns);
        let left = cells().map(Cell::left).fold(0.0, f64::max);
        let right = cells().map(|cell| cell.frame.size[0] + cell.right()).fold(0.0, f64::max);
        let x = self.wide + left;
        self.wide = x + right + GAP;
        for cell in self.cells.iter_mut().skip(column).step_by(columns) {
            cell.move_to([x, 0.0]);
        }
    }

    fn size(&self) -> [f64; 2] {
        [self.wide - GAP + EDGE, self.high - GAP + EDGE].map(f64::ceil)
    }
}

impl<'a> Cell<'a> {
    /// A panel, with those to its right; `begins` says that it has the ticks of the vertical axis.
    fn new(panel: &'a Panel, begins: bool, after: &[Panel]) -> Result<Cell<'a>> {
        let [x, y] = panel.window.map(|[low, high]| Axis::linear(low, high).ruled(4));
        let extent = panel.window.map(|[low, high]| high - low);
        let longer = extent[0].max(extent[1]);
        let size = extent.map(|extent| (extent / longer * SIDE).max(1.0));
        let look = if begins { Look::Box } else { Look::BoxBelow };
        let frame = Frame { corner: [0.0; 2], size, x, y, look };
        let ground = Ground::of(panel);
        let heat = ground.as_ref().map(|ground| png::encode(&ground.image())).transpose()?;
        // The last of a row of one scale has the bar.
        let own = ground
            .as_ref()
            .filter(|ground| !after.iter().filter_map(Ground::of).any(|later| ground.is_like(&later)));
        let bar = own.map(|ground| bar(ground, size[1])).transpose()?;
        let names_y = begins && !panel.labels[1].is_empty();
        Ok(Cell { panel, frame, ground, heat, bar, names_y, rise: RISE })
    }

    fn move_to(&mut self, corner: [f64; 2]) {
        self.frame.corner = corner;
        if let Some((bar, _)) = &mut self.bar {
            bar.corner = [corner[0] + self.frame.size[0] + BAR_GAP, corner[1]];
        }
    }

    /// What it needs at the left and at the right of its plotting area.
    fn left(&self) -> f64 {
        let ticks = if self.frame.look == Look::Box { widest(&self.frame.y) + 9.0 } else { 0.0 };
        ticks + if self.names_y { NAME } else { 0.0 }
    }

    fn right(&self) -> f64 {
        let ticks = super::frame::overhang(&self.frame.x);
        self.bar.as_ref().map_or(ticks, |(bar, _)| BAR_GAP + BAR + BAR_TEXT + widest(&bar.y))
    }

    /// What its title, and a subtitle where the row has one, take above it.
    fn head(&self) -> f64 {
        HEAD - RISE + self.rise
    }

    fn height(&self) -> f64 {
        let name = if self.panel.labels[0].is_empty() { 0.0 } else { NAME };
        self.head() + self.frame.size[1] + TICKS_BELOW + name
    }

    fn draw(&self, area: &Area) -> Drawn {
        self.draw_words(area)?;
        let mut plane = self.frame.plane(area)?;
        if let Some(png) = &self.heat {
            plane.draw_series([Heat { corners: self.corners(), png: png.clone() }])?;
        }
        for on_bright in [false, true] {
            plane.draw_series(self.arrows(on_bright))?;
        }
        let inside = || self.panel.points.iter().filter(|point| self.is_inside(point)).map(|[x, y]| (*x, *y));
        match self.ground {
            // A dark rim, so that points are seen on bright ground too.
            Some(_) => {
                plane.draw_series(inside().map(|at| Circle::new(at, units(1.8), filled(ON_BRIGHT, 1.0))))?;
                plane.draw_series(inside().map(|at| Circle::new(at, units(1.1), filled(POINT, 1.0))))?;
            }
            None => {
                plane.draw_series(inside().map(|at| Circle::new(at, units(1.3), filled(COLOURS[0], 0.6))))?;
            }
        }
        self.frame.draw_box(area)?;
        self.draw_bar(area)
    }

    fn draw_words(&self, area: &Area) -> Drawn {
        let [left, top] = self.frame.corner;
        let room = self.frame.size[0] + self.right();
        let titled = fitted(&self.panel.title, TITLE, FontStyle::Bold, room);
        let at = |y: f64| (units(left), units(y));
        let corner = Pos::new(HPos::Left, VPos::Bottom);
        area.draw_text(&titled, &title().pos(corner), at(top - self.rise))?;
        let subtitle = fitted(&self.panel.subtitle, BODY, FontStyle::Normal, room);
        area.draw_text(&subtitle, &text(BODY, FAINT).pos(corner), at(top - 8.0))?;
        let [wide, high] = self.frame.size;
        let [x_label, y_label] = &self.panel.labels;
        let below = (units(left + wide / 2.0), units(top + high + TICKS_BELOW + 3.0));
        area.draw_text(x_label, &text_at(BODY, INK, HPos::Center, VPos::Top), below)?;
        if self.names_y {
            let turned = text_at(BODY, INK, HPos::Center, VPos::Top).transform(FontTransform::Rotate270);
            area.draw_text(y_label, &turned, (units(left - self.left() + 2.0), units(top + high / 2.0)))?;
        }
        Ok(())
    }

    fn draw_bar(&self, area: &Area) -> Drawn {
        let (Some((bar, png)), Some(ground)) = (&self.bar, &self.ground) else { return Ok(()) };
        let mut plane = bar.plane(area)?;
        let corners = [(0.0, 0.0), (1.0, bar.y.axis.high)];
        plane.draw_series([Heat { corners, png: png.clone() }])?;
        bar.draw_box(area)?;
        let beside = bar.corner[0] + BAR + BAR_TEXT - 14.0 + widest(&bar.y);
        let turned = text_at(SMALL, FAINT, HPos::Center, VPos::Bottom).transform(FontTransform::Rotate90);
        area.draw_text(ground.name, &turned, (units(beside), units(bar.corner[1] + bar.size[1] / 2.0)))
    }

    fn corners(&self) -> [(f64, f64); 2] {
        let [[x_low, x_high], [y_low, y_high]] = self.panel.window;
        [(x_low, y_low), (x_high, y_high)]
    }

    fn is_inside(&self, point: &[f64; 2]) -> bool {
        self.panel.window.iter().zip(point).all(|([low, high], v)| (low..=high).contains(&v))
    }

    /// The arrows on bright ground, or those on dark ground.
    fn arrows(&self, on_bright: bool) -> Vec<Arrow> {
        let Some(Field { values, shape: [rows, columns] }) = &self.panel.arrows else { return Vec::new() };
        let [wide, high] = self.frame.size;
        let cell = (wide / *columns as f64).min(high / *rows as f64);
        let lengths = arrow_lengths(values);
        let style = line(if on_bright { ON_BRIGHT } else { ON_DARK }, 1.0, 1.0);
        let arrow = |(at, ([x, y], length)): (usize, (&[f64; 2], f64))| {
            let shares = [
                ((at % columns) as f64 + 0.5) / *columns as f64,
                ((at / columns) as f64 + 0.5) / *rows as f64,
            ];
            let along = |axis: usize, share: f64| {
                let [low, high] = self.panel.window[axis];
                low + (high - low) * share
            };
            // Scaled by the larger part first: squares of large scores overflow.
            let largest = x.abs().max(y.abs());
            let unit = if largest > 0.0 { [x / largest, y / largest] } else { [0.0; 2] };
            let scale = if largest > 0.0 { 0.95 * cell * length / unit[0].hypot(unit[1]) } else { 0.0 };
            let is_bright = self.ground.as_ref().is_none_or(|ground| ground.share_at(shares) > BRIGHT);
            let middle = (along(0, shares[0]), along(1, 1.0 - shares[1]));
            (is_bright == on_bright).then_some(Arrow {
                middle,
                vector: [unit[0] * scale, -unit[1] * scale],
                style,
            })
        };
        values.iter().zip(lengths).enumerate().filter_map(arrow).collect()
    }
}

/// A bar of a heat map's colours, as high as its panel, and its picture.
fn bar(ground: &Ground, high: f64) -> Result<(Frame, Vec<u8>)> {
    const STEPS: usize = 64;
    let y = Axis::fit([ground.top].into_iter(), Scale::Root, 0.0).ruled(4);
    let x = Axis::linear(0.0, 1.0).ruled(1);
    let colour = |step: usize| ground.ramp.colour(1.0 - step as f64 / (STEPS - 1) as f64);
    let pixels = (0..STEPS).flat_map(colour).collect();
    let png = png::encode(&Image { width: 1, height: STEPS, channels: 3, pixels })?;
    Ok((Frame { corner: [0.0; 2], size: [BAR, high], x, y, look: Look::BoxRight }, png))
}

/// Lengths in (0, 1] that grow as the logarithm of the norms over their median.
fn arrow_lengths(vectors: &[[f64; 2]]) -> Vec<f64> {
    let norms: Vec<f64> = vectors.iter().map(|[x, y]| x.hypot(*y)).collect();
    let mut sorted: Vec<f64> = norms.iter().copied().filter(|norm| *norm > 0.0).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let Some(median) = sorted.get(sorted.len() / 2) else { return vec![0.0; norms.len()] };
    // A norm of four medians has a whole cell; the least arrow still shows its direction.
    norms.iter().map(|norm| (0.35 + 0.65 * (norm / median).ln_1p() / 5f64.ln()).min(1.0)).collect()
}

#[cfg(test)]
mod tests;
