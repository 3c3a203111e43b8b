//! Every committed case has a test, and no case that a test relies on has gone.

use crate::common::oracles;
use std::collections::BTreeSet;
use std::path::Path;

/// The cases and the test files that read them.
const COVERED: &[(&str, &[&str])] = &[
    (
        "oracles/likelihoods/baselines.rs",
        &["gmm.bic", "gmm.em_step.diag", "kde.leave_one_out", "kde.leave_one_out_scott", "kde.scott"],
    ),
    ("oracles/likelihoods/adversarial.rs", &["gan.gradient.gauss", "gan.wgan_gp.linear", "gan.wgan_gp.tanh"]),
    ("oracles/data.rs", &["data.mnist.mean_std"]),
    (
        "objectives/fitted_scores.rs",
        &["dsm.gmm1d.optimal_score.sigma0.1", "dsm.gmm1d.optimal_score.sigma0.5"],
    ),
    (
        "oracles/analytic.rs",
        &[
            "data.digits8x8.memorised_denoiser",
            "dsm.empirical.min_loss",
            "dsm.empirical.optimal_score",
            "dsm.gauss1d.min_loss.sigma0.2",
            "dsm.gauss1d.min_loss.sigma1.0",
            "dsm.gmm1d.min_loss.sigma0.5",
            "dsm.gmm1d.optimal_score.sigma0.1",
            "dsm.gmm1d.optimal_score.sigma0.5",
            "dsm.sm_identity",
            "langevin.plain.gmm",
            "ncsn.ald.gmm",
            "ncsn.loss.gauss_min",
        ],
    ),
    (
        "oracles/likelihoods/variational.rs",
        &["vae.iwae.1d", "vae.linear.elbo_gradient", "vae.linear.optimum"],
    ),
    ("oracles/likelihoods/autoregressive.rs", &["ar.gauss", "ar.logistic_mixture", "ar.made"]),
    (
        "oracles/contrastive.rs",
        &[
            "fce.value",
            "nce.gauss.asymptotic_cov.nu1",
            "nce.gauss.asymptotic_cov.nu1000",
            "nce.gauss.asymptotic_mle",
            "nce.gauss.logZ",
            "nce.gauss.misspecified_c",
            "nce.gauss.objective_at_truth.nu1",
            "nce.sample.loss_grad",
            "nce.sample.optimum",
        ],
    ),
    (
        "oracles/discrete/dbm.rs",
        &["dbm.4-3-3.logZ", "dbm.4-3-3.log_pv", "dbm.4-3-3.meanfield.v1001", "dbm.4-3-3.model_moments"],
    ),
    (
        "oracles/energies.rs",
        &[
            "ebm.boltzmann3.logZ",
            "ebm.double_well.logZ",
            "ebm.double_well.moments",
            "ebm.double_well.stein",
            "ebm.expfam.grad_logZ",
            "ebm.expfam.loglik_grad",
            "sm.expfam.population",
            "sm.fisher_divergence.gauss",
        ],
    ),
    (
        "oracles/evaluate.rs",
        &[
            "data.digits8x8.ncsn_linear_baseline",
            "data.mnist.bernoulli_baseline",
            "data.mnist.ncsn_linear_baseline",
            "metric.bits_per_dim",
            "metric.frechet",
            "metric.inception_score",
            "metric.kl_gauss",
            "metric.precision_recall.k1",
            "metric.precision_recall.k2",
            "ncsn.ald.gauss.a",
            "ncsn.ald.gauss.a_code_convention",
            "ncsn.ald.gauss.c_code_convention",
            "ncsn.sigmas",
            "ncsn.step_sizes",
            "ncsnv2.technique2.gamma",
            "smld.ancestral.gauss",
            "ula.gauss1d.transient",
            "ula.gauss1d.unstable",
            "ula.gauss1d.var.s2_0.25.eps0.05",
            "ula.gauss1d.var.s2_1.0.eps0.1",
            "ula.gauss1d.var.s2_1.0.eps0.5",
        ],
    ),
    ("oracles/likelihoods/flow.rs", &["flow.realnvp.logp"]),
    (
        "oracles/discrete/ising.rs",
        &[
            "data.mnist.map_denoise_test0",
            "ising.map32x32",
            "ising.map3x3.eta1.0.beta0.5",
            "ising.map3x3.eta1.0.beta0.5.marginals",
            "ising.map3x3.eta1.0.beta1.0",
            "ising.map3x3.eta1.0.beta1.0.marginals",
            "ising.map8x8",
        ],
    ),
    (
        "oracles/discrete/rbm.rs",
        &[
            "rbm.4x3.cd1.expected_gradient",
            "rbm.4x3.cd10.expected_gradient",
            "rbm.4x3.cd1_objective",
            "rbm.4x3.cd3.expected_gradient",
            "rbm.4x3.exact_ml_gradient",
            "rbm.4x3.free_energy",
            "rbm.4x3.gibbs_invariance",
            "rbm.4x3.logZ",
            "rbm.4x3.loglik",
            "rbm.4x3.model_moments",
            "rbm.4x3.p_v",
            "rbm.4x3.pseudo_loglik",
            "rbm.4x3.spin_equivalence",
            "rbm.bars_and_stripes2x2.bound",
            "rbm.bars_and_stripes3x3.bound",
        ],
    ),
    (
        "oracles/discrete/ising_exact.rs",
        &[
            "ising.beta_c",
            "ising.free3x3.heatbath.second_eigenvalue",
            "ising.free3x3.logZ.beta0.5",
            "ising.free3x3.metropolis.second_eigenvalue",
            "ising.free3x3.sweep_autocorr",
            "ising.onsager.T2.0",
            "ising.onsager.T3.0",
            "ising.onsager.critical",
            "ising.torus16x16.logZ_u.beta0.4",
            "ising.torus16x16.logZ_u.beta0.440687",
            "ising.torus16x16.logZ_u.beta0.5",
            "ising.torus32x32.logZ_u.beta0.440687",
            "ising.torus32x32.logZ_u.beta0.5",
            "ising.torus4x4.absmag.beta0.2",
            "ising.torus4x4.absmag.beta0.440687",
            "ising.torus4x4.energy_var.beta0.2",
            "ising.torus4x4.energy_var.beta0.440687",
            "ising.torus4x4.logZ.beta0.2",
            "ising.torus4x4.logZ.beta0.440687",
            "ising.torus4x4.thermo_integration",
            "ising.torus64x64.logZ_u.beta0.4",
            "ising.torus64x64.logZ_u.beta0.440687",
            "ising.torus8x8.logZ.beta0.2",
            "ising.torus8x8.logZ.beta0.440687",
            "ising.torus8x8.logZ.beta0.6",
            "ising.yang.magnetisation.T1.5",
            "ising.yang.magnetisation.T2.0",
        ],
    ),
    (
        "oracles/sampler.rs",
        &["ncsn.ald.gauss.a", "ncsn.ald.gauss.a_code_convention", "ncsn.ald.gauss.c_code_convention"],
    ),
    (
        "oracles/discrete/log_z.rs",
        &[
            "ais.rbm4x3.exact_moments.K2",
            "ais.rbm4x3.linear1",
            "ais.rbm4x3.linear10",
            "ais.rbm4x3.linear100",
            "ais.rbm4x3.logZ_path",
            "ais.rbm4x3.reverse_bound10",
            "data.sm08.cd25_500.unnormalised",
            "jarzynski.dragged_oscillator",
            "metric.ess_ar1",
            "rbm.4x3.logZ",
            "rbm.4x3.spin_equivalence",
            "rbm.784x16.logZ",
            "rbm.W0.logZ",
        ],
    ),
    ("oracles/score_matching.rs", &["sm.mlp.loss", "sm.mlp.param_gradient"]),
    (
        "oracles/sliced.rs",
        &[
            "sm.gauss2d.estimator",
            "sm.gauss2d.loss",
            "sm.mlp.loss",
            "sm.mlp.param_gradient",
            "ssm.gaussian.mean_variance",
            "ssm.mlp.loss",
            "ssm.rademacher.expectation",
            "ssm.rademacher.variance",
        ],
    ),
    (
        "oracles/transitions.rs",
        &[
            "ais.gauss.perfect.K1",
            "ais.gauss.perfect.K10",
            "geweke.gauss.moments",
            "hmc.gauss1d.acceptance.e0.5.L1",
            "hmc.gauss1d.acceptance.e0.5.L5",
            "hmc.gauss1d.acceptance.e1.9.L2",
            "hmc.leapfrog.trajectory",
            "mala.double_well.log_ratio",
            "mala.gauss1d.acceptance.eps0.1",
            "mala.gauss1d.acceptance.eps0.5",
            "mala.gauss1d.acceptance.eps1.0",
        ],
    ),
    ("training/tabular.rs", &["data.wine.gaussian_sm"]),
];

#[test]
fn every_committed_case_has_a_test() {
    let committed: BTreeSet<String> = oracles::ids().into_iter().collect();
    assert_eq!(committed.len(), oracles::ids().len(), "an id is committed twice");
    let covered: BTreeSet<String> =
        COVERED.iter().flat_map(|(_, ids)| *ids).map(|id| id.to_string()).collect();
    let missing: Vec<_> = committed.difference(&covered).collect();
    assert!(missing.is_empty(), "committed without a test: {missing:?}");
    let gone: Vec<_> = covered.difference(&committed).collect();
    assert!(gone.is_empty(), "tested but not committed: {gone:?}");
}

/// The list above is what the files say: each file reads the cases file and names its ids.
#[test]
fn the_files_name_the_cases_that_they_test() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    for (file, ids) in COVERED {
        let text = std::fs::read_to_string(folder.join(file)).unwrap();
        assert!(text.contains("common::oracles"), "{file} does not read the committed cases");
        // Ids in comments don't count.
        let code: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        let named = |id: &&&str| !code.iter().any(|line| line.contains(&format!("\"{id}\"")));
        let missing: Vec<_> = ids.iter().filter(named).collect();
        assert!(missing.is_empty(), "{file} does not name {missing:?}");
    }
}
