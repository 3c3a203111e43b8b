"""The workloads in JAX, compiled."""
import os
import sys
import timeit
from functools import partial

os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=true intra_op_parallelism_threads=2"

import jax
import jax.numpy as jnp
from jax import lax

import jax_generative as generative
import workloads
from worker import serve

DATA = sys.argv[1]


def pairs(values):
    return zip(values[::2], values[1::2])


def perceptron(p, x):
    layers = list(pairs(p))
    for i, (w, b) in enumerate(layers):
        x = x @ w + b
        if i + 1 < len(layers):
            x = jax.nn.softplus(x)
    return x


def conv(x, w, b, stride=1):
    padding, names = ((1, 1), (1, 1)), ("NHWC", "HWIO", "NHWC")
    return lax.conv_general_dilated(x, w, (stride, stride), padding, dimension_numbers=names) + b


def group_norm(x, scale, shift, groups=8):
    n, h, w, c = x.shape
    y = x.reshape(n, h, w, groups, c // groups)
    centred = y - y.mean((1, 2, 4), keepdims=True)
    variance = (centred**2).mean((1, 2, 4), keepdims=True)
    return (centred / jnp.sqrt(variance + 1e-5)).reshape(x.shape) * scale + shift


def score_network(p, x):
    def half(x, p):
        return conv(jax.nn.silu(group_norm(x, *p[:2])), *p[2:])

    x = conv(x, *p[:2])
    for start in range(2, 34, 8):
        x = x + half(half(x, p[start : start + 4]), p[start + 4 : start + 8])
    return half(x, p[34:])


BETA1 = 0.9


def adam(p, g, state, rate=1e-3):
    m, v, t = state
    t = t + 1
    m = jax.tree.map(lambda m, g: BETA1 * m + (1 - BETA1) * g, m, g)
    v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)
    change = lambda p, m, v: p - rate * (m / (1 - BETA1**t)) / (jnp.sqrt(v / (1 - 0.999**t)) + 1e-8)
    return jax.tree.map(change, p, m, v), (m, v, t)


def training(p, loss):
    zeros = jax.tree.map(jnp.zeros_like, p)
    # A step gives its memory to the next one, so the start is kept apart.
    start = lambda: jax.tree.map(jnp.copy, (p, (zeros, zeros, 0)))
    state = list(start())

    @partial(jax.jit, donate_argnums=(0, 1))
    def step(p, moments):
        value, gradient = jax.value_and_grad(loss)(p)
        return (*adam(p, gradient, moments), value)

    def run():
        state[0], state[1], value = step(*state)
        return jax.block_until_ready(value)

    def reset():
        state[:] = start()

    run.reset = reset
    # After the first step.
    run.norm = lambda: norm(state[1][0]) / (1 - BETA1)
    return run


def norm(tensors):
    return float(jnp.sqrt(sum(jnp.square(value).sum() for value in tensors)))


def denoising(energy, x, noise):
    noisy = x + workloads.SIGMA * noise
    return lambda p: ((jax.grad(energy, 1)(p, noisy) - noise / workloads.SIGMA) ** 2).mean()


def energy(p, x):
    return perceptron(p, x).sum()


def convolutional_energy(p, x):
    x = jax.nn.silu(conv(x, *p[:2]))
    x = jax.nn.silu(conv(x, *p[2:4], stride=2))
    x = jax.nn.silu(conv(x, *p[4:6], stride=2))
    return perceptron(p[6:], x.reshape(len(x), -1)).sum()


def trace_by_tangents(p, x):
    """The Laplacian of one row: a Jacobian-vector product of the gradient along every unit vector."""
    along = lambda v: jnp.vdot(v, jax.jvp(lambda x: jax.grad(energy, 1)(p, x), (x,), (v,))[1])
    return jax.vmap(along)(jnp.eye(len(x))).sum()


def trace_of_hessian(p, x):
    return jnp.trace(jax.hessian(energy, 1)(p, x))


def exact_score_matching(trace, x):
    def loss(p):
        gradients = jax.vmap(lambda x: jax.grad(energy, 1)(p, x))(x)
        traces = jax.vmap(lambda x: trace(p, x))(x)
        return (traces + 0.5 * (gradients**2).sum(1)).mean()

    return loss


def better(steps):
    """The step that is faster here, once both are compiled."""
    def seconds(step):
        step()
        return min(timeit.repeat(step, number=1, repeat=5))

    step = min(steps, key=seconds)
    step.reset()
    return step


def sliced_score_matching(score, x, direction):
    v = jnp.sign(direction)

    def loss(p):
        s, moved = jax.jvp(lambda x: score(p, x), (x,), (v,))
        return ((v * moved).sum(1) + 0.5 * (s**2).sum(1)).mean()

    return loss


def chain(energy, p, x, noise, steps):
    size = workloads.CHAIN_STEP
    spread = noise * (2 * size) ** 0.5

    @jax.jit
    def sample(p, x, key):
        def step(x, key):
            return x + size * jax.grad(energy, 1)(p, x) + spread * jax.random.normal(key, x.shape), None

        return lax.scan(step, x, jax.random.split(key, steps))[0]

    key = jax.random.PRNGKey(0)
    return lambda: jax.block_until_ready(sample(p, x, key))


def draw(key, p, noise):
    return jax.random.bernoulli(key, p).astype(p.dtype) if noise else p


def annealing(p, x, log_weights, noise):
    steps = workloads.TEMPERATURES

    @jax.jit
    def sample(p, x, sums, key):
        w, b, c = p

        def step(state, row):
            (v, sums), (k, key) = state, row
            low, high, (first, second) = k / steps, (k + 1) / steps, jax.random.split(key)
            odds = v @ w + c
            softplus = jax.nn.softplus(high * odds) - jax.nn.softplus(low * odds)
            sums = sums + (high - low) * (v @ b) + softplus.sum(1)
            h = draw(first, jax.nn.sigmoid(high * odds), noise)
            return (draw(second, jax.nn.sigmoid(high * (h @ w.T + b)), noise), sums), None

        return lax.scan(step, (x, sums), (jnp.arange(steps), jax.random.split(key, steps)))[0][1]

    key, start = jax.random.PRNGKey(0), (x > 0).astype(x.dtype)
    return lambda: jax.block_until_ready(sample(p, start, log_weights, key))


def contrastive(p, batches, noise):
    @jax.jit
    def update(p, v, key):
        (w, b, c), (first, second) = p, jax.random.split(key)
        up = jax.nn.sigmoid(v @ w + c)
        v1 = draw(second, jax.nn.sigmoid(draw(first, up, noise) @ w.T + b), noise)
        up1 = jax.nn.sigmoid(v1 @ w + c)
        changes = (v.T @ up - v1.T @ up1) / len(v), (v - v1).mean(0), (up - up1).mean(0)
        return [a + workloads.RATE * change for a, change in zip(p, changes)], ((v - v1) ** 2).mean()

    batches = [(x > 0).astype(x.dtype) for x in batches]
    keys, state = list(jax.random.split(jax.random.PRNGKey(0), workloads.UPDATES)), [p]

    def run():
        for number, key in enumerate(keys):
            state[0], loss = update(state[0], batches[number % len(batches)], key)
        return jax.block_until_ready(loss)

    def reset():
        state[0] = p

    run.reset = reset
    return run


def convolution(name, p, x):
    if name == "conv_forward":
        forward = jax.jit(conv)
        return lambda: jax.block_until_ready(forward(x, *p))
    return differentiated(lambda p: (conv(*p) ** 2).mean(), [x, *p])


def differentiated(loss, p):
    """The loss, and its gradients, which are kept until the next run."""
    both = jax.jit(jax.value_and_grad(loss))

    def run():
        value, run.gradients = jax.block_until_ready(both(p))
        return value

    run.norm = lambda: norm(run.gradients)
    return run


def langevin(p, x, noise):
    @jax.jit
    def sample(p, x, key):
        def step(y, row):
            key, size, spread, sigma = row
            y = y + size * (score_network(p, y) / sigma) + noise * spread * jax.random.normal(key, y.shape)
            return y, None

        columns = [jnp.array(column) for column in zip(*workloads.schedule())]
        return lax.scan(step, x, (jax.random.split(key, len(columns[0])), *columns))[0]

    key = jax.random.PRNGKey(0)
    return lambda: jax.block_until_ready(sample(p, x, key))


def load(name, noise=1.0):
    p, batch = (list(map(jnp.array, arrays)) for arrays in workloads.read_data(DATA, name))
    if name.startswith("mlp"):
        return training(p, lambda p: ((perceptron(p, batch[0]) - batch[1]) ** 2).mean())
    if name == "dsm2_conv_32":
        return training(p, denoising(convolutional_energy, *batch))
    if name.startswith("dsm2"):
        return training(p, denoising(energy, *batch))
    if name == "exact_sm_128":
        return better([training(p, exact_score_matching(trace, *batch)) for trace in (trace_by_tangents, trace_of_hessian)])
    if name == "ssmvr_energy_128":
        return training(p, sliced_score_matching(jax.grad(energy, 1), *batch))
    if name == "ssmvr_score_128":
        return training(p, sliced_score_matching(perceptron, *batch))
    if name == "langevin_mlp":
        return chain(energy, p, *batch, noise, workloads.CHAIN_LENGTHS[name])
    if name == "langevin_conv":
        return chain(convolutional_energy, p, *batch, noise, workloads.CHAIN_LENGTHS[name])
    if name == "ais":
        return annealing(p, *batch, noise)
    if name == "rbm_cd1":
        return contrastive(p, batch, noise)
    if name.startswith("conv"):
        return convolution(name, p, batch[0])
    if name == "vae_step":
        return training(p, generative.evidence_bound(*batch))
    if name == "made_step":
        return training(p, generative.masked_autoencoder(*batch))
    if name == "wgan_gp_critic_step":
        return training(p, generative.critic_loss(*batch))
    if name == "pixelcnn_forward_backward":
        return differentiated(generative.pixelcnn(*batch), p)
    if name == "score_net_step":
        return training(p, lambda p: ((score_network(p, batch[0]) - batch[1]) ** 2).mean())
    return langevin(p, batch[0], noise)


def check(name):
    run = load(name, noise=0.0)
    values = [run() for _ in range(2)]
    return [float(jnp.mean(jnp.square(value))) if value.ndim else float(value) for value in values]


serve(load, check)
