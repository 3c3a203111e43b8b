//! What the words of a report mean: a line for each figure and metric that it shows.

use crate::evaluate::Evaluation;

/// A word by the start of an id or of a metric's name, and its meaning.
const WORDS: [(&str, &str, &str); 19] = [
    (
        "mmd",
        "MMD² (mmd2)",
        "squared maximum mean discrepancy with a Gaussian kernel: 0 on average where samples and data have one \
         law, larger the further they are apart; it can be negative by chance.",
    ),
    (
        "kid",
        "kernel distance (kid)",
        "squared maximum mean discrepancy with a cubic polynomial kernel: 0 on average where samples and data \
         have one law.",
    ),
    (
        "sliced_wasserstein",
        "sliced Wasserstein distance",
        "how far values must move to turn samples into data, as a root mean square over random directions; in \
         units of the data.",
    ),
    (
        "frechet",
        "Frechet distance (frechet_pca)",
        "squared distance of mean and covariance in the directions in which the data vary most; it sees \
         nothing beyond these moments, and is no FID.",
    ),
    (
        "precision",
        "precision",
        "the share of samples that lie where the data are: within the distance from some real row to its fifth \
         nearest neighbour, in the directions in which the data vary most; larger is better.",
    ),
    (
        "recall",
        "recall",
        "the same with samples and real rows exchanged: low where samples leave out modes; larger is better.",
    ),
    (
        "coverage",
        "coverage",
        "the share of real rows with a sample closer than their fifth nearest real row: low where samples leave \
         out modes, and less moved by single stray samples than recall; larger is better.",
    ),
    (
        "null",
        "null value",
        "the same metric between two separate sets of real rows: what a perfect model would have.",
    ),
    (
        "loss_per_dim",
        "held-out loss per dimension",
        "the denoising loss ‖σ s(x + σz) + z‖² / d, averaged over noise levels and rows: 1 for a network that \
         says nothing, lower is better.",
    ),
    (
        "affine",
        "best affine network",
        "the same loss of the affine network that fits the training rows best: it knows their mean and covariance \
         only.",
    ),
    ("loss", "objective's loss", "the loss that the training lowers, on held-out rows; lower is better."),
    (
        "log_density",
        "log density, nats up to log Z",
        "f(x) / T of the model, known up to a constant: compare it between rows, not between models.",
    ),
    (
        "log_likelihood",
        "log-likelihood, nats",
        "the normalised log density ln p(x), a mean over rows; higher is better. One nat is 1.44 bits.",
    ),
    (
        "log_z",
        "log Z",
        "the constant that turns log densities into log-likelihoods: ln of the integral of exp(f / T).",
    ),
    (
        "reconstruction_error",
        "reconstruction error",
        "mean squared difference between a row and what one sweep through the hidden units makes of it.",
    ),
    (
        "pseudo_log_likelihood",
        "pseudo-log-likelihood",
        "Σ ln p(unit | all other units), which needs no log Z; not comparable with log-likelihoods.",
    ),
    (
        "bits_per_dim",
        "bits per dimension",
        "code length of a pixel or value: -log2 p(x) / d of the levels; lower is better.",
    ),
    (
        "auroc",
        "AUROC",
        "the chance that a held-out row has a higher log density than one of the other data: 1 tells them \
         apart, 0.5 does not.",
    ),
    ("±", "±", "one standard error, over rows; of a null value the standard deviation over its draws."),
];

/// The meanings of what `evaluation` shows, as name and text.
pub(super) fn glossary(evaluation: &Evaluation) -> Vec<(&'static str, &'static str)> {
    let mut shown: Vec<&str> = evaluation.figures.iter().map(|figure| figure.id).collect();
    shown.extend(evaluation.metrics.iter().map(|metric| metric.name.as_str()));
    shown.extend(evaluation.loss.iter().map(|_| "loss_per_dim"));
    shown.extend(evaluation.affine.iter().map(|_| "affine"));
    shown.extend(evaluation.metrics.first().map(|_| "null"));
    let any = !shown.is_empty();
    // The longest word that an id begins with is its own.
    let word_of = |id: &str| {
        WORDS.iter().map(|(word, ..)| *word).filter(|word| id.starts_with(word)).max_by_key(|word| word.len())
    };
    let words: Vec<&str> = shown.iter().filter_map(|id| word_of(id)).collect();
    let is_shown = |word: &str| words.contains(&word) || (word == "±" && any);
    WORDS.iter().filter(|(word, ..)| is_shown(word)).map(|(_, name, meaning)| (*name, *meaning)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::METRICS;

    #[test]
    fn every_metric_has_a_meaning() {
        for kind in METRICS {
            assert!(WORDS.iter().any(|(word, ..)| kind.word.starts_with(word)), "{}", kind.word);
        }
    }
}
