//! Adam (Kingma and Ba 2015, algorithm 1), gradient descent with momentum, clipping by the global norm
//! (Pascanu, Mikolov and Bengio 2013, algorithm 1) and the exponential moving average of parameters, as
//! functions of symbolic variables:
//!
//! ```text
//! m' = β1 m + (1 - β1) g,   v' = β2 v + (1 - β2) g²,
//! p' = p - η (m' / (1 - β1^t)) / (√(v' / (1 - β2^t)) + ε).
//! ```
//!
//! What changes with the step t (η, 1 - β1^t, 1 - β2^t) is passed in, computed by the host in double
//! precision.

use enscore_program::{Scope, Var};

use crate::error::{Error, Result};

/// Adam's constants.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adam {
    beta1: f64,
    beta2: f64,
    epsilon: f64,
}

impl Default for Adam {
    /// The paper's: 0.9, 0.999, 1e-8.
    fn default() -> Self {
        Adam { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }
    }
}

/// What changes from step to step: scalars.
#[derive(Clone, Copy)]
pub struct Rates<'s> {
    /// η, the step's length in units of the parameters.
    pub learning_rate: Var<'s>,
    /// 1 - β1^t.
    pub correction1: Var<'s>,
    /// 1 - β2^t.
    pub correction2: Var<'s>,
}

impl Adam {
    /// Decay rates in [0, 1) of the two moments, and the number added to the denominator.
    ///
    /// # Errors
    /// A rate outside [0, 1), an epsilon that is not finite and positive.
    pub fn new(beta1: f64, beta2: f64, epsilon: f64) -> Result<Self> {
        for (name, beta) in [("beta1", beta1), ("beta2", beta2)] {
            if !(0.0..1.0).contains(&beta) {
                return Err(Error::input("a decay rate of Adam is out of range")
                    .at(name)
                    .found(beta)
                    .expected("at least 0 and below 1"));
            }
        }
        if epsilon.is_finite() && epsilon > 0.0 {
            Ok(Adam { beta1, beta2, epsilon })
        } else {
            Err(Error::input("Adam's epsilon is out of range")
                .at("epsilon")
                .found(epsilon)
                .expected("a finite number above 0"))
        }
    }

    /// 1 - β1^t and 1 - β2^t for step t = 1, 2, .. (0 is taken for 1).
    pub fn corrections(&self, step: u64) -> [f64; 2] {
        // Through expm1: exact to the last bits where β^t is near 1.
        [self.beta1, self.beta2].map(|beta| -(beta.ln() * step.max(1) as f64).exp_m1())
    }

    /// A parameter with its two moments after a step along `gradient`: `[p', m', v']`.
    pub fn step<'s>(
        &self,
        parameter: Var<'s>,
        gradient: Var<'s>,
        moments: [Var<'s>; 2],
        rates: &Rates<'s>,
    ) -> [Var<'s>; 3] {
        let first = self.beta1 * moments[0] + (1.0 - self.beta1) * gradient;
        let second = self.beta2 * moments[1] + (1.0 - self.beta2) * gradient.square();
        let denominator = (second / rates.correction2).sqrt() + self.epsilon;
        let moved = parameter - rates.learning_rate * (first / rates.correction1) / denominator;
        [moved, first, second]
    }
}

/// The rule of a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    /// Adam.
    Adam(Adam),
    /// Gradient descent with momentum μ in [0, 1) (Polyak 1964): m' = μ m + g, p' = p - η m'.
    Momentum(f64),
}

impl Default for Rule {
    fn default() -> Self {
        Rule::Adam(Adam::default())
    }
}

impl Rule {
    /// A parameter with its two moments after a step along `gradient`: `[p', m', v']`. Momentum leaves the
    /// second as it is.
    pub fn step<'s>(
        &self,
        parameter: Var<'s>,
        gradient: Var<'s>,
        moments: [Var<'s>; 2],
        rates: &Rates<'s>,
    ) -> [Var<'s>; 3] {
        match self {
            Rule::Adam(adam) => adam.step(parameter, gradient, moments, rates),
            Rule::Momentum(momentum) => {
                let first = *momentum * moments[0] + gradient;
                [parameter - rates.learning_rate * first, first, moments[1]]
            }
        }
    }
}

/// √(Σ g²) over all elements of all gradients: a scalar.
pub fn global_norm<'s>(scope: &'s Scope, gradients: &[Var<'s>]) -> Var<'s> {
    let squares = gradients.iter().map(|gradient| gradient.square().sum_all());
    squares.fold(scope.constant(0.0), |sum, square| sum + square).sqrt()
}

/// The factor min(1, limit / norm) that brings gradients of this global norm within `limit`; a limit of 0 is
/// none.
pub fn clip_factor(norm: Var, limit: f64) -> Var {
    if limit > 0.0 { (limit / norm).minimum(norm.full_like(1.0)) } else { norm.full_like(1.0) }
}

/// d e + (1 - d) p: the moving average e of a parameter after a step, for a scalar decay d.
pub fn moving_average<'s>(average: Var<'s>, parameter: Var<'s>, decay: Var<'s>) -> Var<'s> {
    decay * average + (1.0 - decay) * parameter
}

#[cfg(test)]
mod tests {
    use super::*;
    use enscore_program::{Kind, Value, interpret};

    /// Runs a traced function of scalars.
    fn evaluate(inputs: &[f64], build: &dyn for<'s> Fn(&'s Scope, &[Var<'s>]) -> Vec<Var<'s>>) -> Vec<f64> {
        let scope = Scope::new();
        let vars: Vec<Var> =
            (0..inputs.len()).map(|i| scope.input(&format!("x{i}"), Kind::Float, &[])).collect();
        let outputs = build(&scope, &vars);
        let outputs: Vec<(&str, Var)> = outputs.into_iter().map(|y| ("y", y)).collect();
        let program = scope.finish(&outputs).unwrap();
        let inputs: Vec<Value> = inputs.iter().map(|x| Value::Float(vec![*x])).collect();
        interpret(&program, &inputs).unwrap().iter().map(|y| y.floats()[0]).collect()
    }

    /// Three steps from p = 1 with gradients 2, -1, 0.5 and η = 0.1, worked by hand: m: 0.2, 0.08, 0.122; v:
    /// 0.004, 0.004996, 0.005241004; m / (1 - 0.9^t): 2, 0.08/0.19, 0.122/0.271; v / (1 - 0.999^t): 4,
    /// 0.004996/0.001999, 0.005241004/0.002997001.
    #[test]
    fn three_steps_of_adam_are_those_by_hand() {
        let adam = Adam::default();
        let directions = [
            1.0,
            (0.08 / 0.19) / (0.004996f64 / 0.001999).sqrt(),
            (0.122 / 0.271) / (0.005241004f64 / 0.002997001).sqrt(),
        ];
        let mut state = vec![1.0, 0.0, 0.0];
        let mut expected = 1.0;
        for (i, gradient) in [2.0, -1.0, 0.5].into_iter().enumerate() {
            let [c1, c2] = adam.corrections(i as u64 + 1);
            let inputs = [&state[..], &[gradient, 0.1, c1, c2]].concat();
            state = evaluate(&inputs, &|_, x| {
                let rates = Rates { learning_rate: x[4], correction1: x[5], correction2: x[6] };
                adam.step(x[0], x[3], [x[1], x[2]], &rates).to_vec()
            });
            expected -= 0.1 * directions[i];
            // ε = 1e-8 moves a step by less than 1e-8 of itself.
            assert!((state[0] - expected).abs() < 3e-9, "step {}: {} {expected}", i + 1, state[0]);
        }
        assert!((state[1] - 0.122).abs() < 1e-15 && (state[2] - 0.005241004).abs() < 1e-15);
    }

    #[test]
    fn corrections_stay_finite_at_both_ends() {
        let adam = Adam::new(0.0, 0.999, 1e-8).unwrap();
        assert_eq!(adam.corrections(1)[0], 1.0);
        assert_eq!(adam.corrections(0), adam.corrections(1));
        assert!((adam.corrections(1)[1] - 0.001).abs() < 1e-17);
        assert_eq!(adam.corrections(u64::MAX), [1.0, 1.0]);
    }

    #[test]
    fn constants_out_of_range_are_refused() {
        for (adam, name) in [
            (Adam::new(1.0, 0.9, 1e-8), "beta1"),
            (Adam::new(0.9, -0.1, 1e-8), "beta2"),
            (Adam::new(0.9, f64::NAN, 1e-8), "beta2"),
            (Adam::new(0.9, 0.9, 0.0), "epsilon"),
        ] {
            assert!(adam.unwrap_err().to_string().contains(name));
        }
    }

    #[test]
    fn clipping_keeps_short_gradients_and_shortens_long_ones() {
        let clip = |gradients: &[f64], limit: f64| {
            evaluate(gradients, &|scope, x| {
                let norm = global_norm(scope, x);
                vec![norm, clip_factor(norm, limit)]
            })
        };
        assert_eq!(clip(&[3.0, -4.0], 1.0), [5.0, 0.2]);
        assert_eq!(clip(&[3.0, -4.0], 6.0), [5.0, 1.0]);
        assert_eq!(clip(&[3.0, -4.0], 0.0), [5.0, 1.0]);
        assert_eq!(clip(&[0.0, 0.0], 1.0), [0.0, 1.0]);
        assert_eq!(clip(&[], 1.0), [0.0, 1.0]);
    }

    #[test]
    fn the_average_moves_by_one_minus_decay() {
        let average = evaluate(&[2.0, 10.0, 0.75], &|_, x| vec![moving_average(x[0], x[1], x[2])]);
        assert_eq!(average, [4.0]);
    }
}
