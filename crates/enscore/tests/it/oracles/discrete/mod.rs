//! Cases of models of units and spins.

mod dbm;
mod ising;
mod ising_exact;
mod log_z;
mod rbm;
