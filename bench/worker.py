"""Answers `check NAME` and `time NAME SECONDS` on standard input for one library."""
import statistics
import sys
import time

MOST_RUNS = 200
WARM_UP = 2


def serve(load, check):
    """`load(name)` gives a function to time, which may have a `reset`; `check(name)` the numbers by which libraries are compared."""
    loaded = {}
    for line in sys.stdin:
        verb, name, *rest = line.split()
        if verb == "check":
            print(*check(name), flush=True)
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
