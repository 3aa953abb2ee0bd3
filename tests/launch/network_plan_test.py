#!/usr/bin/env python3
"""Tests of what is said of a training of a network before it is run."""

import re

from network_bench import CLASSES, TEXT, prepare
from program_bench import (DONE, USAGE, check, check_code, check_refused, main, measure_memory,
                           on_ranks)


GROUPS = ("parameters", "memory of a rank", "on the wire in a step", "work of a step")


def planned(bench, ranks, *flags):
    """{title: {figure: number}} of `bayesum plan`."""
    outcome = bench.run("plan", "train.toml", "--ranks", str(ranks), *flags, ranks=1)
    check_code(outcome, DONE)
    found, group = {}, None
    for line in outcome.out.splitlines():
        cells = re.split(r"  +", line.strip())
        if cells[0] in GROUPS:
            group = found.setdefault(cells[0], {})
        elif group is not None and len(cells) > 1 and cells[1].isdigit():
            group[cells[0]] = int(cells[1])
    check(set(found) == set(GROUPS), outcome.out)
    return found


def moved(bench, steps, *flags):
    """Bytes that rank 0 says it has moved by the end of a training of so many steps."""
    bench.trained(*flags, "--overwrite", "--stop.steps", str(steps), "--validation.every", "0")
    said = re.findall(r"moved (\d+) bytes", bench.read("run", "log.txt").decode())
    return int(said[-1])


@on_ranks(1, 2)
def test_the_plan_tells_the_bytes_on_the_wire(bench):
    cases = [(CLASSES, ("--coordinator.kind", "replicated")), (CLASSES, ("--coordinator.kind", "root")),
             (CLASSES, ("--coordinator.kind", "sharded", "--rule.noise", "world")),
             (TEXT, ("--coordinator.kind", "sharded")),
             (TEXT, ("--coordinator.kind", "sharded", "--coordinator.deterministic", "false")),
             (CLASSES, ("--coordinator.kind", "sharded", "--coordinator.deterministic", "false")),
             (CLASSES, ("--coordinator.deterministic", "false", "--data.virtual_shards", "7")),
             (CLASSES, ("--coordinator.kind", "sharded", "--data.virtual_shards", "1"))]
    for config, flags in cases:
        prepare(bench, config)
        wanted = planned(bench, bench.ranks, *flags)["on the wire in a step"]["in all"]
        found = (moved(bench, 7, *flags) - moved(bench, 2, *flags)) / 5
        check(found == wanted, f"{flags}: {found} bytes a step, planned {wanted}")


@on_ranks(1, 2)
def test_the_plan_tells_the_memory(bench):
    """Within 15 % of what the system has measured at its peak, of the largest rank."""
    measure_memory()
    cases = [CLASSES.replace("[12]", "[1500, 1500]").replace("batch = 8", "batch = 100"),
             TEXT.replace("layers = 1", "layers = 2").replace("channels = 16", "channels = 256")
             .replace("context = 16", "context = 64").replace("_share = 0.1", "_share = 0.2").replace("batch = 4", "batch = 16")
             .replace('"adamw"', '"ivon"')]
    for config in cases:
        prepare(bench, config)
        for kind in ("replicated", "sharded"):
            wanted = planned(bench, bench.ranks, "--coordinator.kind", kind)["memory of a rank"]["in all"]
            bench.trained("--overwrite", "--coordinator.kind", kind, "--stop.steps", "1")
            (line,) = re.findall(r"peak memory (\d+) bytes", bench.read("run", "log.txt").decode())[-1:]
            check(abs(wanted / int(line) - 1) < 0.15, f"planned {wanted}, measured {line}: {config}")


@on_ranks(1, 2)
def test_the_plan_counts_parameters_and_work(bench):
    prepare(bench, TEXT)
    found = planned(bench, 2)
    characters = len(set(bench.read("song.txt")))
    wte = characters * 16
    matrices = 16 * 48 + 16 * 16 + 16 * 64 + 64 * 16
    check(found["parameters"]["wte"] == wte, f"{found['parameters']}")
    check(found["parameters"]["h.N.attn.c_attn"] == 16 * 48 + 48, f"{found['parameters']}")
    check(sum(found["parameters"].values()) ==
          wte + 16 * 16 + matrices + 48 + 16 + 64 + 16 + 6 * 16, "parameters in all")
    check(found["work of a step"]["tokens"] == 4 * 2 * 16, "tokens")
    # Appendix B of PaLM: 6 for each weight that multiplies, 12 L C T for attention.
    check(found["work of a step"]["operations"] ==
          4 * 2 * 16 * (6 * (matrices + wte) + 12 * 1 * 16 * 16), f"{found['work of a step']}")
    prepare(bench)
    check(planned(bench, 2)["work of a step"]["operations"] ==
          8 * 3 * (4 * 3 * 12 + 6 * 12 * 2), "of x, y, height and 12 hidden units")
    bench.configure()
    check_refused(bench.run("plan", "train.toml"), USAGE, "poisson", "is no network")


if __name__ == "__main__":
    main(__doc__)
