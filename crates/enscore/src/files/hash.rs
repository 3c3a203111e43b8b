//! SHA-256 in hexadecimal.

use sha2::{Digest, Sha256};

/// A hash of what it is given in parts.
#[derive(Clone, Debug)]
pub(crate) struct Sha256Hex(Sha256);

impl Sha256Hex {
    /// The hash of nothing yet.
    pub(crate) fn new() -> Sha256Hex {
        Sha256Hex(Sha256::new())
    }

    /// Goes on with `bytes`.
    pub(crate) fn update(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.update(bytes);
    }

    /// The 64 digits, in lower case.
    pub(crate) fn digits(self) -> String {
        self.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// SHA-256 of `bytes`: 64 hexadecimal digits in lower case.
pub fn sha256(bytes: &[u8]) -> String {
    let mut hash = Sha256Hex::new();
    hash.update(bytes);
    hash.digits()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_answer_in_one_part_and_in_two() {
        let known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256(b"abc"), known);
        let mut hash = Sha256Hex::new();
        hash.update(b"a");
        hash.update("bc");
        assert_eq!(hash.digits(), known);
    }
}
