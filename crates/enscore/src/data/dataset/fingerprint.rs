//! The hash that tells data sets apart.

use super::Dataset;
use crate::data::{Scale, Values};
use crate::files::Sha256Hex;

impl Dataset {
    /// The SHA-256, in hex, of the shape, the scale and the raw values: the same for the same numbers in
    /// another file format.
    ///
    /// Bytes are hashed as bytes and every other number as a little-endian f64, so bytes and floats differ.
    /// Computed once.
    pub fn fingerprint(&self) -> String {
        self.0.fingerprint.get_or_init(|| self.compute_fingerprint()).clone()
    }

    fn compute_fingerprint(&self) -> String {
        let mut hash = Sha256Hex::new();
        hash.update(b"enscore data 1\0");
        let Scale { low, high, levels } = self.scale();
        for n in [self.row_shape().len(), self.rows()].iter().chain(self.row_shape()) {
            hash.update((*n as u64).to_le_bytes());
        }
        hash.update(low.to_le_bytes());
        hash.update(high.to_le_bytes());
        hash.update(levels.unwrap_or(0).to_le_bytes());
        match self.values() {
            Values::U8(v) => {
                hash.update(b"u8");
                hash.update(v);
            }
            floats => {
                hash.update(b"f64");
                let mut buffer = Vec::with_capacity(8 * 1024);
                for start in (0..floats.len()).step_by(1024) {
                    buffer.clear();
                    let end = floats.len().min(start + 1024);
                    (start..end).for_each(|i| buffer.extend_from_slice(&floats.get(i).to_le_bytes()));
                    hash.update(&buffer);
                }
            }
        }
        hash.digits()
    }
}
