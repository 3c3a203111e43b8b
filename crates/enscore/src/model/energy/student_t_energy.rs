//! The multivariate Student t as an energy with free parameters, whose normaliser is known (Kotz and
//! Nadarajah 2004, eq. 1.1):
//!
//! ```text
//! f(x) = -(ν + d)/2 ln(1 + ‖A'(x - m)‖² / ν),
//! ln Z = ln Γ(ν/2) + d/2 ln(π ν) - ln Γ((ν + d)/2) - ln |det A|.
//! ```
//!
//! Its tails fall like a power of the distance: a model of data with outliers. (A A')⁻¹ is the scatter
//! matrix, ν/(ν - 2) times of which is the covariance where ν > 2.

use enscore_program::{Initial, Parameters, Var};

use super::gaussian_energy::check_row_shape;
use crate::citation::Citation;
use crate::error::{Error, Result};
use crate::keys::{Kind, above, keys};
use crate::model::kind::{DataFacts, Family, ModelKind};
use crate::model::network::Network;
use crate::model::tracing::sum_rows;
use crate::model::traits::LogDensity;

keys! {
    /// Settings of a Student t energy.
    StudentTEnergySettings {
        degrees: f64 = 5.0, above(0.0), "Degrees of freedom at the start; they are learnt.";
    }
}

impl Kind for StudentTEnergySettings {
    type Facts = ();
}

impl ModelKind for StudentTEnergySettings {
    fn family(&self) -> Family {
        Family::Energy
    }

    fn build(&self, data: &DataFacts) -> Result<Network> {
        Ok(Network::Energy(Box::new(StudentTEnergy::new(data.row_shape, self.degrees)?)))
    }

    fn noun(&self) -> &'static str {
        "a Student t energy"
    }

    fn cites(&self) -> Vec<Citation> {
        vec![Citation {
            role: "energy: Student t",
            authors: "Samuel Kotz, Saralees Nadarajah",
            year: 2004,
            title: "Multivariate t Distributions and Their Applications",
            venue: "Cambridge University Press",
        }]
    }
}

/// A Student t energy. Parameters `mean` m `[d]`, which starts at 0, `factor` A `[d, d]`, which starts at
/// the identity, and `log_degrees` ln ν `[]`. Images are taken for one long vector.
#[derive(Clone, Debug)]
pub struct StudentTEnergy {
    row_shape: Vec<usize>,
    /// ν at the start.
    degrees: f64,
}

impl StudentTEnergy {
    /// For rows of this shape, with degrees of freedom that start at `degrees`.
    ///
    /// # Errors
    /// Rows without elements, degrees of freedom that are not positive and finite.
    pub fn new(row_shape: &[usize], degrees: f64) -> Result<Self> {
        check_row_shape(row_shape)?;
        if !(degrees.is_finite() && degrees > 0.0) {
            return Err(Error::input("invalid degrees of freedom")
                .at("degrees")
                .found(degrees)
                .expected("a finite number above 0"));
        }
        Ok(StudentTEnergy { row_shape: row_shape.to_vec(), degrees })
    }
}

impl LogDensity for StudentTEnergy {
    fn log_density<'s>(&self, parameters: &Parameters<'s>, x: Var<'s>) -> Var<'s> {
        let d: usize = self.row_shape.iter().product();
        let mean = parameters.get("mean", &[d], Initial::Constant(0.0));
        let factor = parameters.get("factor", &[d, d], Initial::Identity);
        let log_degrees = parameters.get("log_degrees", &[], Initial::Constant(self.degrees.ln()));
        let degrees = log_degrees.exp();
        let centred = x.reshape(&[x.extent(0), d]) - mean;
        let square = sum_rows(centred.matmul(factor).square());
        (square / degrees + 1.0).log() * (degrees + d as f64) * -0.5
    }

    fn row_shape(&self) -> &[usize] {
        &self.row_shape
    }
}
