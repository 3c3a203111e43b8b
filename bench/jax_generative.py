"""The networks and losses of bench/src/generative.rs in JAX; p is the list of parameters, layer by layer."""
import jax
import jax.numpy as jnp
import numpy
from jax import lax

import workloads

leaky_relu = lambda x: jax.nn.leaky_relu(x, 0.2)


def layers(activation, p, x):
    """Dense layers, each with the activation behind it."""
    for w, b in zip(p[::2], p[1::2]):
        x = activation(x @ w + b)
    return x


def bits(x):
    return (x > 0).astype(x.dtype)


def surprise(x, log_odds):
    """-ln p of bits by their log odds."""
    return jax.nn.softplus(log_odds) - x * log_odds


def evidence_bound(x, e):
    x = bits(x)

    def loss(p):
        features = layers(jax.nn.silu, p[:4], x * 2 - 1)
        mean, log_variance = features @ p[4] + p[5], features @ p[6] + p[7]
        hidden = layers(jax.nn.silu, p[8:12], mean + jnp.exp(log_variance * 0.5) * e)
        divergence = 0.5 * (mean**2 + jnp.exp(log_variance) - 1 - log_variance).sum(1)
        return (surprise(x, hidden @ p[12] + p[13]).sum(1) + divergence).mean()

    return loss


def masked_autoencoder(x):
    (x, pixels), hidden = (bits(x), x.shape[1]), 1000
    places = numpy.arange(1, pixels + 1)
    degrees = 1 + numpy.arange(hidden) * (pixels - 1) // hidden
    first = jnp.array(places[:, None] <= degrees, "float32")
    last = jnp.array(degrees[:, None] < places, "float32")

    def loss(p):
        h = leaky_relu(x @ (p[0] * first) + p[1])
        return surprise(x, h @ (p[2] * last) + p[3]).sum(1).mean()

    return loss


def critic_loss(x, generated, share):
    x = bits(x)
    between = generated + share * (x - generated)

    def loss(p):
        value = lambda x: layers(leaky_relu, p[:4], x * 2 - 1) @ p[4] + p[5]
        gradient = jax.grad(lambda x: value(x).sum())(between)
        penalty = (jnp.sqrt((gradient**2).sum(1) + 1e-12) - 1) ** 2
        return value(generated).mean() - value(x).mean() + workloads.PENALTY * penalty.mean()

    return loss


def masked(p, x, rows):
    """A convolution that sees the first rows of its kernel."""
    size = len(p[0])
    mask = (numpy.arange(size) < rows).astype("float32")[:, None, None, None]
    padding = ((size // 2, size // 2),) * 2
    return lax.conv_general_dilated(x, p[0] * mask, (1, 1), padding, dimension_numbers=("NHWC", "HWIO", "NHWC")) + p[1]


def shifted(x, by):
    """Images moved to the right; 0 comes in."""
    return jnp.pad(x, ((0, 0), (0, 0), (by, 0), (0, 0)))[:, :, : x.shape[2]]


def gate(x):
    a, b = jnp.split(x, 2, 3)
    return jnp.tanh(a) * jax.nn.sigmoid(b)


def log_odds(p, x):
    pointwise = lambda p, x: x @ p[0] + p[1]
    seen = x * 2 - 1
    v = masked(p[:2], seen, 3)
    h = pointwise(p[2:4], jnp.concatenate([shifted(seen, by) for by in (3, 2, 1)], 3)) + pointwise(p[4:6], v)
    for start in range(6, 6 + 8 * workloads.PIXELCNN_LAYERS, 8):
        layer = p[start : start + 8]
        below = masked(layer[:2], v, 2)
        own = pointwise(layer[2:4], jnp.concatenate([shifted(h, 1), h], 3)) + pointwise(layer[4:6], below)
        v, h = gate(below), h + pointwise(layer[6:8], gate(own))
    return pointwise(p[-2:], jax.nn.silu(pointwise(p[-4:-2], jax.nn.silu(h))))


def pixelcnn(x):
    x = bits(x)
    return lambda p: surprise(x, log_odds(p, x)).mean()
