//! Models against closed forms.

mod baselines;
mod densities;
mod dkef;
mod energies;
mod flows;
mod gaussian_energies;
mod gaussian_machines;
mod langevin;
mod made;
mod mean_field;
mod networks;
mod pixelcnn;
mod student_t_energy;
