//! The random streams of the library in one table: every draw names one, so that no two kinds of draws share
//! numbers.
//!
//! A draw is a function of (seed, stream, step, row, position). Traced programs number their streams from 0,
//! so those here are large; the Ising kernel of the executor takes a range of its own from 0x4953_0000 on.
//! Most values are letters: 0x6461_7461 reads "data". To change one is to change every result that it enters.

/// The permutation of the rows in each epoch.
pub const EPOCH: u32 = 0x6461_7461;
/// The rows held out for validation.
pub const VALIDATION_SPLIT: u32 = 0x7370_6c74;
/// The rows held out for testing.
pub const TEST_SPLIT: u32 = 0x7465_7374;
/// The noise added to a run's own rows before whitening.
pub const WHITENING_OWN: u32 = 0x746f_776e;
/// The noise added to rows from elsewhere before whitening: a test split, other data.
pub const WHITENING_OTHER: u32 = 0x746f_7468;
/// The bits of a run's own grey rows.
pub const GREY_OWN: u32 = 0x6772_6f77;
/// The bits of grey rows from elsewhere.
pub const GREY_OTHER: u32 = 0x6772_6f74;
/// The bits of a batch of grey rows.
pub const GREY_BATCH: u32 = 0x6772_6261;
/// Draws from a toy density that a user asks for.
pub const TOY_DRAW: u32 = 0x746f_7964;
/// The training rows of a toy data set.
pub const TOY_TRAIN: u32 = 0x746f_7974;
/// The test rows of a toy data set.
pub const TOY_TEST: u32 = 0x746f_7965;

/// Initial values of parameters.
pub const INITIAL: u32 = 0xA11C_E5ED;
/// The start of expectation maximisation.
pub const MIXTURE_START: u32 = 0xE11A_5717;

/// The orders of the elements of a masked autoencoder.
pub const ELEMENT_ORDER: u32 = 0x4D41_0001;
/// The order in which the elements of a sample are drawn.
pub const ROW_ORDER: u32 = 0x4D41_0002;
/// The elements of a sample of an autoregressive model.
pub const ELEMENT_DRAW: u32 = 0x4D41_0003;

/// Normal numbers of MALA and HMC: proposals and momenta.
pub const MOVE: u32 = 0x4D43_0001;
/// Whether MALA and HMC accept a proposal.
pub const ACCEPT: u32 = 0x4D43_0002;
/// The random spins that Ising chains start from.
pub const SPIN_START: u32 = 0x4953_4E47;
/// Single-site updates of an Ising chain.
pub const SINGLE_SITE: u32 = 0x4953_5353;
/// Seeds and bonds of Wolff clusters.
pub const WOLFF: u32 = 0x4953_574F;
/// Bonds of Swendsen-Wang clusters.
pub const SWENDSEN_WANG_BONDS: u32 = 0x4953_5742;
/// New spins of Swendsen-Wang clusters.
pub const SWENDSEN_WANG_SPINS: u32 = 0x4953_5743;
/// Checkerboard sweeps of image denoising.
pub const DENOISING_SWEEP: u32 = 0x1516_0001;
/// The random images that denoising chains start from.
pub const DENOISING_START: u32 = 0x1516_0002;

/// Draws of a prior over latent variables that a map shows.
pub const PRIOR_POINTS: u32 = 0x5641_0001;
/// The vector that the power iteration of spectral normalisation starts from.
pub const POWER_START: u32 = 0x4741_0001;
/// The component, or the row, that a draw of a baseline comes from.
pub const ROW_COMPONENT: u32 = 0x424C_0001;
/// Normal numbers of draws of a baseline.
pub const ROW_NORMAL: u32 = 0x424C_0002;
/// Bits of draws of a baseline.
pub const ROW_BITS: u32 = 0x424C_0003;
/// The points that samples start from.
pub const SAMPLE_START: u32 = 0x7374_6172;
/// The rows that suggested noise levels are computed from.
pub const SUGGESTED_ROWS: u32 = 0x5099_0001;

/// Normal numbers of draws from a base density.
pub const BASE_NORMAL: u32 = 0x4241_0001;
/// The component of a draw from a mixture as a base density.
pub const BASE_COMPONENT: u32 = 0x4241_0002;
/// Exact draws of the enumerated side of a machine.
pub const ENUMERATED_STATE: u32 = 0x4245_0001;
/// How far the step size of HMC varies from step to step while annealing.
pub const STEP_SIZE_JITTER: u32 = 0x4149_0001;
/// The rows whose median distance is the bandwidth of MMD.
pub const MEDIAN_ROWS: u32 = 0x3D3D_0001;
/// The directions of the sliced Wasserstein distance.
pub const SLICES: u32 = 0x51CE_0001;
/// The real rows of a two-sample comparison.
pub const COMPARED_REAL: u32 = 0x7457_0001;
/// The samples of a two-sample comparison.
pub const COMPARED_SAMPLES: u32 = 0x7457_0002;

/// Dequantisation noise of held-out rows.
pub const HELD_OUT_NOISE: u32 = 0x6269_7473;

/// Dequantisation noise of a batch.
pub const DEQUANTISATION: u32 = 0x6465_7175;
/// The points that the chains of a training start from.
pub const CHAIN_START: u32 = 0x6368_7374;
/// Which chains of the replay buffer start anew.
pub const CHAIN_RESTART: u32 = 0x6368_7265;
/// The draws of the lecture's figures: noise on images, chains of known scores.
pub const LECTURE: u32 = 0x6C65_6374;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    /// Every stream with its value: a change of one is a change of results, so it must be deliberate.
    const VALUES: [(&str, u32, u32); 45] = [
        ("EPOCH", super::EPOCH, 0x6461_7461),
        ("VALIDATION_SPLIT", super::VALIDATION_SPLIT, 0x7370_6c74),
        ("TEST_SPLIT", super::TEST_SPLIT, 0x7465_7374),
        ("WHITENING_OWN", super::WHITENING_OWN, 0x746f_776e),
        ("WHITENING_OTHER", super::WHITENING_OTHER, 0x746f_7468),
        ("GREY_OWN", super::GREY_OWN, 0x6772_6f77),
        ("GREY_OTHER", super::GREY_OTHER, 0x6772_6f74),
        ("GREY_BATCH", super::GREY_BATCH, 0x6772_6261),
        ("TOY_DRAW", super::TOY_DRAW, 0x746f_7964),
        ("TOY_TRAIN", super::TOY_TRAIN, 0x746f_7974),
        ("TOY_TEST", super::TOY_TEST, 0x746f_7965),
        ("INITIAL", super::INITIAL, 0xA11C_E5ED),
        ("MIXTURE_START", super::MIXTURE_START, 0xE11A_5717),
        ("ELEMENT_ORDER", super::ELEMENT_ORDER, 0x4D41_0001),
        ("ROW_ORDER", super::ROW_ORDER, 0x4D41_0002),
        ("ELEMENT_DRAW", super::ELEMENT_DRAW, 0x4D41_0003),
        ("MOVE", super::MOVE, 0x4D43_0001),
        ("ACCEPT", super::ACCEPT, 0x4D43_0002),
        ("SPIN_START", super::SPIN_START, 0x4953_4E47),
        ("SINGLE_SITE", super::SINGLE_SITE, 0x4953_5353),
        ("WOLFF", super::WOLFF, 0x4953_574F),
        ("SWENDSEN_WANG_BONDS", super::SWENDSEN_WANG_BONDS, 0x4953_5742),
        ("SWENDSEN_WANG_SPINS", super::SWENDSEN_WANG_SPINS, 0x4953_5743),
        ("DENOISING_SWEEP", super::DENOISING_SWEEP, 0x1516_0001),
        ("DENOISING_START", super::DENOISING_START, 0x1516_0002),
        ("PRIOR_POINTS", super::PRIOR_POINTS, 0x5641_0001),
        ("POWER_START", super::POWER_START, 0x4741_0001),
        ("ROW_COMPONENT", super::ROW_COMPONENT, 0x424C_0001),
        ("ROW_NORMAL", super::ROW_NORMAL, 0x424C_0002),
        ("ROW_BITS", super::ROW_BITS, 0x424C_0003),
        ("SAMPLE_START", super::SAMPLE_START, 0x7374_6172),
        ("SUGGESTED_ROWS", super::SUGGESTED_ROWS, 0x5099_0001),
        ("BASE_NORMAL", super::BASE_NORMAL, 0x4241_0001),
        ("BASE_COMPONENT", super::BASE_COMPONENT, 0x4241_0002),
        ("ENUMERATED_STATE", super::ENUMERATED_STATE, 0x4245_0001),
        ("STEP_SIZE_JITTER", super::STEP_SIZE_JITTER, 0x4149_0001),
        ("MEDIAN_ROWS", super::MEDIAN_ROWS, 0x3D3D_0001),
        ("SLICES", super::SLICES, 0x51CE_0001),
        ("COMPARED_REAL", super::COMPARED_REAL, 0x7457_0001),
        ("COMPARED_SAMPLES", super::COMPARED_SAMPLES, 0x7457_0002),
        ("HELD_OUT_NOISE", super::HELD_OUT_NOISE, 0x6269_7473),
        ("DEQUANTISATION", super::DEQUANTISATION, 0x6465_7175),
        ("CHAIN_START", super::CHAIN_START, 0x6368_7374),
        ("CHAIN_RESTART", super::CHAIN_RESTART, 0x6368_7265),
        ("LECTURE", super::LECTURE, 0x6C65_6374),
    ];

    #[test]
    fn streams_keep_their_values() {
        for (name, stream, value) in VALUES {
            assert_eq!(stream, value, "{name}");
        }
        let declared = include_str!("streams.rs").lines().filter(|line| line.starts_with("pub const "));
        assert_eq!(declared.count(), VALUES.len(), "a stream is missing from the table of values");
    }

    #[test]
    fn no_two_streams_are_the_same() {
        let different: BTreeSet<u32> = VALUES.iter().map(|(_, stream, _)| *stream).collect();
        assert_eq!(different.len(), VALUES.len());
        // Programs count from 0; the executor's Ising kernel takes two streams a call from its own base on.
        let elsewhere = |stream: &u32| *stream < 1 << 24 || (0x4953_0000..0x4953_1000).contains(stream);
        assert!(!different.iter().any(elsewhere));
    }
}
