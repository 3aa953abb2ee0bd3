#!/usr/bin/env python3
"""Tests of runs that stop and go on."""

import json
import os
import shutil
import signal

from program_bench import (DONE, ENDLESS, STOPPED, USAGE, check, check_code, check_refused, main,
                           on_ranks, start_endless, table)


@on_ranks(1, 2)
def test_a_stopped_run_goes_on_to_the_same_bytes(bench):
    for signal_number in (signal.SIGUSR1, signal.SIGTERM):
        if signal_number == signal.SIGTERM and bench.ranks > 1:
            continue  # mpirun leaves no time for it
        process = start_endless(bench)
        process.send_signal(signal.SIGCONT)
        process.send_signal(signal_number)
        outcome = bench.end(process)
        check_code(outcome, STOPPED)
        check("stopped on request" in outcome.out, outcome.out)
        check(outcome.sentences() == [], outcome.err)
        check(not os.path.exists(bench.path("run", "posterior.safetensors")), "a posterior")
        step = json.loads(bench.read("run", "metrics.jsonl").splitlines()[-1])["step"]
        more = ENDLESS[:4] + ("--stop.residual", "0", "--run.checkpoint_every", "0",
                              "--stop.steps", str(step + 50))
        whole = bench.trained(*more, folder="whole", ranks=1)
        other_ranks = 3 - bench.ranks
        resumed = bench.trained(*more, "--resume", "auto", ranks=other_ranks)
        check(resumed == whole, f"stopped at {step}, gone on: other bytes")
        shutil.rmtree(bench.path("run"))
        shutil.rmtree(bench.path("whole"))


@on_ranks(1, 2)
def test_resume_passes_over_a_damaged_checkpoint(bench):
    slow = ("--rule.name", "blr", "--rule.rho", "0.1", "--stop.residual", "0",
            "--run.checkpoint_every", "5")
    whole = bench.trained(*slow, "--stop.steps", "30", folder="whole")
    bench.trained(*slow, "--stop.steps", "14")
    check(sorted(os.listdir(bench.path("run", "checkpoints"))) ==
          ["step-000010.safetensors", "step-000014.safetensors"], "not two checkpoints")
    newest = os.path.join("run", "checkpoints", "step-000014.safetensors")
    content = bytearray(bench.read(newest))
    content[len(content) // 2] ^= 1
    bench.write(newest, bytes(content))
    outcome = bench.train(*slow, "--stop.steps", "30", "--resume", "auto")
    check_code(outcome, DONE)
    check("going on from the checkpoint of step 10" in outcome.out, outcome.out)
    said = outcome.sentences()
    check(len(said) == 1 and "damaged" in said[0] and newest in said[0], outcome.err)
    check(bench.read("run", "posterior.safetensors") == whole, "other bytes")


@on_ranks(1, 2)
def test_resume_without_a_checkpoint_begins(bench):
    check(bench.trained("--resume", "auto") == bench.trained(folder="plain"), "other bytes")


@on_ranks(1, 2)
def test_resume_refuses_another_configuration_and_other_data(bench):
    bench.trained("--run.checkpoint_every", "2")
    check_refused(bench.train("--resume", "auto", "--prior.sd", "1"), USAGE,
                  "another configuration: [prior] sd = 2.5 there, sd = 1.0 here")
    bench.write("rows.csv", table(60, seed=3))
    check_refused(bench.train("--resume", "auto"), USAGE, "other data")


@on_ranks(1, 2)
def test_a_run_is_not_overwritten_unasked(bench):
    first = bench.trained()
    check_refused(bench.train(), USAGE, "run holds a run", "--run.resume", "--run.overwrite")
    check(bench.read("run", "posterior.safetensors") == first, "the posterior has changed")
    check(bench.trained("--run.overwrite", "true") == first, "other bytes")


@on_ranks(1)
def test_overwriting_and_going_on_exclude_each_other(bench):
    check_refused(bench.train("--run.overwrite", "true", "--resume", "auto"), USAGE, "one of them")


if __name__ == "__main__":
    main(__doc__)
