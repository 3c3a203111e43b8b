//! The restricted Boltzmann machine of the cases, and functions of it evaluated in double precision.

use enscore::model::{RBM_PARAMETERS, trace};
use enscore_program::{Initial, Parameter, Parameters, Scope, Value, Var, interpret};
use serde_json::Value as Json;

/// W `[visible, hidden]`, b and c.
#[derive(Clone)]
pub struct Weights {
    pub visible: usize,
    pub hidden: usize,
    pub values: [Vec<f64>; 3],
}

impl Weights {
    pub fn of(params: &Json) -> Weights {
        let numbers = |name: &str| super::oracles::numbers(&params[name]);
        let values = [numbers("W"), numbers("b"), numbers("c")];
        Weights { visible: values[1].len(), hidden: values[2].len(), values }
    }

    pub fn parameters(&self) -> Vec<Parameter> {
        let shapes = [vec![self.visible, self.hidden], vec![self.visible], vec![self.hidden]];
        let parameter = |(name, shape): (&str, Vec<usize>)| {
            let initial = Initial::Constant(0.0);
            Parameter { name: name.to_string(), shape, initial }
        };
        RBM_PARAMETERS.into_iter().zip(shapes).map(parameter).collect()
    }

    /// The outputs of a function of the parameters, in double precision; `inputs` are its own inputs.
    pub fn evaluate(
        &self,
        inputs: &[Value],
        build: impl for<'s> Fn(&'s Scope, &Parameters<'s>) -> Vec<Var<'s>>,
    ) -> Vec<Vec<f64>> {
        let (program, _) = trace(&self.parameters(), |scope, parameters| {
            build(scope, parameters).into_iter().map(|var| (String::new(), var)).collect()
        })
        .unwrap();
        let own = self.values.iter().map(|values| Value::Float(values.clone()));
        let all: Vec<Value> = own.chain(inputs.iter().cloned()).collect();
        interpret(&program, &all).unwrap().iter().map(|value| value.floats().to_vec()).collect()
    }
}

/// All states of this many units, row-major; bit i of the row's number is unit i.
pub fn states(units: usize) -> Vec<f64> {
    (0..1usize << units).flat_map(|state| (0..units).map(move |i| (state >> i & 1) as f64)).collect()
}
