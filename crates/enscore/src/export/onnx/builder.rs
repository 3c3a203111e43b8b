//! Grows an ONNX graph: nodes, arrays that are part of it, and shapes that may depend on the number of rows.

use std::collections::HashMap;

use super::messages::{AttributeProto, FLOAT, GraphProto, INT64, NodeProto, TensorProto};

/// The name of the number of rows among extents.
pub(super) const ROWS: &str = "rows";

/// The extent of an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Extent {
    /// Always the same.
    Fixed(usize),
    /// This many times the number of rows.
    Rows(usize),
}

/// An attribute of a node.
pub(super) fn int(name: &str, i: i64) -> AttributeProto {
    AttributeProto { name: name.into(), i, r#type: AttributeProto::INT, ..Default::default() }
}

/// An attribute of a node that is a list.
pub(super) fn ints(name: &str, values: impl IntoIterator<Item = usize>) -> AttributeProto {
    let ints = values.into_iter().map(|value| value as i64).collect();
    AttributeProto { name: name.into(), ints, r#type: AttributeProto::INTS, ..Default::default() }
}

/// A graph on the way.
#[derive(Default)]
pub(super) struct Builder {
    pub(super) graph: GraphProto,
    /// Lists of integers by what they hold, so that each stands once.
    lists: HashMap<Vec<i64>, String>,
    /// The array `[rows]`, once it is needed: its name.
    rows: Option<String>,
    count: usize,
}

impl Builder {
    /// A name that no other value has.
    fn fresh(&mut self, word: &str) -> String {
        self.count += 1;
        format!("{word}.{}", self.count)
    }

    /// Applies an operator; returns the name of its result.
    pub(super) fn apply(&mut self, op: &str, inputs: &[&str], attributes: Vec<AttributeProto>) -> String {
        let output = self.fresh(&op.to_ascii_lowercase());
        self.apply_as(op, inputs, attributes, output.clone());
        output
    }

    /// Applies an operator whose result has this name.
    pub(super) fn apply_as(
        &mut self,
        op: &str,
        inputs: &[&str],
        attribute: Vec<AttributeProto>,
        output: String,
    ) {
        self.graph.node.push(NodeProto {
            input: inputs.iter().map(|name| name.to_string()).collect(),
            name: output.clone(),
            output: vec![output],
            op_type: op.into(),
            attribute,
        });
    }

    /// An array of numbers in single precision, as part of the graph.
    pub(super) fn floats(&mut self, name: &str, shape: &[usize], values: &[f32]) {
        let raw_data = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        let dims = shape.iter().map(|extent| *extent as i64).collect();
        self.graph.initializer.push(TensorProto { dims, data_type: FLOAT, name: name.into(), raw_data });
    }

    /// The same under a name that no other value has.
    pub(super) fn constant(&mut self, shape: &[usize], values: &[f32]) -> String {
        let name = self.fresh("constant");
        self.floats(&name, shape, values);
        name
    }

    /// A list of integers.
    pub(super) fn list(&mut self, values: &[i64]) -> String {
        if let Some(name) = self.lists.get(values) {
            return name.clone();
        }
        let name = self.fresh("list");
        self.integers(&name, &[values.len()], values);
        self.lists.insert(values.to_vec(), name.clone());
        name
    }

    /// An array of integers.
    pub(super) fn integers(&mut self, name: &str, shape: &[usize], values: &[i64]) {
        let raw_data = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        let dims = shape.iter().map(|extent| *extent as i64).collect();
        self.graph.initializer.push(TensorProto { dims, data_type: INT64, name: name.into(), raw_data });
    }

    /// An array of integers under a name that no other value has.
    pub(super) fn positions(&mut self, shape: &[usize], values: &[i64]) -> String {
        let name = self.fresh("positions");
        self.integers(&name, shape, values);
        name
    }

    /// `value` in another shape.
    pub(super) fn reshape(&mut self, value: &str, shape: &[Extent]) -> String {
        let moving = shape.iter().filter(|extent| matches!(extent, Extent::Rows(_))).count();
        let shape = if moving > 1 {
            self.shape(shape)
        } else {
            // One extent may be left to the size of the value.
            let extent = |extent: &Extent| match extent {
                Extent::Fixed(extent) => *extent as i64,
                Extent::Rows(_) => -1,
            };
            self.list(&shape.iter().map(extent).collect::<Vec<_>>())
        };
        self.apply("Reshape", &[value, &shape], vec![])
    }

    /// `value`, whose axes have the extent 1 or that of `shape`, repeated until it has this shape.
    pub(super) fn expand(&mut self, value: &str, from: &[Extent], shape: &[Extent]) -> String {
        if from == shape {
            return value.to_string();
        }
        // An extent of 1 leaves an axis as it is: the number of rows is asked for only where it is new.
        let kept = |(from, to): (&Extent, &Extent)| if from == to { Extent::Fixed(1) } else { *to };
        let shape: Vec<Extent> = from.iter().zip(shape).map(kept).collect();
        let shape = self.shape(&shape);
        self.apply("Expand", &[value, &shape], vec![])
    }

    /// A shape as a list of integers, computed where it depends on the number of rows.
    fn shape(&mut self, shape: &[Extent]) -> String {
        let fixed: Option<Vec<i64>> = shape
            .iter()
            .map(|extent| match extent {
                Extent::Fixed(extent) => Some(*extent as i64),
                Extent::Rows(_) => None,
            })
            .collect();
        if let Some(fixed) = fixed {
            return self.list(&fixed);
        }
        let parts: Vec<String> = shape
            .iter()
            .map(|extent| match extent {
                Extent::Fixed(extent) => self.list(&[*extent as i64]),
                Extent::Rows(times) => self.times_rows(*times),
            })
            .collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        self.apply("Concat", &parts, vec![int("axis", 0)])
    }

    /// The list of this many times the number of rows.
    fn times_rows(&mut self, times: usize) -> String {
        let rows = match &self.rows {
            Some(rows) => rows.clone(),
            None => {
                // Every input of the caller's has a row for each of the batch.
                let input = self.graph.input.first().map(|input| input.name.clone()).unwrap_or_default();
                let shape = self.apply("Shape", &[&input], vec![]);
                let first = self.list(&[0]);
                let rows = self.apply("Gather", &[&shape, &first], vec![int("axis", 0)]);
                self.rows = Some(rows.clone());
                rows
            }
        };
        if times == 1 {
            return rows;
        }
        let times = self.list(&[times as i64]);
        self.apply("Mul", &[&rows, &times], vec![])
    }
}
