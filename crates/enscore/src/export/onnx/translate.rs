//! A program as an ONNX graph whose number of rows is left to the caller.
//!
//! Programs have fixed shapes. The same function traced for two numbers of rows gives the same nodes, and an
//! extent that differs between them is a multiple of the number of rows.

use enscore_program::{Kind, Node, Op, Program};

use super::builder::{Builder, Extent, ROWS};
use super::messages::{
    BOOL, Dimension, Extent as Extents, FLOAT, GraphProto, INT64, TensorShapeProto, TensorType, TypeProto,
    ValueInfoProto,
};
use super::operators::{Place, add};
use crate::error::{Error, Result};

/// An array of the model: name, extents, values.
pub(super) struct Weight {
    pub(super) name: String,
    pub(super) shape: Vec<usize>,
    pub(super) values: Vec<f32>,
}

/// One function traced for two numbers of rows.
pub(super) struct Traced {
    pub(super) programs: [Program; 2],
    pub(super) rows: [usize; 2],
}

fn not_the_same() -> Error {
    Error::input("a part of this model depends on the number of rows")
        .expected("a model that treats each row by itself")
        .remedy("export its arrays as npy or safetensors")
}

impl Traced {
    /// The extents of the node at `at`, by what they depend on.
    fn extents(&self, at: usize) -> Result<Vec<Extent>> {
        let [first, second] = self.programs.each_ref().map(|program| &program.nodes()[at].shape);
        if first.len() != second.len() {
            return Err(not_the_same());
        }
        first.iter().zip(second).map(|(a, b)| self.extent(*a, *b)).collect()
    }

    fn extent(&self, first: usize, second: usize) -> Result<Extent> {
        if first == second {
            return Ok(Extent::Fixed(first));
        }
        let times = first / self.rows[0];
        if times > 0 && [first, second] == self.rows.map(|rows| times * rows) {
            return Ok(Extent::Rows(times));
        }
        Err(not_the_same())
    }

    /// The nodes, the same in both programs but for extents.
    fn nodes(&self) -> Result<&[Node]> {
        let [first, second] = self.programs.each_ref().map(Program::nodes);
        let same = |(a, b): (&Node, &Node)| a.op == b.op && a.inputs == b.inputs && a.kind == b.kind;
        if first.len() != second.len() || !first.iter().zip(second).all(same) {
            return Err(not_the_same());
        }
        Ok(first)
    }

    /// The graph: inputs that are no weights are the caller's.
    ///
    /// # Errors
    /// Parts that ONNX has no operator for, or that depend on the number of rows.
    pub(super) fn graph(&self, name: &str, weights: &[Weight]) -> Result<GraphProto> {
        let nodes = self.nodes()?;
        let mut graph = Builder::default();
        graph.graph.name = name.into();
        for weight in weights {
            graph.floats(&weight.name, &weight.shape, &weight.values);
        }
        let shapes: Vec<Vec<Extent>> = (0..nodes.len()).map(|at| self.extents(at)).collect::<Result<_>>()?;
        for (input, other) in self.programs[0].inputs().iter().zip(self.programs[1].inputs()) {
            if !weights.iter().any(|weight| weight.name == input.name) {
                let extents = input.shape.iter().zip(&other.shape).map(|(a, b)| self.extent(*a, *b));
                let extents: Vec<Extent> = extents.collect::<Result<_>>()?;
                graph.graph.input.push(value_info(&input.name, input.kind, &extents)?);
            }
        }
        let mut names: Vec<String> = Vec::with_capacity(nodes.len());
        for (at, node) in nodes.iter().enumerate() {
            let name = match node.op {
                Op::Input(position) => self.programs[0].inputs()[position].name.clone(),
                _ => add(
                    &mut graph,
                    &Place {
                        node,
                        inputs: node.inputs.iter().map(|input| names[*input].as_str()).collect(),
                        from: node.inputs.iter().map(|input| shapes[*input].as_slice()).collect(),
                        to: &shapes[at],
                    },
                )?,
            };
            names.push(name);
        }
        for (name, at) in self.programs[0].outputs() {
            graph.apply_as("Identity", &[&names[*at]], vec![], name.clone());
            graph.graph.output.push(value_info(name, nodes[*at].kind, &shapes[*at])?);
        }
        Ok(graph.graph)
    }
}

fn value_info(name: &str, kind: Kind, extents: &[Extent]) -> Result<ValueInfoProto> {
    let elem_type = match kind {
        Kind::Float => FLOAT,
        Kind::Index => INT64,
        Kind::Bool => BOOL,
        Kind::Key => {
            return Err(Error::input("ONNX has no random draws that can be repeated").at(name));
        }
    };
    let dimension = |extent: &Extent| Dimension {
        extent: Some(match extent {
            Extent::Fixed(extent) => Extents::Value(*extent as i64),
            Extent::Rows(1) => Extents::Name(ROWS.into()),
            Extent::Rows(times) => Extents::Name(format!("{times}{ROWS}")),
        }),
    };
    let shape = Some(TensorShapeProto { dim: extents.iter().map(dimension).collect() });
    let tensor_type = Some(TensorType { elem_type, shape });
    Ok(ValueInfoProto { name: name.into(), r#type: Some(TypeProto { tensor_type }) })
}
