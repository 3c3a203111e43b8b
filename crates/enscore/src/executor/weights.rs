//! The values of a model's parameters, kept where programs run.

use std::borrow::Cow;
use std::sync::Arc;

use enscore_program::Parameter;
use enscore_program::executor::{Buffer, Executor, Real};

use crate::error::{Error, Result};

/// The parameters of a model with their values, on an executor. A clone shares the values.
#[derive(Clone, Debug)]
pub struct Weights {
    parameters: Arc<[Parameter]>,
    values: Arc<[Buffer]>,
}

/// Parameters with values that somebody else keeps.
#[derive(Clone, Copy, Debug)]
pub struct WeightsView<'a> {
    /// The parameters.
    pub parameters: &'a [Parameter],
    /// Their values, in the same order.
    pub values: &'a [Buffer],
}

impl<'a> From<&'a Weights> for WeightsView<'a> {
    fn from(weights: &'a Weights) -> Self {
        WeightsView { parameters: &weights.parameters, values: &weights.values }
    }
}

impl Weights {
    /// These values of `parameters`, row-major and in the same order, on `executor`.
    ///
    /// # Errors
    /// Another number of values than a parameter has, by its name; more memory than there is.
    pub fn upload<T: Real>(
        executor: &dyn Executor,
        parameters: &[Parameter],
        values: &[Vec<T>],
    ) -> Result<Weights> {
        if values.len() != parameters.len() {
            return Err(Error::input("the weights don't match the model")
                .found(format!("values of {} parameters", values.len()))
                .expected(parameters.len()));
        }
        let upload = |(parameter, values): (&Parameter, &Vec<T>)| {
            if values.len() == parameter.size() {
                return Ok(executor.upload(T::values(values))?);
            }
            Err(Error::input("the weights don't match the model in size")
                .at(&parameter.name)
                .found(values.len())
                .expected(parameter.size()))
        };
        let buffers = parameters.iter().zip(values).map(upload).collect::<Result<Vec<_>>>()?;
        Ok(Weights { parameters: parameters.into(), values: buffers.into() })
    }

    /// The same numbers, of width `S` here, in width `T`.
    ///
    /// # Errors
    /// Values of another width than `S`; more memory than there is.
    pub fn converted<S: Real, T: Real>(&self, executor: &dyn Executor) -> Result<Weights> {
        let convert = |values: &Vec<S>| values.iter().map(|value| T::from_f64(value.to_f64())).collect();
        let values: Vec<Vec<T>> = self.read::<S>()?.iter().map(convert).collect();
        Weights::upload(executor, &self.parameters, &values)
    }

    /// The parameters.
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// The values of the parameter called `name`.
    ///
    /// # Errors
    /// No such parameter; values of another width.
    pub fn get<T: Real>(&self, name: &str) -> Result<Cow<'_, [T]>> {
        match self.parameters.iter().position(|parameter| parameter.name == name) {
            Some(place) => Ok(self.values[place].view()?),
            None => Err(Error::input("the model has no such parameter").at(name)),
        }
    }

    /// A copy of all values in main memory, in the order of the parameters.
    ///
    /// # Errors
    /// Values of another width; an executor that fails.
    pub fn read<T: Real>(&self) -> Result<Vec<Vec<T>>> {
        WeightsView::from(self).read()
    }
}

impl WeightsView<'_> {
    /// A copy of all values in main memory, in the order of the parameters.
    ///
    /// # Errors
    /// Values of another width; an executor that fails.
    pub fn read<T: Real>(&self) -> Result<Vec<Vec<T>>> {
        self.values.iter().map(|buffer| Ok(buffer.read()?)).collect()
    }
}
