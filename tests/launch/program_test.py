#!/usr/bin/env python3
"""Tests of the program as its user meets it: commands, files, exit codes, signals.

    program_test.py --list                              names of the cases, with their numbers of ranks
    program_test.py --program PATH --ranks N CASE       runs one; N > 1 under mpirun

A case is a function of a Bench, named test_...; its decorator gives the ranks it is run on. Every
refusal must be one sentence on stderr with the right exit code, in time, on any number of ranks.
"""

import argparse
import html.parser
import json
import math
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree

from read_files import File, packed, unpacked

DONE, USAGE, FILE, NUMERICAL, DEVICE, STOPPED = 0, 2, 3, 4, 6, 85
SKIPPED = 77  # what ctest takes for a skip
SECONDS = 60  # for a command; a hang is a failure

CASES = {}


def on_ranks(*ranks):
    def register(case):
        CASES[case.__name__.removeprefix("test_")] = (case, ranks)
        return case

    return register


class Outcome:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    def sentences(self):
        return [line for line in self.err.splitlines() if line.startswith("bayesum: ")]


class Bench:
    """A folder with a table and a configuration, and the program started in it."""

    def __init__(self, program, ranks, folder):
        self.program, self.ranks, self.folder = program, ranks, folder
        self.write("rows.csv", table(60))
        self.write("held-out.csv", table(25, seed=2))
        self.configure()

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def read(self, *parts):
        with open(self.path(*parts), "rb") as file:
            return file.read()

    def write(self, name, content):
        with open(self.path(name), "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())

    def configure(self, model="poisson", response="visits", data="rows.csv", more=""):
        self.write("train.toml", f'[data]\npath = "{data}"\nresponse = "{response}"\n'
                                 f'features = ["age", "bmi"]\n[model]\nname = "{model}"\n{more}')

    def start(self, *arguments, ranks=None):
        ranks = ranks or self.ranks
        launcher = ["mpirun", "-np", str(ranks)] if ranks > 1 else []
        return subprocess.Popen(launcher + [self.program, *arguments], cwd=self.folder,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, start_new_session=True)

    def end(self, process):
        try:
            out, err = process.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise AssertionError(f"no end after {SECONDS} s: {process.args}")
        return Outcome(process.returncode, out, err)

    def run(self, *arguments, ranks=None):
        return self.end(self.start(*arguments, ranks=ranks))

    def train(self, *flags, ranks=None, folder="run"):
        return self.run("train", "train.toml", "--run.dir", folder, *flags, ranks=ranks)

    def trained(self, *flags, ranks=None, folder="run"):
        outcome = self.train(*flags, ranks=ranks, folder=folder)
        check_code(outcome, DONE)
        return self.read(folder, "posterior.safetensors")


def table(rows, seed=1):
    """Visits ~ Poisson(exp(0.2 + 0.3 age - 0.2 bmi)), and whether there was any."""
    draw = random.Random(seed)
    lines = ["age,bmi,visits,any"]
    for _ in range(rows):
        age, bmi = draw.gauss(3, 2), draw.gauss(25, 4)
        rate = math.exp(0.2 + 0.3 * (age - 3) - 0.05 * (bmi - 25))
        visits, chance = 0, draw.random() * math.exp(rate)
        term = total = 1.0
        while total < chance and visits < 50:
            visits += 1
            term *= rate / visits
            total += term
        lines.append(f"{age:.6f},{bmi:.6f},{visits},{int(visits > 0)}")
    return "\n".join(lines) + "\n"


def check(condition, text):
    if not condition:
        raise AssertionError(text)


def check_code(outcome, code):
    check(outcome.code == code,
          f"exit code {outcome.code}, not {code}\n{outcome.out}\n{outcome.err}")


def check_refused(outcome, code, *words):
    """One sentence that has these words, and the exit code."""
    check_code(outcome, code)
    said = outcome.sentences()
    check(len(said) == 1, f"{len(said)} sentences, not 1:\n{outcome.err}")
    for word in words:
        check(word in said[0], f"'{word}' is not in: {said[0]}")


def skip(why):
    print(f"SKIPPED: {why}")
    sys.exit(SKIPPED)


class Page(html.parser.HTMLParser):
    """A report: its text, its tags, and that every element that is opened is closed in its turn."""

    def __init__(self, content):
        super().__init__()
        self.tags, self.open, self.text, self.attributes = [], [], "", []
        self.feed(content)
        check(self.open == [], f"never closed: {self.open}")
        self.pictures = [xml.etree.ElementTree.fromstring(svg)
                         for svg in re.findall(r"<svg.*?</svg>", content, re.DOTALL)]
        ids = re.findall(r"""\bid=["']([^"']*)""", content)
        check(len(ids) == len(set(ids)), f"ids are used twice: {sorted(ids)}")

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        check(self.open and self.open[-1] == tag, f"</{tag}> closes {self.open[-1:]}")
        self.open.pop()

    def handle_data(self, data):
        self.text += data


def check_page(content, *words):
    """Well-formed, on its own, its pictures described, and with these words in its text."""
    page = Page(content)
    for word in words:
        check(word in page.text, f"'{word}' is not in the page")
    for tag in ("script", "link", "img", "iframe", "object", "embed", "image", "foreignobject"):
        check(tag not in page.tags, f"<{tag}> in the page")
    for key, value in page.attributes:
        outside = key in ("src", "href", "xlink:href", "action") and not value.startswith("#")
        check(not outside and not key.startswith("on"), f"{key}={value}")
    check("url(" not in content and "@import" not in content, "the style asks for more")
    check(all(picture.get("aria-label") for picture in page.pictures), "a picture says nothing")
    return page


def wait_until(ready, what):
    deadline = time.monotonic() + SECONDS
    while not ready():
        check(time.monotonic() < deadline, f"{what} did not come")
        time.sleep(0.01)


def processes_of(launcher, program, ranks):
    """The ranks' process ids: children of mpirun, or the program itself."""
    if ranks == 1:
        return [launcher.pid]
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat") as file:
                parent = int(file.read().rpartition(")")[2].split()[1])
            if parent == launcher.pid and os.readlink(f"/proc/{pid}/exe") == program:
                found.append(int(pid))
        except OSError:
            continue
    return sorted(found)


def is_alive(pid):
    """A zombie that nobody has asked for is not."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


# A training that goes on until it is stopped.
ENDLESS = ("--rule.name", "blr", "--rule.rho", "1e-6", "--stop.steps", "1000000000",
           "--stop.residual", "0", "--run.checkpoint_every", "0")


def start_endless(bench, folder="run"):
    process = bench.start("train", "train.toml", "--run.dir", folder, *ENDLESS)
    metrics = bench.path(folder, "metrics.jsonl")
    wait_until(lambda: process.poll() is not None
               or os.path.exists(metrics) and os.path.getsize(metrics) > 2000, "the first steps")
    check(process.poll() is None, "the training ended by itself")
    return process


# What a user does.


@on_ranks(1, 2)
def test_train_writes_the_run_folder(bench):
    outcome = bench.train()
    check_code(outcome, DONE)
    check(sorted(os.listdir(bench.path("run"))) ==
          ["checkpoints", "config.toml", "log.txt", "metrics.jsonl", "posterior.safetensors"],
          os.listdir(bench.path("run")))
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


@on_ranks(1)
def test_a_run_is_named_after_its_config(bench):
    check_code(bench.run("train", "train.toml"), DONE)
    check(os.path.exists(bench.path("runs", "train", "posterior.safetensors")), "no runs/train")


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
def test_doctor_tells_of_the_machine(bench):
    outcome = bench.run("doctor")
    check_code(outcome, DONE)
    for word in ("cores", "memory", "BLAS", "MPI", "CUDA", "NCCL"):
        check(word in outcome.out, f"'{word}' is not in: {outcome.out}")
    if bench.ranks == 1:
        check("1 rank has nothing to reduce" in outcome.out, outcome.out)
    else:
        check(f"{bench.ranks} ranks (mpi, cpu)" in outcome.out, outcome.out)
        check(len(re.findall(r"iB/s$", outcome.out, re.MULTILINE)) == 5, outcome.out)


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


# What does not depend on the number of ranks.


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


# What is refused.


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


@on_ranks(1, 2)
def test_an_unwritable_run_folder_is_named(bench):
    bench.write("file", "")
    check_refused(bench.train(folder="file/run"), FILE, "file/run", "Not a directory")
    bench.trained()
    check_refused(bench.run("predict", "run", "--data", "rows.csv", "--out", "file/p.csv"), FILE,
                  "file/p.csv")


# What posteriors are for: to be added, subtracted and continued.


def natural(bench, *parts):
    return File(bench.path(*parts)).vector("natural.coefficients")


def check_near(found, expected, relative, what):
    scale = max(map(abs, expected))
    worst = max(abs(a - b) for a, b in zip(found, expected, strict=True)) / scale
    check(worst <= relative, f"{what}: {worst} apart")


def write_parts(bench):
    """The rows in two files, a.csv and b.csv."""
    lines = table(60).splitlines(keepends=True)
    bench.write("a.csv", "".join(lines[:25]))
    bench.write("b.csv", "".join(lines[:1] + lines[25:]))


# Damped, so that it has many steps, and tight.
TIGHT = ("--stop.residual", "1e-12")


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
    check_refused(bench.train("--data.shards_per_step", "2"), USAGE, "rule.schedule")
    bench.configure(model="linear")
    check_refused(bench.train("--data.shards_per_step", "2"), USAGE, "rule.schedule")


@on_ranks(1, 2)
def test_sites_are_kept_and_sum_to_the_posterior(bench):
    for model, response in (("linear", "visits"), ("poisson", "visits"), ("logistic", "any")):
        bench.configure(model, response)
        alone = bench.trained("--keep-sites", "shards", *TIGHT, ranks=1, folder=model)
        check(bench.trained("--run.keep_sites", "shards", *TIGHT, folder=model + "-2") == alone,
              "other bytes")
        kept = bench.read(model, "sites.safetensors")
        check(bench.read(model + "-2", "sites.safetensors") == kept, "other bytes of sites")
        sites = File(bench.path(model, "sites.safetensors"))
        posterior = File(bench.path(model, "posterior.safetensors"))
        sums = [math.fsum(column) for column in zip(*sites.rows("site.natural"))]
        expected = [a - b for a, b in zip(posterior.vector("natural.coefficients"),
                                          posterior.vector("prior.coefficients"))]
        check_near(sums, expected, 1e-11, model)
        check(sum(sites.vector("site.rows")) == 60, "not all rows")
        check(sites.lines("names") == [str(k) for k in range(8)], sites.metadata)
        check(sites.hashes("site.fingerprint") == posterior.hashes("data.shards"), "other shards")
    check_refused(bench.train("--keep-sites", "group"), USAGE, "data.group")
    bench.trained("--overwrite", "true", folder="linear")
    check(not os.path.exists(bench.path("linear", "sites.safetensors")), "sites of another run")


@on_ranks(1, 2)
def test_a_group_is_unlearned(bench):
    lines = table(60).splitlines()
    bench.write("rows.csv", "\n".join([lines[0] + ",region"] + [
        row + "," + ("north", "south", "west")[i % 3] for i, row in enumerate(lines[1:])]) + "\n")
    bench.configure("linear")
    group = ("--data.group", "region")
    bench.trained(*group, "--keep-sites", "group", folder="all")
    check_code(bench.run("combine", "all", "-", "all:north", "--out", "less"), DONE)
    bench.trained(*group, "--data.without_group", "north", "--prior.like", "all", folder="rest")
    check_near(natural(bench, "less", "posterior.safetensors"),
               natural(bench, "rest", "posterior.safetensors"), 1e-12, "unlearned")


@on_ranks(1, 2)
def test_a_group_that_overflows_can_be_left_out(bench):
    lines = table(60).splitlines()
    rows = [lines[0] + ",region"] + [row + ",good" for row in lines[1:]]
    bench.write("rows.csv", "\n".join(rows) + "\n1e6,25,3,1,bad\n")
    bench.configure(more="standardize = false\n")
    without = ("--data.group", "region", "--data.without_group", "bad")
    check_code(bench.train(*without, "--keep-sites", "group", folder="rest"), DONE)
    check_refused(bench.run("combine", "rest", "+", "rest:bad", "--out", "more"), USAGE, "bad")
    check_refused(bench.run("evaluate", "rest", "--training", "rows.csv"), USAGE, "some groups")


@on_ranks(1, 2)
def test_a_later_table_may_lack_levels_and_classes(bench):
    def rows(levels, seed):
        draw = random.Random(seed)
        return "kind,x,who\n" + "".join(
            f"{draw.choice(levels)},{draw.gauss(0, 1):.4f},{draw.choice(levels)}\n" for _ in range(60))

    for name, levels, seed in (("all", "abc", 1), ("fewer", "bc", 2), ("more", "abcd", 3)):
        bench.write(name + ".csv", rows(levels, seed))
    for model, response, features in (("softmax", "who", '["kind", "x"]'), ("linear", "x", '["kind"]')):
        bench.write("train.toml", f'[data]\nresponse = "{response}"\nfeatures = {features}\n'
                                  f'categories = ["kind"]\n[model]\nname = "{model}"\n')
        for name, more in (("all", ()), ("fewer", ("--prior", model + "-all"))):
            outcome = bench.train("--data.path", name + ".csv", *more, folder=f"{model}-{name}")
            check_code(outcome, DONE)
            check_code(bench.run("inspect", f"{model}-{name}"), DONE)
            check_code(bench.run("evaluate", f"{model}-{name}", "--data", "all.csv"), DONE)
        check_refused(bench.train("--data.path", "more.csv", "--prior", model + "-all", folder="no"),
                      FILE, "more.csv:", "'d'")


@on_ranks(1)
def test_components_of_two_trainings_are_not_added(bench):
    bench.write("train.toml", '[data]\nfeatures = ["age", "bmi"]\n[model]\nname = "gaussian-mixture"\n'
                              'components = 2\n[stop]\nsteps = 5\n')
    check_code(bench.train("--data.path", "rows.csv", "--keep-sites", "shards", folder="a"), DONE)
    check_code(bench.train("--data.path", "held-out.csv", "--prior.like", "a", folder="b"), DONE)
    check_refused(bench.run("combine", "a", "+", "b", "-", "prior", "--out", "ab"), USAGE,
                  "prior.posterior")
    check_code(bench.run("combine", "a", "-", "a:3", "--out", "less"), DONE)


@on_ranks(1)
def test_overwriting_and_going_on_exclude_each_other(bench):
    check_refused(bench.train("--run.overwrite", "true", "--resume", "auto"), USAGE, "one of them")


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
        check_code(bench.train(folder=model), DONE)
        check_code(bench.run("predict", model, "--data", "rows.libsvm"), DONE)
        check_code(bench.run("evaluate", model, "--data", "rows.libsvm"), DONE)


@on_ranks(1, 2)
def test_files_are_what_their_page_says(bench):
    bench.configure("logistic", "any")
    bench.trained("--keep-sites", "shards")
    file = File(bench.path("run", "posterior.safetensors"))
    check(file.metadata["format"] == "bayesum-posterior" and file.metadata["format_version"] == "2"
          and file.metadata["model"] == "logistic", file.metadata)
    d = int(file.metadata["dimension.coefficients"])
    check(d == 3 and file.metadata["family.coefficients"] == "gaussian", file.metadata)
    lambda_ = file.vector("natural.coefficients")
    precision = unpacked(lambda_[d:], d)
    check_near(packed(precision), lambda_[d:], 0, "packing")
    mean, covariance = file.vector("mean.coefficients"), file.rows("covariance.coefficients")
    check_near([sum(s * m for s, m in zip(row, mean)) for row in precision], lambda_[:d], 1e-12,
               "S m")
    product = [sum(precision[i][k] * covariance[k][j] for k in range(d))
               for i in range(d) for j in range(d)]
    check_near(product, [float(i == j) for i in range(d) for j in range(d)], 1e-12, "S S^-1")
    shards = file.hashes("data.shards")
    check(len(set(shards)) == 8, shards)
    check(file.sources("sources") == {(shard, ""): 1 for shard in shards}, "other sources")
    check(file.sources("prior_sources") == {}, "the prior has learned")
    (name,) = os.listdir(bench.path("run", "checkpoints"))
    checkpoint = File(bench.path("run", "checkpoints", name))
    check(checkpoint.metadata["format"] == "bayesum-checkpoint-1", checkpoint.metadata)
    check(checkpoint.lines("blocks") == ["coefficients gaussian 3"], checkpoint.metadata)
    check(checkpoint.vector("natural") == lambda_, "another lambda")
    check(name == f"step-{int(checkpoint.metadata['step']):06}.safetensors", name)
    check(file.metadata["fingerprint"] == checkpoint.metadata["data_fingerprint"], "other data")


@on_ranks(1)
def test_files_open_in_safetensors(bench):
    try:
        from safetensors import safe_open
    except ImportError:
        skip("the Python package safetensors is not here")
    bench.trained("--keep-sites", "shards")
    for name in ("posterior.safetensors", "sites.safetensors"):
        ours = File(bench.path("run", name))
        with safe_open(bench.path("run", name), framework="np") as theirs:
            check(theirs.metadata() == ours.metadata, name)
            check(set(theirs.keys()) == set(ours.tensors) | {"checksum"}, name)
            for key, (shape, values) in ours.tensors.items():
                tensor = theirs.get_tensor(key)
                check(list(tensor.shape) == shape and tensor.ravel().tolist() == values, key)


@on_ranks(1, 2)
def test_yesterday_and_today_are_all_at_once(bench):
    write_parts(bench)
    bench.configure("linear")
    bench.trained("--data.path", "a.csv", folder="yesterday")
    for ranks in (1, 2):
        bench.trained("--data.path", "b.csv", "--prior", "yesterday", ranks=ranks,
                      folder=f"today-{ranks}")
    bench.trained("--prior.like", "yesterday", folder="all")
    today = natural(bench, "today-1", "posterior.safetensors")
    check_near(today, natural(bench, "all", "posterior.safetensors"), 1e-13, "in sequence")
    check(bench.read("today-1", "posterior.safetensors")
          == bench.read("today-2", "posterior.safetensors"), "other bytes on 2 ranks")
    file = File(bench.path("today-1", "posterior.safetensors"))
    check(file.vector("prior.coefficients") == natural(bench, "yesterday", "posterior.safetensors"),
          "another prior")
    check("yesterday" not in file.metadata["config"], "a path in the posterior")
    # A run that takes up another goes on from its checkpoint, whatever the path.
    os.rename(bench.path("yesterday"), bench.path("before"))
    resumed = bench.train("--data.path", "b.csv", "--prior", "before", "--resume", "auto",
                          folder="today-1")
    check_code(resumed, DONE)
    check("going on from the checkpoint of step" in resumed.out, resumed.out)
    check_refused(bench.train("--data.path", "b.csv", "--resume", "auto", folder="today-1"), USAGE,
                  "belongs to another configuration")


@on_ranks(1, 2)
def test_a_prior_or_start_that_does_not_fit_is_refused(bench):
    bench.trained(folder="earlier")
    check_refused(bench.train("--prior", "nowhere"), FILE, "nowhere")
    check_refused(bench.train("--prior", "earlier"), USAGE, "has learned from these data already")
    check_code(bench.train("--prior", "earlier", "--prior.allow_overlap", "true", folder="twice"),
               DONE)
    for key in ("prior.posterior", "prior.like", "run.start"):
        flag = "--" + key
        check_refused(bench.train(flag, "earlier", "--model.posterior", "diagonal"), USAGE, key,
                      "model.posterior")
        check_refused(bench.train(flag, "earlier", "--data.features", "age"), USAGE, key, "features")
        check_refused(bench.train(flag, "earlier", "--data.response", "any"), USAGE, key, "response")
    check_refused(bench.train("--prior.like", "earlier", "--prior", "earlier"), USAGE, "use one")
    bench.write("other.csv", "age,height,visits\n3,180,1\n")
    check_refused(bench.train("--prior", "earlier", "--data.path", "other.csv",
                              "--data.features", ""), USAGE, "bmi")


@on_ranks(1, 2)
def test_parts_are_combined_to_the_whole(bench):
    write_parts(bench)
    bench.configure("linear")
    bench.trained("--data.path", "a.csv", folder="a")
    bench.trained("--data.path", "b.csv", "--prior.like", "a", folder="b")
    bench.trained("--prior.like", "a", folder="all")
    for words, out in ((("a", "+", "b", "-", "prior"), "ab"), (("-", "prior", "+", "b", "+", "a"), "ba")):
        outcome = bench.run("combine", *words, "--out", out)
        check_code(outcome, DONE)
        for word in ("60 rows", "age", "bmi", "sigma", f"{out}/posterior.safetensors"):
            check(word in outcome.out, f"'{word}' is not in: {outcome.out}")
        check_near(natural(bench, out, "posterior.safetensors"),
                   natural(bench, "all", "posterior.safetensors"), 1e-13, out)
    check_code(bench.run("combine", "a", "+", "b", "-", "prior", "--out", "ab.safetensors"), DONE)
    check(bench.read("ab.safetensors") == bench.read("ab", "posterior.safetensors"), "other bytes")
    # What was combined is a posterior like any other.
    all_, sum_ = (File(bench.path(run, "posterior.safetensors")) for run in ("all", "ab"))
    check_near(sum_.vector("fit.elbo"), all_.vector("fit.elbo"), 1e-11, "log evidence")
    check_code(bench.run("inspect", "ab"), DONE)
    check_code(bench.run("predict", "ab", "--data", "held-out.csv"), DONE)
    check_code(bench.run("evaluate", "ab", "--data", "held-out.csv"), DONE)
    check_code(bench.run("combine", "ab", "-", "a", "+", "prior", "--out", "b-again"), DONE)
    check_near(natural(bench, "b-again", "posterior.safetensors"),
               natural(bench, "b", "posterior.safetensors"), 1e-12, "a taken away again")


@on_ranks(1, 2)
def test_a_site_is_unlearned_exactly_where_the_model_is_conjugate(bench):
    bench.configure("linear")
    bench.trained("--keep-sites", "shards", folder="all")
    check_code(bench.run("combine", "all", "-", "all:3", "-", "all:6", "--out", "less"), DONE)
    bench.trained("--prior.like", "all", "--data.without_shards", "3,6", folder="rest")
    check_near(natural(bench, "less", "posterior.safetensors"),
               natural(bench, "rest", "posterior.safetensors"), 1e-12, "unlearned")
    less, rest = (File(bench.path(run, "posterior.safetensors")) for run in ("less", "rest"))
    check(less.sources("sources") == rest.sources("sources"), "other sources")
    check(less.vector("summary.rows") == rest.vector("summary.rows"), "other rows")


@on_ranks(1, 2)
def test_a_glm_unlearns_and_converges_again(bench):
    bench.trained("--keep-sites", "shards", *TIGHT, folder="all")
    check_code(bench.run("combine", "all", "-", "all:3", "--out", "without-3"), DONE)
    check("unknown" in bench.run("inspect", "without-3").out, "an ELBO that nobody has seen")
    rest = ("--data.without_shards", "3", *TIGHT)
    outcome = bench.train(*rest, "--start", "without-3", folder="rest")
    check_code(outcome, DONE)
    moved = re.search(r"from the start +symmetrised KL (\S+), means moved by at most (\S+) sd",
                      outcome.out)
    check(moved and 0 < float(moved[1]) < 0.1 and 0 < float(moved[2]) < 0.5, outcome.out)
    bench.trained(*rest, "--prior.like", "all", folder="scratch")
    check_near(natural(bench, "rest", "posterior.safetensors"),
               natural(bench, "scratch", "posterior.safetensors"), 1e-8, "converged again")


@on_ranks(1, 2)
def test_sums_that_make_no_sense_are_refused(bench):
    bench.trained("--keep-sites", "shards", folder="all")
    bench.trained("--data.without_shards", "3", "--prior.like", "all", folder="rest")
    bench.trained("--data.without_shards", "3", folder="scaled")
    bench.trained("--prior.sd", "1", folder="prior")
    bench.trained("--model.posterior", "diagonal", folder="diagonal")
    bench.configure("logistic", "any")
    bench.trained(folder="logistic")
    cases = [("all + rest", USAGE, "holds the prior 2 times", "subtract `prior` once"),
             ("all - rest", USAGE, "holds the prior 0 times", "add `prior` once"),
             ("all + rest - prior", USAGE, "share data, 7 virtual shards", "--allow-overlap"),
             ("all + logistic - prior", USAGE, "model.name"),
             ("all + diagonal - prior", USAGE, "model.posterior"),
             ("all + scaled - prior", USAGE, "is standardized by", "prior.like"),
             ("all + ./prior - prior", USAGE, "their priors differ"),
             ("rest - all:3", USAGE, "data that are not in it"),
             ("all - all:3 - all:3", USAGE, "data that are not in it"),
             ("all - all:9", USAGE, "no site '9'"),
             ("all - rest:3", FILE, "rest has no sites", "--keep-sites"),
             ("all - nowhere + prior", FILE, "nowhere"),
             ("all - - prior", USAGE, "take turns"),
             ("all all", USAGE, "take turns"),
             ("all -", USAGE, "ends in a sign"),
             ("all " + " ".join(f"- all:{k}" for k in range(8)), DONE),
             ("all - rest + rest - rest + prior", DONE)]
    for i, (words, code, *said) in enumerate(cases):
        outcome = bench.run("combine", *words.split(), "--out", f"sum-{i}")
        if code == DONE:
            check_code(outcome, DONE)
        else:
            check_refused(outcome, code, *said)
            check(not os.path.exists(bench.path(f"sum-{i}")), f"{words} left a folder")
    check_code(bench.run("combine", "all", "+", "rest", "-", "prior", "--allow-overlap", "--out",
                         "twice"), DONE)
    check_refused(bench.run("combine", "all", "--out", "all"), USAGE, "is there already")
    check_refused(bench.run("combine", "all"), USAGE, "--out is required")
    # Sites of a run that was trained again, without keeping them.
    bench.configure()
    bench.trained("--keep-sites", "shards", folder="again")
    shutil.copy(bench.path("rest", "posterior.safetensors"), bench.path("again"))
    check_refused(bench.run("combine", "again", "-", "again:2", "--out", "x"), USAGE,
                  "are of another posterior")
    # Of a flat prior too much can be taken away.
    bench.configure("linear")
    flat = ("--prior.sd", "inf", "--prior.intercept_sd", "inf", "--prior.shape", "0", "--prior.rate",
            "0", "--keep-sites", "shards")
    bench.trained(*flat, folder="flat")
    check_refused(bench.run("combine", "flat", *(w for k in range(8) for w in ("-", f"flat:{k}")),
                            "--out", "nothing"), NUMERICAL, "block 'coefficients'", "not proper")


@on_ranks(1, 2)
def test_bad_exclusions_are_refused(bench):
    check_refused(bench.train("--data.without_shards", "8"), USAGE, "no virtual shard '8' of 8")
    check_refused(bench.train("--data.without_shards", "one"), USAGE, "no virtual shard 'one'")
    check_refused(bench.train("--data.without_group", "north"), USAGE, "data.group")
    check_refused(bench.train("--data.without_shards", "0,1,2,3,4,5,6,7"), FILE, "no rows")


# What ends a job.


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
    process = bench.start("train", "train.toml", "--run.dir", "run", *ENDLESS,
                          "--data.cache_mib", "0")
    wait_until(lambda: os.path.exists(bench.path("run", "metrics.jsonl"))
               and bench.read("run", "metrics.jsonl"), "the first step")
    bench.write("rows.csv", table(4000, seed=2))
    check_refused(bench.end(process), FILE, "rows.csv")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--program")
    parser.add_argument("--ranks", type=int, default=1)
    parser.add_argument("case", nargs="?", choices=CASES)
    args = parser.parse_args()
    if args.list:
        for name, (_, ranks) in CASES.items():
            print(name, *ranks)
        return
    with tempfile.TemporaryDirectory(prefix="bayesum-") as folder:
        try:
            CASES[args.case][0](Bench(os.path.realpath(args.program), args.ranks, folder))
        except AssertionError as failure:
            sys.exit(f"{args.case} on {args.ranks} ranks: {failure}")


if __name__ == "__main__":
    main()
