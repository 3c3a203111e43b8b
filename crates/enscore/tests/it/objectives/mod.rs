//! Objectives against what they must find.

mod contrastive_chains;
mod deep_pretraining;
mod discrepancy_by_hand;
mod divergence_by_hand;
mod fitted_energies;
mod fitted_flows;
mod fitted_scores;
mod games;
mod learnt_log_z;
mod losses;
mod noise_by_rows;
mod recovers_its_target;
