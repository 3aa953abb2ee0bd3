#!/usr/bin/env python3
"""Tests of what ends a job."""

import os
import signal
import time

from program_bench import (ENDLESS, FILE, check, check_code, check_refused, is_alive, main,
                           on_ranks, processes_of, start_endless, table, wait_until)


@on_ranks(1, 2, 3)
def test_a_killed_rank_takes_the_others_down(bench):
    process = start_endless(bench)
    ranks = processes_of(process, bench.program, bench.ranks)
    check(len(ranks) == bench.ranks, f"{ranks} are not {bench.ranks} ranks")
    began = time.monotonic()
    os.kill(ranks[-1], signal.SIGKILL)
    outcome = bench.end(process)
    check_code(outcome, 137 if bench.ranks > 1 else -signal.SIGKILL)
    check(time.monotonic() - began < 10, "it took more than ten seconds")
    for pid in ranks:
        wait_until(lambda: not is_alive(pid), f"the end of rank {pid}")


@on_ranks(2)
def test_a_second_signal_ends_a_rank_at_once(bench):
    process = start_endless(bench)
    first, second = processes_of(process, bench.program, bench.ranks)
    os.kill(second, signal.SIGSTOP)  # so that the other waits in a sum and cannot stop in order
    os.kill(first, signal.SIGUSR1)
    time.sleep(0.5)
    check(is_alive(first), "the first signal ended it")
    os.kill(first, signal.SIGUSR1)
    check_code(bench.end(process), 128 + signal.SIGUSR1)


@on_ranks(1, 2)
def test_a_rank_that_fails_alone_speaks_and_ends_the_job(bench):
    os.mkdir(bench.path("run"))
    os.symlink("/dev/full", bench.path("run", "metrics.jsonl"))  # which rank 0 alone writes
    check_refused(bench.train(), FILE, "cannot write the run folder run", "disk full")


@on_ranks(1, 2)
def test_a_table_that_changes_during_training_is_noticed(bench):
    bench.write("rows.csv", table(4000))
    for run, change in (("rows", lambda: bench.write("rows.csv", table(4000, seed=2))),
                        ("time", lambda: os.utime(bench.path("rows.csv"), (0, 0)))):
        process = bench.start("train", "train.toml", "--run.dir", run, *ENDLESS,
                              "--data.cache_mib", "0")
        wait_until(lambda: os.path.exists(bench.path(run, "metrics.jsonl"))
                   and bench.read(run, "metrics.jsonl"), "the first step")
        change()
        check_refused(bench.end(process), FILE, "rows.csv", "since it was opened")


if __name__ == "__main__":
    main(__doc__)
