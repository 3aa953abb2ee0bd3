#!/usr/bin/env python3
"""Tests of what is done with a trained network: its scores, its texts, its page."""

import json
import math
import os
import random
import re
import struct

from program_bench import (DONE, FILE, USAGE, check, check_code, check_near, check_refused, main,
                           on_ranks, table)
from read_files import File
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
    check_refused(bench.run("predict", "run", "--data", "text.txt"), USAGE, "language model",
                  "bayesum generate", "bayesum evaluate")
    for flag, value in (("--response", "x"), ("--format", "csv")):
        check_refused(bench.run("evaluate", "run", "--data", "text.txt", flag, value), USAGE, flag,
                      "learned from texts")
    for samples in ("0", "4097"):
        check_refused(bench.run("generate", "run", "--draws", samples), USAGE, "--draws")
    check("vocabulary of 14 (characters)" in bench.run("inspect", "run").out, "no vocabulary")
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
    write_classes(bench)
    bench.trained("--overwrite")
    check_code(bench.run("report", "run", "--samples", "5", "--ood", "far.csv"), DONE)
    scores = json.loads(bench.run("evaluate", "run", "--samples", "5", "--ood", "far.csv",
                                  "--json").out)
    area = scores["ood"]["auroc_entropy_averaged"]
    check_page(bench.read("run", "report.html").decode(), "averaged over 5 draws",
               "AUROC by entropy", "far.csv", f"{area:.4g}")


@on_ranks(1, 2)
def test_what_networks_are_not_asked(bench):
    write_classes(bench, held_out="")
    bench.trained(ranks=1)
    check_refused(bench.run("evaluate", "run"), USAGE, "held-out data", "--data")
    check_refused(bench.run("report", "run", "--ood", "far.csv"), USAGE, "held-out data", "--data")
    check_refused(bench.run("evaluate", "run", "--data", "far.csv"), USAGE, "side")
    check_refused(bench.run("evaluate", "run", "--data", "rows.csv", "--training", "rows.csv"),
                  USAGE, "--training")
    check_refused(bench.run("generate", "run"), USAGE, "mlp", "gpt2")
    check_refused(bench.run("predict", "run", "--data", "rows.csv", "--weight", "x"), USAGE, "--weight")
    check_refused(bench.run("predict", "run", "--data", "rows.csv", "--samples", "0"), USAGE, "--samples")
    check_refused(bench.run("predict", "run", "--data", "text.txt", "--format", "text"), USAGE,
                  "--format text", "learned from rows")
    check_refused(bench.run("combine", "run", "--out", "sum"), USAGE, "posterior of a network")
    check_refused(bench.run("evaluate", "run", "--data", "rows.csv", "--offset", "x"), USAGE, "--offset")
    check_code(bench.run("evaluate", "run", "--data", "rows.csv", "--samples", "2"), DONE)


def lines_of(bench, path="predictions.csv"):
    """Header, and rows as dictionaries of text."""
    header, *lines = bench.read(path).decode().splitlines()
    names = header.split(",")
    return names, [dict(zip(names, line.split(","), strict=True)) for line in lines]


@on_ranks(1, 2)
def test_probabilities_of_each_row(bench):
    write_classes(bench)
    bench.trained(ranks=1)
    bench.write("other.csv", "y,x,side\n" + "".join(
        f"{y},{x},{'in' if x * x + y * y < 1.4 else 'out'}\n" for x in (-2, -0.4, 0.1, 1.9)
        for y in (-1.7, -0.3, 0.2, 0.8, 2.2)))
    asked = ("predict", "run", "--data", "other.csv", "--samples", "6")
    outcome = bench.run(*asked)
    check_code(outcome, DONE)
    check("wrote 20 rows to predictions.csv" in outcome.out, outcome.out)
    names, rows = lines_of(bench)
    check(names == ["row", "class", "p_in", "p_out", "at_mean_p_in", "at_mean_p_out", "log_density"],
          str(names))
    check([row["row"] for row in rows] == [str(i + 1) for i in range(20)], "rows")
    truth = [line.split(",")[2] for line in bench.read("other.csv").decode().splitlines()[1:]]
    nll = {"p_": 0.0, "at_mean_p_": 0.0}
    for row, side in zip(rows, truth):
        for way in nll:
            check_near([float(row[way + "in"]) + float(row[way + "out"])], [1], 1e-6, "sum")
            nll[way] -= math.log(float(row[way + side])) / 20
        check(row["class"] == max(("in", "out"), key=lambda name: float(row["p_" + name])), str(row))
        check_near([float(row["log_density"])], [math.log(float(row["p_" + side]))], 1e-6, "density")
    found = json.loads(bench.run("evaluate", *asked[1:], "--json").out)
    check_near([nll["p_"]], [found["averaged"]["nll"]], 1e-6, "averaged")
    check_near([nll["at_mean_p_"]], [found["mean"]["nll"]], 1e-6, "at the mean")
    right = sum(row["class"] == side for row, side in zip(rows, truth)) / 20
    check_near([right], [found["averaged"]["accuracy"]], 1e-12, "accuracy")
    whole = bench.read("predictions.csv")
    check_code(bench.run(*asked, "--out", "again.csv", ranks=1), DONE)
    check(bench.read("again.csv") == whole, "other bytes on one rank")
    outcome = bench.run("predict", "run", "--data", "far.csv", "--out", "-")
    check_code(outcome, DONE)
    lines = outcome.out.splitlines()
    check(lines[0] == "row,class,p_in,p_out,at_mean_p_in,at_mean_p_out" and len(lines) == 81, lines[0])


@on_ranks(1)
def test_predicted_numbers_and_their_intervals(bench):
    draw = random.Random(3)
    rows = [(x, 3 + 50 * math.sin(x) + draw.gauss(0, 4)) for x in
            (draw.uniform(-3, 3) for _ in range(400))]
    bench.write("rows.csv", "x,y\n" + "".join(f"{x},{y}\n" for x, y in rows))
    bench.write("train.toml", """
[data]
path = "rows.csv"
response = "y"
batch = 50
validation_share = 0.25
[model]
name = "mlp"
likelihood = "regression"
hidden = [16]
activation = "tanh"
[rule]
name = "ivon"
[stop]
steps = 400
""")
    bench.trained()
    bench.write("last.csv", "x,y\n" + "".join(f"{x},{y}\n" for x, y in rows[300:]))
    check_code(bench.run("predict", "run", "--data", "last.csv"), DONE)
    names, said = lines_of(bench)
    check(names == ["row", "mean", "sd", "low90", "high90", "log_density"], str(names))
    found = json.loads(bench.run("evaluate", "run", "--json").out)["averaged"]
    ys = [y for _, y in rows[300:]]
    numbers = [{name: float(text) for name, text in row.items()} for row in said]
    rmse = math.sqrt(sum((row["mean"] - y) ** 2 for row, y in zip(numbers, ys)) / 100)
    inside = sum(row["low90"] <= y <= row["high90"] for row, y in zip(numbers, ys)) / 100
    check_near([rmse], [found["rmse"]], 1e-5, "rmse")
    check_near([inside], [found["coverage90"]], 1e-12, "coverage")
    check_near([-sum(row["log_density"] for row in numbers) / 100], [found["nll"]], 1e-5, "nll")
    check(rmse < 15 and 0.7 < inside <= 1, f"{rmse}, {inside}")
    bench.write("bare.csv", "x\n0\n1\n")
    outcome = bench.run("predict", "run", "--data", "bare.csv", "--out", "-")
    check_code(outcome, DONE)
    check(outcome.out.startswith("row,mean,sd,low90,high90\n1,"), outcome.out)


# Integer features as they are make the logits of a linear network of signs integers: a draw's
# log-odds are even. Draws of a Gaussian are not, and they are not all the same.
@on_ranks(1)
def test_a_posterior_over_signs_draws_signs(bench):
    draw = random.Random(8)
    points = [[draw.randrange(-4, 5) for _ in range(3)] for _ in range(200)]
    bench.write("rows.csv", "a,b,c,side\n" + "".join(
        f"{a},{b},{c},{'up' if a + b - c + draw.gauss(0, 3) > 0 else 'down'}\n"
        for a, b, c in points))
    bench.write("train.toml", """
[data]
path = "rows.csv"
response = "side"
scaling = "none"
[model]
name = "mlp"
hidden = []
[rule]
name = "bayesbinn"
learning_rate = 0.002
ess = 5
[stop]
steps = 50
""")
    bench.trained()
    seen = set()
    for ways in ("1", "2", "40"):
        check_code(bench.run("predict", "run", "--data", "rows.csv", "--samples", ways), DONE)
        _, rows = lines_of(bench)
        odds = [(math.log(float(row["p_up"]) / float(row["p_down"])),
                 math.log(float(row["at_mean_p_up"]) / float(row["at_mean_p_down"])))
                for row in rows if 1e-3 < float(row["p_up"]) < 1 - 1e-3
                and 1e-3 < float(row["at_mean_p_up"]) < 1 - 1e-3]
        check(len(odds) > 20, f"{len(odds)} rows to tell by")
        check(all(abs(mean - 2 * round(mean / 2)) < 1e-3 for _, mean in odds), "the mean is no sign")
        whole = all(abs(drawn - 2 * round(drawn / 2)) < 1e-3 for drawn, _ in odds)
        check(whole == (ways == "1"), f"{ways} draws: {odds[:5]}")
        seen.add(any(abs(drawn - mean) > 0.1 for drawn, mean in odds))
    check(seen == {True}, "draws that are all the mean")


@on_ranks(1, 2)
def test_a_run_without_a_posterior_is_named(bench):
    write_text(bench)
    bench.trained(ranks=1)
    os.remove(bench.path("run", "posterior.safetensors"))
    os.mkdir(bench.path("empty"))
    for command in (("inspect",), ("predict", "--data", "rows.csv"), ("evaluate",), ("generate",),
                    ("report",), ("export", "--out", "there")):
        for run, why in (("run", "run has no posterior yet"), ("empty", "empty is no run"),
                         ("none", "none")):
            check_refused(bench.run(command[0], run, *command[1:]), FILE, why)
    check(not os.path.exists(bench.path("there")), "a folder for nothing")


# A text of one line has no new line by which another could begin.
@on_ranks(1)
def test_a_text_without_lines_wants_a_prompt(bench):
    write_text(bench)
    bench.write("text.txt", "the cat sat on the mat and the dog sat on the log " * 30)
    bench.trained("--stop.steps", "2")
    check_refused(bench.run("generate", "run"), USAGE, "--prompt does not say", "new line")
    # Longer than the context: the oldest tokens are left behind.
    check_code(bench.run("generate", "run", "--prompt", "the cat sat on the mat and ", "--tokens", "40",
                         "--draws", "1"), DONE)


@on_ranks(1)
def test_images_and_their_labels(bench):
    draw = random.Random(1)
    labels = [draw.randrange(3) for _ in range(120)]
    pixels = bytes(draw.randrange(200, 256) if place // 3 == label else draw.randrange(60)
                   for label in labels for place in range(9))
    header = struct.pack(">IIII", 0x803, 120, 3, 3)
    bench.write("images.idx", header + pixels)
    bench.write("labels.idx", struct.pack(">II", 0x801, 120) + bytes(labels))
    bench.write("train.toml", '[data]\npath = "images.idx"\nresponse = "labels.idx"\n'
                              '[model]\nname = "mlp"\nhidden = [8]\n[stop]\nsteps = 60\n')
    bench.trained()
    check("rows of 9 pixels in 3 classes" in bench.run("inspect", "run").out, "no pixels")
    check_code(bench.run("predict", "run", "--data", "images.idx"), DONE)
    names, rows = lines_of(bench)
    check(names == ["row", "class", "p_0", "p_1", "p_2", "at_mean_p_0", "at_mean_p_1", "at_mean_p_2"],
          str(names))
    right = sum(row["class"] == str(label) for row, label in zip(rows, labels, strict=True))
    check(right > 100, f"{right} of 120")
    check_code(bench.run("predict", "run", "--data", "images.idx", "--response", "labels.idx"), DONE)
    names, labelled = lines_of(bench)
    check(names[-1] == "log_density", str(names))
    for row, label in zip(labelled, labels):
        check_near([float(row["log_density"])], [math.log(float(row[f"p_{label}"]))], 1e-5, "density")
    check_refused(bench.run("evaluate", "run", "--data", "images.idx"), USAGE, "--response", "labels")
    for name, content in (("magic.idx", struct.pack(">I", 0x804) + header[4:] + pixels),
                          ("short.idx", header + pixels[:-1]), ("head.idx", header[:12]),
                          ("wide.idx", struct.pack(">IIII", 0x803, 120, 1, 9) + pixels + b"x"),
                          ("other.idx", struct.pack(">IIII", 0x803, 270, 2, 2) + pixels)):
        bench.write(name, content)
        check_refused(bench.run("predict", "run", "--data", name), FILE, name)
    check_refused(bench.run("predict", "run", "--data", "rows.csv"), USAGE,
                  "rows.csv is a table where training had images")


@on_ranks(1, 2)
def test_inspect_shows_each_tensor(bench):
    write_classes(bench)
    bench.trained(ranks=1)
    outcome = bench.run("inspect", "run")
    check_code(outcome, DONE)
    for words in ("mlp trained by ivon for 200 steps", "mlp of 82 parameters in 4 tensors",
                  "rows of 2 features in 2 classes", "a Gaussian for each weight",
                  "ivon, effective sample size 450", "rows.csv, fingerprint"):
        check(words in outcome.out, f"no '{words}' in\n{outcome.out}")
    file = File(bench.path("run", "posterior.safetensors"))
    table = [re.split(r"  +", line.strip()) for line in outcome.out.splitlines()]
    check(["shape", "rms of mean", "sd", "signal/noise", "above 1", "sd/start"] in table, outcome.out)
    for name, shape in (("layers.0.weight", "2 x 16"), ("layers.1.bias", "2")):
        mean, sd = file.vector("mean." + name), file.vector("sd." + name)
        ratios = sorted(abs(m) / s for m, s in zip(mean, sd))
        (line,) = [cells for cells in table if cells[0] == name]
        check(line[1] == shape, str(line))
        check_near([float(text) for text in line[2:5]],
                   [math.sqrt(sum(m * m for m in mean) / len(mean)), sum(sd) / len(sd),
                    ratios[len(ratios) // 2]], 1e-3, name)
        above = 100 * sum(ratio > 1 for ratio in ratios) / len(ratios)
        check(abs(float(line[5].split()[0]) - above) < 0.06, str(line))
        start = 1 / math.sqrt(450 * (0.1 + 1e-4))  # of the rule's defaults
        check_near([float(line[6])], [sum(sd) / len(sd) / start], 1e-3, "against the start")
    bench.write("alone.safetensors", bench.read("run", "posterior.safetensors"))
    alone = bench.run("inspect", "alone.safetensors", ranks=1)
    check_code(alone, DONE)
    line = [line for line in alone.out.splitlines() if line.startswith("layers.0.weight")][0]
    check(line.rstrip().endswith("%"), f"a start that is not known: {line}")
    bench.trained("--overwrite", "--rule.name", "adamw", "--rule.learning_rate", "0.01", ranks=1)
    outcome = bench.run("inspect", "run")
    check_code(outcome, DONE)
    check("none: the weights alone" in outcome.out and "effective" not in outcome.out, outcome.out)


if __name__ == "__main__":
    main(__doc__)
