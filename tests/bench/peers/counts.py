"""Poisson regression on randhie: bayesum's delta method and posterior beside statsmodels' GLM."""

import csv
import os
import time

import numpy as np

from bayesum_run import Run

TABLE = os.path.join(os.path.dirname(__file__), "../../../data/randhie-train.csv")


def compare(args):
    with open(TABLE) as file:
        rows = list(csv.DictReader(file))
    response = "mdvis"
    features = [name for name in rows[0] if name != response]
    x = np.array([[1.0] + [float(row[name]) for name in features] for row in rows])
    y = np.array([float(row[response]) for row in rows])
    toml = f"""
[data]
path = "{os.path.abspath(TABLE)}"
response = "{response}"
[model]
name = "poisson"
standardize = false
[prior]
sd = inf
intercept_sd = inf
"""
    table = [("", "seconds of fitting", "whole command", "largest difference of coefficients, in sds")]
    runs = [(name, Run(args.program, args.folder, "counts-" + name, toml, threads=args.threads, flags=flags))
            for name, flags in (("delta", ("--model.expectation", "delta")), ("variational", ()))]
    means = [run.tensor("mean.coefficients") for _, run in runs]
    try:
        import statsmodels.api as sm
    except ImportError:
        return table + [("statsmodels: not installed, skipped", "", "", "")]
    began = time.perf_counter()
    peer = sm.GLM(y, x, family=sm.families.Poisson()).fit(tol=1e-10)
    seconds = time.perf_counter() - began
    for (name, run), mean in zip(runs, means):
        away = np.abs((mean - peer.params) / peer.bse).max()
        table.append((f"bayesum, {name}", f"{run.seconds:.4f}", f"{run.wall:.2f}", f"{away:.1e}"))
    table.append(("statsmodels, GLM", f"{seconds:.4f}", "", "0"))
    return table
