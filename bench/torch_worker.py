"""The workloads in PyTorch. The second argument is the layout of images: nchw or nhwc (channels last)."""
import sys

import torch
import torch.nn.functional as F
from torch import nn

import torch_generative as generative
import workloads
from worker import serve

DATA, LAYOUT = sys.argv[1:]
FORMAT = torch.channels_last if LAYOUT == "nhwc" else torch.contiguous_format
torch.set_num_threads(2)


class Block(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.g1, self.c1 = nn.GroupNorm(8, c), nn.Conv2d(c, c, 3, padding=1)
        self.g2, self.c2 = nn.GroupNorm(8, c), nn.Conv2d(c, c, 3, padding=1)

    def forward(self, x):
        return x + self.c2(F.silu(self.g2(self.c1(F.silu(self.g1(x))))))


class ScoreNetwork(nn.Module):
    def __init__(self, c=workloads.CHANNELS):
        super().__init__()
        self.i = nn.Conv2d(1, c, 3, padding=1)
        self.b = nn.Sequential(*[Block(c) for _ in range(4)])
        self.g, self.o = nn.GroupNorm(8, c), nn.Conv2d(c, 1, 3, padding=1)

    def forward(self, x):
        return self.o(F.silu(self.g(self.b(self.i(x)))))


def perceptron(*widths):
    layers = []
    for inputs, outputs in zip(widths, widths[1:]):
        layers += [nn.Linear(inputs, outputs), nn.Softplus()]
    return nn.Sequential(*layers[:-1])


def parameter(array):
    value = torch.from_numpy(array)
    if value.ndim == 4:
        return value.permute(3, 2, 0, 1).contiguous(memory_format=FORMAT)
    return value.t().contiguous() if value.ndim == 2 else value


def image(array):
    value = torch.from_numpy(array)
    return value.permute(0, 3, 1, 2).contiguous(memory_format=FORMAT) if value.ndim == 4 else value


def fill(net, arrays):
    with torch.no_grad():
        for target, array in zip(net.parameters(), arrays, strict=True):
            target.copy_(parameter(array))
    return net.to(memory_format=FORMAT)


def training(net, arrays, loss):
    fill(net, arrays)
    optimiser = torch.optim.Adam(net.parameters(), 1e-3)

    def step():
        optimiser.zero_grad()
        value = loss(net)
        value.backward()
        optimiser.step()
        return value

    def reset():
        fill(net, arrays)
        optimiser.state.clear()

    step.reset = reset
    # After the first step.
    moments = lambda: [optimiser.state[p]["exp_avg"] for p in net.parameters()]
    step.norm = lambda: norm(moments()) / (1 - optimiser.defaults["betas"][0])
    return step


def norm(tensors):
    return sum(value.double().square().sum() for value in tensors).sqrt().item()


def denoising(x, noise):
    def loss(net):
        noisy = (x + workloads.SIGMA * noise).requires_grad_()
        (gradient,) = torch.autograd.grad(net(noisy).sum(), noisy, create_graph=True)
        return ((gradient - noise / workloads.SIGMA) ** 2).mean()

    return loss


def convolutional_energy(size):
    """`size` is that of the windows of stride 2."""
    halving = [nn.Conv2d(32, 32, size, 2, 1), nn.SiLU(), nn.Conv2d(32, 64, size, 2, 1), nn.SiLU()]
    return nn.Sequential(nn.Conv2d(1, 32, 3, padding=1), nn.SiLU(), *halving, nn.Flatten(), nn.Linear(64 * 49, 1))


def of_convolutional_energy(arrays):
    """The dense layer's weights are [height, width, channel] in the file; PyTorch flattens [channel, height, width]."""
    dense = arrays[6].reshape(7, 7, 64, 1).transpose(2, 0, 1, 3).reshape(-1, 1)
    return arrays[:6] + [dense] + arrays[7:]


def gradient(energy, x, **options):
    return torch.autograd.grad(energy(x).sum(), x, **options)[0]


def exact_score_matching(start):
    def loss(net):
        x = start.clone().requires_grad_()
        g = gradient(net, x, create_graph=True)
        trace = 0.0
        for i in range(x.shape[1]):
            trace = trace + torch.autograd.grad(g[:, i].sum(), x, create_graph=True)[0][:, i]
        return (trace + 0.5 * (g**2).sum(1)).mean()

    return loss


def sliced_score_matching(score, start, direction):
    v = torch.sign(direction)

    def loss(net):
        x = start.clone().requires_grad_()
        g = score(net, x)
        h = torch.autograd.grad((g * v).sum(), x, create_graph=True)[0]
        return ((h * v).sum(1) + 0.5 * (g**2).sum(1)).mean()

    return loss


def chain(energy, start, noise, steps):
    size = workloads.CHAIN_STEP
    spread = noise * (2 * size) ** 0.5

    def sample():
        x = start
        for _ in range(steps):
            x = x.detach().requires_grad_()
            g = gradient(energy, x)
            x = x.detach() + size * g + spread * torch.randn_like(x)
        return x

    return sample


def draw(p, noise):
    return torch.bernoulli(p) if noise else p


def annealing(arrays, x, log_weights, noise):
    w, b, c = (torch.from_numpy(array) for array in arrays)
    start = (x > 0).float()

    def sample():
        v, sums = start, log_weights
        with torch.no_grad():
            for k in range(workloads.TEMPERATURES):
                low, high = k / workloads.TEMPERATURES, (k + 1) / workloads.TEMPERATURES
                odds = v @ w + c
                sums = sums + (high - low) * (v @ b) + F.softplus(high * odds).sum(1) - F.softplus(low * odds).sum(1)
                h = draw(torch.sigmoid(high * odds), noise)
                v = draw(torch.sigmoid(high * (h @ w.t() + b)), noise)
        return sums

    return sample


def contrastive(arrays, batches, noise):
    start = [torch.from_numpy(array) for array in arrays]
    w, b, c = (value.clone() for value in start)
    batches = [(x > 0).float() for x in batches]

    def updates():
        with torch.no_grad():
            for number in range(workloads.UPDATES):
                v = batches[number % len(batches)]
                p = torch.sigmoid(v @ w + c)
                v1 = draw(torch.sigmoid(draw(p, noise) @ w.t() + b), noise)
                p1 = torch.sigmoid(v1 @ w + c)
                loss = ((v - v1) ** 2).mean()
                w.add_((v.t() @ p - v1.t() @ p1) / len(v), alpha=workloads.RATE)
                b.add_((v - v1).mean(0), alpha=workloads.RATE)
                c.add_((p - p1).mean(0), alpha=workloads.RATE)
        return loss

    def reset():
        for value, first in zip((w, b, c), start, strict=True):
            value.copy_(first)

    updates.reset = reset
    return updates


def convolution(name, arrays, x):
    w, b = (parameter(array) for array in arrays)

    def forward():
        with torch.no_grad():
            return F.conv2d(x, w, b, padding=1)

    if name == "conv_forward":
        return forward
    for value in (x, w, b):
        value.requires_grad_()
    return differentiated(lambda: (F.conv2d(x, w, b, padding=1) ** 2).mean(), (x, w, b))


def differentiated(loss, by):
    """The loss, and its gradients, which are kept until the next run."""
    def both():
        value = loss()
        both.gradients = torch.autograd.grad(value, by)
        return value

    both.norm = lambda: norm(both.gradients)
    return both


def langevin(net, x, noise):
    def sample():
        y = x
        with torch.no_grad():
            for size, spread, sigma in workloads.schedule():
                y = y + size * (net(y) / sigma) + noise * spread * torch.randn_like(y)
        return y

    return sample


def load(name, noise=1.0):
    arrays, batch = workloads.read_data(DATA, name)
    batch = [image(array) for array in batch]
    if name.startswith("mlp"):
        return training(perceptron(2, 128, 128, 2), arrays, lambda net: ((net(batch[0]) - batch[1]) ** 2).mean())
    if name == "dsm2_conv_32":
        return training(convolutional_energy(3), of_convolutional_energy(arrays), denoising(*batch))
    if name.startswith("dsm2"):
        return training(perceptron(2, 128, 128, 1), arrays, denoising(*batch))
    if name == "exact_sm_128":
        return training(perceptron(50, 128, 128, 1), arrays, exact_score_matching(*batch))
    if name == "ssmvr_energy_128":
        energy = lambda net, x: gradient(net, x, create_graph=True)
        return training(perceptron(50, 128, 128, 1), arrays, sliced_score_matching(energy, *batch))
    if name == "ssmvr_score_128":
        score = lambda net, x: net(x)
        return training(perceptron(50, 128, 128, 50), arrays, sliced_score_matching(score, *batch))
    if name == "langevin_mlp":
        return chain(fill(perceptron(2, 128, 128, 1), arrays), *batch, noise, workloads.CHAIN_LENGTHS[name])
    if name == "langevin_conv":
        energy = fill(convolutional_energy(4), of_convolutional_energy(arrays))
        return chain(energy, *batch, noise, workloads.CHAIN_LENGTHS[name])
    if name == "ais":
        return annealing(arrays, *batch, noise)
    if name == "rbm_cd1":
        return contrastive(arrays, batch, noise)
    if name.startswith("conv"):
        return convolution(name, arrays, batch[0])
    if name == "vae_step":
        return training(generative.Vae(), arrays, generative.evidence_bound(*batch))
    if name == "made_step":
        return training(generative.Made(), arrays, generative.surprise(batch[0]))
    if name == "wgan_gp_critic_step":
        return training(generative.critic(), arrays, generative.critic_loss(*batch))
    if name == "pixelcnn_forward_backward":
        net = fill(generative.PixelCnn(), [generative.kernel(array) for array in arrays])
        loss = generative.surprise(batch[0])
        return differentiated(lambda: loss(net) / 784, list(net.parameters()))
    if name == "score_net_step":
        return training(ScoreNetwork(), arrays, lambda net: ((net(batch[0]) - batch[1]) ** 2).mean())
    return langevin(fill(ScoreNetwork(), arrays), batch[0], noise)


def check(name):
    run = load(name, noise=0.0)
    values = [run().detach() for _ in range(2)]
    return [value.double().square().mean().item() if value.ndim else value.item() for value in values]


def start_up():
    """A step of a small network of the layers that the workloads have."""
    net = nn.Sequential(nn.Conv2d(1, 8, 3), nn.GroupNorm(8, 8), nn.SiLU())
    optimiser = torch.optim.Adam(net.parameters())
    net(torch.ones(1, 1, 4, 4)).sum().backward()
    optimiser.step()


serve(load, check, start_up)
