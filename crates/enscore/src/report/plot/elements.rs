//! What plotters has no elements for: dashed lines as one line each, arrows, and pictures inside a drawing.

use std::convert::Infallible;

use plotters::element::{Drawable, PointCollection};
use plotters::style::ShapeStyle;
use plotters_backend::{BackendCoord, DrawingErrorKind};

use super::backend::{Svg, units};

/// A dashed line through places.
pub(in crate::report) struct Dashed(pub(in crate::report) Vec<(f64, f64)>, pub(in crate::report) ShapeStyle);

impl<'a> PointCollection<'a, (f64, f64)> for &'a Dashed {
    type Point = &'a (f64, f64);
    type IntoIter = &'a [(f64, f64)];

    fn point_iter(self) -> Self::IntoIter {
        &self.0
    }
}

impl Drawable<Svg<'_>> for Dashed {
    fn draw<I: Iterator<Item = BackendCoord>>(
        &self,
        places: I,
        backend: &mut Svg<'_>,
        _: (u32, u32),
    ) -> Result<(), DrawingErrorKind<Infallible>> {
        backend.line(places, &self.1, "5 4");
        Ok(())
    }
}

/// An arrow with its middle at a place.
pub(in crate::report) struct Arrow {
    /// Of the coordinates that it is drawn in.
    pub(in crate::report) middle: (f64, f64),
    /// In units of the drawing; y grows downwards.
    pub(in crate::report) vector: [f64; 2],
    /// Of its lines.
    pub(in crate::report) style: ShapeStyle,
}

impl<'a> PointCollection<'a, (f64, f64)> for &'a Arrow {
    type Point = &'a (f64, f64);
    type IntoIter = std::iter::Once<&'a (f64, f64)>;

    fn point_iter(self) -> Self::IntoIter {
        std::iter::once(&self.middle)
    }
}

impl Drawable<Svg<'_>> for Arrow {
    fn draw<I: Iterator<Item = BackendCoord>>(
        &self,
        mut places: I,
        backend: &mut Svg<'_>,
        _: (u32, u32),
    ) -> Result<(), DrawingErrorKind<Infallible>> {
        let Some((left, top)) = places.next() else { return Ok(()) };
        let [x, y] = self.vector;
        let at = |along: f64, beside: f64| {
            (left + units(along * x - beside * y), top + units(along * y + beside * x))
        };
        // Two barbs at 30 degrees, a third of the arrow's length.
        let back = 0.5 - 0.866 / 2.8;
        let beside = 0.5 / 2.8;
        backend.line([at(-0.5, 0.0), at(0.5, 0.0)], &self.style, "");
        backend.line([at(back, beside), at(0.5, 0.0), at(back, -beside)], &self.style, "");
        Ok(())
    }
}

/// A PNG file's picture between two opposite corners.
pub(in crate::report) struct Heat<T = f64> {
    /// The corners, of the coordinates that it is drawn in.
    pub(in crate::report) corners: [(T, T); 2],
    /// The file.
    pub(in crate::report) png: Vec<u8>,
}

impl<'a, T> PointCollection<'a, (T, T)> for &'a Heat<T> {
    type Point = &'a (T, T);
    type IntoIter = &'a [(T, T)];

    fn point_iter(self) -> Self::IntoIter {
        &self.corners
    }
}

impl<T> Drawable<Svg<'_>> for Heat<T> {
    fn draw<I: Iterator<Item = BackendCoord>>(
        &self,
        mut corners: I,
        backend: &mut Svg<'_>,
        _: (u32, u32),
    ) -> Result<(), DrawingErrorKind<Infallible>> {
        if let (Some((x0, y0)), Some((x1, y1))) = (corners.next(), corners.next()) {
            backend.picture([x0.min(x1), y0.min(y1), x0.max(x1), y0.max(y1)], &self.png);
        }
        Ok(())
    }
}
