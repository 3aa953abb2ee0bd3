#!/usr/bin/env python3
"""Tests of files as others read them."""

import math
import os
import random

from program_bench import check, check_near, main, on_ranks, skip
from read_files import File, packed, unpacked


@on_ranks(1, 2)
def test_files_are_what_their_page_says(bench):
    bench.configure("logistic", "any")
    bench.trained("--keep-sites", "shards")
    file = File(bench.path("run", "posterior.safetensors"))
    check(file.metadata["format"] == "bayesum-posterior" and file.metadata["format_version"] == "3"
          and file.metadata["model"] == "logistic", file.metadata)
    d = int(file.metadata["dimension.coefficients"])
    check(d == 3 and file.metadata["family.coefficients"] == "gaussian", file.metadata)
    check(file.blocks() == [("coefficients", "gaussian")], file.metadata)
    lambda_ = file.natural()
    precision = unpacked(lambda_[d:], d)
    check_near(packed(precision), lambda_[d:], 0, "packing")
    mean, covariance = file.vector("mean.coefficients"), file.rows("covariance.coefficients")
    check_near([sum(s * m for s, m in zip(row, mean)) for row in precision], lambda_[:d], 1e-12,
               "S m")
    product = [sum(precision[i][k] * covariance[k][j] for k in range(d))
               for i in range(d) for j in range(d)]
    check_near(product, [float(i == j) for i in range(d) for j in range(d)], 1e-12, "S S^-1")
    check(File(bench.path("run", "sites.safetensors")).blocks() == file.blocks(), "other blocks")
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


@on_ranks(1, 2)
def test_files_say_in_what_order_lambda_is(bench):
    draw = random.Random(5)
    rows = [f"{draw.choice([10, 40]) + draw.gauss(0, 1)},{draw.gauss(0, 1)}" for _ in range(60)]
    bench.write("rows.csv", "\n".join(["size,age", *rows]) + "\n")
    bench.write("train.toml", '[data]\npath = "rows.csv"\n[model]\nname = "gaussian-mixture"\n'
                              "components = 3\n[stop]\nsteps = 400\nresidual = 1e-12\n")
    bench.trained("--keep-sites", "shards")
    posterior = File(bench.path("run", "posterior.safetensors"))
    sites = File(bench.path("run", "sites.safetensors"))
    check(len(posterior.blocks()) > 1 and sites.blocks() == posterior.blocks(), posterior.metadata)
    check([name for name, _ in posterior.blocks()] != sorted(name for name, _ in posterior.blocks()),
          "the order of names tells nothing here")
    sums = [math.fsum(column) for column in zip(*sites.rows("site.natural"))]
    expected = [a - b for a, b in zip(posterior.natural(), posterior.natural("prior"))]
    check_near(sums, expected, 1e-9, "the sites in the order of the blocks")


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


if __name__ == "__main__":
    main(__doc__)
