//! The state of an update as variables, the gradients in it, and the step along them.

use enscore_program::{Kind, Parameter, Parameters, Scope, Var};

use super::adam::{Rates, clip_factor, global_norm, moving_average};
use super::optimiser::Optimiser;
use crate::checkpoint::STATE_PREFIXES;

/// What changes from step to step.
pub(super) struct StepRates<'s> {
    step: Rates<'s>,
    /// Decay of the moving averages.
    ema_decay: Var<'s>,
}

impl<'s> StepRates<'s> {
    /// The inputs `learning_rate`, `correction1`, `correction2` and `ema_decay`.
    pub(super) fn inputs(scope: &'s Scope) -> Self {
        let scalar = |name| scope.input(name, Kind::Float, &[]);
        let step = Rates {
            learning_rate: scalar("learning_rate"),
            correction1: scalar("correction1"),
            correction2: scalar("correction2"),
        };
        StepRates { step, ema_decay: scalar("ema_decay") }
    }
}

/// The values of [`STATE_PREFIXES`], each for every parameter.
pub(super) struct State<'s> {
    names: Vec<String>,
    values: [Vec<Var<'s>>; 4],
}

/// The gradients in the parameters that a step moves.
pub(super) struct Gradients<'s> {
    /// Positions of these parameters.
    pub(super) moved: Vec<usize>,
    /// Their gradients.
    pub(super) values: Vec<Var<'s>>,
}

/// What a step along gradients comes to.
pub(super) struct Applied<'s> {
    /// The state after it, by name.
    pub(super) state: Vec<(String, Var<'s>)>,
    /// The gradient's norm before clipping, and whether the step was taken.
    pub(super) reported: [(String, Var<'s>); 2],
}

impl<'s> Gradients<'s> {
    /// The gradients of `optimised` in the parameters of `state` that `moves` names.
    pub(super) fn of(
        scope: &'s Scope,
        state: &State<'s>,
        optimised: Var<'s>,
        moves: &dyn Fn(&str) -> bool,
    ) -> Self {
        let moved = state.moved(moves);
        let parameters: Vec<Var> = moved.iter().map(|place| state.values[0][*place]).collect();
        let values = scope.gradient(optimised, &parameters);
        Gradients { moved, values }
    }
}

impl<'s> State<'s> {
    /// The parameters, already inputs, and new inputs for the rest.
    pub(super) fn inputs(scope: &'s Scope, parameters: &Parameters<'s>) -> Self {
        let declared = parameters.declared();
        let values = STATE_PREFIXES.map(|prefix| {
            let input = |(parameter, var): &(Parameter, Var<'s>)| match prefix {
                "" => *var,
                _ => scope.input(&format!("{prefix}{}", parameter.name), Kind::Float, &parameter.shape),
            };
            declared.iter().map(input).collect()
        });
        State { names: declared.into_iter().map(|(parameter, _)| parameter.name).collect(), values }
    }

    /// The positions of the parameters that `moves` names.
    pub(super) fn moved(&self, moves: &dyn Fn(&str) -> bool) -> Vec<usize> {
        (0..self.names.len()).filter(|place| moves(&self.names[*place])).collect()
    }

    /// One step along `gradients`; where they or `loss` are not finite, the state as it is.
    pub(super) fn apply(
        &self,
        scope: &'s Scope,
        gradients: &Gradients<'s>,
        loss: Var<'s>,
        optimiser: &Optimiser,
        rates: &StepRates<'s>,
    ) -> Applied<'s> {
        let [parameters, first, second, averages] = &self.values;
        let norm = global_norm(scope, &gradients.values);
        let finite = loss.is_finite().and(norm.is_finite());
        let factor = clip_factor(norm, optimiser.clip_norm);
        let mut updated = self.values.clone();
        for (i, gradient) in gradients.moved.iter().copied().zip(&gradients.values) {
            let moments = [first[i], second[i]];
            let [parameter, m, v] =
                optimiser.rule.step(parameters[i], *gradient * factor, moments, &rates.step);
            let decays = optimiser.weight_decay > 0.0 && parameters[i].shape().len() > 1;
            let parameter = if decays {
                parameter - optimiser.weight_decay * rates.step.learning_rate * parameters[i]
            } else {
                parameter
            };
            let average = moving_average(averages[i], parameter, rates.ema_decay);
            for (kind, new) in [parameter, m, v, average].into_iter().enumerate() {
                updated[kind][i] = finite.select(new, self.values[kind][i]);
            }
        }
        let state = STATE_PREFIXES.iter().zip(updated).flat_map(|(prefix, values)| {
            self.names.iter().map(move |name| format!("{prefix}{name}")).zip(values)
        });
        let reported = [("gradient_norm", norm), ("finite", finite.to_float())];
        Applied { state: state.collect(), reported: reported.map(|(name, var)| (name.to_string(), var)) }
    }
}
