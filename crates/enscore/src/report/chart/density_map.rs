//! A picture of a density of two variables: a heat map of exp(f - log Z), a field of arrows of the score, and
//! points. Without a density, the length of the score is the heat map.

use crate::error::{Error, Result};
use crate::evaluate::{DEFAULT_BATCH, log_densities, scores};
use crate::model::HostDensity;

/// Places along each side of a heat map of the score's length.
const LENGTHS: usize = 96;

/// Numbers on a grid over the window: `[rows, columns]`, the first row at the top (greatest y).
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Field<T> {
    pub(super) values: Vec<T>,
    pub(super) shape: [usize; 2],
}

/// One picture of a sheet.
#[derive(Clone, Debug, PartialEq)]
pub struct Panel {
    pub(super) title: String,
    pub(super) subtitle: String,
    /// Names of the axes, with their units; they may be empty.
    pub(super) labels: [String; 2],
    /// `[[x low, x high], [y low, y high]]`.
    pub(super) window: [[f64; 2]; 2],
    pub(super) density: Option<Field<f64>>,
    /// The length of the score, drawn where there is no density.
    pub(super) length: Option<Field<f64>>,
    pub(super) arrows: Option<Field<[f64; 2]>>,
    pub(super) points: Vec<[f64; 2]>,
    pub(super) brightest: Option<f64>,
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
        Ok(Panel {
            title: title.to_string(),
            subtitle: subtitle.to_string(),
            labels: Default::default(),
            window,
            density: None,
            length: None,
            arrows: None,
            points: Vec::new(),
            brightest: None,
        })
    }

    /// Names of the two axes, with their units.
    pub fn with_labels(self, [x, y]: [&str; 2]) -> Panel {
        Panel { labels: [x.to_string(), y.to_string()], ..self }
    }

    /// Adds a heat map of density values `[rows, columns]` at the places of [`centres`], at least 0.
    ///
    /// # Errors
    /// Values that don't fill the shape, are negative or not finite.
    pub fn with_density(mut self, values: Vec<f64>, shape: [usize; 2]) -> Result<Panel> {
        self.density = Some(heat(values, shape, "a finite density of at least 0")?);
        Ok(self)
    }

    /// Adds the length of the score `[rows, columns]` at the places of [`centres`], at least 0: the heat map
    /// of a panel without a density.
    ///
    /// # Errors
    /// Values that don't fill the shape, are negative or not finite.
    pub fn with_score_length(mut self, values: Vec<f64>, shape: [usize; 2]) -> Result<Panel> {
        self.length = Some(heat(values, shape, "a finite length of at least 0")?);
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

    /// Adds arrows of the score on `side` x `side` places, and without a density its length as a heat map.
    ///
    /// # Errors
    /// A density over other rows than pairs; scores that are not finite.
    pub fn score_of(self, density: &mut dyn HostDensity, side: usize) -> Result<Panel> {
        pairs(density)?;
        let values = scores(density, &centres(self.window, [side; 2]), DEFAULT_BATCH)?;
        let panel = match self.density {
            Some(_) => self,
            None => {
                let values = scores(density, &centres(self.window, [LENGTHS; 2]), DEFAULT_BATCH)?;
                // The length of a huge score may overflow.
                let lengths = values.chunks_exact(2).map(|s| s[0].hypot(s[1]).min(f64::MAX)).collect();
                self.with_score_length(lengths, [LENGTHS; 2])?
            }
        };
        panel.with_arrows(values.chunks_exact(2).map(|s| [s[0], s[1]]).collect(), [side; 2])
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

/// A field of numbers of at least 0.
fn heat(values: Vec<f64>, shape: [usize; 2], expected: &str) -> Result<Field<f64>> {
    fills(values.len(), shape)?;
    match values.iter().position(|value| !(*value >= 0.0 && value.is_finite())) {
        Some(at) => Err(undrawable(at, shape).found(values[at]).expected(expected)),
        None => Ok(Field { values, shape }),
    }
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
