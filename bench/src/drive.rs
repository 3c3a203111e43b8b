//! How programs of workloads are run again and again.

/// How a program is driven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drive {
    /// Inputs: parameters, both moments, batch, corrections; outputs: the first three updated, the loss.
    Update,
    /// Inputs: parameters, batch; outputs: whatever is asked for.
    Once,
    /// Inputs: parameters, x, then step size, noise size, sigma, key; output: x after one Langevin step.
    Langevin,
    /// This many Langevin steps without levels of noise. Inputs: parameters, x, step size, noise size, key;
    /// output: x.
    Chain(usize),
    /// Annealing over this many temperatures. Inputs: parameters, x, log weights, then from, to, noise, key;
    /// outputs: both moved.
    Anneal(usize),
    /// This many updates without moments. Inputs: parameters, one batch of several in turn, noise, key;
    /// outputs: parameters, loss.
    Contrast(usize),
}

impl Drive {
    /// Whether a run's first outputs are what the next one begins with.
    pub fn keeps_state(self) -> bool {
        matches!(self, Drive::Update | Drive::Contrast(_))
    }
}
