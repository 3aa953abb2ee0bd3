#!/usr/bin/env python3
"""Tests of what is refused: files, tables, configurations, flags, devices."""

import os
import time

from program_bench import DEVICE, FILE, USAGE, check, check_refused, main, on_ranks, table


@on_ranks(1, 2)
def test_a_missing_file_is_named(bench):
    check_refused(bench.run("train", "none.toml"), FILE, "none.toml")
    bench.configure(data="none.csv")
    check_refused(bench.train(), FILE, "none.csv")
    check_refused(bench.run("inspect", "none"), FILE, "none")
    check_refused(bench.run("predict", "none", "--data", "rows.csv"), FILE, "none")
    check_refused(bench.run("evaluate", "none", "--data", "rows.csv"), FILE, "none")


@on_ranks(1, 2)
def test_bad_tables_are_named_by_line(bench):
    cases = [("", ("rows.csv",)),
             ("age,bmi,visits\n", ("rows.csv",)),
             ("age,bmi,visits\n3,25,1\n3,25\n", ("rows.csv:3",)),
             ("age,bmi,visits\n3,25,1\n3,25,1,1\n", ("rows.csv:3",)),
             ("age,bmi,visits\n3,nan,1\n", ("rows.csv:2", "bmi")),
             ("age,bmi,visits\n3,tall,1\n", ("rows.csv:2", "bmi", "tall")),
             ("age,bmi,visits\n3,25,1\n3,25,-1\n", ("rows.csv:3", "visits", "-1")),
             ("age,bmi,visits\n3,25,1.5\n", ("rows.csv:2", "visits", "1.5")),
             ("age,age,visits\n3,25,1\n", ("rows.csv", "age"))]
    for content, words in cases:
        bench.write("rows.csv", content)
        check_refused(bench.train(), FILE, *words)
    bench.write("rows.csv", table(60))
    bench.configure(model="logistic")
    check_refused(bench.train(), FILE, "rows.csv:", "visits", "must be 0 or 1")


@on_ranks(1, 2)
def test_a_bad_configuration_is_one_sentence_at_once(bench):
    cases = [("[rule]\nrhoo = 1\n", "train.toml:8:1: unknown key rule.rhoo; did you mean rule.rho?"),
             ("[rule]\nrho = 1.5\n", "train.toml:8:7: rule.rho = 1.5 is outside 0 < rho <= 1"),
             ("[rule]\nrho = \"fast\"\n", "train.toml:8:7: rule.rho = 'fast' is not a number"),
             ("[rule]\nrho = \n", "train.toml:8:7: Error while parsing"),
             ("[stop]\nsteps = 2.5\n", "train.toml:8:9: stop.steps = 2.5 is not a whole number")]
    for more, sentence in cases:
        bench.configure(more=more)
        began = time.monotonic()
        check_refused(bench.train("--run.device", "cuda"), USAGE, sentence)
        if bench.ranks == 1:
            check(time.monotonic() - began < 1, "it took more than a second")
    bench.configure(model="poison")
    check_refused(bench.train(), USAGE, "train.toml:6:8: model.name = 'poison'", "mean poisson?")
    bench.write("train.toml", '[model]\nname = "poisson"\n')
    check_refused(bench.train(), USAGE, "train.toml: data.path is missing")
    bench.write("train.toml", '[data]\npath = "rows.csv"\n')
    check_refused(bench.train(), USAGE, "train.toml: model.name is missing")
    bench.configure(response="visit")
    check_refused(bench.train(), USAGE, "visit", "visits")


@on_ranks(1, 2)
def test_bad_flags_and_commands_are_one_sentence(bench):
    cases = [(("train", "train.toml", "--rule.rho", "2"), "--rule.rho 2 is outside 0 < rho <= 1"),
             (("train", "train.toml", "--rule.roh", "1"), "did you mean --rule.rho?"),
             (("train", "train.toml", "--rho", "1"), "did you mean --rule.rho?"),
             (("train", "train.toml", "--rule.rho"), "--rule.rho needs a value"),
             (("train",), "CONFIG is required"),
             (("doctor", "--rank", "2"), "did you mean --run.ranks?"),
             (("predict", "run"), "--data is required"),
             (("teach",), "bayesum --help"),
             ((), "bayesum --help")]
    for arguments, words in cases:
        check_refused(bench.run(*arguments), USAGE, words)


@on_ranks(1, 2)
def test_a_communicator_that_does_not_fit_is_refused(bench):
    check_refused(bench.train("--communicator", "nccl"), USAGE, "run.device = 'cuda'")
    if bench.ranks == 1:
        check_refused(bench.train("--communicator", "mpi"), USAGE, "mpirun or srun")
    else:
        check_refused(bench.train("--communicator", "thread"), USAGE, "2 were started")
        check_refused(bench.train("--communicator", "self"), USAGE, "2 were started")


@on_ranks(1, 2)
def test_cuda_where_there_is_none_is_refused(bench):
    if "GPU 0" in bench.run("doctor", ranks=1).out:
        return
    check_refused(bench.train("--device", "cuda"), DEVICE, "cuda")
    check_refused(bench.run("doctor", "--device", "cuda"), DEVICE, "cuda")
    check(not os.path.exists(bench.path("run")), "a run folder was made")


@on_ranks(1, 2)
def test_a_damaged_posterior_is_refused(bench):
    whole = bench.trained()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 16
    for damaged in (b"", whole[:100], whole[:-1], bytes(flipped), whole + b"x", b"{}" * 50):
        bench.write("run/posterior.safetensors", damaged)
        for command in (("inspect", "run"), ("predict", "run", "--data", "held-out.csv"),
                        ("evaluate", "run", "--data", "held-out.csv")):
            check_refused(bench.run(*command), FILE, "posterior.safetensors")


@on_ranks(1, 2)
def test_an_unwritable_run_folder_is_named(bench):
    bench.write("file", "")
    check_refused(bench.train(folder="file/run"), FILE, "file/run", "Not a directory")
    bench.trained()
    check_refused(bench.run("predict", "run", "--data", "rows.csv", "--out", "file/p.csv"), FILE,
                  "file/p.csv")


if __name__ == "__main__":
    main(__doc__)
