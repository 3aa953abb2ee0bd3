#!/usr/bin/env python3
"""Tests of training: what a run writes, and that ranks and minibatches do not change its bytes."""

import json
import os
import random
import re
import shutil
import subprocess

from program_bench import DONE, USAGE, check, check_code, check_refused, main, on_ranks, skip


@on_ranks(1, 2)
def test_train_writes_the_run_folder(bench):
    outcome = bench.train()
    check_code(outcome, DONE)
    found = ["events" if name.startswith("events.out.tfevents.") else name
             for name in os.listdir(bench.path("run"))]
    check(sorted(found) == ["checkpoints", "config.toml", "events", "log.txt", "metrics.jsonl",
                            "posterior.safetensors"], os.listdir(bench.path("run")))
    for word in ("age", "bmi", "intercept", "ELBO", "residual", "run/posterior.safetensors"):
        check(word in outcome.out, f"'{word}' is not in: {outcome.out}")
    check("\r" not in outcome.out, "a redrawn line where there is no terminal")
    check(outcome.err == "", outcome.err)
    steps = [json.loads(line) for line in bench.read("run", "metrics.jsonl").splitlines()]
    check([step["step"] for step in steps] == list(range(len(steps))), steps)
    check(steps[-1]["residual"] <= 1e-8 and steps[-1]["rows"] == 60, steps[-1])


@on_ranks(1, 2)
def test_the_resolved_config_trains_the_same(bench):
    first = bench.trained("--prior.sd_of.age", "0.5", "--prior.sd", "inf")
    shutil.copy(bench.path("run", "config.toml"), bench.path("again.toml"))
    check_code(bench.run("train", "again.toml", "--run.dir", "again"), DONE)
    check(bench.read("again", "posterior.safetensors") == first, "another posterior")


@on_ranks(1)
def test_flags_may_have_an_equals_sign_and_no_section(bench):
    check_code(bench.run("train", "--stop.steps=3", "train.toml", "--dir=short"), DONE)
    check(len(bench.read("short", "metrics.jsonl").splitlines()) == 4, "not three steps")


@on_ranks(1, 2)
def test_a_flag_of_true_or_false_needs_no_value(bench):
    check_code(bench.run("train", "train.toml", "--dir", "q"), DONE)
    first = bench.read("q", "posterior.safetensors")
    for flags in (("--overwrite", "--dir", "q"), ("--dir", "q", "--overwrite"),
                  ("--dir", "q", "--run.overwrite", "true"), ("--overwrite=true", "--dir=q"),
                  ("--model.intercept", "--dir", "q", "--overwrite")):
        os.remove(bench.path("q", "posterior.safetensors"))
        check_code(bench.run("train", "train.toml", *flags), DONE)
        check(bench.read("q", "posterior.safetensors") == first, f"{flags}: another posterior")
    check_refused(bench.run("train", "train.toml", "--dir", "q", "--overwrite", "false"), USAGE, "q")
    check_refused(bench.run("train", "train.toml", "--dir", "--overwrite"), USAGE,
                  "--dir needs a value")
    check_refused(bench.run("train", "train.toml", "--rule.rho", "--overwrite"), USAGE,
                  "--rule.rho needs a value")
    check(sorted(os.listdir(bench.folder)) == ["held-out.csv", "q", "rows.csv", "train.toml"],
          f"another folder: {os.listdir(bench.folder)}")


@on_ranks(1)
def test_a_run_is_named_after_its_config(bench):
    check_code(bench.run("train", "train.toml"), DONE)
    check(os.path.exists(bench.path("runs", "train", "posterior.safetensors")), "no runs/train")


@on_ranks(2, 3)
def test_any_number_of_ranks_gives_the_same_bytes(bench):
    for model, response, flags in (("poisson", "visits", ()), ("logistic", "any", ()),
                                   ("linear", "visits", ()),
                                   ("logistic", "any", ("--coordinator.kind", "root")),
                                   ("poisson", "visits", ("--model.posterior", "diagonal",
                                                          "--coordinator.kind", "sharded"))):
        bench.configure(model, response)
        name = "-".join((model, *flags))
        alone = bench.trained(*flags, ranks=1, folder=name)
        several = bench.trained(*flags, folder=name + "-several")
        check(alone == several, f"{name}: other bytes on {bench.ranks} ranks")
        threads = bench.trained(*flags, "--communicator", "thread", "--ranks", str(bench.ranks),
                                ranks=1, folder=name + "-threads")
        check(alone == threads, f"{name}: other bytes on {bench.ranks} threads")


@on_ranks(1, 2)
def test_fewer_rows_than_ranks_is_legal(bench):
    bench.write("rows.csv", "age,bmi,visits\n3,25,1\n")
    alone = bench.trained(ranks=1, folder="alone")
    several = bench.trained(ranks=bench.ranks + 1, folder="several")
    check(alone == several, "other bytes")


@on_ranks(1, 2)
def test_minibatches_give_the_same_bytes_and_a_real_last_report(bench):
    small = ("--data.shards_per_step", "2", "--rule.name", "blr", "--rule.schedule", "power",
             "--stop.steps", "30", "--stop.residual", "0")
    alone = bench.trained(*small, ranks=1, folder="alone")
    check(bench.trained(*small) == alone, "other bytes")
    steps = [json.loads(line) for line in bench.read("run", "metrics.jsonl").splitlines()]
    check([step["estimate"] for step in steps] == [True] * 30 + [False], steps)
    check(all(step["rows"] < 60 for step in steps[:-1]) and steps[-1]["rows"] == 60, steps)
    check("ELBO about" in bench.train(*small, "--overwrite", "true").out, "no word of estimates")
    first = bench.trained(*small[:-4], "--stop.steps", "13", "--stop.residual", "0", folder="halves")
    check(first != alone, "13 steps are 30")
    check(bench.trained(*small, "--resume", "auto", ranks=3 - bench.ranks, folder="halves") == alone,
          "gone on: other bytes")


@on_ranks(1, 2)
def test_minibatches_that_cannot_be_are_refused(bench):
    check_refused(bench.train("--data.shards_per_step", "3"), USAGE,
                  "data.shards_per_step = 3 does not divide data.virtual_shards = 8")
    for model, response in (("poisson", "visits"), ("linear", "visits"), ("softmax", "visits"),
                            ("student-t", "visits"), ("gaussian-mixture", "")):
        bench.configure(model, response, more="components = 2\n" if not response else "")
        parts = ("--data.shards_per_step", "2", "--overwrite")
        refused = bench.train(*parts)
        check_refused(refused, USAGE, "data.shards_per_step", 'set both')
        advice = refused.sentences()[0].split("set both ")[1].replace(" (rank 0)", "")
        flags = [word for pair in advice.split(" and ")
                 for word in ("--" + pair.split(" = ")[0], json.loads(pair.split(" = ")[1]))]
        check_code(bench.train(*parts, *flags, "--stop.steps", "40"), DONE)


@on_ranks(1)
def test_a_column_may_be_called_anything(bench):
    bench.write("rows.csv", "log_partition,mean,natural\n" + "a,b,c\nb,c,d\n" * 9)
    bench.write("train.toml", '[data]\npath = "rows.csv"\n[model]\nname = "dirichlet-categorical"\n')
    bench.trained()
    check_code(bench.run("inspect", "run"), DONE)


@on_ranks(1, 2)
def test_sparse_rows_may_be_wider_than_dense_ones(bench):
    draw = random.Random(5)
    bench.write("rows.libsvm", "".join(
        f"{draw.choice((-1, 1))} " + " ".join(f"{k}:1" for k in sorted(draw.sample(range(1, 30001), 5)))
        + "\n" for _ in range(80)) + "1 30000:1\n")
    for model, more in (("logistic", 'posterior = "diagonal"\n'), ("lda", "topics = 2\n")):
        bench.write("train.toml", f'[data]\npath = "rows.libsvm"\n[model]\nname = "{model}"\n{more}'
                                  '[stop]\nsteps = 3\n')
        outcome = bench.train(folder=model)
        check_code(outcome, DONE)
        check(outcome.out.count("\n") < 100, outcome.out[:9000])
        check_code(bench.run("predict", model, "--data", "rows.libsvm"), DONE)
        check_code(bench.run("evaluate", model, "--data", "rows.libsvm"), DONE)
    told = bench.run("inspect", "logistic").out
    check(told.count("\n") > 30000, told[:9000])


@on_ranks(1, 2, 3)
def test_ranks_share_the_cores(bench):
    if "libgomp" not in subprocess.run(["ldd", bench.program], capture_output=True, text=True).stdout:
        skip("the program is built without OpenMP")
    os.environ["OMPI_MCA_hwloc_base_binding_policy"] = "none"
    os.environ["OMP_NUM_THREADS"] = "3"
    asked = bench.run("doctor")
    check_code(asked, DONE)
    check("3 threads on each rank" in asked.out, asked.out)
    del os.environ["OMP_NUM_THREADS"]
    shared = bench.run("doctor")
    check_code(shared, DONE)
    threads = max(1, len(os.sched_getaffinity(0)) // bench.ranks)
    check(f" {threads} thread{'s' * (threads > 1)} on each rank" in shared.out, shared.out)


@on_ranks(1, 2)
def test_help_and_version_are_said_once(bench):
    for flags in (["--help"], ["train", "--help"], ["--version"], ["doctor", "--help"]):
        outcome = bench.run(*flags)
        check_code(outcome, DONE)
        check(outcome.err == "", outcome.err)
        check(len(re.findall(r"^(Usage:|bayesum \d)", outcome.out, re.MULTILINE)) == 1, outcome.out)
    keys = bench.run("train", "--help").out
    bench.trained()
    section = ""
    for line in bench.read("run", "config.toml").decode().splitlines():
        section = line.strip("[]") if line.startswith("[") else section
        if " = " in line:
            check(f"--{section}.{line.split()[0]} <" in keys, f"{section} {line} is not in --help")


@on_ranks(1, 2, 3)
def test_doctor_tells_of_the_machine(bench):
    outcome = bench.run("doctor")
    check_code(outcome, DONE)
    for word in ("cores", "memory", "BLAS", "MPI", "CUDA", "NCCL", "cuDNN"):
        check(word in outcome.out, f"'{word}' is not in: {outcome.out}")
    if bench.ranks == 1:
        check("1 rank has nothing to reduce" in outcome.out, outcome.out)
    else:
        check(f"{bench.ranks} ranks (mpi, cpu)" in outcome.out, outcome.out)
        check(len(re.findall(r"iB/s$", outcome.out, re.MULTILINE)) == 5, outcome.out)


if __name__ == "__main__":
    main(__doc__)
