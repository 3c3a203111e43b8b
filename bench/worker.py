"""Answers `check NAME` and `time NAME SECONDS` on standard input for one library."""
import statistics
import sys
import time


def serve(load, check):
    """`load(name)` gives a function to time; `check(name)` the numbers by which libraries are compared."""
    loaded = {}
    for line in sys.stdin:
        verb, name, *rest = line.split()
        if verb == "check":
            print(*check(name), flush=True)
            continue
        if name not in loaded:
            loaded[name] = load(name)
            for _ in range(3):
                loaded[name]()
        print(_time(loaded[name], float(rest[0])), flush=True)


def _time(run, budget):
    began, seconds = time.perf_counter(), []
    while len(seconds) < 3 or time.perf_counter() - began < budget:
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds) * 1e3
