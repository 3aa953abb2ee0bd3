"""One rank and two, a thread each: the same steps on the same table, with and without messages.

"Without communication" is two processes that each train on half of the virtual shards at the same
time, which shows what the shared memory bus allows.
"""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np

import regression
from bayesum_run import Run


def compare(args):
    regression.data(args.folder)
    half = os.path.join(args.folder, "half-x.npy"), os.path.join(args.folder, "half-y.npy")
    if not os.path.exists(half[1]):
        for whole, part in zip(("x.npy", "y.npy"), half):
            array = np.load(os.path.join(args.folder, whole), mmap_mode="r")
            np.save(part, array[: len(array) // 2])

    def run(name, x, y, posterior, ranks=1):
        toml = f"""
[data]
path = "{x}"
response = "{y}"
cache_mib = 2048
[model]
name = "logistic"
posterior = "{posterior}"
standardize = false
[rule]
name = "blr"
rho = 0.1
[stop]
steps = 6
residual = 0
"""
        found = Run(args.program, args.folder, name, toml, ranks=ranks, threads=1)
        seconds = [step["seconds"] for step in found.steps]
        return min(after - before for before, after in zip(seconds[1:], seconds[2:]))

    whole = os.path.join(args.folder, "x.npy"), os.path.join(args.folder, "y.npy")
    table = [("seconds per step", "1 rank", "2 ranks", "efficiency", "2 halves without communication")]
    for posterior in ("full", "diagonal"):
        one = run("one", *whole, posterior)
        two = run("two", *whole, posterior, ranks=2)
        with ThreadPoolExecutor() as pool:
            halves = list(pool.map(lambda name: run(name, *half, posterior), ("half-a", "half-b")))
        table.append((posterior, f"{one:.3f}", f"{two:.3f}", f"{one / (2 * two):.0%}",
                      f"{max(halves):.3f}"))
    return table
