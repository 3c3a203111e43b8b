//! The networks and losses that are timed, written as their PyTorch counterparts in `torch_worker.py`.

use enscore_program::{Conv, Var};

/// A tensor's name and extents.
pub type Spec = (String, Vec<usize>);

/// Groups of a group normalisation.
const GROUPS: usize = 8;
/// Residual blocks of the network.
const BLOCKS: usize = 4;

/// Weights and biases of a perceptron with layers of these widths.
pub fn perceptron_parameters(widths: &[usize]) -> Vec<Spec> {
    let layer = |(i, pair): (usize, &[usize])| {
        [(format!("{i}.weight"), pair.to_vec()), (format!("{i}.bias"), vec![pair[1]])]
    };
    widths.windows(2).enumerate().flat_map(layer).collect()
}

/// Linear layers with softplus between them: `[batch, in]` to `[batch, out]`.
pub fn perceptron<'s>(parameters: &[Var<'s>], x: Var<'s>) -> Var<'s> {
    let layers = parameters.len() / 2;
    parameters.chunks_exact(2).enumerate().fold(x, |x, (i, layer)| {
        let y = x.matmul(layer[0]) + layer[1];
        if i + 1 < layers { y.softplus() } else { y }
    })
}

/// Parameters of a convolution of 3x3 pixels.
pub fn convolution_parameters(name: &str, inputs: usize, outputs: usize) -> Vec<Spec> {
    kernel_parameters(name, 3, inputs, outputs)
}

fn kernel_parameters(name: &str, size: usize, inputs: usize, outputs: usize) -> Vec<Spec> {
    vec![
        (format!("{name}.weight"), vec![size, size, inputs, outputs]),
        (format!("{name}.bias"), vec![outputs]),
    ]
}

/// y = conv(x, w) + b, the image's extents kept.
pub fn convolution<'s>(parameters: &[Var<'s>], x: Var<'s>) -> Var<'s> {
    x.conv2d(parameters[0], Conv::same(3)) + parameters[1]
}

/// Parameters of the score network: a convolution, four residual blocks, a normalisation, a convolution.
pub fn score_network_parameters(channels: usize) -> Vec<Spec> {
    let norm =
        |name: String| [(format!("{name}.scale"), vec![channels]), (format!("{name}.shift"), vec![channels])];
    let mut specs = convolution_parameters("first", 1, channels);
    for block in 0..BLOCKS {
        for half in 1..3 {
            specs.extend(norm(format!("{block}.norm{half}")));
            specs.extend(convolution_parameters(&format!("{block}.conv{half}"), channels, channels));
        }
    }
    specs.extend(norm("norm".into()));
    specs.extend(convolution_parameters("last", channels, 1));
    specs
}

/// Images `[batch, height, width, 1]` to images of the same shape.
pub fn score_network<'s>(parameters: &[Var<'s>], x: Var<'s>) -> Var<'s> {
    let normalised = |x: Var<'s>, p: &[Var<'s>]| x.group_norm(p[0], p[1], GROUPS).silu();
    let half = |x: Var<'s>, p: &[Var<'s>]| convolution(&p[2..], normalised(x, p));
    let (first, rest) = parameters.split_at(2);
    let (blocks, last) = rest.split_at(8 * BLOCKS);
    let x = blocks.chunks_exact(8).fold(convolution(first, x), |x, p| x + half(half(x, p), &p[4..]));
    convolution(&last[2..], normalised(x, last))
}

/// Parameters of the convolutional energy: one convolution that keeps 28x28 pixels, two that halve them by
/// windows of `size` pixels, a dense layer.
pub fn convolutional_energy_parameters(size: usize) -> Vec<Spec> {
    let mut specs = convolution_parameters("first", 1, 32);
    specs.extend(kernel_parameters("half", size, 32, 32));
    specs.extend(kernel_parameters("quarter", size, 32, 64));
    specs.extend(perceptron_parameters(&[7 * 7 * 64, 1]));
    specs
}

/// Images `[batch, 28, 28, 1]` to one number each, `[batch, 1]`.
pub fn convolutional_energy<'s>(p: &[Var<'s>], x: Var<'s>) -> Var<'s> {
    let halved = |x: Var<'s>, p: &[Var<'s>]| (x.conv2d(p[0], Conv::strided(2, 1)) + p[1]).silu();
    let x = halved(halved(convolution(p, x).silu(), &p[2..4]), &p[4..6]);
    let rows = [x.extent(0), x.shape()[1..].iter().product()];
    perceptron(&p[6..], x.reshape(&rows))
}
