"""The networks and losses of bench/src/generative.rs in PyTorch. Rows `x` of data come as numbers that are 1 where above 0."""
import torch
import torch.nn.functional as F
from torch import nn

import workloads


def layers(activation, *widths):
    """Dense layers, each with the activation behind it."""
    pairs = zip(widths, widths[1:])
    return nn.Sequential(*[layer for pair in pairs for layer in (nn.Linear(*pair), activation())])


def surprise(x):
    """-ln p of a row of bits by the log odds that a network gives."""
    x = (x > 0).float()
    return lambda net: F.binary_cross_entropy_with_logits(net(x), x, reduction="sum") / len(x)


class Vae(nn.Module):
    def __init__(self, pixels=784, coder=500, latents=32):
        super().__init__()
        self.encoder = layers(nn.SiLU, pixels, coder, coder)
        self.mean, self.log_variance = nn.Linear(coder, latents), nn.Linear(coder, latents)
        self.decoder = layers(nn.SiLU, latents, coder, coder)
        self.output = nn.Linear(coder, pixels)

    def forward(self, x, e):
        features = self.encoder(x * 2 - 1)
        mean, log_variance = self.mean(features), self.log_variance(features)
        return self.output(self.decoder(mean + (log_variance * 0.5).exp() * e)), mean, log_variance


def evidence_bound(x, e):
    x = (x > 0).float()

    def loss(net):
        log_odds, mean, log_variance = net(x, e)
        divergence = 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).sum()
        return (F.binary_cross_entropy_with_logits(log_odds, x, reduction="sum") + divergence) / len(x)

    return loss


class Masked(nn.Linear):
    """A dense layer of weights times a mask [in, out]."""

    def __init__(self, mask):
        super().__init__(*mask.shape)
        self.register_buffer("mask", mask.t().float().contiguous())

    def forward(self, x):
        return F.linear(x, self.weight * self.mask, self.bias)


class Made(nn.Sequential):
    def __init__(self, pixels=784, hidden=1000):
        places = torch.arange(1, pixels + 1)
        degrees = 1 + torch.arange(hidden) * (pixels - 1) // hidden
        first, last = places[:, None] <= degrees, degrees[:, None] < places
        super().__init__(Masked(first), nn.LeakyReLU(0.2), Masked(last))


def critic():
    return nn.Sequential(layers(lambda: nn.LeakyReLU(0.2), 784, 512, 512), nn.Linear(512, 1))


def critic_loss(x, generated, share):
    x = (x > 0).float()

    def loss(net):
        value = lambda x: net(x * 2 - 1)
        between = (generated + share * (x - generated)).requires_grad_()
        (gradient,) = torch.autograd.grad(value(between).sum(), between, create_graph=True)
        penalty = (((gradient**2).sum(1) + 1e-12).sqrt() - 1) ** 2
        return value(generated).mean() - value(x).mean() + workloads.PENALTY * penalty.mean()

    return loss


def kernel(array):
    """Weights [in, out] of the pixels' layers as those of convolutions of 1x1; the others as they are."""
    return array.reshape(1, 1, *array.shape) if array.ndim == 2 else array


class MaskedConvolution(nn.Conv2d):
    """Sees the first rows of its kernel."""

    def __init__(self, inputs, outputs, size, rows):
        super().__init__(inputs, outputs, size, padding=size // 2)
        self.register_buffer("mask", (torch.arange(size) < rows).float()[:, None].expand(size, size).contiguous())

    def forward(self, x):
        return F.conv2d(x, self.weight * self.mask, self.bias, padding=self.padding)


def shifted(x, by):
    """Images moved to the right; 0 comes in."""
    return F.pad(x, (by, 0, 0, 0))[..., : x.shape[3]]


def gate(x):
    a, b = x.chunk(2, 1)
    return a.tanh() * b.sigmoid()


class Gated(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.vertical = MaskedConvolution(c, 2 * c, 3, 2)
        self.horizontal, self.cross = nn.Conv2d(2 * c, 2 * c, 1), nn.Conv2d(2 * c, 2 * c, 1)
        self.residual = nn.Conv2d(c, c, 1)

    def forward(self, v, h):
        below = self.vertical(v)
        own = self.horizontal(torch.cat([shifted(h, 1), h], 1)) + self.cross(below)
        return below, h + self.residual(gate(own))


class PixelCnn(nn.Module):
    def __init__(self, c=32):
        super().__init__()
        self.vertical = MaskedConvolution(1, c, 7, 3)
        self.horizontal, self.cross = nn.Conv2d(3, c, 1), nn.Conv2d(c, c, 1)
        self.gated = nn.ModuleList([Gated(c) for _ in range(workloads.PIXELCNN_LAYERS)])
        self.hidden, self.output = nn.Conv2d(c, 2 * c, 1), nn.Conv2d(2 * c, 1, 1)

    def forward(self, x):
        seen = x * 2 - 1
        v = self.vertical(seen)
        h = self.horizontal(torch.cat([shifted(seen, by) for by in (3, 2, 1)], 1)) + self.cross(v)
        for number, layer in enumerate(self.gated):
            below, h = layer(v if number == 0 else gate(below), h)
        return self.output(F.silu(self.hidden(F.silu(h))))
