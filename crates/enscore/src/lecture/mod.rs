//! The lecture redrawn: every figure of an introduction to energy-based and score-based models, from live
//! runs of this library, with captions that say what to see and numbers beside their truth.
//!
//! A figure is one file: a function from a [`Studio`] (how large, which seed, whether to stop) to [`Drawn`]:
//! pictures and [`Number`]s. [`FIGURES`] lists them in the order of the lecture; a test redraws each at
//! [`Size::Quick`] and holds every number against its truth.

mod contrast;
mod densities;
mod discrete;
mod drawn;
mod noise;
mod page;
mod plane;
mod scores;
mod studio;

pub use drawn::{Drawn, Expected, Number};
pub use page::{Redrawn, Request, redraw};
pub use studio::{Size, Studio};

use crate::error::{Error, Result};

/// A figure of the lecture.
pub struct LectureFigure {
    /// Its name on the command line.
    pub name: &'static str,
    /// The title above it.
    pub title: &'static str,
    /// Runs what it shows and draws it.
    pub draw: fn(&Studio) -> Result<Drawn>,
}

/// All figures in the order of the lecture.
pub const FIGURES: &[LectureFigure] = &[
    LectureFigure {
        name: "ising-denoising",
        title: "A corrupted picture, denoised by an Ising model",
        draw: discrete::ising_denoising::draw,
    },
    LectureFigure {
        name: "ising-3x3",
        title: "The example of 3 x 3 pixels, enumerated",
        draw: discrete::ising_enumeration::draw,
    },
    LectureFigure {
        name: "boltzmann-machines",
        title: "What Boltzmann machines draw",
        draw: discrete::boltzmann_machines::draw,
    },
    LectureFigure {
        name: "contrastive-divergence",
        title: "Contrastive divergence at work",
        draw: contrast::contrastive_divergence::draw,
    },
    LectureFigure { name: "langevin", title: "Langevin dynamics", draw: densities::langevin::draw },
    LectureFigure {
        name: "density-and-score",
        title: "A density and its score",
        draw: densities::density_and_score::draw,
    },
    LectureFigure {
        name: "estimated-scores",
        title: "Scores learnt without a density",
        draw: scores::estimated::draw,
    },
    LectureFigure {
        name: "score-matching-cost",
        title: "What score matching costs",
        draw: scores::cost::draw,
    },
    LectureFigure {
        name: "nce-log-z",
        title: "Noise contrastive estimation learns log Z",
        draw: contrast::learnt_log_z::draw,
    },
    LectureFigure { name: "nce-noise", title: "The choice of noise", draw: contrast::noises::draw },
    LectureFigure { name: "gan-and-nce", title: "Two discriminators", draw: contrast::discriminators::draw },
    LectureFigure {
        name: "flow-contrastive",
        title: "Flow contrastive estimation",
        draw: contrast::flow_contrastive::draw,
    },
    LectureFigure { name: "manifold", title: "Data on a manifold", draw: scores::manifold::draw },
    LectureFigure { name: "low-density", title: "Where data are rare", draw: densities::low_density::draw },
    LectureFigure { name: "perturbed", title: "Densities under noise", draw: densities::perturbed::draw },
    LectureFigure {
        name: "annealed-langevin",
        title: "From noise to digits",
        draw: noise::annealed_langevin::draw,
    },
    LectureFigure { name: "noise-levels", title: "The loss by noise level", draw: noise::levels::draw },
    LectureFigure { name: "weighting", title: "The weights of noise levels", draw: noise::weighting::draw },
];

/// The figure of this name.
///
/// # Errors
/// An input error that lists the names.
pub fn figure(name: &str) -> Result<&'static LectureFigure> {
    let names = || FIGURES.iter().map(|figure| figure.name).collect::<Vec<_>>().join(", ");
    FIGURES.iter().find(|figure| figure.name == name).ok_or_else(|| {
        Error::input("no such figure of the lecture").found(format!("{name:?}")).expected(names())
    })
}
