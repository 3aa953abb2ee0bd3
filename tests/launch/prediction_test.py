#!/usr/bin/env python3
"""Tests of what is asked of a trained model: predict, evaluate, inspect."""

import json
import os
import random

from program_bench import (DONE, FILE, USAGE, check, check_code, check_near, check_refused, main,
                           on_ranks, table)
from read_page import check_page


@on_ranks(1, 2)
def test_predict_writes_a_row_for_each_row(bench):
    bench.trained()
    check_code(bench.run("predict", "run", "--data", "held-out.csv", "--out", "p.csv"), DONE)
    lines = bench.read("p.csv").decode().splitlines()
    check(lines[0] == "row,mean,sd,low90,high90,log_density", lines[0])
    rows = [[float(x) for x in line.split(",")] for line in lines[1:]]
    check([row[0] for row in rows] == list(range(1, 26)), "rows are missing or out of order")
    check(all(row[1] > 0 and row[3] <= row[4] and row[5] < 0 for row in rows), rows)
    bench.write("no-response.csv", "bmi,age\n25,3\n")
    outcome = bench.run("predict", "run", "--data", "no-response.csv", "--out", "-")
    check_code(outcome, DONE)
    header, row = outcome.out.splitlines()
    check(header == "row,mean,sd,low90,high90" and row.startswith("1,"), outcome.out)


@on_ranks(1, 2)
def test_models_of_latent_variables_tell_of_rows(bench):
    draw = random.Random(5)
    humps = [f"{draw.choice([10, 40]) + draw.gauss(0, 1)},{draw.gauss(0, 1)}" for _ in range(60)]
    words = [",".join(str(draw.randrange(4) if j % 2 == i % 2 else 0) for j in range(6))
             for i in range(40)]
    for model, header, rows, more, columns, shown in (
            ("gaussian-mixture", "size,age", humps, "components = 2",
             "row,component,r1,r2,log_density", "mean.1.size"),
            ("lda", "a,b,c,d,e,f", words, "topics = 2", "row,topic.1,topic.2", "topic.2")):
        bench.write("latent.csv", "\n".join([header, *rows]) + "\n")
        bench.write("latent.toml", f'[data]\npath = "latent.csv"\n[model]\nname = "{model}"\n'
                                   f"{more}\n[stop]\nsteps = 20\n")
        outcome = bench.run("train", "latent.toml", "--run.dir", model)
        check_code(outcome, DONE)
        check(shown in outcome.out, outcome.out)
        outcome = bench.run("inspect", model)
        check_code(outcome, DONE)
        check(shown in outcome.out, outcome.out)
        outcome = bench.run("evaluate", model, "--data", "latent.csv", "--json")
        check_code(outcome, DONE)
        scores = json.loads(outcome.out)
        check(scores["rows"] == len(rows), scores)
        check(scores["scores"][0]["value"] > scores["scores"][0]["baseline"], scores)
        outcome = bench.run("predict", model, "--data", "latent.csv", "--out", "-")
        check_code(outcome, DONE)
        lines = outcome.out.splitlines()
        check(lines[0] == columns and len(lines) == len(rows) + 1, outcome.out)


@on_ranks(1, 2)
def test_a_posterior_knows_the_names_of_its_columns(bench):
    draw = random.Random(6)
    rows = [[(j + 1, draw.randrange(1, 4)) for j in range(6) if j % 2 == i % 2] for i in range(40)]
    bench.write("words.txt", "ark\nbow\ncat\ndog\neel\nfox\n")
    bench.write("rows.libsvm",
                "".join(" ".join(f"{j}:{n}" for j, n in row) + "\n" for row in rows))
    bench.write("wide.libsvm", "1:2 7:1\n")
    bench.write("rows.csv", "ark,bow,cat,dog,eel,fox\n" + "".join(
        ",".join(str(dict(row).get(j + 1, 0)) for j in range(6)) + "\n" for row in rows))
    bench.write("train.toml", '[data]\npath = "rows.libsvm"\nfeature_names = "words.txt"\n'
                              '[model]\nname = "lda"\ntopics = 2\n[stop]\nsteps = 20\n')
    check_code(bench.run("train", "train.toml", "--run.dir", "run"), DONE)
    scores = []
    for more in (["rows.libsvm"], ["rows.libsvm", "--feature-names", "words.txt"], ["rows.csv"]):
        outcome = bench.run("evaluate", "run", "--json", "--data", *more)
        check_code(outcome, DONE)
        scores.append(json.loads(outcome.out)["scores"])
        check_code(bench.run("predict", "run", "--out", "-", "--data", *more), DONE)
    check(scores[0] == scores[1], scores)
    for one, other in zip(scores[0], scores[2]):
        check_near([one["value"]], [other["value"]], 1e-12, one["name"])
    check_refused(bench.run("evaluate", "run", "--data", "wide.libsvm"), FILE, "wide.libsvm:1", "7")


@on_ranks(1)
def test_evaluate_scores_robustly(bench):
    bench.configure(model="student-t")
    check_code(bench.run("train", "train.toml", "--run.dir", "run"), DONE)
    outcome = bench.run("evaluate", "run", "--data", "held-out.csv", "--json")
    check_code(outcome, DONE)
    check(0 < json.loads(outcome.out)["coverage90"] <= 1, outcome.out)
    check("sigma" in bench.run("inspect", "run").out, "no scale of the noise")


@on_ranks(1, 2)
def test_evaluate_scores_against_the_baseline(bench):
    bench.trained()
    outcome = bench.run("evaluate", "run", "--data", "held-out.csv")
    check_code(outcome, DONE)
    check("mean log predictive density" in outcome.out and "baseline" in outcome.out, outcome.out)
    outcome = bench.run("evaluate", "run", "--data", "held-out.csv", "--json")
    check_code(outcome, DONE)
    scores = json.loads(outcome.out)
    check(scores["rows"] == 25 and scores["brier"] is None and len(scores["bins"]) == 10, scores)
    check(scores["log_density"] > scores["baseline_log_density"], scores)
    check_code(bench.run("predict", "run", "--data", "held-out.csv"), DONE)
    densities = [float(line.rpartition(b",")[2])
                 for line in bench.read("predictions.csv").splitlines()[1:]]
    check(abs(sum(densities) / 25 - scores["log_density"]) < 1e-12, scores)


@on_ranks(1, 2)
def test_inspect_shows_a_run_or_a_file(bench):
    bench.trained()
    of_run = bench.run("inspect", "run")
    check_code(of_run, DONE)
    check("contraction" in of_run.out and "of 60 rows" in of_run.out, of_run.out)
    of_file = bench.run("inspect", "run/posterior.safetensors")
    check_code(of_file, DONE)
    check(of_file.out == of_run.out, of_file.out)


@on_ranks(1, 2, 3)
def test_evaluate_tells_how_far_to_trust_the_posterior(bench):
    for model, response in (("logistic", "any"), ("poisson", "visits"), ("linear", "visits")):
        bench.configure(model, response)
        bench.trained(folder=model)
        outcome = bench.run("evaluate", model, "--training", "rows.csv", "--draws", "2000")
        check_code(outcome, DONE)
        check("k-hat" in outcome.out and "of 2000 draws" in outcome.out, outcome.out)
        arguments = ("evaluate", model, "--training", "rows.csv", "--json")
        several, alone = bench.run(*arguments), bench.run(*arguments, ranks=1)
        check_code(several, DONE)
        check(several.out == alone.out, "another k-hat on one rank")
        both = bench.run(*arguments, "--data", "held-out.csv")
        check_code(both, DONE)
        trust = json.loads(both.out)
        check(json.loads(several.out).items() <= trust.items(), "another k-hat beside the scores")
        check(trust["rows"] == 25 and trust["draws"] == 1000 and trust["k_hat_reliable"], trust)
        check(abs(trust["k_hat_threshold"] - 2 / 3) < 1e-12, trust)
        if model == "linear":  # exact: every weight is the same
            check(trust["k_hat"] is None and abs(trust["effective_draws"] - 1000) < 0.01, trust)
        else:
            check(-1 < trust["k_hat"] < 2 / 3 and 800 < trust["effective_draws"] <= 1000, trust)
        check_code(bench.run("report", model, "--training", "rows.csv"), DONE)
        check_page(bench.read(model, "report.html").decode(), "k-hat", "of 1000 draws")


@on_ranks(1, 2)
def test_trust_needs_the_data_of_the_training(bench):
    bench.trained("--data.virtual_shards", "5")
    check_refused(bench.run("evaluate", "run"), USAGE, "--data", "--training")
    check_refused(bench.run("evaluate", "run", "--training", "held-out.csv"), USAGE,
                  "held-out.csv does not hold the 60 rows that the posterior was trained on")
    check_refused(bench.run("evaluate", "run", "--training", "rows.csv", "--draws", "10"), USAGE,
                  "--draws 10 is outside 100 to 1000000")
    check_refused(bench.run("report", "run", "--training", "none.csv"), FILE, "none.csv")


@on_ranks(1, 2)
def test_predictions_that_fail_leave_no_file(bench):
    bench.trained()
    bench.write("held-out.csv", table(5000) + "3,old,1,1\n")
    check_refused(bench.run("predict", "run", "--data", "held-out.csv"), FILE,
                  "held-out.csv:5002", "bmi", "old")
    check(not any(name.startswith("predictions") for name in os.listdir(bench.folder)), "a file")


@on_ranks(1, 2)
def test_a_table_that_does_not_fit_the_posterior_is_refused(bench):
    bench.trained()
    bench.write("other.csv", "age,height,visits\n3,180,1\n")
    check_refused(bench.run("predict", "run", "--data", "other.csv"), USAGE, "bmi", "other.csv")
    check_refused(bench.run("evaluate", "run", "--data", "other.csv"), USAGE, "bmi", "other.csv")


if __name__ == "__main__":
    main(__doc__)
