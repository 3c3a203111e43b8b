"""Trains the U-Net of mnist-ncsn.toml in PyTorch and prints, every so many steps, the step, the seconds trained (without
those of evaluations) and the held-out loss per dimension of the averaged weights.

Usage: torch_ncsn.py MNIST_FOLDER STEPS EVERY TARGET ROWS SEED (ends at the first loss up to the target)
"""
import gzip
import os
import sys
import time

import numpy
import torch
import torch.nn.functional as F
from torch import nn

CHANNELS, EMBEDDING, FREQUENCIES, GROUPS = 32, 64, 8, 8
BATCH, RATE, CLIP, DECAY = 64, 1e-3, 1.0, 0.999
DATA_VARIANCE = 0.1
SIGMAS = torch.logspace(0, -2, 10)
TRIALS = 8


class Block(nn.Module):
    """A residual block with normalisation first, shifted by the embedded noise level."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.norm1, self.conv1 = nn.GroupNorm(GROUPS, inputs), nn.Conv2d(inputs, outputs, 3, padding=1)
        self.level = nn.Linear(EMBEDDING, outputs)
        self.norm2, self.conv2 = nn.GroupNorm(GROUPS, outputs), nn.Conv2d(outputs, outputs, 3, padding=1)
        self.skip = nn.Identity() if inputs == outputs else nn.Conv2d(inputs, outputs, 1)

    def forward(self, x, level):
        hidden = self.conv1(F.silu(self.norm1(x))) + self.level(level)[:, :, None, None]
        return self.skip(x) + self.conv2(F.silu(self.norm2(hidden)))


class UNet(nn.Module):
    """σ s(x, σ): three resolutions, one block each on the way down and on the way back, one in the middle."""

    def __init__(self, c=CHANNELS):
        super().__init__()
        self.embed = nn.Sequential(
            nn.Linear(2 * FREQUENCIES, EMBEDDING), nn.SiLU(), nn.Linear(EMBEDDING, EMBEDDING), nn.SiLU()
        )
        self.register_buffer("frequencies", torch.randn(FREQUENCIES))
        self.first = nn.Conv2d(1, c, 3, padding=1)
        self.down = nn.ModuleList([Block(c, c), Block(c, 2 * c), Block(2 * c, 2 * c)])
        self.middle = Block(2 * c, 2 * c)
        self.up = nn.ModuleList([Block(3 * c, c), Block(4 * c, 2 * c), Block(4 * c, 2 * c)])
        self.norm, self.last = nn.GroupNorm(GROUPS, c), nn.Conv2d(c, 1, 3, padding=1)

    def forward(self, x, sigma):
        angles = sigma.log()[:, None] * self.frequencies
        level = self.embed(torch.cat([angles.sin(), angles.cos()], 1))
        x = self.first(x / (along(sigma) ** 2 + DATA_VARIANCE).sqrt())
        passed = []
        for depth, block in enumerate(self.down):
            x = block(F.avg_pool2d(x, 2) if depth else x, level)
            passed.append(x)
        x = self.middle(x, level)
        for depth in reversed(range(len(self.up))):
            x = self.up[depth](torch.cat([x, passed[depth]], 1), level)
            x = F.interpolate(x, scale_factor=2) if depth else x
        return self.last(F.silu(self.norm(x)))


def along(values):
    return values[:, None, None, None]


def read(path):
    with gzip.open(path) as file:
        pixels = numpy.frombuffer(file.read(), numpy.uint8, offset=16)
    return torch.from_numpy(pixels.reshape(-1, 1, 28, 28).astype(numpy.float32) / 255)


class Training:
    def __init__(self, images, layout, seed):
        torch.manual_seed(seed)
        self.images, self.layout, self.steps = images, layout, 0
        self.net, self.average = (UNet().to(memory_format=layout) for _ in range(2))
        self.average.load_state_dict(self.net.state_dict())
        self.optimiser = torch.optim.Adam(self.net.parameters(), RATE)

    def step(self):
        x = self.images[torch.randint(len(self.images), (BATCH,))].contiguous(memory_format=self.layout)
        sigma, noise = SIGMAS[torch.randint(len(SIGMAS), (BATCH,))], torch.randn_like(x)
        loss = (self.net(x + along(sigma) * noise, sigma) + noise).square().mean()
        self.optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.net.parameters(), CLIP)
        self.optimiser.step()
        decay = min(DECAY, (1 + self.steps) / (10 + self.steps))
        with torch.no_grad():
            torch._foreach_lerp_(list(self.average.parameters()), list(self.net.parameters()), 1 - decay)
        self.steps += 1

    def held_out(self, rows):
        """The mean over levels and rows, one draw of noise for each, the same ones every time."""
        generator, losses = torch.Generator().manual_seed(1), []
        with torch.no_grad():
            for sigma in SIGMAS:
                for x in rows.split(250):
                    noise, sigmas = torch.randn(x.shape, generator=generator), sigma.expand(len(x))
                    losses.append((self.average(x + sigma * noise, sigmas) + noise).square().mean((1, 2, 3)))
        return torch.cat(losses).double().mean().item()


def seconds_of_steps(images, layout):
    """Of a few steps of a training in this memory layout, after the first two."""
    training = Training(images, layout, 0)
    for _ in range(2):
        training.step()
    start = time.perf_counter()
    for _ in range(TRIALS):
        training.step()
    return time.perf_counter() - start


def main():
    folder, (steps, every), target, (rows, seed) = sys.argv[1], map(int, sys.argv[2:4]), float(sys.argv[4]), map(int, sys.argv[5:])
    torch.set_num_threads(2)
    images = read(os.path.join(folder, "train-images-idx3-ubyte.gz"))
    held_out = read(os.path.join(folder, "t10k-images-idx3-ubyte.gz"))[:rows]
    layout = min((torch.contiguous_format, torch.channels_last), key=lambda layout: seconds_of_steps(images, layout))
    training, seconds, loss = Training(images, layout, seed), 0.0, float("inf")
    while training.steps < steps and loss > target:
        start = time.perf_counter()
        for _ in range(every):
            training.step()
        seconds += time.perf_counter() - start
        loss = training.held_out(held_out)
        print(training.steps, seconds, loss, flush=True)


main()
