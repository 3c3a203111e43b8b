//! What a step is called in a profile: the operation with its sizes.

use super::{Part, Step};
use crate::conv::{ConvGeometry, Convolution, Direction};
use crate::matmul::MatmulShape;

impl Step {
    pub(crate) fn name(&self) -> String {
        match self {
            Step::Fused { fused, names } => format!("fused {} x [{names}]", fused.size),
            Step::Band { work, parts } => {
                let names: Vec<String> = work.iter().map(Part::name).collect();
                format!("band of {parts}: {}", names.join(", "))
            }
            Step::Combine(combine) => format!("combine {}", combine.sums.1),
            Step::Piece { work, parts, .. } => format!("1 of {parts} parts: {}", work.name()),
            Step::MatMul { shape, .. } => name_of_product(shape),
            Step::Convolution { convolution, .. } => name_of_convolution(convolution),
            Step::Interleave { out, .. } => format!("concatenate {}", out.1),
            Step::Pad { out, .. } => format!("pad {}", out.1),
            Step::Gather { out, .. } => format!("gather {}", out.1),
            Step::ScatterAdd { out, .. } => format!("scatter_add {}", out.1),
            Step::DrawIndex { out, .. } => format!("random index {}", out.1),
            Step::Reference { node, .. } => format!("reference {}", node.op.name()),
            Step::Copy { out, .. } => format!("copy {}", out.1),
        }
    }
}

impl Part {
    fn name(&self) -> String {
        match self {
            Part::Pass { fused, names, .. } => format!("{} x [{names}]", fused.size),
            Part::Product { shape, .. } => name_of_product(shape),
        }
    }
}

/// `matmul A'B 64x32x16`: which operands are stored transposed; rows, depth and columns.
fn name_of_product(shape: &MatmulShape) -> String {
    let MatmulShape { batch, m, k, n, transpose_a, transpose_b, .. } = shape;
    let mark = |transposed: &bool| if *transposed { "'" } else { "" };
    let count = if *batch == 1 { String::new() } else { format!("{batch} of ") };
    format!("matmul A{}B{} {count}{m}x{k}x{n}", mark(transpose_a), mark(transpose_b))
}

/// `conv2d 3x3 of 32x28x28x64 to 64`: taps, images, channels; stride and dilation where they are not 1.
fn name_of_convolution(convolution: &Convolution) -> String {
    let ConvGeometry { batch, height, width, in_channels, out_channels, kernel, stride, dilation, .. } =
        &convolution.geometry;
    let name = match convolution.direction {
        Direction::Forward => "conv2d",
        Direction::InputGradient => "conv2d_input_gradient",
        Direction::WeightGradient => "conv2d_weight_gradient",
    };
    let pair = |name: &str, [rows, columns]: &[usize; 2]| match (rows, columns) {
        (1, 1) => String::new(),
        _ => format!(", {name} {rows}x{columns}"),
    };
    let [rows, columns] = kernel;
    let stride = pair("stride", stride);
    let dilation = pair("dilation", dilation);
    format!(
        "{name} {rows}x{columns} of {batch}x{height}x{width}x{in_channels} to {out_channels}{stride}{dilation}"
    )
}
