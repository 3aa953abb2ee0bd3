#!/usr/bin/env python3
"""Tests of trainings of networks: that they learn, go on, and do not depend on ranks."""

import math
import os
import re
import shutil
import signal

from network_bench import CLASSES, IMAGES, LINE, TEXT, metrics, prepare
from program_bench import (DONE, STOPPED, USAGE, check, check_code, check_refused, main, on_ranks,
                           wait_until)


def check_learned(bench, share):
    """The loss of the last steps is at most this share of that of the first."""
    steps, held_out = metrics(bench)
    first = sum(line["loss"] for line in steps[:5]) / 5
    last = sum(line["loss"] for line in steps[-5:]) / 5
    check(last < share * first, f"the loss fell from {first} to {last}")
    check([line["step"] for line in steps] == list(range(len(steps))), "steps are missing")
    check(len(held_out) >= 1 and math.isfinite(held_out[-1]["validation_loss"]), "no held-out loss")
    return steps, held_out


@on_ranks(1, 2)
def test_a_perceptron_learns_classes(bench):
    prepare(bench)
    bench.trained("--validation.every", "10")
    _, held_out = check_learned(bench, 0.7)
    check([line["step"] for line in held_out] == [10, 20, 30, 40],
          f"scores of steps {[line['step'] for line in held_out]}")
    check(held_out[-1]["validation_accuracy"] > 0.85, f"accuracy {held_out[-1]}")


@on_ranks(1, 2)
def test_a_perceptron_learns_a_plane(bench):
    prepare(bench, LINE)
    bench.trained()
    steps, held_out = metrics(bench)
    # Standardized responses have loss 1.42 at precision 1 and mean 0.
    check(steps[0]["loss"] > 1.1 and held_out[-1]["validation_loss"] < 0.8,
          f"{steps[0]['loss']} fell to {held_out[-1]['validation_loss']}")


@on_ranks(1, 2)
def test_a_perceptron_learns_images(bench):
    prepare(bench, IMAGES)
    bench.trained()
    check_learned(bench, 0.5)


@on_ranks(1, 2)
def test_a_transformer_learns_a_song(bench):
    prepare(bench, TEXT)
    bench.trained()
    steps, _ = check_learned(bench, 0.7)
    characters = len(set(bench.read("song.txt")))
    check(abs(steps[0]["loss"] - math.log(characters)) < 0.3,
          f"before it learned, {steps[0]['loss']} for {characters} characters")


@on_ranks(1)
def test_ranks_and_coordinators_do_not_change_a_bit(bench):
    for config in (CLASSES, TEXT.replace('"adamw"', '"ivon"').replace("0.01", "0.1")):
        prepare(bench, config)
        flags = ("--stop.steps", "6", "--run.overwrite")
        whole = bench.trained(*flags)
        for ranks, kind in ((2, "replicated"), (3, "sharded"), (2, "root"), (3, "replicated"),
                            (1, "sharded")):
            same = bench.trained(*flags, "--coordinator.kind", kind, ranks=ranks)
            check(same == whole, f"{kind} on {ranks} ranks: other bytes")


@on_ranks(1, 2)
def test_a_stopped_training_goes_on_to_the_same_bytes(bench):
    prepare(bench)
    flags = ("--stop.steps", "3000", "--validation.every", "0", "--run.checkpoint_every", "0")
    process = bench.start("train", "train.toml", "--run.dir", "run", *flags)
    path = bench.path("run", "metrics.jsonl")
    wait_until(lambda: process.poll() is not None
               or os.path.exists(path) and os.path.getsize(path) > 2000, "the first steps")
    process.send_signal(signal.SIGUSR1)
    outcome = bench.end(process)
    check_code(outcome, STOPPED)
    check("stopped on request" in outcome.out, outcome.out)
    check(not os.path.exists(bench.path("run", "posterior.safetensors")), "a posterior")
    (name,) = os.listdir(bench.path("run", "checkpoints"))
    resumed = bench.trained(*flags, "--resume", "auto", ranks=3 - bench.ranks)
    check(resumed == bench.trained(*flags, folder="whole", ranks=1), f"gone on from {name}: other bytes")


@on_ranks(1, 2)
def test_a_checkpoint_in_the_middle_goes_on_to_the_same_bytes(bench):
    for config in (CLASSES, TEXT):
        prepare(bench, config)
        flags = ("--stop.steps", "12", "--run.checkpoint_every", "5")
        whole = bench.trained(*flags, folder="whole", ranks=1)
        bench.trained(*flags)
        for name in ("posterior.safetensors", "checkpoints/step-000012.safetensors"):
            os.remove(bench.path("run", name))
        check(sorted(os.listdir(bench.path("run", "checkpoints"))) == ["step-000010.safetensors"],
              "other checkpoints")
        outcome = bench.train(*flags, "--resume", "auto", ranks=3 - bench.ranks)
        check_code(outcome, DONE)
        check("going on from the checkpoint of step 10" in outcome.out, outcome.out)
        check(bench.read("run", "posterior.safetensors") == whole, "other bytes")
        for folder in ("run", "whole"):
            shutil.rmtree(bench.path(folder))


@on_ranks(1, 2)
def test_a_constant_rate_goes_on_for_longer(bench):
    prepare(bench)
    constant = ("--schedule.name", "constant", "--schedule.warmup", "3")
    whole = bench.trained(*constant, "--stop.steps", "12", folder="whole", ranks=1)
    bench.trained(*constant, "--stop.steps", "7")
    outcome = bench.train(*constant, "--stop.steps", "12", "--resume", "auto", ranks=3 - bench.ranks)
    check_code(outcome, DONE)
    check("going on from the checkpoint of step 7" in outcome.out, outcome.out)
    check(bench.read("run", "posterior.safetensors") == whole, "other bytes")
    bench.trained("--stop.steps", "7", folder="falling")
    check_refused(bench.train("--stop.steps", "12", "--resume", "auto", folder="falling"), USAGE,
                  "[stop] steps = 7 there, steps = 12 here", '"cosine" falls until the last step',
                  "--start", '"constant"')


@on_ranks(1, 2)
def test_a_run_is_overwritten_when_asked(bench):
    prepare(bench)
    first = bench.trained("--stop.steps", "4")
    check_refused(bench.train("--stop.steps", "4"), USAGE, "run holds a run")
    check(bench.trained("--stop.steps", "4", "--overwrite") == first, "other bytes")
    check(len(metrics(bench)[0]) == 4, "lines of both runs")


@on_ranks(1)
def test_help_lists_the_keys_of_networks(bench):
    outcome = bench.run("train", "--help")
    check_code(outcome, DONE)
    for key in ("model.hidden", "rule.ess", "data.context", "schedule.warmup", "guard.patience",
                "validation.every", "prior.sd", "run.resume"):
        check(re.search(rf"^ *--{re.escape(key)}\b", outcome.out, re.MULTILINE), f"{key} is missing")
    prepare(bench)
    bench.trained("--rule.decay_vectors", "--stop.steps", "2")


if __name__ == "__main__":
    main(__doc__)
