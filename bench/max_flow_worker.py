"""PyMaxflow on the images of max_flow_SIDE: blocks of 32 x 48 pixels, one in ten flipped; fields ±2.2, coupling 1.

The image is made here, for both sides: a byte a pixel, 0 or 1, in max_flow_SIDE.bin.
"""
import os
import sys

import maxflow
import numpy

from worker import serve

DATA = sys.argv[1]
COUPLING, FIELD = 1.0, 2.2


def image(name):
    path, side = os.path.join(DATA, name + ".bin"), int(name.rsplit("_", 1)[1])
    if not os.path.exists(path):
        rows, columns = numpy.mgrid[:side, :side]
        clean = (rows // 32 + columns // 48) % 2 == 1
        noisy = clean ^ (numpy.random.default_rng(0).random((side, side)) < 0.1)
        noisy.astype(numpy.uint8).tofile(path + ".part")
        os.replace(path + ".part", path)
    return numpy.fromfile(path, dtype=numpy.uint8).reshape(side, side).astype(bool)


def load(name):
    """Builds the graph, lets it flow, reads the labels: what denoising an image takes; returns the value of the cut."""
    noisy = image(name)

    def run():
        graph = maxflow.Graph[float]()
        nodes = graph.add_grid_nodes(noisy.shape)
        graph.add_grid_edges(nodes, COUPLING)
        graph.add_grid_tedges(nodes, FIELD * noisy, FIELD * ~noisy)
        value = graph.maxflow()
        graph.get_grid_segments(nodes)
        return value

    return run


serve(load, lambda name: [load(name)()] * 2)
