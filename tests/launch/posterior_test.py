#!/usr/bin/env python3
"""Tests of what is done with a trained network: its scores, its texts, its page."""

import json
import math
import random

from program_bench import (DONE, FILE, USAGE, check, check_code, check_near, check_refused, main,
                           on_ranks, table)
from read_page import check_page


def write_classes(bench, held_out="validation_share = 0.25"):
    """Two classes whose border is a circle, and points from far away."""
    draw = random.Random(5)
    points = [(draw.gauss(0, 1), draw.gauss(0, 1)) for _ in range(600)]
    rows = [f"{x},{y},{'in' if x * x + y * y < 1.4 else 'out'}" for x, y in points]
    far = [f"{draw.gauss(0, 0.3)},{draw.gauss(9, 0.3)}" for _ in range(80)]
    bench.write("rows.csv", "\n".join(["x,y,side", *rows]) + "\n")
    bench.write("far.csv", "\n".join(["x,y", *far]) + "\n")
    bench.write("train.toml", f"""
[data]
path = "rows.csv"
response = "side"
batch = 50
{held_out}
[model]
name = "mlp"
hidden = [16]
[rule]
name = "ivon"
[stop]
steps = 200
""")


def write_text(bench):
    bench.write("text.txt", "the cat sat on the mat and the dog sat on the log\n" * 30)
    bench.write("train.toml", """
[data]
path = "text.txt"
context = 16
validation_share = 0.2
[model]
name = "gpt2"
layers = 1
heads = 2
channels = 16
[rule]
name = "ivon"
[stop]
steps = 60
""")


@on_ranks(1, 3)
def test_scores_at_the_mean_and_averaged(bench):
    write_classes(bench)
    bench.trained(ranks=1)
    asked = ("evaluate", "run", "--ood", "far.csv", "--samples", "8")
    outcome = bench.run(*asked)
    check_code(outcome, DONE)
    for words in ("150 rows", "averaged over 8 draws", "AUROC by entropy", "far.csv told from them",
                  "(epistemic)", "0.933 to 1.000"):
        check(words in outcome.out, f"no '{words}' in\n{outcome.out}")
    check(outcome.out == bench.run(*asked, ranks=1).out, "other scores on one rank")
    found = json.loads(bench.run(*asked, "--json").out)
    for way in ("mean", "averaged"):
        scores = found[way]
        bins = [each for each in scores["bins"] if each["targets"]]
        check(sum(each["targets"] for each in bins) == 150, str(bins))
        right = sum(each["targets"] * each["accuracy"] for each in bins) / 150
        gap = sum(each["targets"] * abs(each["accuracy"] - each["confidence"]) for each in bins) / 150
        check_near([scores["accuracy"]], [right], 1e-9, "accuracy by bins")
        check_near([scores["ece"]], [gap], 1e-9, "ECE by bins")
        check_near([scores["perplexity"]], [math.exp(scores["nll"])], 1e-12, "perplexity")
    check(found["averaged"]["accuracy"] > 0.8, str(found["averaged"]))
    check(0 <= found["ood"]["auroc_entropy_averaged"] <= 1, str(found["ood"]))
    check_near([found["aleatoric"] + found["epistemic"]], [found["averaged"]["entropy"]], 1e-9,
               "the split of the entropy")
    check(found["epistemic"] > 0, str(found))
    # The last validation of the training was at the mean, on the same rows.
    lines = [json.loads(line) for line in bench.read("run", "metrics.jsonl").splitlines()]
    last = [line["validation_loss"] for line in lines if "validation_loss" in line][-1]
    check_near([found["mean"]["nll"]], [last], 1e-5, "held-out loss")


@on_ranks(1, 2)
def test_scores_of_an_ensemble(bench):
    write_classes(bench)
    for name, seed, rule in (("a", "1", "ivon"), ("b", "2", "adamw"), ("c", "3", "ivon")):
        bench.trained("--run.seed", seed, "--rule.name", rule, "--rule.learning_rate", "0.05",
                      ranks=1, folder=name)
    asked = ("evaluate", "a", "b", "c", "--ood", "far.csv", "--samples", "4", "--json")
    outcome = bench.run(*asked)
    check_code(outcome, DONE)
    check(outcome.out == bench.run(*asked, ranks=1).out, "other scores on one rank")
    found = json.loads(outcome.out)
    alone = {name: json.loads(bench.run("evaluate", name, "--samples", "4", "--json").out)
             for name in "abc"}
    check((found["runs"], found["draws"]) == (3, 12), str(found))
    check_near([found["mean"]["nll"]], [alone["a"]["mean"]["nll"]], 1e-12, "the first run's mean")
    # By Jensen's inequality a mixture is no worse than its parts on average.
    parts = [alone[name]["averaged"]["nll"] for name in "abc"]
    check(min(parts) * 0.5 < found["averaged"]["nll"] <= sum(parts) / 3, f"{found} of {parts}")
    # Networks that are the same are averaged to what each says.
    same = json.loads(bench.run("evaluate", "b", "b", "--samples", "0", "--json").out)
    check((same["runs"], same["draws"]) == (2, 2), str(same))
    check(same["averaged"]["nll"] == alone["b"]["mean"]["nll"], str(same))
    outcome = bench.run("evaluate", "a", "b")
    for words in ("2 runs, the first mlp trained by ivon", "averaged over 32 draws of 2 runs"):
        check(words in outcome.out, outcome.out)


@on_ranks(1, 2)
def test_what_is_no_ensemble(bench):
    write_classes(bench)
    bench.trained(ranks=1)
    bench.trained("--data.validation_share", "0.4", ranks=1, folder="other")
    bench.trained("--data.features", "x", ranks=1, folder="narrow")
    bench.trained("--data.validation_share", "0.4", "--data.scaling", "none", ranks=1, folder="c")
    bench.trained("--data.scaling", "none", ranks=1, folder="d")
    check_refused(bench.run("evaluate", "run", "other"), USAGE, "run and other", "data.scaling")
    check_refused(bench.run("evaluate", "run", "narrow"), USAGE, "run and narrow", "shapes")
    check_refused(bench.run("evaluate", "c", "d"), USAGE, "d was trained", "than c", "--data")
    check_code(bench.run("evaluate", "c", "d", "--data", "rows.csv", "--samples", "2"), DONE)
    bench.configure()
    bench.write("rows.csv", table(60))
    bench.trained(ranks=1, folder="table")
    check_refused(bench.run("evaluate", "table", "run", "--data", "rows.csv"), USAGE, "table")
    check_code(bench.run("evaluate", "run", "table", "--data", "rows.csv"), FILE)


@on_ranks(1, 2)
def test_text_of_a_language_model(bench):
    write_text(bench)
    bench.trained(ranks=1)
    asked = ("generate", "run", "--prompt", "the ", "--tokens", "40")
    outcome = bench.run(*asked, "--json", "tokens.jsonl")
    check_code(outcome, DONE)
    tokens = [json.loads(line) for line in bench.read("tokens.jsonl").splitlines()]
    text = "".join(each["text"] for each in tokens)
    check(len(tokens) == 40, f"{len(tokens)} tokens")
    check(outcome.out.startswith("the " + text + "\n\n40 tokens of 4 draws: mean entropy"), outcome.out)
    for each in tokens:
        check(0 < each["probability"] <= 1, str(each))
        check(0 <= each["mutual_information"] <= each["entropy"] <= math.log(20), str(each))
    check(bench.run(*asked).out == outcome.out, "another text from the same seed")
    check(bench.run(*asked, "--seed", "2").out != outcome.out, "the same text from another seed")
    check_code(bench.run(*asked, "--show-disagreement", "--top-k", "3"), DONE)
    check_refused(bench.run("generate", "run", "--prompt", "THE"), USAGE, "--prompt", "'T'")
    scores = json.loads(bench.run("evaluate", "run", "--samples", "2", "--json").out)
    check(scores["targets"] == 1500 * 0.2 - 1, str(scores["targets"]))


@on_ranks(1)
def test_page_of_a_network(bench):
    for write, pictures, words in ((write_classes, 2, "calibration error"), (write_text, 2, "perplexity")):
        write(bench)
        bench.trained("--overwrite")
        check_code(bench.run("report", "run"), DONE)
        page = check_page(bench.read("run", "report.html").decode(), "trained by ivon", words,
                          "averaged over 16 draws", "How it was trained")
        check(len(page.pictures) == pictures, f"{len(page.pictures)} pictures")


@on_ranks(1, 2)
def test_what_networks_are_not_asked(bench):
    write_classes(bench, held_out="")
    bench.trained(ranks=1)
    check_refused(bench.run("evaluate", "run"), USAGE, "held-out data", "--data")
    check_refused(bench.run("evaluate", "run", "--data", "far.csv"), USAGE, "side")
    check_refused(bench.run("evaluate", "run", "--data", "rows.csv", "--training", "rows.csv"),
                  USAGE, "--training")
    check_refused(bench.run("generate", "run"), USAGE, "mlp", "gpt2")
    check_code(bench.run("evaluate", "run", "--data", "rows.csv", "--samples", "2"), DONE)


if __name__ == "__main__":
    main(__doc__)
