//! The named, ordered parameters of a model.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use crate::scope::Scope;
use crate::shape::Kind;
use crate::var::Var;

/// How a parameter starts.
#[derive(Clone, Debug, PartialEq)]
pub enum Initial {
    /// Every element is this value.
    Constant(f64),
    /// A matrix with 1 on its diagonal and 0 elsewhere.
    Identity,
    /// Independent normal numbers of this standard deviation.
    Normal(f64),
    /// Independent uniform numbers in ± this bound.
    Uniform(f64),
    /// Given values, row-major, one for each element.
    Values(Arc<[f64]>),
}

/// A parameter: its name is the one in the checkpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Dotted path: `encoder.0.conv.weight`.
    pub name: String,
    /// Extents, the first axis slowest.
    pub shape: Vec<usize>,
    /// The values before training.
    pub initial: Initial,
}

impl Parameter {
    /// The number of elements.
    pub fn size(&self) -> usize {
        self.shape.iter().product()
    }
}

/// The parameters that a model reads while it is traced. The model names each one where it uses it; the first
/// use declares it as an input of the scope, later uses (a model evaluated twice in an objective) share it.
#[derive(Clone)]
pub struct Parameters<'s> {
    shared: Rc<Shared<'s>>,
    prefix: String,
}

struct Shared<'s> {
    scope: &'s Scope,
    declared: RefCell<Vec<Parameter>>,
    vars: RefCell<HashMap<String, Var<'s>>>,
}

impl<'s> Parameters<'s> {
    /// No parameters yet; each first use adds an input to `scope`.
    pub fn new(scope: &'s Scope) -> Self {
        let shared = Shared { scope, declared: RefCell::default(), vars: RefCell::default() };
        Parameters { shared: Rc::new(shared), prefix: String::new() }
    }

    /// The scope that the parameters are inputs of.
    pub fn scope(&self) -> &'s Scope {
        self.shared.scope
    }

    /// The parameters below `name`.
    pub fn at(&self, name: &str) -> Parameters<'s> {
        Parameters { shared: self.shared.clone(), prefix: format!("{}{name}.", self.prefix) }
    }

    /// The parameter called `name` here. A second use must agree in shape.
    pub fn get(&self, name: &str, shape: &[usize], initial: Initial) -> Var<'s> {
        let name = format!("{}{name}", self.prefix);
        if let Some(var) = self.shared.vars.borrow().get(&name) {
            let declared = var.shape();
            if declared == shape {
                return *var;
            }
            let scope = self.shared.scope;
            return scope.fail(format!("parameter {name}: used as {shape:?} and {declared:?}"));
        }
        if let Initial::Values(values) = &initial
            && values.len() != shape.iter().product::<usize>()
        {
            let values = values.len();
            return self
                .shared
                .scope
                .fail(format!("parameter {name}: {values} initial values for {shape:?}"));
        }
        let var = self.shared.scope.input(&name, Kind::Float, shape);
        self.shared.vars.borrow_mut().insert(name.clone(), var);
        self.shared.declared.borrow_mut().push(Parameter { name, shape: shape.to_vec(), initial });
        var
    }

    /// Takes `var` for the parameter called `name` here, in place of an input: a model with constant weights,
    /// or with those of another.
    pub fn fix(&self, name: &str, var: Var<'s>) {
        self.shared.vars.borrow_mut().insert(format!("{}{name}", self.prefix), var);
    }

    /// The parameters declared so far, in the order of first use, with their variables.
    pub fn declared(&self) -> Vec<(Parameter, Var<'s>)> {
        let vars = self.shared.vars.borrow();
        self.shared
            .declared
            .borrow()
            .iter()
            .map(|parameter| (parameter.clone(), vars[&parameter.name]))
            .collect()
    }
}
