#!/usr/bin/env python3
"""Tests of ranks that hang: they are named and end the job; a rank that is slow is waited for."""

import os
import re
import signal
import socket
import time

from program_bench import (DONE, ENDLESS, HANG, STOPPED, check, check_code, check_refused, is_alive, main,
                           on_ranks, processes_of, start_endless, wait_until)

TIMEOUT = 2
SLACK = 2  # for the launcher to end the job
BUSY = 6  # more, where the machine has other work


def rank_of(pid):
    with open(f"/proc/{pid}/environ", "rb") as file:
        return int(re.search(rb"\0OMPI_COMM_WORLD_RANK=(\d+)", file.read())[1])


def ranks_of(bench, process):
    """Process ids by rank."""
    found = processes_of(process, bench.program, bench.ranks)
    check(len(found) == bench.ranks, f"{found} are not {bench.ranks} ranks")
    return sorted(found, key=rank_of)


def check_hang(bench, process, began, hung, what):
    outcome = bench.end(process)
    seconds = time.monotonic() - began
    check_refused(outcome, HANG, f"rank {hung} on {socket.gethostname()} hangs", what)
    step = re.search(r"(?:gathering|reducing|updating|publishing) at step (\d+)", outcome.err)
    check(step and int(step[1]) > 0, f"no phase and step in: {outcome.err}")
    check(TIMEOUT * 0.75 < seconds < TIMEOUT + SLACK + BUSY, f"{seconds:.1f} s")
    print(f"{seconds:.2f} s: {outcome.sentences()[0]}")
    return seconds


def check_stopped_rank_ends_the_job(bench, hung):
    process = start_endless(bench, "--run.hang_timeout", str(TIMEOUT))
    pids = ranks_of(bench, process)
    time.sleep(TIMEOUT / 2)  # so that it has told of itself
    began = time.monotonic()
    os.kill(pids[hung], signal.SIGSTOP)
    check_hang(bench, process, began, hung, "nothing was heard of it for 2")
    for pid in pids:
        wait_until(lambda: not is_alive(pid), f"the end of {pid}")


@on_ranks(2, 3)
def test_a_stopped_rank_ends_the_job(bench):
    check_stopped_rank_ends_the_job(bench, bench.ranks - 1)


@on_ranks(2, 3)
def test_a_stopped_rank_0_ends_the_job(bench):
    check_stopped_rank_ends_the_job(bench, 0)


@on_ranks(2, 3)
def test_a_rank_that_lives_but_does_not_move_ends_the_job(bench):
    """Rank 0 writes its metrics into a pipe that nobody empties; its other thread tells of it."""
    os.mkdir(bench.path("run"))
    os.mkfifo(bench.path("run", "metrics.jsonl"))
    process = bench.start("train", "train.toml", "--run.dir", "run", *ENDLESS,
                          "--run.hang_timeout", str(TIMEOUT))
    with open(bench.path("run", "metrics.jsonl"), "rb") as pipe:
        check(pipe.read(1000), "no metrics")
        began = time.monotonic()
        check_hang(bench, process, began, 0, "updating at step")


@on_ranks(3)
def test_a_slow_rank_is_waited_for(bench):
    """Stopped again and again for less than the timeout, in all for longer."""
    damped = ("--rule.name", "blr", "--rule.rho", "1e-4", "--stop.steps", "4000",
              "--stop.residual", "0", "--run.checkpoint_every", "0")
    expected = bench.trained(*damped, folder="undisturbed", ranks=1)
    process = bench.start("train", "train.toml", "--run.dir", "run", *damped,
                          "--run.hang_timeout", str(TIMEOUT))
    wait_until(lambda: os.path.exists(bench.path("run", "metrics.jsonl")), "the first steps")
    pids = ranks_of(bench, process)
    for pid in pids[:2] * 2:
        os.kill(pid, signal.SIGSTOP)
        time.sleep(0.6 * TIMEOUT)
        check(process.poll() is None, "it ended")
        os.kill(pid, signal.SIGCONT)
        time.sleep(0.05)
    check_code(bench.end(process), DONE)
    check(bench.read("run", "posterior.safetensors") == expected, "other bytes")


@on_ranks(3)
def test_a_job_that_is_suspended_goes_on(bench):
    """All ranks stand still for longer than the timeout, as when a scheduler suspends the job."""
    process = start_endless(bench, "--run.hang_timeout", str(TIMEOUT))
    pids = ranks_of(bench, process)
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    time.sleep(2 * TIMEOUT)
    for pid in pids:
        os.kill(pid, signal.SIGCONT)
    time.sleep(2 * TIMEOUT)
    check(process.poll() is None, "it ended")
    process.send_signal(signal.SIGUSR1)
    check_code(bench.end(process), STOPPED)


@on_ranks(2)
def test_without_a_timeout_nobody_looks(bench):
    process = start_endless(bench, "--run.hang_timeout", "0")
    pids = ranks_of(bench, process)
    os.kill(pids[1], signal.SIGSTOP)
    time.sleep(2 * TIMEOUT)
    check(process.poll() is None and all(map(is_alive, pids)), "it ended")
    os.kill(pids[1], signal.SIGCONT)
    process.send_signal(signal.SIGUSR1)
    check_code(bench.end(process), STOPPED)


if __name__ == "__main__":
    main(__doc__)
