//! What tells one Ising model from another.

use super::IsingModel;
use crate::files::Sha256Hex;

impl IsingModel {
    /// SHA-256 of the lattice, β, the bonds and the field: what is known of a model holds for this one alone.
    pub fn fingerprint(&self) -> String {
        let mut hash = Sha256Hex::new();
        hash.update(format!("{:?} {:?};", self.lattice(), self.beta()));
        self.for_each_bond(|i, j, coupling| {
            for word in [i as u64, j as u64, coupling.to_bits()] {
                hash.update(word.to_le_bytes());
            }
        });
        (0..self.sites()).for_each(|site| hash.update(self.field_at(site).to_le_bytes()));
        hash.digits()
    }
}
