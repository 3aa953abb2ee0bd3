#!/usr/bin/env python3
"""Tests of the page for people."""

import json
import os
import random

from program_bench import DONE, FILE, USAGE, check, check_code, check_refused, main, on_ranks
from read_page import check_page


@on_ranks(1, 2)
def test_report_is_a_page_of_its_own(bench):
    for model, response in (("poisson", "visits"), ("logistic", "any"), ("linear", "visits")):
        bench.configure(model, response)
        bench.trained(folder=model)
        data = ("--data", "held-out.csv")
        outcome = bench.run("report", model, *data)
        check_code(outcome, DONE)
        check(outcome.out == f"wrote {model}/report.html\n", outcome.out)
        page = check_page(bench.read(model, "report.html").decode(), f"{model} model of 60 rows",
                          "intercept", "age", "bmi", "contraction", "at rest", "25 rows",
                          "mean log predictive density")
        check(len(page.pictures) == 5, f"{len(page.pictures)} pictures of a {model} model")
        alone = bench.run("report", f"{model}/posterior.safetensors", *data, "--out", "r.html",
                          ranks=1)
        check_code(alone, DONE)
        check(bench.read("r.html") == bench.read(model, "report.html"), "another page on one rank")


@on_ranks(1)
def test_report_of_a_model_without_response(bench):
    bench.write("rows.csv", "heads,rain\n1,0\n0,0\n1,1\n")
    bench.write("train.toml", '[data]\npath = "rows.csv"\n[model]\nname = "beta-bernoulli"\n')
    bench.trained()
    check_code(bench.run("report", "run"), DONE)
    check_page(bench.read("run", "report.html").decode(), "heads", "rain", "2 parameters")
    check_refused(bench.run("report", "run", "--data", "rows.csv"), USAGE, "predicts no response")


@on_ranks(1, 2)
def test_report_tells_of_latent_variables(bench):
    draw = random.Random(8)
    humps = [f"{draw.choice([10, 40]) + draw.gauss(0, 1)},{draw.gauss(0, 1)}" for _ in range(60)]
    words = [",".join(str(draw.randrange(4) if j % 2 == i % 2 else 0) for j in range(6))
             for i in range(40)]
    for model, header, rows, more, sentences in (
            ("gaussian-mixture", "size,age", humps, "components = 2",
             ("mean log predictive density", "above that of a single Gaussian", "k-hat")),
            ("lda", "ark,bow,cat,dog,eel,fox", words, "topics = 2",
             ("2 topics over 6 words", "How much of the corpus", "perplexity", "topic.2",
              "above that of the words' frequencies",
              "cannot be told of the model lda"))):
        bench.write("rows.csv", "\n".join([header, *rows]) + "\n")
        bench.write("train.toml", f'[data]\npath = "rows.csv"\n[model]\nname = "{model}"\n{more}\n')
        bench.trained(folder=model)
        check_code(bench.run("report", model, "--data", "rows.csv", "--training", "rows.csv"), DONE)
        page = check_page(bench.read(model, "report.html").decode(), f"{len(rows)} rows", *sentences)
        check(len(page.pictures) == 3, f"{len(page.pictures)} pictures of {model}")
        scores = json.loads(bench.run("evaluate", model, "--data", "rows.csv", "--json").out)
        for score in scores["scores"]:
            check(score["name"] in bench.read(model, "report.html").decode().replace("&#39;", "'"),
                  score)


@on_ranks(1)
def test_report_shows_any_name_as_it_is(bench):
    names = ["<script>alert(1)</script>", "`touch pwned`", "$(touch pwned)", "b&w; 'x' <b", "$d0",
             "a_b^{c} @d \\n %s", "[#0#]", "d\u00f8se \u65e5\u672c", "x" * 300]
    draw = random.Random(4)
    rows = [",".join(f"{draw.gauss(0, 1):.4f}" for _ in names) + f",{draw.randrange(5)}"
            for _ in range(50)]
    bench.write("rows.csv", ",".join(names) + ",<i>y&\n" + "\n".join(rows) + "\n")
    bench.write("train.toml", '[data]\npath = "rows.csv"\nresponse = "<i>y&"\n'
                              '[model]\nname = "poisson"\n')
    bench.trained()
    check_code(bench.run("report", "run", "--data", "rows.csv"), DONE)
    page = check_page(bench.read("run", "report.html").decode(), "<i>y&", *names)
    drawn = "".join(text for picture in page.pictures for text in picture.itertext())
    for name in names[:-1]:
        check(name in drawn, f"'{name}' is in no picture")
    check("x" * 27 + "\u2026" in drawn, "a long name is not cut")
    check(not os.path.exists(bench.path("pwned")), "a name was run")


@on_ranks(1)
def test_report_shows_the_clearest_of_many_coefficients(bench):
    draw = random.Random(5)
    names = [f"column{i:03}" for i in range(150)]
    rows = [",".join(f"{draw.gauss(0, 1):.3f}" for _ in names) for _ in range(60)]
    bench.write("rows.csv", ",".join(names) + ",y\n" +
                "".join(f"{row},{3 * float(row.split(',')[77]):.3f}\n" for row in rows))
    bench.write("train.toml", '[data]\npath = "rows.csv"\nresponse = "y"\n'
                              '[model]\nname = "linear"\n')
    bench.trained()
    check_code(bench.run("report", "run"), DONE)
    page = check_page(bench.read("run", "report.html").decode(), "The 60 clearest", *names)
    drawn = [text for text in page.pictures[0].itertext() if text.startswith("column")]
    check(len(drawn) == 60 and drawn.count("column077") == 1, drawn)


@on_ranks(1)
def test_report_makes_do_with_damaged_metrics(bench):
    bench.trained()
    whole = bench.read("run", "metrics.jsonl")
    nonsense = b'{"step": "x"}\n[1]\nnull\n\xff\xfe\n{"elbo": 1}\n'
    bench.write("run/metrics.jsonl", nonsense + whole[:-20])
    check_code(bench.run("report", "run"), DONE)
    check(len(check_page(bench.read("run", "report.html").decode()).pictures) == 3, "no curves")
    bench.write("run/metrics.jsonl", nonsense + b'{"step": 0, "elbo": null, "residual": null}\n')
    check_code(bench.run("report", "run"), DONE)
    os.remove(bench.path("run", "metrics.jsonl"))
    check_code(bench.run("report", "run"), DONE)
    check_page(bench.read("run", "report.html").decode(), "no metrics.jsonl")


@on_ranks(1, 2)
def test_report_of_what_is_not_there_is_refused(bench):
    check_refused(bench.run("report", "none"), FILE, "none")
    bench.trained()
    check_refused(bench.run("report", "run", "--data", "none.csv"), FILE, "none.csv")
    check_refused(bench.run("report", "run", "--out", "none/page.html"), FILE, "none/page.html")
    os.remove(bench.path("run", "posterior.safetensors"))
    check_refused(bench.run("report", "run"), FILE, "run has no posterior yet", "--run.resume auto")
    check(not os.path.exists(bench.path("run", "report.html")), "a page")


@on_ranks(1)
def test_report_without_gnuplot_names_the_package(bench):
    bench.trained()
    os.environ["PATH"] = "/nowhere"
    check_refused(bench.run("report", "run"), FILE, "gnuplot-nox")
    check(not os.path.exists(bench.path("run", "report.html")), "a page")


if __name__ == "__main__":
    main(__doc__)
