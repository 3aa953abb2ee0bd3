#!/usr/bin/env python3
"""Tests of what a training of a network starts from, and of what is exported for others."""

import json
import math
import struct

from network_bench import CLASSES, LINE, TEXT, points, prepare
from program_bench import DONE, FILE, USAGE, check, check_code, check_refused, main, on_ranks
from read_files import Tensors


@on_ranks(1, 2)
def test_a_training_starts_at_an_earlier_one(bench):
    prepare(bench)
    bench.trained(folder="first")
    first = Tensors(bench.read("first", "posterior.safetensors"))
    # A step so small that float32 does not see it leaves the start as it was.
    flags = ("--start", "first", "--stop.steps", "1", "--rule.learning_rate", "1e-30",
             "--rule.beta2", "0.999999999999")
    bench.trained(*flags, folder="second")
    second = Tensors(bench.read("second", "posterior.safetensors"))
    for name in first.tensors:
        if name != "checksum":
            near = max(abs(a - b) for a, b in zip(first.floats(name), second.floats(name)))
            check(near <= 1e-6, f"{name} moved by {near}")
    # Another table is read by the columns, scales and classes to which the weights are used.
    rows = [line.split(",") for line in points(120, 1).splitlines()]
    bench.write("points.csv", "\n".join(
        [",".join(["height", "side", "more", "y", "x"])]
        + [f"{height},left,7,{y},{10 * float(x) + 3}" for x, y, side, height in rows[1:] if side == "left"]))
    bench.trained(*flags, folder="moved")
    moved = Tensors(bench.read("moved", "posterior.safetensors"))
    check(moved.metadata["rows"] == first.metadata["rows"], f"{moved.metadata['rows']}")
    bench.write("points.csv", points(120, 1))
    # What was started from is part of what a checkpoint belongs to.
    bench.trained(folder="other")
    bench.trained("--seed", "2", folder="third")
    check_refused(bench.train(*flags, "--start", "third", "--resume", "auto", folder="second"),
                  USAGE, "another configuration")
    check_refused(bench.train(*flags, "--model.hidden", "5,5", folder="no"), FILE, "first",
                  "mean.layers.0.weight", "mean.layers.2.weight", "mean.layers.1.bias")
    check_refused(bench.train("--start", "none", folder="no"), FILE, "none")
    bench.write("train.toml", TEXT)
    check_refused(bench.train("--start", "first", folder="no"), USAGE, 'model.name = "mlp"')
    bench.write("train.toml", LINE)
    check_refused(bench.train("--start", "first", folder="no"), USAGE, "features are x, y, height; those of the data are x, y")


@on_ranks(1, 2)
def test_a_damaged_posterior_is_no_start(bench):
    prepare(bench)
    bench.trained("--stop.steps", "1", folder="first")
    content = bench.read("first", "posterior.safetensors")
    bench.write("first/posterior.safetensors", content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])
    check_refused(bench.train("--start", "first"), FILE, "posterior.safetensors")


@on_ranks(1, 2)
def test_every_tensor_that_does_not_fit_is_named(bench):
    """Missing, with another shape, of nowhere; a posterior of more layers; weights not finite."""
    prepare(bench, TEXT)
    bench.trained("--stop.steps", "1", folder="first")
    check_code(bench.run("export", "first", "--out", "hub"), DONE)
    file = Tensors(bench.read("hub", "model.safetensors"))

    def rewrite(tensors):
        header, data = {}, b""
        for name, (shape, content) in tensors.items():
            header[name] = {"dtype": "F32", "shape": shape,
                            "data_offsets": [len(data), len(data) + len(content)]}
            data += content
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 8)
        bench.write("hub/model.safetensors", struct.pack("<Q", len(text)) + text + data)

    bad = dict(file.tensors)
    bad.pop("transformer.h.0.ln_1.bias")
    bad["transformer.stray"] = ([2], bytes(8))
    shape, content = bad["transformer.wpe.weight"]
    bad["transformer.wpe.weight"] = ([shape[1], shape[0], 1], content)
    rewrite(bad)
    check_refused(bench.train("--start", "hub"), FILE, "model.safetensors", "h.0.ln_1.bias", "stray",
                  "wpe.weight")
    rewrite(file.tensors | {"transformer.ln_f.bias": ([16], struct.pack("<16f", *[math.nan] * 16))})
    check_refused(bench.train("--start", "hub"), FILE, "model.safetensors", "not finite")
    bench.trained("--stop.steps", "1", "--model.layers", "2", folder="deeper")
    check_refused(bench.train("--start", "deeper"), FILE, "posterior.safetensors",
                  "mean.h.1.attn.c_attn.weight", "sd.h.1.mlp.c_proj.bias", "curvature.h.1.ln_2.bias")


@on_ranks(1, 2)
def test_a_transformer_is_exported_and_started_from(bench):
    prepare(bench, TEXT)
    bench.trained(folder="first")
    outcome = bench.run("export", "first", "--out", "hub/gpt")
    check_code(outcome, DONE)
    config = json.loads(bench.read("hub", "gpt", "config.json"))
    characters = len(set(bench.read("song.txt").decode()))
    check((config["vocab_size"], config["n_positions"], config["n_layer"], config["n_head"],
           config["n_embd"]) == (characters, 16, 1, 2, 16), f"{config}")
    posterior = Tensors(bench.read("first", "posterior.safetensors"))
    exported = Tensors(bench.read("hub", "gpt", "model.safetensors"))
    for name in exported.tensors:
        check(exported.floats(name) == posterior.floats("mean." + name.removeprefix("transformer.")),
              f"{name} is another")
    # Rows that pad the vocabulary are added and stay zero.
    still = ("--stop.steps", "1", "--rule.learning_rate", "1e-30")
    bench.trained("--start", "hub/gpt", "--model.vocabulary_multiple", "64", *still, folder="second")
    second = Tensors(bench.read("second", "posterior.safetensors"))
    shape, _ = second.tensors["mean.wte.weight"]
    check(shape == [64, 16], f"{shape}")
    values = second.floats("mean.wte.weight")
    known = posterior.floats("mean.wte.weight")
    check(values == known + [0.0] * (64 * 16 - len(known)), "wte.weight is another")
    check_refused(bench.train("--start", "hub/gpt", "--model.layers", "2", "--model.heads", "4"),
                  USAGE, "hub/gpt", "model.layers is 1 and not 2", "model.heads is 2 and not 4")
    bench.write("train.toml", CLASSES)
    check_refused(bench.train("--start", "hub/gpt"), USAGE, "GPT-2", '"mlp"')
    bench.trained(folder="table")
    check_refused(bench.run("export", "table", "--out", "hub/mlp"), USAGE, "gpt2")


if __name__ == "__main__":
    main(__doc__)
