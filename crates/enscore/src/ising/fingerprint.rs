//! What tells one Ising model from another.

use super::IsingModel;
use crate::files::sha256;

impl IsingModel {
    /// SHA-256 of the lattice, β, the bonds and the field: what is known of a model holds for this one alone.
    pub fn fingerprint(&self) -> String {
        let mut bytes = format!("{:?} {:?};", self.lattice(), self.beta()).into_bytes();
        self.for_each_bond(|i, j, coupling| {
            for word in [i as u64, j as u64, coupling.to_bits()] {
                bytes.extend(word.to_le_bytes());
            }
        });
        (0..self.sites()).for_each(|site| bytes.extend(self.field_at(site).to_le_bytes()));
        sha256(&bytes)
    }
}
