//! A finished program: nodes in topological order, named inputs and outputs.

use crate::op::Op;
use crate::shape::Kind;

/// The position of a node in its program.
pub type Id = usize;

/// One application of a primitive.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// The primitive with its static attributes.
    pub op: Op,
    /// The nodes it reads; all come before it.
    pub inputs: Vec<Id>,
    /// The kind of its value.
    pub kind: Kind,
    /// The shape of what it yields.
    pub shape: Vec<usize>,
}

impl Node {
    /// The number of elements that the node yields.
    pub fn size(&self) -> usize {
        self.shape.iter().product()
    }
}

/// A named input of a program.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// The name it was traced with.
    pub name: String,
    /// The kind of value that the caller passes.
    pub kind: Kind,
    /// The shape of what is passed.
    pub shape: Vec<usize>,
}

/// A static graph of primitives. Every node's inputs come before it; nothing in it is unused.
#[derive(Clone, Debug)]
pub struct Program {
    pub(crate) nodes: Vec<Node>,
    pub(crate) inputs: Vec<Input>,
    pub(crate) outputs: Vec<(String, Id)>,
}

impl Program {
    /// The nodes, in an order in which they can be run.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The inputs, in the order in which they are passed.
    pub fn inputs(&self) -> &[Input] {
        &self.inputs
    }

    /// The outputs, in the order in which they are returned.
    pub fn outputs(&self) -> &[(String, Id)] {
        &self.outputs
    }

    /// The position of the input called `name`.
    pub fn input_position(&self, name: &str) -> Option<usize> {
        self.inputs.iter().position(|input| input.name == name)
    }

    /// The position of the output called `name`.
    pub fn output_position(&self, name: &str) -> Option<usize> {
        self.outputs.iter().position(|(output, _)| output == name)
    }

    /// Keeps the nodes that an output needs, renumbered in the order they had. Inputs are all kept.
    pub(crate) fn without_dead_nodes(
        nodes: &[Node],
        inputs: Vec<Input>,
        outputs: &[(String, Id)],
    ) -> Program {
        let mut live = vec![false; nodes.len()];
        for (_, id) in outputs {
            live[*id] = true;
        }
        for id in (0..nodes.len()).rev() {
            if live[id] {
                nodes[id].inputs.iter().for_each(|input| live[*input] = true);
            }
        }
        let mut renumbered = vec![usize::MAX; nodes.len()];
        let mut kept = Vec::new();
        for (id, node) in nodes.iter().enumerate().filter(|(id, _)| live[*id]) {
            renumbered[id] = kept.len();
            let inputs = node.inputs.iter().map(|input| renumbered[*input]).collect();
            kept.push(Node { inputs, ..node.clone() });
        }
        let outputs = outputs.iter().map(|(name, id)| (name.clone(), renumbered[*id])).collect();
        Program { nodes: kept, inputs, outputs }
    }
}
