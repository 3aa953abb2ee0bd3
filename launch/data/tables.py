#!/usr/bin/env python3
"""Makes the example tables from the data sets that statsmodels and scikit-learn carry.

    tables.py PACKAGES OUT

PACKAGES is the folder in which the folders statsmodels and sklearn lie. OUT receives NAME-train.csv
and NAME-test.csv: a header, then numbers. Every fifth row is held out, so that the same rows are
held out everywhere.
"""

import csv
import os
import sys

HELD_OUT_EVERY = 5

CELL_MEASUREMENTS = [
    "radius", "texture", "perimeter", "area", "smoothness",
    "compactness", "concavity", "concave_points", "symmetry", "fractal_dimension",
]  # fmt: skip


def randhie(packages):
    """Visits to a doctor (mdvis) of people in the RAND health insurance experiment."""
    path = os.path.join(packages, "statsmodels/datasets/randhie/randhie.csv")
    with open(path, newline="") as file:
        header, *rows = csv.reader(file)
    return header, rows, 20190


def breast_cancer(packages):
    """Thirty measurements of cell nuclei; `malignant` is 1 or 0.

    The file begins with a line of counts and class names where a header would be, and its last
    column is 0 for malignant.
    """
    path = os.path.join(packages, "sklearn/datasets/data/breast_cancer.csv")
    with open(path, newline="") as file:
        _, *rows = csv.reader(file)
    kinds = ("mean", "error", "worst")
    header = [f"{kind}_{name}" for kind in kinds for name in CELL_MEASUREMENTS] + ["malignant"]
    return header, [row[:-1] + [str(1 - int(row[-1]))] for row in rows], 569


def check(name, header, rows, expected_rows):
    if len(rows) != expected_rows:
        raise ValueError(f"{name} has {len(rows)} rows where {expected_rows} were expected")
    for number, row in enumerate(rows, start=1):
        if len(row) != len(header):
            raise ValueError(f"{name}, row {number}: {len(row)} fields, but {len(header)} columns")
        for field in row:
            float(field)


def write(path, header, rows):
    """A reader sees the whole file or none: it is renamed into place."""
    with open(path + ".partial", "w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header] + rows)
    os.replace(path + ".partial", path)
    print(f"    {path}: {len(rows)} rows, {len(header)} columns")


def main(packages, out):
    os.makedirs(out, exist_ok=True)
    for name, load in (("randhie", randhie), ("breast-cancer", breast_cancer)):
        header, rows, expected_rows = load(packages)
        check(name, header, rows, expected_rows)
        kept = [row for i, row in enumerate(rows) if i % HELD_OUT_EVERY != HELD_OUT_EVERY - 1]
        write(os.path.join(out, f"{name}-train.csv"), header, kept)
        write(os.path.join(out, f"{name}-test.csv"), header, rows[HELD_OUT_EVERY - 1 :: HELD_OUT_EVERY])


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    try:
        main(*sys.argv[1:])
    except (OSError, ValueError) as error:
        sys.exit(f"error: {error}")
