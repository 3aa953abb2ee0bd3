#!/usr/bin/env python3
"""Tests of posteriors that are added, subtracted and continued."""

import math
import os
import random
import re
import shutil

from program_bench import (DONE, FILE, NUMERICAL, USAGE, check, check_code, check_near,
                           check_refused, main, on_ranks, table)
from read_files import File


def natural(bench, *parts):
    return File(bench.path(*parts)).vector("natural.coefficients")


def write_parts(bench):
    """The rows in two files, a.csv and b.csv."""
    lines = table(60).splitlines(keepends=True)
    bench.write("a.csv", "".join(lines[:25]))
    bench.write("b.csv", "".join(lines[:1] + lines[25:]))


# Damped, so that it has many steps, and tight.
TIGHT = ("--stop.residual", "1e-12")


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
    check("fixed point" not in bench.read("linear", "log.txt").decode(), "a warning of nothing")
    check_refused(bench.train("--keep-sites", "group"), USAGE, "data.group")
    bench.trained("--overwrite", "true", folder="linear")
    check(not os.path.exists(bench.path("linear", "sites.safetensors")), "sites of another run")


@on_ranks(1, 2)
def test_sites_of_a_posterior_short_of_its_fixed_point_are_warned_of(bench):
    parts = ("--data.shards_per_step", "2", "--rule.name", "blr", "--rule.schedule", "power")
    for name, more in (("parts", (*parts, "--stop.steps", "20")), ("short", ("--stop.steps", "1"))):
        outcome = bench.train("--keep-sites", "shards", *more, folder=name)
        check_code(outcome, DONE)
        residual = File(bench.path(name, "posterior.safetensors")).vector("fit.residual")[0]
        check(residual > 1e-8, f"{name} has converged: {residual}")
        for place in (bench.read(name, "log.txt").decode(), outcome.err):
            found = re.findall(r"fixed point: .* residual of (\S+), above stop.residual = 1e-08", place)
            check(len(found) == 1 and abs(float(found[0]) / residual - 1) < 0.06, (residual, place))
        quiet = bench.train("--keep-sites", "no", *more, folder=name + "-quiet")
        check("fixed point: " not in quiet.err, quiet.err)


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
    less, rest = (File(bench.path(run, "posterior.safetensors")) for run in ("less", "rest"))
    expected = {(shard, part): times for shard in rest.hashes("data.shards")
                for part, times in (("", 1), (("region", "north"), -1))}
    check(less.sources("sources") == rest.sources("sources") == expected, "other sources")


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


if __name__ == "__main__":
    main(__doc__)
