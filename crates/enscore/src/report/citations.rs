//! The works behind the methods and data sets: a run's report names those that it used.
//!
//! To add one: a variant, its row in [`Method::citation`], its place in [`Method::ALL`].

use std::fmt;

/// A method or data set with a work to cite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Method {
    /// Noise-conditional score network with annealed Langevin sampling (NCSN).
    Ncsn,
    /// Its choice of noise levels, step size and moving average (NCSNv2).
    NcsnV2,
    /// Denoising score matching.
    DenoisingScoreMatching,
    /// Score matching.
    ScoreMatching,
    /// Sliced score matching.
    SlicedScoreMatching,
    /// Contrastive divergence.
    ContrastiveDivergence,
    /// The restricted Boltzmann machine.
    RestrictedBoltzmann,
    /// The deep Boltzmann machine, its pretraining and its mean field.
    DeepBoltzmann,
    /// Contrastive divergence with persistent Gibbs chains.
    PersistentDivergence,
    /// Chains at several temperatures that swap.
    ParallelTempering,
    /// Centred gradients.
    Centring,
    /// Short-run chains from noise.
    ShortRun,
    /// Persistent chains in a replay buffer.
    ReplayBuffer,
    /// Noise contrastive estimation.
    NoiseContrastive,
    /// Flow contrastive estimation.
    FlowContrastive,
    /// Flows of affine couplings.
    RealNvp,
    /// Deep kernel exponential families.
    Dkef,
    /// The Adam optimiser.
    Adam,
    /// The U-Net.
    UNet,
    /// Group normalisation.
    GroupNorm,
    /// The SiLU activation.
    Silu,
    /// The same activation, found by search (Swish).
    Swish,
    /// Residual connections.
    Residual,
    /// Maximum mean discrepancy.
    Mmd,
    /// Sliced Wasserstein distance.
    SlicedWasserstein,
    /// Fréchet distance between sets of images.
    FrechetDistance,
    /// The closed form of the Fréchet distance between Gaussians.
    GaussianFrechet,
    /// Averaging of parameters.
    Averaging,
    /// Winograd convolutions.
    Winograd,
    /// Counter-based random numbers (Philox).
    Philox,
    /// The 8x8 digits.
    OptDigits,
    /// The 28x28 digits.
    Mnist,
}

/// A work: who, when, what, where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Citation {
    /// Full names where they were printed so.
    pub authors: &'static str,
    /// Year of publication.
    pub year: u16,
    /// Title.
    pub title: &'static str,
    /// Journal with volume and pages, conference, or repository; a data set's licence.
    pub venue: &'static str,
}

impl fmt::Display for Citation {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{} ({}). {}. {}.", self.authors, self.year, self.title, self.venue)
    }
}

const fn work(authors: &'static str, year: u16, title: &'static str, venue: &'static str) -> Citation {
    Citation { authors, year, title, venue }
}

impl Method {
    /// All of them, in the order in which a report lists them.
    pub const ALL: [Method; 32] = [
        Method::Ncsn,
        Method::NcsnV2,
        Method::DenoisingScoreMatching,
        Method::ScoreMatching,
        Method::SlicedScoreMatching,
        Method::ContrastiveDivergence,
        Method::RestrictedBoltzmann,
        Method::DeepBoltzmann,
        Method::PersistentDivergence,
        Method::ParallelTempering,
        Method::Centring,
        Method::ShortRun,
        Method::ReplayBuffer,
        Method::NoiseContrastive,
        Method::FlowContrastive,
        Method::RealNvp,
        Method::Dkef,
        Method::Adam,
        Method::UNet,
        Method::GroupNorm,
        Method::Silu,
        Method::Swish,
        Method::Residual,
        Method::Mmd,
        Method::SlicedWasserstein,
        Method::FrechetDistance,
        Method::GaussianFrechet,
        Method::Averaging,
        Method::Winograd,
        Method::Philox,
        Method::OptDigits,
        Method::Mnist,
    ];

    /// What the work is cited for, in a few words.
    pub fn role(self) -> &'static str {
        match self {
            Method::Ncsn => "noise-conditional score network, annealed Langevin sampling",
            Method::NcsnV2 => "noise levels, step size, moving average of the parameters",
            Method::DenoisingScoreMatching => "denoising score matching",
            Method::ScoreMatching => "score matching",
            Method::SlicedScoreMatching => "sliced score matching",
            Method::ContrastiveDivergence => "contrastive divergence",
            Method::RestrictedBoltzmann => "energy: restricted Boltzmann machine",
            Method::DeepBoltzmann => "energy: deep Boltzmann machine, learnt with a mean field",
            Method::PersistentDivergence => "contrastive divergence with persistent Gibbs chains",
            Method::ParallelTempering => "parallel tempering of Gibbs chains",
            Method::Centring => "centred gradients",
            Method::ShortRun => "short-run Langevin chains from noise",
            Method::ReplayBuffer => "persistent Langevin chains in a replay buffer",
            Method::NoiseContrastive => "noise contrastive estimation",
            Method::FlowContrastive => "flow contrastive estimation",
            Method::RealNvp => "flow: affine couplings",
            Method::Dkef => "energy: deep kernel exponential family",
            Method::Adam => "optimiser",
            Method::UNet => "network: U-Net",
            Method::GroupNorm => "network: group normalisation",
            Method::Silu | Method::Swish => "network: SiLU activation",
            Method::Residual => "network: residual blocks",
            Method::Mmd => "metric: maximum mean discrepancy",
            Method::SlicedWasserstein => "metric: sliced Wasserstein distance",
            Method::FrechetDistance => "metric: Fréchet distance of image features",
            Method::GaussianFrechet => "metric: Fréchet distance between Gaussians",
            Method::Averaging => "averaging of parameters",
            Method::Winograd => "fast convolutions",
            Method::Philox => "random numbers",
            Method::OptDigits | Method::Mnist => "data",
        }
    }

    /// The work itself.
    pub fn citation(self) -> Citation {
        match self {
            Method::Ncsn => work(
                "Yang Song, Stefano Ermon",
                2019,
                "Generative Modeling by Estimating Gradients of the Data Distribution",
                "Advances in Neural Information Processing Systems 32",
            ),
            Method::NcsnV2 => work(
                "Yang Song, Stefano Ermon",
                2020,
                "Improved Techniques for Training Score-Based Generative Models",
                "Advances in Neural Information Processing Systems 33",
            ),
            Method::DenoisingScoreMatching => work(
                "Pascal Vincent",
                2011,
                "A Connection Between Score Matching and Denoising Autoencoders",
                "Neural Computation 23(7), 1661-1674",
            ),
            Method::ScoreMatching => work(
                "Aapo Hyvärinen",
                2005,
                "Estimation of Non-Normalized Statistical Models by Score Matching",
                "Journal of Machine Learning Research 6, 695-709",
            ),
            Method::SlicedScoreMatching => work(
                "Yang Song, Sahaj Garg, Jiaxin Shi, Stefano Ermon",
                2019,
                "Sliced Score Matching: A Scalable Approach to Density and Score Estimation",
                "Uncertainty in Artificial Intelligence, PMLR 115, 574-584",
            ),
            Method::ContrastiveDivergence => work(
                "Geoffrey E. Hinton",
                2002,
                "Training Products of Experts by Minimizing Contrastive Divergence",
                "Neural Computation 14(8), 1771-1800",
            ),
            Method::DeepBoltzmann => {
                work("Ruslan Salakhutdinov, Geoffrey Hinton", 2009, "Deep Boltzmann Machines", "AISTATS 2009")
            }
            Method::RestrictedBoltzmann => work(
                "Paul Smolensky",
                1986,
                "Information Processing in Dynamical Systems: Foundations of Harmony Theory",
                "Parallel Distributed Processing, volume 1, chapter 6, MIT Press",
            ),
            Method::PersistentDivergence => work(
                "Tijmen Tieleman",
                2008,
                "Training Restricted Boltzmann Machines using Approximations to the Likelihood Gradient",
                "International Conference on Machine Learning, 1064-1071",
            ),
            Method::ParallelTempering => work(
                "Guillaume Desjardins, Aaron Courville, Yoshua Bengio, Pascal Vincent, Olivier Delalleau",
                2010,
                "Tempered Markov Chain Monte Carlo for Training of Restricted Boltzmann Machines",
                "International Conference on Artificial Intelligence and Statistics, PMLR 9, 145-152",
            ),
            Method::Centring => work(
                "Jan Melchior, Asja Fischer, Laurenz Wiskott",
                2016,
                "How to Center Deep Boltzmann Machines",
                "Journal of Machine Learning Research 17(99), 1-61",
            ),
            Method::ShortRun => work(
                "Erik Nijkamp, Mitch Hill, Song-Chun Zhu, Ying Nian Wu",
                2019,
                "Learning Non-Convergent Non-Persistent Short-Run MCMC Toward Energy-Based Model",
                "Advances in Neural Information Processing Systems 32",
            ),
            Method::ReplayBuffer => work(
                "Yilun Du, Igor Mordatch",
                2019,
                "Implicit Generation and Modeling with Energy Based Models",
                "Advances in Neural Information Processing Systems 32",
            ),
            Method::NoiseContrastive => work(
                "Michael U. Gutmann, Aapo Hyvärinen",
                2012,
                "Noise-Contrastive Estimation of Unnormalized Statistical Models, with Applications to Natural Image Statistics",
                "Journal of Machine Learning Research 13, 307-361",
            ),
            Method::FlowContrastive => work(
                "Ruiqi Gao, Erik Nijkamp, Diederik P. Kingma, Zhen Xu, Andrew M. Dai, Ying Nian Wu",
                2020,
                "Flow Contrastive Estimation of Energy-Based Models",
                "IEEE/CVF Conference on Computer Vision and Pattern Recognition, 7515-7525",
            ),
            Method::RealNvp => work(
                "Laurent Dinh, Jascha Sohl-Dickstein, Samy Bengio",
                2017,
                "Density Estimation Using Real NVP",
                "International Conference on Learning Representations",
            ),
            Method::Dkef => work(
                "Li Wenliang, Danica J. Sutherland, Heiko Strathmann, Arthur Gretton",
                2019,
                "Learning Deep Kernels for Exponential Family Densities",
                "International Conference on Machine Learning, PMLR 97, 6737-6746",
            ),
            Method::Adam => work(
                "Diederik P. Kingma, Jimmy Ba",
                2015,
                "Adam: A Method for Stochastic Optimization",
                "International Conference on Learning Representations",
            ),
            Method::UNet => work(
                "Olaf Ronneberger, Philipp Fischer, Thomas Brox",
                2015,
                "U-Net: Convolutional Networks for Biomedical Image Segmentation",
                "Medical Image Computing and Computer-Assisted Intervention, LNCS 9351, 234-241",
            ),
            Method::GroupNorm => work(
                "Yuxin Wu, Kaiming He",
                2018,
                "Group Normalization",
                "European Conference on Computer Vision, LNCS 11217, 3-19",
            ),
            Method::Silu => work(
                "Stefan Elfwing, Eiji Uchibe, Kenji Doya",
                2018,
                "Sigmoid-Weighted Linear Units for Neural Network Function Approximation in Reinforcement Learning",
                "Neural Networks 107, 3-11",
            ),
            Method::Swish => work(
                "Prajit Ramachandran, Barret Zoph, Quoc V. Le",
                2017,
                "Searching for Activation Functions",
                "arXiv:1710.05941",
            ),
            Method::Residual => work(
                "Kaiming He, Xiangyu Zhang, Shaoqing Ren, Jian Sun",
                2016,
                "Deep Residual Learning for Image Recognition",
                "IEEE Conference on Computer Vision and Pattern Recognition, 770-778",
            ),
            Method::Mmd => work(
                "Arthur Gretton, Karsten M. Borgwardt, Malte J. Rasch, Bernhard Schölkopf, Alexander Smola",
                2012,
                "A Kernel Two-Sample Test",
                "Journal of Machine Learning Research 13, 723-773",
            ),
            Method::SlicedWasserstein => work(
                "Nicolas Bonneel, Julien Rabin, Gabriel Peyré, Hanspeter Pfister",
                2015,
                "Sliced and Radon Wasserstein Barycenters of Measures",
                "Journal of Mathematical Imaging and Vision 51(1), 22-45",
            ),
            Method::FrechetDistance => work(
                "Martin Heusel, Hubert Ramsauer, Thomas Unterthiner, Bernhard Nessler, Sepp Hochreiter",
                2017,
                "GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium",
                "Advances in Neural Information Processing Systems 30",
            ),
            Method::GaussianFrechet => work(
                "D. C. Dowson, B. V. Landau",
                1982,
                "The Fréchet Distance between Multivariate Normal Distributions",
                "Journal of Multivariate Analysis 12(3), 450-455",
            ),
            Method::Averaging => work(
                "Boris T. Polyak, Anatoli B. Juditsky",
                1992,
                "Acceleration of Stochastic Approximation by Averaging",
                "SIAM Journal on Control and Optimization 30(4), 838-855",
            ),
            Method::Winograd => work(
                "Andrew Lavin, Scott Gray",
                2016,
                "Fast Algorithms for Convolutional Neural Networks",
                "IEEE Conference on Computer Vision and Pattern Recognition, 4013-4021",
            ),
            Method::Philox => work(
                "John K. Salmon, Mark A. Moraes, Ron O. Dror, David E. Shaw",
                2011,
                "Parallel Random Numbers: As Easy as 1, 2, 3",
                "International Conference for High Performance Computing, Networking, Storage and Analysis (SC11)",
            ),
            Method::OptDigits => work(
                "Ethem Alpaydin, Cenk Kaynak",
                1998,
                "Optical Recognition of Handwritten Digits",
                "UCI Machine Learning Repository, CC BY 4.0",
            ),
            Method::Mnist => work(
                "Yann LeCun, Léon Bottou, Yoshua Bengio, Patrick Haffner",
                1998,
                "Gradient-Based Learning Applied to Document Recognition",
                "Proceedings of the IEEE 86(11), 2278-2324",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_listed_once_in_their_order_and_complete() {
        assert!(Method::ALL.is_sorted_by(|a, b| a < b));
        assert_eq!(Method::ALL.last().map(|&last| last as usize + 1), Some(Method::ALL.len()));
        for method in Method::ALL {
            let Citation { authors, year, title, venue } = method.citation();
            assert!((1900..2100).contains(&year), "{method:?}");
            for part in [authors, title, venue, method.role()] {
                assert!(!part.is_empty() && !part.ends_with('.'), "{method:?}: {part}");
            }
        }
    }

    #[test]
    fn no_work_is_listed_twice() {
        let mut titles: Vec<_> = Method::ALL.iter().map(|method| method.citation().title).collect();
        titles.sort_unstable();
        titles.dedup();
        assert_eq!(titles.len(), Method::ALL.len());
    }

    #[test]
    fn reads_as_a_reference() {
        assert_eq!(
            Method::ScoreMatching.citation().to_string(),
            "Aapo Hyvärinen (2005). Estimation of Non-Normalized Statistical Models by Score Matching. Journal \
             of Machine Learning Research 6, 695-709."
        );
    }
}
