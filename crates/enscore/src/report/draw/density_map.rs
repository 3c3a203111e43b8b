//! Pictures of densities of two variables: panels with a heat map of exp(f - log Z), a field of arrows of the
//! score and points, under their titles, on one sheet.
//!
//! Brightness follows the square root of the density, so that what is a hundredth of the peak is seen. An
//! arrow's direction is the score's; its length grows as the logarithm of the score's norm over the median
//! norm, and is at most a cell. x grows to the right, y upwards, with equal units on both axes.

use super::colour_ramp;
use super::glyphs;
use super::image::Image;
use super::strokes::Canvas;
use crate::error::{Error, Result};
use crate::evaluate::{DEFAULT_BATCH, log_densities, scores};
use crate::model::HostDensity;

/// Side of a panel's plotting area, in pixels.
const SIDE: usize = 224;
/// White around panels, and the height that the two lines of text take.
const GAP: usize = 14;
const TEXT: usize = 30;
const SCALE: usize = 2;
const INK: [u8; 3] = [40; 3];
const FAINT: [u8; 3] = [110; 3];
const FRAME: [u8; 3] = [190; 3];
/// Arrows and points on dark and on bright ground.
const ON_DARK: [u8; 3] = [225, 235, 245];
const ON_BRIGHT: [u8; 3] = [30, 30, 60];
const POINT: [u8; 3] = [90, 205, 250];
/// Points on white.
const POINT_ON_WHITE: [u8; 3] = [0x3b, 0x82, 0xc4];

/// Numbers on a grid over the window: `[rows, columns]`, the first row at the top (greatest y).
#[derive(Clone, Debug, PartialEq)]
struct Field<T> {
    values: Vec<T>,
    shape: [usize; 2],
}

/// One picture of a sheet.
#[derive(Clone, Debug, PartialEq)]
pub struct Panel {
    title: String,
    subtitle: String,
    /// `[[x low, x high], [y low, y high]]`.
    window: [[f64; 2]; 2],
    density: Option<Field<f64>>,
    arrows: Option<Field<[f64; 2]>>,
    points: Vec<[f64; 2]>,
    brightest: Option<f64>,
}

impl Panel {
    /// An empty panel over a window `[[x low, x high], [y low, y high]]`. Text that doesn't fit is cut, with
    /// dots.
    ///
    /// # Errors
    /// An axis that is not finite with low < high.
    pub fn new(title: &str, subtitle: &str, window: [[f64; 2]; 2]) -> Result<Panel> {
        for (axis, [low, high]) in ["x", "y"].iter().zip(window) {
            if !(low < high && (high - low).is_finite()) {
                return Err(Error::input("invalid window")
                    .at(axis)
                    .found(format_args!("{low} to {high}"))
                    .expected("finite ends, lower first"));
            }
        }
        let title = title.to_string();
        let subtitle = subtitle.to_string();
        Ok(Panel {
            title,
            subtitle,
            window,
            density: None,
            arrows: None,
            points: Vec::new(),
            brightest: None,
        })
    }

    /// Adds a heat map of density values `[rows, columns]` at the places of [`centres`], at least 0.
    ///
    /// # Errors
    /// Values that don't fill the shape, are negative or not finite.
    pub fn with_density(mut self, values: Vec<f64>, shape: [usize; 2]) -> Result<Panel> {
        fills(values.len(), shape)?;
        if let Some(at) = values.iter().position(|value| !(*value >= 0.0 && value.is_finite())) {
            return Err(undrawable(at, shape).found(values[at]).expected("a finite density of at least 0"));
        }
        self.density = Some(Field { values, shape });
        Ok(self)
    }

    /// Adds arrows for vectors (x, y) `[rows, columns]` at the places of [`centres`].
    ///
    /// # Errors
    /// Vectors that don't fill the shape or are not finite.
    pub fn with_arrows(mut self, values: Vec<[f64; 2]>, shape: [usize; 2]) -> Result<Panel> {
        fills(values.len(), shape)?;
        if let Some(at) = values.iter().position(|[x, y]| !(x.is_finite() && y.is_finite())) {
            return Err(undrawable(at, shape)
                .found(format_args!("{:?}", values[at]))
                .expected("a finite vector"));
        }
        self.arrows = Some(Field { values, shape });
        Ok(self)
    }

    /// Adds points (x, y); those outside of the window aren't drawn.
    pub fn with_points(mut self, points: impl IntoIterator<Item = [f64; 2]>) -> Panel {
        self.points.extend(points);
        self
    }

    /// The density drawn brightest, so that panels can be compared; without it, the greatest of the panel's
    /// own.
    ///
    /// # Errors
    /// A density that is not a finite number above 0.
    pub fn with_brightest(mut self, density: f64) -> Result<Panel> {
        if !(density > 0.0 && density.is_finite()) {
            return Err(Error::input("the density drawn brightest")
                .found(density)
                .expected("above 0, finite"));
        }
        self.brightest = Some(density);
        Ok(self)
    }

    /// The greatest density of the heat map, if there is one.
    pub fn greatest_density(&self) -> Option<f64> {
        self.density.as_ref().map(|field| field.values.iter().fold(0.0, |a: f64, b| a.max(*b)))
    }

    /// Adds the heat map of exp(f - log Z) on `side` x `side` places.
    ///
    /// # Errors
    /// A density over other rows than pairs; log densities that are NaN or plus infinity.
    pub fn density_of(self, density: &mut dyn HostDensity, log_z: f64, side: usize) -> Result<Panel> {
        pairs(density)?;
        let places = centres(self.window, [side; 2]);
        let values = log_densities(density, &places, DEFAULT_BATCH)?;
        self.with_density(values.iter().map(|f| (f - log_z).exp()).collect(), [side; 2])
    }

    /// Adds arrows of the score on `side` x `side` places.
    ///
    /// # Errors
    /// A density over other rows than pairs; scores that are not finite.
    pub fn score_of(self, density: &mut dyn HostDensity, side: usize) -> Result<Panel> {
        pairs(density)?;
        let values = scores(density, &centres(self.window, [side; 2]), DEFAULT_BATCH)?;
        self.with_arrows(values.chunks_exact(2).map(|s| [s[0], s[1]]).collect(), [side; 2])
    }

    /// Columns and rows of pixels of the plotting area: the longer side of the window is [`SIDE`].
    fn size(&self) -> [usize; 2] {
        let extent = self.window.map(|[low, high]| high - low);
        let longer = extent[0].max(extent[1]);
        extent.map(|extent| ((extent / longer * SIDE as f64).round() as usize).max(1))
    }

    /// Where a point lies in the plotting area, in pixels from its upper left corner.
    fn place(&self, [x, y]: [f64; 2], [wide, high]: [usize; 2]) -> [f64; 2] {
        let share =
            |axis: usize, v: f64| (v - self.window[axis][0]) / (self.window[axis][1] - self.window[axis][0]);
        [share(0, x) * wide as f64, (1.0 - share(1, y)) * high as f64]
    }

    fn draw(&self, canvas: &mut Canvas) {
        self.draw_density(canvas);
        self.draw_arrows(canvas);
        let colour = if self.density.is_some() { POINT } else { POINT_ON_WHITE };
        for point in &self.points {
            let inside = self.window.iter().zip(point).all(|([low, high], v)| (low..=high).contains(&v));
            if inside {
                let place = self.place(*point, canvas.size);
                if self.density.is_some() {
                    // A dark rim, so that points are seen on bright ground too.
                    canvas.dot(place, 3.8, ON_BRIGHT);
                }
                canvas.dot(place, 2.4, colour);
            }
        }
    }

    fn draw_density(&self, canvas: &mut Canvas) {
        let Some(Field { values, shape: [rows, columns] }) = &self.density else { return };
        let brightest = self.brightest.or(self.greatest_density()).unwrap_or(0.0);
        let [wide, high] = canvas.size;
        for y in 0..high {
            for x in 0..wide {
                let value = values[y * rows / high * columns + x * columns / wide];
                let share = if brightest > 0.0 { (value / brightest).sqrt() } else { 0.0 };
                let corner = [canvas.corner[0] + x, canvas.corner[1] + y];
                canvas.image.fill(corner, [1, 1], &colour_ramp::colour(share));
            }
        }
    }

    fn draw_arrows(&self, canvas: &mut Canvas) {
        let Some(Field { values, shape: [rows, columns] }) = &self.arrows else { return };
        let [wide, high] = canvas.size;
        let cell = (wide as f64 / *columns as f64).min(high as f64 / *rows as f64);
        let lengths = arrow_lengths(values);
        for (at, ([x, y], length)) in values.iter().zip(lengths).enumerate() {
            let middle = [
                ((at % columns) as f64 + 0.5) * wide as f64 / *columns as f64,
                ((at / columns) as f64 + 0.5) * high as f64 / *rows as f64,
            ];
            let colour = self.ink_at(middle, canvas);
            // Scaled by the larger part first: squares of large scores overflow.
            let largest = x.abs().max(y.abs());
            if largest == 0.0 {
                canvas.dot(middle, 1.0, colour);
                continue;
            }
            let unit = [x / largest, y / largest];
            let scale = 0.95 * cell * length / unit[0].hypot(unit[1]);
            canvas.arrow(middle, [unit[0] * scale, -unit[1] * scale], colour);
        }
    }

    /// The colour of an arrow that is seen on what lies there.
    fn ink_at(&self, [x, y]: [f64; 2], canvas: &Canvas) -> [u8; 3] {
        let [column, row] = [x as usize + canvas.corner[0], y as usize + canvas.corner[1]];
        let start = (row * canvas.image.width + column) * 3;
        let green = canvas.image.pixels.get(start + 1).copied().unwrap_or(255);
        if green < 90 { ON_DARK } else { ON_BRIGHT }
    }
}

/// The middles of the cells of a grid of `[rows, columns]` over a window, from the top left along rows:
/// `[n, 2]`.
pub fn centres(window: [[f64; 2]; 2], [rows, columns]: [usize; 2]) -> Vec<f64> {
    let at = |[low, high]: [f64; 2], share: f64| low + (high - low) * share;
    let place = |index: usize| {
        let (row, column) = (index / columns, index % columns);
        let across = (column as f64 + 0.5) / columns as f64;
        [at(window[0], across), at(window[1], 1.0 - (row as f64 + 0.5) / rows as f64)]
    };
    (0..rows.saturating_mul(columns)).flat_map(place).collect()
}

/// A sheet of panels, `columns` in a row, each under its title and subtitle.
///
/// # Errors
/// No panel, no column, or a picture above [`MAX_BYTES`](super::MAX_BYTES).
pub fn density_sheet(panels: &[Panel], columns: usize) -> Result<Image> {
    if panels.is_empty() || columns == 0 {
        return Err(Error::input("a sheet without panels")
            .found(format_args!("{} panels, {columns} columns", panels.len()))
            .expected("at least one of each"));
    }
    let columns = columns.min(panels.len());
    let rows = panels.len().div_ceil(columns);
    let across = SIDE + GAP;
    let down = SIDE + TEXT + GAP;
    let mut image =
        Image::filled(columns.saturating_mul(across) + GAP, rows.saturating_mul(down) + GAP, 3, 255)?;
    for (index, panel) in panels.iter().enumerate() {
        let left = GAP + index % columns * across;
        let top = GAP + index / columns * down;
        for (text, line, colour) in [(&panel.title, 0, INK), (&panel.subtitle, 14, FAINT)] {
            let text = glyphs::fitted(text, SCALE, SIDE);
            glyphs::draw(&mut image, &text, [left, top + line], SCALE, &colour);
        }
        let size = panel.size();
        // A window that isn't square is drawn in the middle of its place.
        let corner = [left + (SIDE - size[0]) / 2, top + TEXT + (SIDE - size[1]) / 2];
        image.fill([corner[0] - 1, corner[1] - 1], [size[0] + 2, size[1] + 2], &FRAME);
        image.fill(corner, size, &[255; 3]);
        panel.draw(&mut Canvas { image: &mut image, corner, size });
    }
    Ok(image)
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

fn pairs(density: &dyn HostDensity) -> Result<()> {
    if density.row_len() == 2 {
        return Ok(());
    }
    Err(Error::input("can't draw this density as a map")
        .found(format_args!("{} variables", density.row_len()))
        .expected("2"))
}

fn fills(found: usize, [rows, columns]: [usize; 2]) -> Result<()> {
    if found > 0 && rows.checked_mul(columns) == Some(found) {
        return Ok(());
    }
    Err(Error::input("wrong number of values for a map")
        .found(found)
        .expected(format_args!("{rows} x {columns}, at least one")))
}

fn undrawable(at: usize, [_, columns]: [usize; 2]) -> Error {
    Error::input("can't draw this value").at(format_args!("row {}, column {}", at / columns, at % columns))
}

#[cfg(test)]
mod tests;
