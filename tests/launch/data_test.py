#!/usr/bin/env python3
"""Tests of the program on tables of every kind."""

import gzip
import json
import random
import struct

from program_bench import DONE, FILE, USAGE, check, check_code, check_refused, main, on_ranks, table


def columns(text):
    return [line.split(",") for line in text.strip().splitlines()[1:]]


def npy(rows):
    """Rows of numbers, or numbers, as NumPy would save them."""
    flat = [float(x) for row in rows for x in (row if isinstance(row, (list, tuple)) else [row])]
    width = len(flat) // len(rows)
    shape = f"({len(rows)},)" if not isinstance(rows[0], (list, tuple)) else f"({len(rows)}, {width})"
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}"
    header += " " * (117 - len(header)) + "\n"
    return (b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header.encode()
            + struct.pack(f"<{len(flat)}d", *flat))


def regions(rows, seed=1, extra=()):
    """Whether there was any visit, by age and region."""
    draw = random.Random(seed)
    lines = ["age,region,any"]
    for region in list(extra) + [draw.choice(["north", '"s, t"', "west"]) for _ in range(rows)]:
        lines.append(f"{draw.gauss(40, 10):.4f},{region},{int(draw.random() < 0.4)}")
    return "\n".join(lines) + "\n"


REGIONS = ('[data]\npath = "regions.csv"\nresponse = "any"\ncategories = ["region"]\n'
           '[model]\nname = "logistic"\n')


def coefficients(bench, folder):
    """By the order of the table that inspect shows."""
    outcome = bench.run("inspect", folder, ranks=1)
    check_code(outcome, DONE)
    lines = outcome.out.split("\n\n")[1].splitlines()[1:]
    return [[float(x) for x in line.split()[1:5]] for line in lines]


@on_ranks(1, 2)
def test_a_packed_table_trains_the_same(bench):
    plain = bench.trained()
    bench.write("rows.csv.gz", gzip.compress(bench.read("rows.csv")))
    packed = bench.trained("--data.path", "rows.csv.gz", folder="packed")
    # The resolved configuration is not in the posterior.
    check(plain == packed, "packed rows gave another posterior")
    outcome = bench.run("evaluate", "run", "--data", "rows.csv.gz", "--json")
    check(outcome.out == bench.run("evaluate", "run", "--data", "rows.csv", "--json").out,
          "packed rows got other scores")


@on_ranks(1, 2)
def test_every_format_trains_and_predicts_alike(bench):
    rows = columns(table(60))
    bench.trained()
    bench.write("rows.libsvm", "".join(f"{v} 1:{a} 2:{b}\n" for a, b, v, _ in rows))
    bench.write("rows.npy", npy([[a, b] for a, b, _, _ in rows]))
    bench.write("visits.npy", npy([v for _, _, v, _ in rows]))
    bench.write("names.txt", "age\nbmi\n")
    # Sparse rows are scaled and not shifted, and so are those to compare with.
    bench.trained("--data.path", "rows.libsvm", "--data.response", "label",
                  "--data.feature_names", "names.txt", folder="libsvm")
    bench.trained("--data.path", "rows.npy", "--data.response", "visits.npy",
                  "--data.feature_names", "names.txt", folder="npy")
    for ours, theirs in zip(coefficients(bench, "run"), coefficients(bench, "npy")):
        check(ours == theirs, f"npy: {theirs} where csv gave {ours}")
    for ours, theirs in zip(coefficients(bench, "run")[1:], coefficients(bench, "libsvm")[1:]):
        check(abs(ours[0] - theirs[0]) < 0.05 * ours[1], f"libsvm: {theirs}, csv: {ours}")

    def predictions(folder, *arguments):
        outcome = bench.run("predict", folder, "--out", "-", *arguments)
        check_code(outcome, DONE)
        return outcome.out

    from_csv = predictions("npy", "--data", "rows.csv", "--response", "visits")
    for data, more in (("rows.npy", ("--response", "visits.npy")),
                       ("rows.libsvm", ("--response", "label"))):
        found = predictions("npy", "--data", data, "--feature-names", "names.txt", *more)
        check(found == from_csv, f"{data}: {found[:200]}\n{from_csv[:200]}")
    without = predictions("npy", "--data", "rows.npy", "--feature-names", "names.txt")
    check("log_density" not in without, "the training rows' responses were taken for these rows'")
    check_refused(bench.run("evaluate", "npy", "--data", "rows.npy", "--feature-names", "names.txt"),
                  USAGE, "visits.npy", "--response")


@on_ranks(1, 2)
def test_a_dense_run_is_the_prior_of_sparse_rows(bench):
    bench.write("rows.csv", table(60).replace("visits", "label"))
    bench.configure(response="label")
    bench.trained(folder="yesterday")
    rows = columns(table(40, seed=3))
    bench.write("today.csv", table(40, seed=3).replace("visits", "label"))
    bench.write("today.libsvm", "".join(f"{v} 1:{a} 2:{b}\n" for a, b, v, _ in rows))
    bench.write("names.txt", "age\nbmi\n")
    prior = ("--prior", "yesterday")
    bench.trained(*prior, "--data.path", "today.csv", folder="csv")
    bench.trained(*prior, "--data.path", "today.libsvm",
                  "--data.feature_names", "names.txt", folder="libsvm")
    for ours, theirs in zip(coefficients(bench, "csv"), coefficients(bench, "libsvm")):
        check(ours == theirs, f"libsvm: {theirs} where csv gave {ours}")


@on_ranks(1, 2)
def test_categories_are_read_through_their_dictionary(bench):
    bench.write("regions.csv", regions(200))
    bench.write("train.toml", REGIONS)
    bench.trained()
    check(bench.read("run", "posterior.safetensors") == bench.trained(folder="alone", ranks=1),
          "ranks gave another posterior")
    outcome = bench.run("inspect", "run")
    for name in ("region=s, t", "region=west"):
        check(name in outcome.out, f"{name} is not in\n{outcome.out}")
    check("region=north" not in outcome.out, "the first level has a column")
    bench.write("few.csv", "region,age\nwest,40\nnorth,40\n")
    outcome = bench.run("predict", "run", "--data", "few.csv", "--out", "-")
    check_code(outcome, DONE)
    means = [line.split(",")[1] for line in outcome.out.splitlines()[1:]]
    check(len(set(means)) == 2, f"the same for every region: {means}")
    bench.write("few.csv", "region,age\nwest,40\neast,40\n")
    check_refused(bench.run("predict", "run", "--data", "few.csv"), FILE,
                  "few.csv:3: column 'region': 'east' is a level that training has not seen")
    bench.write("regions.csv", regions(20, extra=['"a\nb"']))
    check_refused(bench.train("--overwrite", "true"), FILE, "regions.csv:2", "inside quotes")
    bench.write("train.toml", REGIONS.replace("categories", "#"))
    bench.write("regions.csv", regions(20))
    check_refused(bench.train("--overwrite", "true"), FILE, "regions.csv:", "region",
                  "data.categories")


@on_ranks(1, 2)
def test_missing_values_do_what_is_asked(bench):
    rows = table(60).splitlines()
    rows[5] = "NA" + rows[5][rows[5].index(","):]
    rows[9] = rows[9].rsplit(",", 2)[0] + ",,0"
    bench.write("rows.csv", "\n".join(rows) + "\n")
    check_refused(bench.train(), FILE, "rows.csv:6", "age", "'NA' is not a number")
    for missing, count in (("drop", 58), ("mean", 59)):
        outcome = bench.train("--data.missing", missing, folder=missing)
        check_code(outcome, DONE)
        check(f"{count} rows ({60 - count} more dropped for a missing value)" in outcome.out,
              outcome.out)
        outcome = bench.run("evaluate", missing, "--data", "rows.csv", "--json")
        check(json.loads(outcome.out)["rows"] == count, outcome.out)
    outcome = bench.run("predict", "mean", "--data", "rows.csv", "--out", "-")
    check_code(outcome, DONE)
    lines = outcome.out.splitlines()
    check(len(lines) == 61 and lines[9].endswith(","), "the row without a response: " + lines[9])
    check_refused(bench.run("predict", "drop", "--data", "rows.csv", "--out", "-"), FILE,
                  "rows.csv:6: column 'age': a value is missing")


@on_ranks(1, 2)
def test_predictions_need_no_response(bench):
    draw = random.Random(5)
    rows = [(f"{draw.gauss(0, 1):.4f}", draw.choice(["cat", "dog", "owl"])) for _ in range(90)]
    bench.write("rows.csv", "".join(["x,who,w\n"] + [f"{x},{who},1\n" for x, who in rows]))
    bench.write("train.toml", '[data]\npath = "rows.csv"\nresponse = "who"\nweight = "w"\n'
                              '[model]\nname = "softmax"\n')
    bench.trained()
    with_response = "".join(["who,x\n"] + [f"{who},{x}\n" for x, who in rows[:4]])
    for name, text in (("with", with_response), ("other", with_response.replace("cat", "fox")),
                       ("without", "".join(["x\n"] + [f"{x}\n" for x, _ in rows[:4]]))):
        bench.write("few.csv", text)
        outcome = bench.run("predict", "run", "--data", "few.csv", "--out", name)
        check_code(outcome, DONE)
    found = {name: [line.split(",") for line in bench.read(name).decode().splitlines()]
             for name in ("with", "other", "without")}
    check([line[:5] for line in found["with"]] == found["without"], "other predictions without")
    check([line[:5] for line in found["with"]] == [line[:5] for line in found["other"]], "for others")
    check(found["with"][0][5] == "log_density", found["with"])
    for line, other, (_, who) in zip(found["with"][1:], found["other"][1:], rows):
        check(line[5] != "" and other[5] == ("" if who == "cat" else line[5]), (line, other, who))
    check_refused(bench.run("evaluate", "run", "--data", "few.csv"), USAGE, "who")


@on_ranks(1, 2)
def test_categories_that_may_be_numbers_are_doubted(bench):
    draw = random.Random(6)
    few = [draw.choice("123") for _ in range(120)]
    many = [str(draw.randrange(60)) for _ in range(120)]
    words = [f"w{i % 55}" for i in range(120)]
    rows = [f"{i % 7}.5,{a},{b},{c},{draw.randrange(4)}\n"
            for i, (a, b, c) in enumerate(zip(few, many, words))]
    bench.write("rows.csv", "age,few,many,words,visits\n" + "".join(rows))
    bench.write("train.toml", '[data]\npath = "rows.csv"\nresponse = "visits"\n'
                              'categories = ["few", "many", "words"]\n[model]\nname = "linear"\n')
    outcome = bench.train()
    check_code(outcome, DONE)
    sentence = (f"data.categories: 'many' has {len(set(many))} levels for 120 rows, all of them "
                "numbers; is it a number?")
    for place in (bench.read("run", "log.txt").decode(), outcome.err):
        check(place.count("is it a number?") == 1 and sentence in place, place)
    bench.write("rows.csv", "age,few,many,words,visits\n" + "".join(rows[:4]))
    check("'many'" in bench.train("--overwrite").err, "a level for every row was not doubted")


@on_ranks(1, 2)
def test_bad_files_of_rows_are_named(bench):
    whole = gzip.compress(table(60).encode())
    good = npy([[1, 2], [3, 4]])
    cases = [("a.csv.gz", whole[:-9], ("no whole gzip file",)),
             ("a.csv.gz", whole[:100] + b"\0\0\0\0" + whole[104:], ("no whole gzip file",)),
             ("a.csv.gz", whole + b"more", ("no whole gzip file",)),
             ("a.npy", good[:-1], ("a.npy", "32 bytes after the header")),
             ("a.npy", good.replace(b"<f8", b">f8"), ("a.npy", "big-endian")),
             ("a.npy", good.replace(b"False,", b"True, "), ("a.npy", "Fortran")),
             ("a.npy", b"", ("a.npy", "no .npy file")),
             ("a.svm", "1 1:2 1:3\n", ("a.svm:1", "indices ascend")),
             ("a.svm", "1 1:2\n1 2147483648:3\n", ("a.svm:2", "2147483648")),
             ("a.svm", "1 2147483647:3\n", ("a.svm", "data.features")),
             ("a.svm", "1 1:x\n", ("a.svm:1", "'x' is not a number")),
             ("a.svm", "", ("a.svm", "no rows"))]
    for name, content, words in cases:
        bench.write(name, content)
        response = {"a.npy": "x1", "a.svm": "label"}.get(name, "visits")
        bench.write("train.toml", f'[data]\npath = "{name}"\nresponse = "{response}"\n'
                                  '[model]\nname = "poisson"\n')
        check_refused(bench.train(), FILE, *words)


if __name__ == "__main__":
    main(__doc__)
