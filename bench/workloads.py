"""Shapes of the workloads and the numbers they start from, the same for every library (images NHWC, weights HWIO)."""
import array
import os
import random

CHANNELS = 64
SIGMA = 0.1
LEVELS = (1.0, 0.5)
STEPS_PER_LEVEL = 5
STEP_SIZE = 2e-3
CHAIN_STEP = 0.01
TEMPERATURES = 200
UPDATES = 100
RATE = 0.01
PENALTY = 10.0
PIXELCNN_LAYERS = 7
CHAIN_LENGTHS = {"langevin_mlp": 100, "langevin_conv": 20}


def schedule():
    """(step size, noise size, sigma) of every Langevin step."""
    rows = []
    for sigma in LEVELS:
        size = STEP_SIZE * (sigma / LEVELS[-1]) ** 2
        rows += [(size, (2 * size) ** 0.5, sigma)] * STEPS_PER_LEVEL
    return rows


def _perceptron(*widths):
    layers = []
    for inputs, outputs in zip(widths, widths[1:]):
        layers += [((inputs, outputs), inputs**-0.5, 0.0), ((outputs,), 0.1, 0.0)]
    return layers


def _convolution(inputs, outputs, size=3):
    return [((size, size, inputs, outputs), (size * size * inputs) ** -0.5, 0.0), ((outputs,), 0.1, 0.0)]


def _convolutional_energy(size):
    """`size` is that of the windows of stride 2."""
    halving = _convolution(32, 32, size) + _convolution(32, 64, size)
    return _convolution(1, 32) + halving + _perceptron(7 * 7 * 64, 1)


def _score_network(c=CHANNELS):
    norm = [((c,), 0.1, 1.0), ((c,), 0.1, 0.0)]
    half = norm + _convolution(c, c)
    return _convolution(1, c) + half * 8 + norm + _convolution(c, 1)


def _pair(*shape):
    return [(shape, 1.0, 0.0)] * 2


def _machine(visible, hidden):
    return [((visible, hidden), 0.01, 0.0), ((visible,), 0.1, 0.0), ((hidden,), 0.1, 0.0)]


def _latent_variables(pixels=784, coder=500, latents=32):
    heads = _perceptron(coder, latents) * 2
    return _perceptron(pixels, coder, coder) + heads + _perceptron(latents, coder, coder, pixels)


def _pixelcnn(c=32, layers=PIXELCNN_LAYERS):
    gated = _convolution(c, 2 * c) + _perceptron(2 * c, 2 * c) * 2 + _perceptron(c, c)
    first = _convolution(1, c, 7) + _perceptron(3, c) + _perceptron(c, c)
    return first + gated * layers + _perceptron(c, 2 * c) + _perceptron(2 * c, 1)


# name: (parameters, batch), each a list of (shape, standard deviation, mean)
WORKLOADS = {
    "mlp_128": (_perceptron(2, 128, 128, 2), _pair(128, 2)),
    "mlp_4096": (_perceptron(2, 128, 128, 2), _pair(4096, 2)),
    "dsm2_128": (_perceptron(2, 128, 128, 1), _pair(128, 2)),
    "dsm2_4096": (_perceptron(2, 128, 128, 1), _pair(4096, 2)),
    "dsm2_conv_32": (_convolutional_energy(3), _pair(32, 28, 28, 1)),
    "conv_forward": (_convolution(CHANNELS, CHANNELS), [((64, 28, 28, CHANNELS), 1.0, 0.0)]),
    "conv_forward_backward": (_convolution(CHANNELS, CHANNELS), [((64, 28, 28, CHANNELS), 1.0, 0.0)]),
    "score_net_step": (_score_network(), _pair(32, 28, 28, 1)),
    "langevin": (_score_network(), [((64, 28, 28, 1), 1.0, 0.0)]),
    "exact_sm_128": (_perceptron(50, 128, 128, 1), [((128, 50), 1.0, 0.0)]),
    "ssmvr_energy_128": (_perceptron(50, 128, 128, 1), _pair(128, 50)),
    "ssmvr_score_128": (_perceptron(50, 128, 128, 50), _pair(128, 50)),
    "langevin_mlp": (_perceptron(2, 128, 128, 1), [((1024, 2), 1.0, 0.0)]),
    "langevin_conv": (_convolutional_energy(4), [((64, 28, 28, 1), 1.0, 0.0)]),
    # Rows are 1 where they are above 0.
    "ais": (_machine(784, 500), [((100, 784), 1.0, 0.0), ((100,), 0.0, 0.0)]),
    "rbm_cd1": (_machine(784, 500), [((100, 784), 1.0, -1.1)] * 10),
    "vae_step": (_latent_variables(), [((128, 784), 1.0, -1.1), ((128, 32), 1.0, 0.0)]),
    "made_step": (_perceptron(784, 1000, 784), [((128, 784), 1.0, -1.1)]),
    "pixelcnn_forward_backward": (_pixelcnn(), [((32, 28, 28, 1), 1.0, -1.1)]),
    # Rows of the data, generated rows, and the data's share in the rows between.
    "wgan_gp_critic_step": (
        _perceptron(784, 512, 512, 1),
        [((128, 784), 1.0, -1.1), ((128, 784), 0.3, 0.5), ((128, 1), 0.2, 0.5)],
    ),
}


def _size(shape):
    size = 1
    for extent in shape:
        size *= extent
    return size


def write_data(folder):
    """One file a workload: its tensors in order, single precision, little-endian."""
    os.makedirs(folder, exist_ok=True)
    for name, (parameters, batch) in WORKLOADS.items():
        path = os.path.join(folder, name + ".bin")
        if os.path.exists(path):
            continue
        normal = random.Random(0).gauss
        values = array.array("f")
        for shape, deviation, mean in parameters + batch:
            values.extend(normal(mean, deviation) for _ in range(_size(shape)))
        with open(path + ".part", "wb") as file:
            values.tofile(file)
        os.replace(path + ".part", path)


def read_data(folder, name):
    """(parameters, batch) as NumPy arrays."""
    import numpy

    parameters, batch = WORKLOADS[name]
    flat = numpy.fromfile(os.path.join(folder, name + ".bin"), dtype="<f4")
    arrays, start = [], 0
    for shape, _, _ in parameters + batch:
        arrays.append(flat[start : start + _size(shape)].reshape(shape).copy())
        start += _size(shape)
    return arrays[: len(parameters)], arrays[len(parameters) :]
