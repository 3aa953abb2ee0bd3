"""Logistic regression, 1e6 rows of 100 features: the time to one gradient norm.

All minimise f(b) = sum_i log(1 + e^z_i) - y_i z_i + |slopes|^2 / (2 sd^2), sd = 2.5, the intercept
free: bayesum by the delta method (Newton), scikit-learn by its solvers. Every time is of fitting a
matrix that is in memory, the best of three; the norm is the largest element of the gradient over the number of rows,
computed here for all. bayesum's variational posterior, which nobody else gives, stands beside them.
"""

import os
import time

import numpy as np

from bayesum_run import Run

ROWS, FEATURES, SD, REPETITIONS = 1_000_000, 100, 2.5, 3


def data(folder):
    x_path, y_path = os.path.join(folder, "x.npy"), os.path.join(folder, "y.npy")
    if not os.path.exists(y_path):
        noise = np.random.default_rng(1)
        x = noise.standard_normal((ROWS, FEATURES))
        z = x @ (noise.standard_normal(FEATURES) * 0.2) - 0.5
        np.save(x_path, x)
        np.save(y_path, (noise.random(ROWS) < 1 / (1 + np.exp(-z))).astype(float))
    return np.load(x_path), np.load(y_path)


def gradient_norm(x, y, slopes, intercept):
    residual = 1 / (1 + np.exp(-(x @ slopes + intercept))) - y
    gradient = np.append(x.T @ residual + slopes / SD**2, residual.sum())
    return np.abs(gradient).max() / len(y)


def timed(work):
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def compare(args):
    x, y = data(args.folder)
    table = [("", "seconds", "largest gradient / rows")]
    toml = f"""
[data]
path = "{args.folder}/x.npy"
response = "{args.folder}/y.npy"
cache_mib = 2048
[model]
name = "logistic"
standardize = false
[prior]
sd = {SD}
intercept_sd = inf
"""
    delta = ("--model.expectation", "delta")
    for name, flags in (("delta", delta + ("--stop.steps", "4")), ("delta", delta),
                        ("variational, full", ()),
                        ("variational, diagonal", ("--model.posterior", "diagonal"))):
        run = min((Run(args.program, args.folder, "regression", toml, threads=args.threads,
                       flags=flags) for _ in range(REPETITIONS)), key=lambda run: run.seconds)
        mean = run.tensor("mean.coefficients")
        table.append((f"bayesum, {name} ({len(run.steps) - 1} steps)", f"{run.seconds:.2f}",
                      f"{gradient_norm(x, y, mean[1:], mean[0]):.1e}"))
    try:
        from sklearn.linear_model import LogisticRegression
    except ImportError:
        return table + [("scikit-learn: not installed, skipped", "", "")]
    for solver, tolerance in (("lbfgs", 1e-4), ("lbfgs", 1e-8), ("newton-cholesky", 1e-4),
                              ("newton-cholesky", 1e-8)):
        peer = LogisticRegression(C=SD**2, solver=solver, tol=tolerance, max_iter=1000)
        seconds = min(timed(lambda: peer.fit(x, y)) for _ in range(REPETITIONS))
        norm = gradient_norm(x, y, peer.coef_[0], peer.intercept_[0])
        table.append((f"scikit-learn, {solver}, tol {tolerance:g}", f"{seconds:.2f}", f"{norm:.1e}"))
    return table
