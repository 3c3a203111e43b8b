//! The works behind a run: those that its model, objective and sampler name in their files, and those
//! behind what every run has.

use crate::citation::Citation;
use crate::evaluate::Evaluation;
use crate::settings::Descent;
use crate::trained::Trained;

/// The Adam optimiser.
const ADAM: Citation = Citation {
    role: "optimiser",
    authors: "Diederik P. Kingma, Jimmy Ba",
    year: 2015,
    title: "Adam: A Method for Stochastic Optimization",
    venue: "International Conference on Learning Representations",
};

/// Averaging of parameters.
const AVERAGING: Citation = Citation {
    role: "averaging of parameters",
    authors: "Boris T. Polyak, Anatoli B. Juditsky",
    year: 1992,
    title: "Acceleration of Stochastic Approximation by Averaging",
    venue: "SIAM Journal on Control and Optimization 30(4), 838-855",
};

/// Maximum mean discrepancy.
const MMD: Citation = Citation {
    role: "metric: maximum mean discrepancy",
    authors: "Arthur Gretton, Karsten M. Borgwardt, Malte J. Rasch, Bernhard Schölkopf, Alexander Smola",
    year: 2012,
    title: "A Kernel Two-Sample Test",
    venue: "Journal of Machine Learning Research 13, 723-773",
};

/// Sliced Wasserstein distance.
const SLICED_WASSERSTEIN: Citation = Citation {
    role: "metric: sliced Wasserstein distance",
    authors: "Nicolas Bonneel, Julien Rabin, Gabriel Peyré, Hanspeter Pfister",
    year: 2015,
    title: "Sliced and Radon Wasserstein Barycenters of Measures",
    venue: "Journal of Mathematical Imaging and Vision 51(1), 22-45",
};

/// Fréchet distance between sets of images.
const FRECHET_DISTANCE: Citation = Citation {
    role: "metric: Fréchet distance of image features",
    authors: "Martin Heusel, Hubert Ramsauer, Thomas Unterthiner, Bernhard Nessler, Sepp Hochreiter",
    year: 2017,
    title: "GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium",
    venue: "Advances in Neural Information Processing Systems 30",
};

/// The closed form of the Fréchet distance between Gaussians.
const GAUSSIAN_FRECHET: Citation = Citation {
    role: "metric: Fréchet distance between Gaussians",
    authors: "D. C. Dowson, B. V. Landau",
    year: 1982,
    title: "The Fréchet Distance between Multivariate Normal Distributions",
    venue: "Journal of Multivariate Analysis 12(3), 450-455",
};

/// Counter-based random numbers.
const PHILOX: Citation = Citation {
    role: "random numbers",
    authors: "John K. Salmon, Mark A. Moraes, Ron O. Dror, David E. Shaw",
    year: 2011,
    title: "Parallel Random Numbers: As Easy as 1, 2, 3",
    venue: "International Conference for High Performance Computing, Networking, Storage and Analysis (SC11)",
};

/// The 8x8 digits.
const OPT_DIGITS: Citation = Citation {
    role: "data",
    authors: "Ethem Alpaydin, Cenk Kaynak",
    year: 1998,
    title: "Optical Recognition of Handwritten Digits",
    venue: "UCI Machine Learning Repository, CC BY 4.0",
};

/// The 28x28 digits.
const MNIST: Citation = Citation {
    role: "data",
    authors: "Yann LeCun, Léon Bottou, Yoshua Bengio, Patrick Haffner",
    year: 1998,
    title: "Gradient-Based Learning Applied to Document Recognition",
    venue: "Proceedings of the IEEE 86(11), 2278-2324",
};

/// The works behind a run and its evaluation, each once.
pub fn works(trained: &Trained, evaluation: &Evaluation) -> Vec<Citation> {
    let settings = &trained.settings;
    let mut works = settings.objective().method().cites();
    works.extend(settings.model().method().cites());
    works.extend(settings.sampler().method.method().cites());
    if settings.optimiser().kind == Descent::Adam {
        works.push(ADAM);
    }
    works.push(AVERAGING);
    if !evaluation.metrics.is_empty() {
        works.extend([MMD, SLICED_WASSERSTEIN, FRECHET_DISTANCE, GAUSSIAN_FRECHET]);
    }
    works.push(PHILOX);
    let data = trained.model.data.name.as_str();
    works.extend((data == "digits").then_some(OPT_DIGITS));
    works.extend(data.contains("mnist").then_some(MNIST));
    once(works)
}

/// The works without repetition, in order.
pub(super) fn once(works: Vec<Citation>) -> Vec<Citation> {
    let mut kept: Vec<Citation> = Vec::new();
    for work in works {
        if !kept.iter().any(|known| known.title == work.title) {
            kept.push(work);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_work_reads_as_a_reference() {
        assert_eq!(
            AVERAGING.to_string(),
            "Boris T. Polyak, Anatoli B. Juditsky (1992). Acceleration of Stochastic Approximation by Averaging. \
             SIAM Journal on Control and Optimization 30(4), 838-855."
        );
    }

    #[test]
    fn a_work_of_two_methods_is_named_once() {
        assert_eq!(once(vec![ADAM, PHILOX, ADAM]), [ADAM, PHILOX]);
    }
}
