"""Answers `check NAME`, `gradient NAME`, `time NAME SECONDS` and `memory NAME` on standard input for one library."""
import statistics
import sys
import time

MOST_RUNS = 200
WARM_UP = 2
MEMORY_RUNS = 5


def serve(load, check, start_up=lambda: None):
    """`load(name, noise)` gives a function to time, which may have a `reset`, and a `norm` of the gradient of the first run;
    `check(name)` the numbers by which libraries are compared. `start_up()` loads what the library loads with its first work, before memory is measured."""
    loaded = {}
    for line in sys.stdin:
        verb, name, *rest = line.split()
        if verb == "check":
            print(*check(name), flush=True)
            continue
        if verb == "gradient":
            run = load(name, noise=0.0)
            run()
            print(*([run.norm()] if hasattr(run, "norm") else []), flush=True)
            continue
        if verb == "memory":
            start_up()
            print(_peak(load, name), flush=True)
            continue
        if name not in loaded:
            loaded[name] = load(name)
        print(_time(loaded[name], float(rest[0])), flush=True)


def _time(run, budget):
    """Training on one batch for thousands of steps would measure vanishing gradients: every burst starts anew."""
    getattr(run, "reset", lambda: None)()
    for _ in range(WARM_UP):
        run()
    began, seconds = time.perf_counter(), []
    while len(seconds) < 2 or (len(seconds) < MOST_RUNS and time.perf_counter() - began < budget):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds) * 1e3


def _peak(load, name):
    """The most megabytes that some runs need, above those that the process has before."""
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")
    before, run = _kilobytes("VmRSS"), load(name)
    for _ in range(MEMORY_RUNS):
        run()
    return (_kilobytes("VmHWM") - before) * 1024 / 1e6


def _kilobytes(field):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(field + ":"))
