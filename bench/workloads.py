"""Shapes of the workloads and the numbers they start from, the same for every library (images NHWC, weights HWIO)."""
import array
import os
import random

CHANNELS = 64
SIGMA = 0.1
LEVELS = (1.0, 0.5)
STEPS_PER_LEVEL = 5
STEP_SIZE = 2e-3


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


def _convolution(inputs, outputs):
    return [((3, 3, inputs, outputs), (9 * inputs) ** -0.5, 0.0), ((outputs,), 0.1, 0.0)]


def _score_network(c=CHANNELS):
    norm = [((c,), 0.1, 1.0), ((c,), 0.1, 0.0)]
    half = norm + _convolution(c, c)
    return _convolution(1, c) + half * 8 + norm + _convolution(c, 1)


def _pair(*shape):
    return [(shape, 1.0, 0.0)] * 2


# name: (parameters, batch), each a list of (shape, standard deviation, mean)
WORKLOADS = {
    "mlp_128": (_perceptron(2, 128, 128, 2), _pair(128, 2)),
    "mlp_4096": (_perceptron(2, 128, 128, 2), _pair(4096, 2)),
    "dsm2_128": (_perceptron(2, 128, 128, 1), _pair(128, 2)),
    "dsm2_4096": (_perceptron(2, 128, 128, 1), _pair(4096, 2)),
    "conv_forward": (_convolution(CHANNELS, CHANNELS), [((64, 28, 28, CHANNELS), 1.0, 0.0)]),
    "conv_forward_backward": (_convolution(CHANNELS, CHANNELS), [((64, 28, 28, CHANNELS), 1.0, 0.0)]),
    "score_net_step": (_score_network(), _pair(32, 28, 28, 1)),
    "langevin": (_score_network(), [((64, 28, 28, 1), 1.0, 0.0)]),
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
