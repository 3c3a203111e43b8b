//! Turns an array of any supported shape and type into a data set.

use super::element::Element;
use crate::data::reading::Reading;
use crate::data::table::Table;
use crate::data::{Dataset, Scale, Values};
use crate::error::{Error, Result};

/// The shape of an array of rows, checked.
#[derive(Debug)]
pub(in crate::data) struct Layout {
    /// [d], or [height, width, channels].
    shape: Vec<usize>,
    /// How many bytes the values take.
    pub(in crate::data) bytes: u64,
    element: Element,
}

impl Layout {
    /// Checks dimensions from a header: [n, d] are vectors, [n, h, w] grey images, [n, h, w, c] images.
    pub(in crate::data) fn new(dims: &[u64], element: Element, place: &str) -> Result<Layout> {
        let refuse = |what: &str| Error::input(what).at(place).found(format!("shape {dims:?}"));
        if dims.contains(&0) {
            return Err(refuse("an empty array").expected("at least one row, and no dimension of 0"));
        }
        let shape = match *dims {
            [_, d] => vec![d],
            [_, h, w] => vec![h, w, 1],
            [_, h, w, c @ 1..=4] => vec![h, w, c],
            [_, c, _, more] => {
                let error = refuse("images with too many channels")
                    .expected("[rows, height, width, channels] with 1 to 4 channels");
                return Err(if c <= 4 {
                    error.remedy("move the channels last, e.g. with numpy's transpose(0, 2, 3, 1)")
                } else {
                    error.remedy(format!("leave {} channels out, or flatten the rows", more - 4))
                });
            }
            _ => {
                return Err(refuse("the array is not a table of rows")
                    .expected("[rows, d], [rows, height, width] or [rows, height, width, channels]")
                    .remedy("reshape it, e.g. with numpy's reshape(-1, 1) for one number per row"));
            }
        };
        let too_large = || refuse("the array is too large").expected("fewer than 2^63 bytes");
        let bytes = dims.iter().try_fold(element.size() as u64, |product, &d| product.checked_mul(d));
        let bytes = bytes.filter(|&b| i64::try_from(b).is_ok()).ok_or_else(too_large)?;
        let shape: Option<Vec<usize>> = shape.into_iter().map(|d| usize::try_from(d).ok()).collect();
        Ok(Layout { shape: shape.ok_or_else(too_large)?, bytes, element })
    }

    /// The data set of values in C order, with the scale that suits their type; vectors by the columns that
    /// the reading asks for.
    pub(in crate::data) fn dataset(
        &self,
        name: &str,
        place: &str,
        values: Values,
        reading: &Reading,
    ) -> Result<Dataset> {
        if self.shape.len() == 1 && reading.picks_columns() {
            return Table::of_array(place, &values, self.shape[0], reading)?.dataset(name, reading);
        }
        let data = Dataset::new(name, place, &self.shape, values)?;
        data.with_scale(self.default_scale(&data)?)
    }

    /// Bytes are levels, of two kinds only if all are 0 or 1; 16-bit images are levels; images of real values
    /// outside [0, 1] are scaled by their range; vectors stay as they are.
    fn default_scale(&self, data: &Dataset) -> Result<Scale> {
        Ok(match (self.element, data.values()) {
            (Element::Bool, _) => Scale::quantised(2),
            (_, Values::U8(v)) if v.iter().all(|&x| x <= 1) => Scale::quantised(2),
            (_, Values::U8(_)) => Scale::quantised(256),
            _ if !data.is_image() => Scale::NONE,
            (Element::U16, _) => Scale::quantised(65536),
            (_, values) => match values.range() {
                (low, high) if low >= 0.0 && high <= 1.0 => Scale::NONE,
                _ => data.rescaled_to_unit()?.scale(),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::formats::element::Bytes;

    #[test]
    fn shapes_are_told_apart() {
        let shape = |dims: &[u64]| Layout::new(dims, Element::U8, "t").map(|l| l.shape);
        assert_eq!(shape(&[5, 3]).unwrap(), [3]);
        assert_eq!(shape(&[5, 3, 4]).unwrap(), [3, 4, 1]);
        assert_eq!(shape(&[5, 3, 4, 3]).unwrap(), [3, 4, 3]);
        for dims in
            [&[5][..], &[0, 3], &[5, 0], &[5, 3, 28, 28], &[1, 1, 1, 1, 1], &[u64::MAX, u64::MAX], &[]]
        {
            assert!(shape(dims).is_err(), "{dims:?}");
        }
    }

    #[test]
    fn the_default_scale_suits_the_type() {
        let scale = |element: Element, dims: &[u64], bytes: Vec<u8>| {
            let layout = Layout::new(dims, element, "t").unwrap();
            let values = element.decode(bytes, Bytes::Little, "t")?;
            layout.dataset("t", "t", values, &Reading::default()).map(|d| d.scale())
        };
        let floats = |v: [f32; 2]| v.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<_>>();
        assert_eq!(scale(Element::U8, &[1, 2], vec![0, 7]).unwrap(), Scale::quantised(256));
        assert_eq!(scale(Element::U8, &[1, 2], vec![0, 1]).unwrap(), Scale::quantised(2));
        assert_eq!(scale(Element::F32, &[1, 2], floats([-4.0, 4.0])).unwrap(), Scale::NONE);
        assert_eq!(scale(Element::F32, &[1, 1, 2], floats([-4.0, 4.0])).unwrap(), Scale::range(-4.0, 4.0));
        assert_eq!(scale(Element::F32, &[1, 1, 2], floats([0.25, 0.5])).unwrap(), Scale::NONE);
        assert_eq!(scale(Element::U16, &[1, 1, 1], vec![1, 2]).unwrap(), Scale::quantised(65536));
        assert!(scale(Element::F32, &[1, 1, 2], floats([4.0, 4.0])).is_err());
    }
}
