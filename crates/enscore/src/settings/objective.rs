//! `[objective]`: what is minimised.

use super::reader::{Reader, keys};
use super::value::{above, choice, within};
use crate::Result;

choice! {
    /// A kind of objective.
    Kind {
        /// Denoising score matching over a ladder of noise levels.
        Ncsn = "ncsn",
        /// Denoising score matching at one noise level.
        Dsm = "dsm",
    }
}

keys! {
    /// Denoising score matching over noise levels in geometric progression (Song and Ermon 2019, equation 6).
    Ncsn {
        sigma_max: f64 = 1.0, above(0.0), "Standard deviation of the largest noise, in units of the scaled data.";
        sigma_min: f64 = 0.01, above(0.0),
            "Standard deviation of the smallest noise, in units of the scaled data; below sigma_max.";
        levels: usize = 10, within(2, 10_000), "Noise levels, from sigma_max down to sigma_min.";
    }
}

keys! {
    /// Denoising score matching at one noise level (Vincent 2011).
    Dsm {
        sigma: f64 = 0.1, above(0.0), "Standard deviation of the noise, in units of the scaled data.";
    }
}

/// What is minimised.
#[derive(Clone, Debug, PartialEq)]
pub enum Objective {
    /// Over a ladder of noise levels.
    Ncsn(Ncsn),
    /// At one noise level.
    Dsm(Dsm),
}

impl Objective {
    pub(super) fn read(reader: &mut Reader) -> Result<Objective> {
        reader.table("objective");
        match reader.get("kind", Kind::Ncsn, (), "The objective that is minimised.")? {
            Kind::Ncsn => {
                reader.only_with("objective.kind = \"ncsn\"");
                let ncsn = Ncsn::read_keys(reader)?;
                if ncsn.sigma_min >= ncsn.sigma_max {
                    return Err(reader
                        .wrong("sigma_min")
                        .found(ncsn.sigma_min)
                        .expected(format!("a number below sigma_max = {}", ncsn.sigma_max)));
                }
                Ok(Objective::Ncsn(ncsn))
            }
            Kind::Dsm => {
                reader.only_with("objective.kind = \"dsm\"");
                Ok(Objective::Dsm(Dsm::read_keys(reader)?))
            }
        }
    }
}
