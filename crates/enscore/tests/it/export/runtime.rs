//! A plain runtime of ONNX graphs in double precision: the operators as their specification has them, for the
//! operators that exported models use.

use std::collections::HashMap;

use enscore::export::onnx::messages::{AttributeProto, FLOAT, GraphProto, INT64, NodeProto, TensorProto};

/// An array; integers and truth values are numbers too.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    pub shape: Vec<usize>,
    pub values: Vec<f64>,
}

impl Array {
    pub fn new(shape: &[usize], values: Vec<f64>) -> Array {
        assert_eq!(shape.iter().product::<usize>(), values.len(), "{shape:?}");
        Array { shape: shape.to_vec(), values }
    }

    fn of(tensor: &TensorProto) -> Array {
        let shape: Vec<usize> = tensor.dims.iter().map(|extent| *extent as usize).collect();
        let bytes = &tensor.raw_data;
        let values = match tensor.data_type {
            FLOAT => bytes.chunks(4).map(|b| f64::from(f32::from_le_bytes(b.try_into().unwrap()))).collect(),
            INT64 => bytes.chunks(8).map(|b| i64::from_le_bytes(b.try_into().unwrap()) as f64).collect(),
            other => panic!("an array of type {other}"),
        };
        Array::new(&shape, values)
    }

    /// The value at an index; axes of extent 1, and missing leading axes, repeat.
    fn at(&self, index: &[usize]) -> f64 {
        let skipped = index.len() - self.shape.len();
        let place = |at: usize, (extent, index): (&usize, &usize)| {
            at * extent + if *extent == 1 { 0 } else { *index }
        };
        self.values[self.shape.iter().zip(&index[skipped..]).fold(0, place)]
    }

    fn list(&self) -> Vec<usize> {
        self.values.iter().map(|value| *value as usize).collect()
    }
}

/// Every index of a shape in row-major order.
fn indices(shape: &[usize]) -> Vec<Vec<usize>> {
    let index = |mut at: usize| {
        let mut index = vec![0; shape.len()];
        for axis in (0..shape.len()).rev() {
            index[axis] = at % shape[axis];
            at /= shape[axis];
        }
        index
    };
    (0..shape.iter().product()).map(index).collect()
}

fn build(shape: &[usize], value: impl Fn(&[usize]) -> f64) -> Array {
    Array::new(shape, indices(shape).iter().map(|index| value(index)).collect())
}

/// The shape that several repeat to.
fn common(shapes: &[&[usize]]) -> Vec<usize> {
    let axes = shapes.iter().map(|shape| shape.len()).max().unwrap();
    let extent = |axis: usize| {
        let of = |shape: &&[usize]| (axis + shape.len()).checked_sub(axes).map_or(1, |at| shape[at]);
        shapes.iter().map(of).max().unwrap()
    };
    (0..axes).map(extent).collect()
}

fn elementwise(inputs: &[&Array], of: impl Fn(&[f64]) -> f64) -> Array {
    let shapes: Vec<&[usize]> = inputs.iter().map(|input| &input.shape[..]).collect();
    build(&common(&shapes), |index| of(&inputs.iter().map(|input| input.at(index)).collect::<Vec<_>>()))
}

fn attribute<'a>(node: &'a NodeProto, name: &str) -> &'a AttributeProto {
    node.attribute
        .iter()
        .find(|attribute| attribute.name == name)
        .unwrap_or_else(|| panic!("{name} of {node:?}"))
}

fn ints(node: &NodeProto, name: &str) -> Vec<usize> {
    attribute(node, name).ints.iter().map(|value| *value as usize).collect()
}

/// Runs a graph; every input, output and shape is by its declaration.
pub fn run(graph: &GraphProto, inputs: &[(&str, Array)]) -> HashMap<String, Array> {
    let mut values: HashMap<String, Array> =
        graph.initializer.iter().map(|tensor| (tensor.name.clone(), Array::of(tensor))).collect();
    assert_eq!(graph.input.len(), inputs.len(), "inputs of {}", graph.name);
    for (input, (name, value)) in graph.input.iter().zip(inputs) {
        assert_eq!(input.name, *name);
        values.insert(name.to_string(), value.clone());
    }
    for node in &graph.node {
        let operands: Vec<&Array> = node
            .input
            .iter()
            .map(|name| values.get(name).unwrap_or_else(|| panic!("{name} comes later")))
            .collect();
        let value = apply(node, &operands);
        assert!(values.insert(node.output[0].clone(), value).is_none(), "{} is made twice", node.output[0]);
    }
    graph.output.iter().map(|output| (output.name.clone(), values[&output.name].clone())).collect()
}

fn apply(node: &NodeProto, x: &[&Array]) -> Array {
    let truth = |value: bool| f64::from(u8::from(value));
    let first = x[0];
    let sigmoid = |v: f64| 1.0 / (1.0 + (-v).exp());
    match node.op_type.as_str() {
        "Identity" | "Cast" => first.clone(),
        "Neg" => elementwise(x, |v| -v[0]),
        "Exp" => elementwise(x, |v| v[0].exp()),
        "Log" => elementwise(x, |v| v[0].ln()),
        "Sqrt" => elementwise(x, |v| v[0].sqrt()),
        "Tanh" => elementwise(x, |v| v[0].tanh()),
        "Sigmoid" => elementwise(x, |v| sigmoid(v[0])),
        "Softplus" => elementwise(x, |v| v[0].max(0.0) + (-v[0].abs()).exp().ln_1p()),
        "Sin" => elementwise(x, |v| v[0].sin()),
        "Cos" => elementwise(x, |v| v[0].cos()),
        "Abs" => elementwise(x, |v| v[0].abs()),
        "Sign" => elementwise(x, |v| if v[0] == 0.0 { 0.0 } else { v[0].signum() }),
        "Add" => elementwise(x, |v| v[0] + v[1]),
        "Sub" => elementwise(x, |v| v[0] - v[1]),
        "Mul" => elementwise(x, |v| v[0] * v[1]),
        "Div" => elementwise(x, |v| v[0] / v[1]),
        "Max" => elementwise(x, |v| v[0].max(v[1])),
        "Min" => elementwise(x, |v| v[0].min(v[1])),
        "Less" => elementwise(x, |v| truth(v[0] < v[1])),
        "LessOrEqual" => elementwise(x, |v| truth(v[0] <= v[1])),
        "Equal" => elementwise(x, |v| truth(v[0] == v[1])),
        "And" => elementwise(x, |v| v[0] * v[1]),
        "Or" => elementwise(x, |v| v[0].max(v[1])),
        "Not" => elementwise(x, |v| 1.0 - v[0]),
        "IsInf" => elementwise(x, |v| truth(v[0].is_infinite())),
        "IsNaN" => elementwise(x, |v| truth(v[0].is_nan())),
        "Where" => elementwise(x, |v| if v[0] != 0.0 { v[1] } else { v[2] }),
        "Shape" => {
            Array::new(&[first.shape.len()], first.shape.iter().map(|extent| *extent as f64).collect())
        }
        "Reshape" => reshape(first, x[1]),
        "Expand" => build(&common(&[&first.shape, &x[1].list()]), |index| first.at(index)),
        "Transpose" => transpose(first, &ints(node, "perm")),
        "Gather" => gather(first, x[1]),
        "Concat" => concatenate(x, attribute(node, "axis").i as usize),
        "Slice" => slice(x),
        "Pad" => pad(first, &x[1].list()),
        "ReduceSum" => reduce(first, &x[1].list(), 0.0, |a, b| a + b),
        "ReduceMax" => reduce(first, &ints(node, "axes"), f64::NEG_INFINITY, f64::max),
        "MatMul" => matmul(first, x[1]),
        "Conv" => convolution(node, first, x[1]),
        "ConvTranspose" => convolution_back(node, first, x[1]),
        other => panic!("no operator {other}"),
    }
}

fn reshape(x: &Array, shape: &Array) -> Array {
    let known: f64 = shape.values.iter().filter(|extent| **extent >= 0.0).product();
    let extent =
        |extent: &f64| if *extent < 0.0 { x.values.len() / known as usize } else { *extent as usize };
    Array::new(&shape.values.iter().map(extent).collect::<Vec<_>>(), x.values.clone())
}

fn transpose(x: &Array, permutation: &[usize]) -> Array {
    let shape: Vec<usize> = permutation.iter().map(|axis| x.shape[*axis]).collect();
    build(&shape, |index| {
        let mut from = vec![0; index.len()];
        permutation.iter().zip(index).for_each(|(axis, at)| from[*axis] = *at);
        x.at(&from)
    })
}

fn gather(x: &Array, rows: &Array) -> Array {
    let shape = [&rows.shape[..], &x.shape[1..]].concat();
    build(&shape, |index| {
        let (of_rows, rest) = index.split_at(rows.shape.len());
        x.at(&[&[rows.at(of_rows) as usize], rest].concat())
    })
}

fn concatenate(x: &[&Array], axis: usize) -> Array {
    let mut shape = x[0].shape.clone();
    shape[axis] = x.iter().map(|part| part.shape[axis]).sum();
    build(&shape, |index| {
        let mut index = index.to_vec();
        for part in x {
            if index[axis] < part.shape[axis] {
                return part.at(&index);
            }
            index[axis] -= part.shape[axis];
        }
        f64::NAN
    })
}

fn slice(x: &[&Array]) -> Array {
    let [starts, ends, axes] = [x[1].list(), x[2].list(), x[3].list()];
    let mut shape = x[0].shape.clone();
    let mut from = vec![0; shape.len()];
    for ((start, end), axis) in starts.iter().zip(&ends).zip(&axes) {
        (shape[*axis], from[*axis]) = (end - start, *start);
    }
    build(&shape, |index| x[0].at(&index.iter().zip(&from).map(|(at, from)| at + from).collect::<Vec<_>>()))
}

fn pad(x: &Array, pads: &[usize]) -> Array {
    let (low, high) = pads.split_at(x.shape.len());
    let shape: Vec<usize> =
        (x.shape.iter().zip(low).zip(high)).map(|((x, low), high)| x + low + high).collect();
    build(&shape, |index| {
        let inside: Option<Vec<usize>> = (index.iter().zip(low).zip(&x.shape))
            .map(|((at, low), extent)| at.checked_sub(*low).filter(|at| at < extent))
            .collect();
        inside.map_or(0.0, |index| x.at(&index))
    })
}

fn reduce(x: &Array, axes: &[usize], start: f64, of: impl Fn(f64, f64) -> f64) -> Array {
    let kept: Vec<usize> = (0..x.shape.len()).filter(|axis| !axes.contains(axis)).collect();
    let shape: Vec<usize> = kept.iter().map(|axis| x.shape[*axis]).collect();
    let mut out = Array::new(&shape, vec![start; shape.iter().product()]);
    for index in indices(&x.shape) {
        let at = kept.iter().fold(0, |at, axis| at * x.shape[*axis] + index[*axis]);
        out.values[at] = of(out.values[at], x.at(&index));
    }
    out
}

fn matmul(a: &Array, b: &Array) -> Array {
    let (outer_a, [m, k]) =
        (&a.shape[..a.shape.len() - 2], [a.shape[a.shape.len() - 2], a.shape[a.shape.len() - 1]]);
    let (outer_b, n) = (&b.shape[..b.shape.len() - 2], b.shape[b.shape.len() - 1]);
    let mut shape = common(&[&[outer_a, &[1, 1]].concat(), &[outer_b, &[1, 1]].concat()]);
    let axes = shape.len();
    (shape[axes - 2], shape[axes - 1]) = (m, n);
    build(&shape, |index| {
        let at = |i: usize, j: usize| [&index[..axes - 2], &[i, j]].concat();
        (0..k).map(|l| a.at(&at(index[axes - 2], l)) * b.at(&at(l, index[axes - 1]))).sum()
    })
}

/// Calls `visit` with the places of (image, window, output) in each product of a window over an image, along
/// one axis.
fn places(node: &NodeProto, axis: usize, image: usize, window: usize, output: usize) -> Vec<[usize; 3]> {
    let [strides, dilations, pads] = ["strides", "dilations", "pads"].map(|name| ints(node, name));
    let mut found = Vec::new();
    for out in 0..output {
        for at in 0..window {
            let place = (out * strides[axis] + at * dilations[axis]).checked_sub(pads[axis]);
            found.extend(place.filter(|place| *place < image).map(|place| [place, at, out]));
        }
    }
    found
}

fn extents(node: &NodeProto, axis: usize, window: usize) -> [usize; 3] {
    let [strides, dilations, pads] = ["strides", "dilations", "pads"].map(|name| ints(node, name));
    [strides[axis], dilations[axis] * (window - 1) + 1, pads[axis] + pads[axis + 2]]
}

/// x `[n, in, h, w]`, w `[out, in, kh, kw]`.
fn convolution(node: &NodeProto, x: &Array, w: &Array) -> Array {
    let side = |axis: usize| {
        let [stride, window, pad] = extents(node, axis, w.shape[axis + 2]);
        (x.shape[axis + 2] + pad - window) / stride + 1
    };
    let shape = [x.shape[0], w.shape[0], side(0), side(1)];
    let of = |axis: usize| places(node, axis, x.shape[axis + 2], w.shape[axis + 2], shape[axis + 2]);
    let mut out = Array::new(&shape, vec![0.0; shape.iter().product()]);
    for (n, o) in (0..shape[0]).flat_map(|n| (0..shape[1]).map(move |o| (n, o))) {
        for [i, u, y] in of(0) {
            for [j, v, z] in of(1) {
                let sum: f64 = (0..x.shape[1]).map(|c| x.at(&[n, c, i, j]) * w.at(&[o, c, u, v])).sum();
                out.values[((n * shape[1] + o) * shape[2] + y) * shape[3] + z] += sum;
            }
        }
    }
    out
}

/// y `[n, in, h, w]`, w `[in, out, kh, kw]`.
fn convolution_back(node: &NodeProto, y: &Array, w: &Array) -> Array {
    let spare = ints(node, "output_padding");
    let side = |axis: usize| {
        let [stride, window, pad] = extents(node, axis, w.shape[axis + 2]);
        stride * (y.shape[axis + 2] - 1) + window + spare[axis] - pad
    };
    let shape = [y.shape[0], w.shape[1], side(0), side(1)];
    let of = |axis: usize| places(node, axis, shape[axis + 2], w.shape[axis + 2], y.shape[axis + 2]);
    let mut out = Array::new(&shape, vec![0.0; shape.iter().product()]);
    for (n, o) in (0..shape[0]).flat_map(|n| (0..shape[1]).map(move |o| (n, o))) {
        for [i, u, row] in of(0) {
            for [j, v, column] in of(1) {
                let sum: f64 =
                    (0..y.shape[1]).map(|c| y.at(&[n, c, row, column]) * w.at(&[c, o, u, v])).sum();
                out.values[((n * shape[1] + o) * shape[2] + i) * shape[3] + j] += sum;
            }
        }
    }
    out
}
