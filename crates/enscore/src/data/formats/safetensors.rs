//! Reads a tensor of a safetensors file as rows.

use safetensors::{Dtype, SafeTensors};

use super::element::{Bytes, Element};
use super::failure::short;
use super::input::Input;
use super::tensor::Layout;
use crate::data::Dataset;
use crate::data::reading::Reading;
use crate::error::{Error, Reason, Result};

/// Names that are taken for the rows where a file holds several tensors, in this order.
const USUAL_NAMES: [&str; 4] = ["images", "x", "X", "data"];

/// Whether a file that starts so is safetensors: the length of a header, then JSON.
pub(in crate::data) fn recognises(prefix: &[u8]) -> bool {
    let length = prefix.first_chunk::<8>().map(|bytes| u64::from_le_bytes(*bytes));
    length.is_some_and(|length| (2..100_000_000).contains(&length)) && prefix.get(8..10) == Some(b"{\"")
}

/// Reads the tensor `selected`, the only one, or the one of a usual name.
pub(in crate::data) fn read(
    name: &str,
    mut input: Input,
    selected: Option<&str>,
    reading: &Reading,
) -> Result<Dataset> {
    let place = input.place().to_string();
    let bytes = input.unclaimed_rest()?;
    let file = SafeTensors::deserialize(&bytes).map_err(|error| {
        Error::new(Reason::Damaged, format!("a damaged safetensors file ({error})"))
            .at(&place)
            .caused_by(error)
    })?;
    let mut names = file.names();
    names.sort();
    let wanted = match (selected, &names[..]) {
        (Some(selected), _) => names.iter().find(|name| **name == selected),
        (None, [only]) => Some(only),
        (None, _) => USUAL_NAMES.iter().find(|usual| names.contains(usual)),
    };
    let Some(wanted) = wanted else {
        return Err(Error::input("it is not clear which tensor holds the rows")
            .at(&place)
            .found(names.iter().take(20).map(|name| short(name)).collect::<Vec<_>>().join(", "))
            .expected("one tensor, or one named images, x, X or data")
            .remedy("name it as FILE.safetensors:NAME"));
    };
    let tensor = file.tensor(wanted).map_err(|error| Error::new(Reason::Damaged, error).at(&place))?;
    let place = format!("{place}:{}", wanted.escape_debug());
    let Some(element) = element(tensor.dtype()) else {
        return Err(Error::input("a tensor of an unsupported type")
            .at(place)
            .found(format!("{:?}", tensor.dtype()))
            .expected("Booleans, integers, or floats of 16, 32 or 64 bits")
            .remedy("save it again as F32"));
    };
    let dims: Vec<u64> = tensor.shape().iter().map(|extent| *extent as u64).collect();
    let layout = Layout::new(&dims, element, &place)?;
    let values = element.decode(tensor.data().to_vec(), Bytes::Little, &place)?;
    layout.dataset(name, &place, values, reading)
}

fn element(dtype: Dtype) -> Option<Element> {
    Some(match dtype {
        Dtype::BOOL => Element::Bool,
        Dtype::U8 => Element::U8,
        Dtype::I8 => Element::I8,
        Dtype::U16 => Element::U16,
        Dtype::I16 => Element::I16,
        Dtype::U32 => Element::U32,
        Dtype::I32 => Element::I32,
        Dtype::U64 => Element::U64,
        Dtype::I64 => Element::I64,
        Dtype::F16 => Element::F16,
        Dtype::F32 => Element::F32,
        Dtype::F64 => Element::F64,
        _ => return None,
    })
}
