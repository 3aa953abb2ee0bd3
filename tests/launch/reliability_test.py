#!/usr/bin/env python3
"""Promises that are kept by counting: kills while saving, damaged files, bad configurations.

    reliability_test.py --list                          names of the promises, with their numbers of ranks
    reliability_test.py --program PATH --ranks N NAME   keeps one; in full where BAYESUM_LONG=1

Each prints what it counted. The trials are drawn from a fixed seed.
"""

import argparse
import os
import random
import re
import sys
import tempfile
import time

from program_bench import (Bench, DONE, FILE, USAGE, check, check_code, check_refused, processes_of,
                           wait_until)

LONG = os.environ.get("BAYESUM_LONG") == "1"

# Every step is saved, and no step is the last.
SAVING = ("--rule.name", "blr", "--rule.rho", "1e-3", "--stop.residual", "0",
          "--run.checkpoint_every", "1")
ENDLESS = SAVING + ("--stop.steps", "1000000000")

CHECKPOINT = re.compile(r"step-(\d+)\.safetensors")


def checkpoints(bench, folder="run"):
    """Steps of the checkpoints in the folder, and their files, oldest first."""
    place = bench.path(folder, "checkpoints")
    names = os.listdir(place) if os.path.isdir(place) else []
    found = (CHECKPOINT.fullmatch(name) for name in names)
    return sorted((int(match[1]), os.path.join(place, match[0])) for match in found if match)


def killed(bench, delay):
    """Starts or goes on with the endless run, and kills every rank `delay` after the first save."""
    before = checkpoints(bench)
    process = bench.start("train", "train.toml", "--run.dir", "run", *ENDLESS, "--resume", "auto")
    wait_until(lambda: process.poll() is not None or checkpoints(bench) != before, "a checkpoint")
    time.sleep(delay)
    for pid in processes_of(process, bench.program, bench.ranks):
        try:
            os.kill(pid, 9)
        except ProcessLookupError:
            pass  # mpirun was faster
    process.communicate()
    check(process.returncode != DONE, "the run ended by itself")


def test_kills(bench):
    """Kills at any moment of a run that does little but save: it always goes on, to the same bytes."""
    kills = (200 if LONG else 12) // bench.ranks
    draw = random.Random(1)
    reached = 0
    for kill in range(kills):
        killed(bench, draw.uniform(0, 0.05))
        newest = checkpoints(bench)[-1][0]
        check(newest >= reached, f"kill {kill} went back from step {reached} to {newest}")
        reached = newest
    # No temporary file outlives the run that goes on.
    end = SAVING + ("--stop.steps", str(reached + 3))
    resumed = bench.trained(*end, "--resume", "auto")
    left = [name for name in os.listdir(bench.path("run", "checkpoints"))
            if not CHECKPOINT.fullmatch(name)]
    check(left == [], f"files left behind: {left}")
    whole = bench.trained(*SAVING[:-1], "0", *end[len(SAVING):], folder="whole")
    check(resumed == whole, f"{kills} kills changed the posterior")
    return f"{kills} kills by step {reached}: 0 checkpoints that cannot be loaded, the same bytes"


def flip_bit(draw, file, other):
    place = draw.randrange(len(file))
    return file[:place] + bytes([file[place] ^ 1 << draw.randrange(8)]) + file[place + 1:]


def truncate(draw, file, other):
    return file[:draw.randrange(len(file))]


def extend(draw, file, other):
    return file + draw.randbytes(draw.randrange(1, 100))


def swap_halves(draw, file, other):
    place = draw.randrange(1, len(file))
    return file[place:] + file[:place]


def take_other(draw, file, other):
    return other


def blank(draw, file, other):
    first = draw.randrange(len(file) - 8)
    size = draw.randrange(8, len(file) - first + 1)
    return file[:first] + bytes(size) + file[first + size:]


def graft(draw, file, other):
    """The start of one checkpoint with the end of another."""
    place = draw.randrange(len(file) // 2, len(file) - 8)
    return file[:place] + other[place:]


DAMAGES = (flip_bit, truncate, extend, swap_halves, take_other, blank, graft)


def test_damaged_checkpoints(bench):
    """A newest checkpoint that was damaged in any way is passed over, said, and made again."""
    trials = 1000 if LONG else 40
    draw = random.Random(2)
    end = SAVING + ("--stop.steps", "6")
    whole = bench.trained(*end)
    (_, before), (step, newest) = checkpoints(bench)
    good, other = bench.read(newest), bench.read(before)
    for trial in range(trials):
        damage = DAMAGES[trial % len(DAMAGES)]
        bad = damage(draw, good, other)
        if bad == good:
            continue  # zeros where zeros were
        bench.write(newest, bad)
        os.remove(bench.path("run", "posterior.safetensors"))
        outcome = bench.train(*end, "--resume", "auto")
        check_code(outcome, DONE)
        said = outcome.out + outcome.err + bench.read("run", "log.txt").decode().split("training on")[-1]
        check("passed over a damaged checkpoint" in said and os.path.basename(newest) in said,
              f"trial {trial}, {damage.__name__}: {said}")
        check(bench.read("run", "posterior.safetensors") == whole,
              f"trial {trial}, {damage.__name__}: other bytes")
    return f"{trials} damaged checkpoints of step {step}: all found, named, and passed over"


def test_damaged_posteriors(bench):
    """A damaged posterior is refused by name, by whatever reads it."""
    trials = 1000 if LONG else 40
    draw = random.Random(3)
    good = bench.trained("--run.dir", "run")
    other = bench.trained("--run.dir", "other", "--prior.sd", "1", folder="other")
    for trial in range(trials):
        damage = DAMAGES[trial % len(DAMAGES)]
        bad = damage(draw, good, other)
        if damage is take_other or bad == good:
            continue  # another posterior is a posterior
        bench.write("bad.safetensors", bad)
        command = (("inspect", "bad.safetensors"),
                   ("predict", "bad.safetensors", "--data", "held-out.csv"),
                   ("evaluate", "bad.safetensors", "--data", "held-out.csv"))[trial % 3]
        check_refused(bench.run(*command), FILE, "bad.safetensors")
    return f"{trials} damaged posteriors: all refused by name"


def bad_configurations():
    """(text that replaces the configuration, where the sentence points, its words)."""
    sections = {"data": 'path = "rows.csv"\nresponse = "visits"', "model": 'name = "poisson"'}
    bad_lines = [
        ("rule", "rho = 1.5", "rho <= 1"), ("rule", "rho = 0", "rho"), ("rule", "rho = nan", "rho"),
        ("rule", 'rho = "fast"', "not a number"), ("rule", "rho = true", "not a number"),
        ("rule", "rhoo = 1", "did you mean rule.rho"), ("rule", 'name = "vom"', "mean von"),
        ("rule", "name = 3", "not text"), ("rule", 'schedule = "linear"', "rule.schedule"),
        ("rule", "schedule_power = 2", "rule.schedule_power"),
        ("rule", "schedule_offset = -1", "rule.schedule_offset"),
        ("rule", 'backtracking = "yes"', "true or false"), ("rule", 'retraction = "maybe"', "never"),
        ("stop", "steps = -1", "stop.steps"), ("stop", "steps = 2.5", "whole number"),
        ("stop", "residual = -1e-8", "stop.residual"), ("stop", "resid = 1", "did you mean stop.residual"),
        ("stop", "elbo = inf\nelbo = 1", "redefine"), ("prior", "sd = 0", "prior.sd"),
        ("prior", "sd = -2", "prior.sd"), ("prior", "sd_of = 3", "table"),
        ("prior", "sd_of = { age = -1 }", "prior.sd_of.age"),
        ("prior", 'mean_of = { age = "big" }', "prior.mean_of.age"), ("prior", "shape = -1", "prior.shape"),
        ("prior", "alpha = 0", "prior.alpha"), ("prior", "center_intercept = 1", "true or false"),
        ("coordinator", 'kind = "shard"', "sharded"), ("coordinator", "deterministic = 0", "true or false"),
        ("coordinator", "knd = 1", "coordinator.kind"), ("run", "seed = -1", "run.seed"),
        ("run", "seed = 1.5", "whole number"), ("run", 'device = "gpu"', "run.device"),
        ("run", 'communicator = "gloo"', "run.communicator"), ("run", "ranks = 0", "run.ranks"),
        ("run", 'resume = "yes"', "run.resume"), ("run", "checkpoint_every = -5", "run.checkpoint_every"),
        ("run", 'log = "loud"', "run.log"), ("run", "dir = 3", "not text"), ("run", "dri = 3", "run.dir"),
        ("data", "virtual_shards = 0", "data.virtual_shards"), ("data", "block_rows = 0", "data.block_rows"),
        ("data", 'features = "age"', "list of texts"), ("data", "features = [1]", "list of texts"),
        ("data", 'ofset = "age"', "did you mean data.offset"), ("data", "weight = 1", "not text"),
        ("model", 'posterior = "diag"', "diagonal"), ("model", "intercept = 1", "true or false"),
        ("model", 'expectation = "mc"', "model.expectation"), ("model", "standardise = true", "model.standardize"),
        ("ruel", "rho = 1", "did you mean [rule]"), ("stop", "steps = ", "parsing"),
        ("stop", 'steps = "', "parsing"), ("prior", "sd = 1 2", "parsing"), ("prior", "sd = 00", "parsing"),
    ]
    for section, line, words in bad_lines:
        rest = dict(sections)
        before = rest.pop(section, None)
        head = "".join(f"[{name}]\n{body}\n" for name, body in rest.items())
        text = f"{head}[{section}]\n" + (before + "\n" if before else "") + line + "\n"
        place = text[:text.index(line)].count("\n") + 1
        yield text, range(place - 1, place + 2), words


def test_bad_configurations(bench):
    """One sentence with file, line and column, code 2, in under a second, before any device."""
    count = 0
    for text, lines, words in bad_configurations():
        bench.write("train.toml", text)
        began = time.monotonic()
        outcome = bench.run("train", "train.toml", "--run.device", "cuda")
        seconds = time.monotonic() - began
        check_refused(outcome, USAGE, words)
        place = re.search(r"train\.toml:(\d+):(\d+): ", outcome.err)
        check(place and int(place[1]) in lines, f"{text!r}: no place in {outcome.err}")
        check(bench.ranks > 1 or seconds < 1, f"{seconds:.1f} s for {text!r}")
        check(not os.path.exists(bench.path("runs")), "a run folder")
        count += 1
    return f"{count} bad configurations: each one sentence with its place, code 2"


PROMISES = {"kills": (test_kills, (1, 2)),
            "damaged_checkpoints": (test_damaged_checkpoints, (1,)),
            "damaged_posteriors": (test_damaged_posteriors, (1,)),
            "bad_configurations": (test_bad_configurations, (1,))}


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--program")
    parser.add_argument("--ranks", type=int, default=1)
    parser.add_argument("promise", nargs="?", choices=PROMISES)
    args = parser.parse_args()
    if args.list:
        for name, (_, ranks) in PROMISES.items():
            print(name, *ranks)
        return
    with tempfile.TemporaryDirectory(prefix="bayesum-") as folder:
        try:
            print(PROMISES[args.promise][0](Bench(os.path.realpath(args.program), args.ranks, folder)))
        except AssertionError as failure:
            sys.exit(f"{args.promise} on {args.ranks} ranks: {failure}")


if __name__ == "__main__":
    main()
