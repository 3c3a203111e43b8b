"""Answers `check NAME` and `time NAME SECONDS` for the peers of the discrete models, as `run` asks.

A workload is a pair of functions: a figure by which libraries are compared, and milliseconds of one unit of work.
"""
import sys
import time


def ising_sampler():
    """dwave-samplers' simulated annealing at one temperature: Metropolis in the order of the sites, one chain."""
    import dimod
    import dwave.samplers

    side, beta = 256, 0.44
    couplings = {}
    for row in range(side):
        for column in range(side):
            site = row * side + column
            couplings[site, (row + 1) % side * side + column] = -1.0
            couplings[site, row * side + (column + 1) % side] = -1.0
    model = dimod.BinaryQuadraticModel({site: 0.0 for site in range(side * side)}, couplings, 0.0, "SPIN")
    sampler = dwave.samplers.SimulatedAnnealingSampler()

    def run(sweeps):
        return sampler.sample(model, num_reads=1, num_sweeps=sweeps, beta_range=[beta, beta], seed=1)

    def milliseconds(sweeps):
        began = time.perf_counter()
        run(sweeps)
        return (time.perf_counter() - began) * 1e3

    def sweep():
        # The difference leaves out the conversion of the model.
        return (milliseconds(600) - milliseconds(100)) / 500

    return lambda: run(1000).first.energy / side**2, sweep


WORKLOADS = {"ising_metropolis_256": ising_sampler}


def main():
    loaded = {}
    for line in sys.stdin:
        verb, name, *_ = line.split()
        if name not in loaded:
            loaded[name] = WORKLOADS[name]()
        figure, milliseconds = loaded[name]
        print(figure() if verb == "check" else milliseconds(), flush=True)


if __name__ == "__main__":
    main()
