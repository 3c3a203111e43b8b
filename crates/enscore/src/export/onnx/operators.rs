//! Each primitive of a program as operators of ONNX (operator set 17).

use enscore_program::{Binary, Compare, Conv, Logic, Node, Op, Unary};

use super::builder::{Builder, Extent, int, ints};
use super::messages::{AttributeProto, FLOAT};
use crate::error::{Error, Result};

/// A node with what it reads: names, and extents by what they depend on.
pub(super) struct Place<'a> {
    pub(super) node: &'a Node,
    pub(super) inputs: Vec<&'a str>,
    pub(super) from: Vec<&'a [Extent]>,
    pub(super) to: &'a [Extent],
}

fn no_operator(op: &Op) -> Error {
    Error::input("ONNX has no operator for a part of this model")
        .at(op.name())
        .expected("a perceptron, a convolutional network or another model of sums, products and functions")
        .remedy("export its arrays as npy or safetensors")
}

fn depends_on_rows(op: &Op) -> Error {
    Error::input("a part of this model depends on the number of rows")
        .at(op.name())
        .remedy("export its arrays as npy or safetensors")
}

/// Extents that do not depend on the number of rows.
fn fixed(op: &Op, shape: &[Extent]) -> Result<Vec<usize>> {
    let extent = |extent: &Extent| match extent {
        Extent::Fixed(extent) => Ok(*extent),
        Extent::Rows(_) => Err(depends_on_rows(op)),
    };
    shape.iter().map(extent).collect()
}

/// Adds the node's operators; returns the name of its value.
///
/// # Errors
/// A primitive that ONNX has no operator for: factorisations, random draws, and derivatives in weights.
pub(super) fn add(graph: &mut Builder, place: &Place) -> Result<String> {
    let x = place.inputs.first().copied().unwrap_or_default();
    let op = &place.node.op;
    Ok(match op {
        Op::Input(_)
        | Op::Tangent(_)
        | Op::Conv2dWeightGradient(_)
        | Op::ScatterAdd
        | Op::Cholesky
        | Op::TriangularSolve { .. }
        | Op::Random(..) => return Err(no_operator(op)),
        Op::Constant(bits) => graph.constant(&[], &[f64::from_bits(*bits) as f32]),
        Op::Table(bits) => {
            let values: Vec<f32> = bits.iter().map(|bits| f64::from_bits(*bits) as f32).collect();
            graph.constant(&fixed(op, place.to)?, &values)
        }
        Op::Iota(axis) => iota(graph, op, *axis, place.to)?,
        Op::Unary(function) => unary(graph, *function, x),
        Op::Binary(function) => graph.apply(binary(*function), &place.inputs, vec![]),
        Op::Compare(function) => graph.apply(compare(*function), &place.inputs, vec![]),
        Op::Logic(function) => graph.apply(logic(*function), &place.inputs, vec![]),
        Op::Not => graph.apply("Not", &[x], vec![]),
        Op::IsFinite => {
            let infinite = graph.apply("IsInf", &[x], vec![]);
            let nan = graph.apply("IsNaN", &[x], vec![]);
            let either = graph.apply("Or", &[&infinite, &nan], vec![]);
            graph.apply("Not", &[&either], vec![])
        }
        Op::Select => graph.apply("Where", &place.inputs, vec![]),
        Op::ToFloat => graph.apply("Cast", &[x], vec![int("to", i64::from(FLOAT))]),
        Op::StopGradient => graph.apply("Identity", &[x], vec![]),
        Op::Sum(axes) | Op::Max(axes) if axes.is_empty() => graph.apply("Identity", &[x], vec![]),
        Op::Sum(axes) => {
            let axes = graph.list(&axes.iter().map(|axis| *axis as i64).collect::<Vec<_>>());
            graph.apply("ReduceSum", &[x, &axes], vec![int("keepdims", 0)])
        }
        Op::Max(axes) => {
            let axes = ints("axes", axes.iter().copied());
            graph.apply("ReduceMax", &[x], vec![axes, int("keepdims", 0)])
        }
        Op::Reshape => graph.reshape(x, place.to),
        Op::Broadcast(axes) => broadcast(graph, x, axes, place),
        Op::Transpose(permutation) => transpose(graph, x, permutation),
        Op::Slice(start) => slice(graph, x, start, place)?,
        Op::Pad(edges) => {
            let low = edges.iter().map(|(low, _)| *low as i64);
            let pads: Vec<i64> = low.chain(edges.iter().map(|(_, high)| *high as i64)).collect();
            let pads = graph.list(&pads);
            graph.apply("Pad", &[x, &pads], vec![])
        }
        Op::Concatenate(axis) => graph.apply("Concat", &place.inputs, vec![int("axis", *axis as i64)]),
        Op::MatMul { transpose_a, transpose_b } => {
            let a = turned(graph, x, *transpose_a, place.from[0].len());
            let b = turned(graph, place.inputs[1], *transpose_b, place.from[1].len());
            graph.apply("MatMul", &[&a, &b], vec![])
        }
        Op::Conv2d(conv) => convolution(graph, conv, place)?,
        Op::Conv2dInputGradient(conv) => convolution_back(graph, conv, place)?,
        Op::Gather => graph.apply("Gather", &place.inputs, vec![int("axis", 0)]),
    })
}

fn unary(graph: &mut Builder, function: Unary, x: &str) -> String {
    let direct = match function {
        Unary::Neg => "Neg",
        Unary::Exp => "Exp",
        Unary::Log => "Log",
        Unary::Sqrt => "Sqrt",
        Unary::Tanh => "Tanh",
        Unary::Sigmoid => "Sigmoid",
        Unary::Softplus => "Softplus",
        Unary::Sin => "Sin",
        Unary::Cos => "Cos",
        Unary::Abs => "Abs",
        Unary::Sign => "Sign",
        Unary::Silu => {
            let sigmoid = graph.apply("Sigmoid", &[x], vec![]);
            return graph.apply("Mul", &[x, &sigmoid], vec![]);
        }
        // s (1 + x (1 - s)).
        Unary::SiluSlope => {
            let one = graph.constant(&[], &[1.0]);
            let sigmoid = graph.apply("Sigmoid", &[x], vec![]);
            let rest = graph.apply("Sub", &[&one, &sigmoid], vec![]);
            let product = graph.apply("Mul", &[x, &rest], vec![]);
            let sum = graph.apply("Add", &[&one, &product], vec![]);
            return graph.apply("Mul", &[&sigmoid, &sum], vec![]);
        }
    };
    graph.apply(direct, &[x], vec![])
}

fn binary(function: Binary) -> &'static str {
    match function {
        Binary::Add => "Add",
        Binary::Sub => "Sub",
        Binary::Mul => "Mul",
        Binary::Div => "Div",
        Binary::Maximum => "Max",
        Binary::Minimum => "Min",
    }
}

fn compare(function: Compare) -> &'static str {
    match function {
        Compare::Less => "Less",
        Compare::LessEqual => "LessOrEqual",
        Compare::Equal => "Equal",
    }
}

fn logic(function: Logic) -> &'static str {
    match function {
        Logic::And => "And",
        Logic::Or => "Or",
    }
}

/// Positions along an axis, repeated along the others.
fn iota(graph: &mut Builder, op: &Op, axis: usize, to: &[Extent]) -> Result<String> {
    let Extent::Fixed(extent) = to[axis] else { return Err(depends_on_rows(op)) };
    let mut line = vec![1; to.len()];
    line[axis] = extent;
    let values: Vec<i64> = (0..extent as i64).collect();
    let positions = graph.positions(&line, &values);
    let line: Vec<Extent> = line.into_iter().map(Extent::Fixed).collect();
    Ok(graph.expand(&positions, &line, to))
}

/// Axes of extent 1 where the result repeats, then the repetition.
fn broadcast(graph: &mut Builder, x: &str, axes: &[usize], place: &Place) -> String {
    let mut spread = vec![Extent::Fixed(1); place.to.len()];
    for (axis, extent) in axes.iter().zip(place.from[0]) {
        spread[*axis] = *extent;
    }
    let reshaped = if place.from[0] == spread { x.to_string() } else { graph.reshape(x, &spread) };
    graph.expand(&reshaped, &spread, place.to)
}

fn transpose(graph: &mut Builder, x: &str, permutation: &[usize]) -> String {
    graph.apply("Transpose", &[x], vec![ints("perm", permutation.iter().copied())])
}

/// A matrix whose last two axes are swapped if `swap` says so.
fn turned(graph: &mut Builder, x: &str, swap: bool, axes: usize) -> String {
    if !swap {
        return x.to_string();
    }
    let mut permutation: Vec<usize> = (0..axes).collect();
    permutation.swap(axes - 2, axes - 1);
    transpose(graph, x, &permutation)
}

fn slice(graph: &mut Builder, x: &str, start: &[usize], place: &Place) -> Result<String> {
    let cut: Vec<usize> =
        (0..start.len()).filter(|axis| start[*axis] > 0 || place.from[0][*axis] != place.to[*axis]).collect();
    if cut.is_empty() {
        return Ok(graph.apply("Identity", &[x], vec![]));
    }
    let mut lists = [const { Vec::new() }; 3];
    for axis in cut {
        let Extent::Fixed(extent) = place.to[axis] else { return Err(depends_on_rows(&place.node.op)) };
        lists[0].push(start[axis] as i64);
        lists[1].push((start[axis] + extent) as i64);
        lists[2].push(axis as i64);
    }
    let [starts, ends, axes] = lists.map(|list| graph.list(&list));
    Ok(graph.apply("Slice", &[x, &starts, &ends, &axes], vec![]))
}

/// Channels first, as ONNX has images, and back.
const TO_CHANNELS_FIRST: [usize; 4] = [0, 3, 1, 2];
const TO_CHANNELS_LAST: [usize; 4] = [0, 2, 3, 1];
/// Weights `[kh, kw, in, out]` as `[out, in, kh, kw]`.
const WEIGHTS: [usize; 4] = [3, 2, 0, 1];

fn window(conv: &Conv) -> Vec<AttributeProto> {
    let [[top, bottom], [left, right]] = conv.padding;
    vec![
        ints("strides", conv.stride),
        ints("dilations", conv.dilation),
        ints("pads", [top, left, bottom, right]),
    ]
}

fn kernel(place: &Place) -> Result<[usize; 2]> {
    let shape = fixed(&place.node.op, place.from[1])?;
    Ok([shape[0], shape[1]])
}

fn convolution(graph: &mut Builder, conv: &Conv, place: &Place) -> Result<String> {
    let x = transpose(graph, place.inputs[0], &TO_CHANNELS_FIRST);
    let weights = transpose(graph, place.inputs[1], &WEIGHTS);
    let mut attributes = window(conv);
    attributes.push(ints("kernel_shape", kernel(place)?));
    let y = graph.apply("Conv", &[&x, &weights], attributes);
    Ok(transpose(graph, &y, &TO_CHANNELS_LAST))
}

/// The adjoint in the images. Rows and columns that no window reaches are the output padding.
fn convolution_back(graph: &mut Builder, conv: &Conv, place: &Place) -> Result<String> {
    let op = &place.node.op;
    let y = transpose(graph, place.inputs[0], &TO_CHANNELS_FIRST);
    let weights = transpose(graph, place.inputs[1], &WEIGHTS);
    let kernel = kernel(place)?;
    let image = fixed(op, &place.to[1..3])?;
    let seen = fixed(op, &place.from[0][1..3])?;
    let spare = |axis: usize| {
        let reached = conv.stride[axis] * (seen[axis] - 1) + conv.dilation[axis] * (kernel[axis] - 1) + 1;
        (image[axis] + conv.padding[axis].iter().sum::<usize>()).saturating_sub(reached)
    };
    let mut attributes = window(conv);
    attributes.extend([ints("kernel_shape", kernel), ints("output_padding", [spare(0), spare(1)])]);
    let x = graph.apply("ConvTranspose", &[&y, &weights], attributes);
    Ok(transpose(graph, &x, &TO_CHANNELS_LAST))
}
