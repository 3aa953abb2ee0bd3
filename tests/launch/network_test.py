#!/usr/bin/env python3
"""Tests of trainings of networks: that they learn, go on, do not depend on ranks, and refuse."""

import json
import math
import os
import random
import re
import shutil
import signal
import struct

from program_bench import (DEVICE, DONE, FILE, NUMERICAL, STOPPED, USAGE, check, check_code,
                           check_refused, main, on_ranks, skip, wait_until)
from read_files import Tensors

CLASSES = '[data]\npath = "points.csv"\nresponse = "side"\nvalidation = "others.csv"\nbatch = 8\n' \
          'virtual_shards = 3\n[model]\nname = "mlp"\nhidden = [12]\n[rule]\nname = "ivon"\n' \
          'learning_rate = 0.3\nbeta2 = 0.999\n[stop]\nsteps = 40\n'
LINE = '[data]\npath = "points.csv"\nresponse = "height"\nfeatures = ["x", "y"]\nbatch = 8\n' \
       'validation = "others.csv"\nvirtual_shards = 3\n[model]\nname = "mlp"\n' \
       'likelihood = "regression"\nhidden = [8]\nactivation = "tanh"\n[rule]\nname = "adamw"\n' \
       'learning_rate = 0.02\n[stop]\nsteps = 80\n'
IMAGES = '[data]\npath = "images.idx"\nformat = "idx"\nresponse = "labels.idx"\n' \
         'validation_share = 0.2\nbatch = 8\nvirtual_shards = 2\n[model]\nname = "mlp"\n' \
         'hidden = [10]\n[rule]\nname = "sgd"\nlearning_rate = 0.1\n[stop]\nsteps = 80\n'
TEXT = '[data]\npath = "song.txt"\ncontext = 16\nvalidation_share = 0.1\nbatch = 4\n' \
       'virtual_shards = 2\n[model]\nname = "gpt2"\nlayers = 1\nheads = 2\nchannels = 16\n' \
       '[rule]\nname = "adamw"\nlearning_rate = 0.01\n[stop]\nsteps = 60\n'
TOKENS = TEXT.replace("song.txt", "tokens.bin").replace("context = 16",
                                                        "context = 16\nvocabulary_size = 20")


def points(rows, seed):
    """Points of the plane, on which side of a line they lie, and a plane's height above them."""
    draw = random.Random(seed)
    lines = ["x,y,side,height"]
    for _ in range(rows):
        x, y = draw.gauss(0, 1), draw.gauss(0, 1)
        height = 1 + 2 * x - y + draw.gauss(0, 0.1)
        lines.append(f"{x:.5f},{y:.5f},{'left' if x + y < 0 else 'right'},{height:.5f}")
    return "\n".join(lines) + "\n"


def idx_images(count, seed=1):
    """4 x 4 pixels, whose upper or lower half is bright, and which half it is."""
    draw = random.Random(seed)
    labels = [draw.randrange(2) for _ in range(count)]
    pixels = bytes(draw.randrange(150, 256) if (place < 8) == (label == 0) else draw.randrange(80)
                   for label in labels for place in range(16))
    return (struct.pack(">IIII", 0x803, count, 4, 4) + pixels,
            struct.pack(">II", 0x801, count) + bytes(labels))


def prepare(bench, config=CLASSES):
    bench.write("points.csv", points(120, 1))
    bench.write("others.csv", points(40, 2))
    images, labels = idx_images(100)
    bench.write("images.idx", images)
    bench.write("labels.idx", labels)
    bench.write("song.txt", "row, row, row your boat, gently down the stream. " * 12)
    bench.write("tokens.bin", struct.pack("<400H", *(place % 20 for place in range(400))))
    bench.write("train.toml", config)


def metrics(bench, folder="run"):
    """Lines of steps, and lines of held-out scores."""
    lines = [json.loads(line) for line in bench.read(folder, "metrics.jsonl").splitlines()]
    return ([line for line in lines if "loss" in line],
            [line for line in lines if "validation_loss" in line])


def check_learned(bench, share):
    """The loss of the last steps is at most this share of that of the first."""
    steps, held_out = metrics(bench)
    first = sum(line["loss"] for line in steps[:5]) / 5
    last = sum(line["loss"] for line in steps[-5:]) / 5
    check(last < share * first, f"the loss fell from {first} to {last}")
    check([line["step"] for line in steps] == list(range(len(steps))), "steps are missing")
    check(len(held_out) >= 1 and math.isfinite(held_out[-1]["validation_loss"]), "no held-out loss")
    return steps, held_out


@on_ranks(1, 2)
def test_a_perceptron_learns_classes(bench):
    prepare(bench)
    bench.trained("--validation.every", "10")
    _, held_out = check_learned(bench, 0.7)
    check([line["step"] for line in held_out] == [10, 20, 30, 40, 40][:len(held_out)],
          f"scores of steps {[line['step'] for line in held_out]}")
    check(held_out[-1]["validation_accuracy"] > 0.85, f"accuracy {held_out[-1]}")


@on_ranks(1, 2)
def test_a_perceptron_learns_a_plane(bench):
    prepare(bench, LINE)
    bench.trained()
    steps, held_out = metrics(bench)
    # Standardized responses have loss 1.42 at precision 1 and mean 0.
    check(steps[0]["loss"] > 1.1 and held_out[-1]["validation_loss"] < 0.8,
          f"{steps[0]['loss']} fell to {held_out[-1]['validation_loss']}")


@on_ranks(1, 2)
def test_a_perceptron_learns_images(bench):
    prepare(bench, IMAGES)
    bench.trained()
    check_learned(bench, 0.5)


@on_ranks(1, 2)
def test_a_transformer_learns_a_song(bench):
    prepare(bench, TEXT)
    bench.trained()
    steps, _ = check_learned(bench, 0.7)
    characters = len(set(bench.read("song.txt")))
    check(abs(steps[0]["loss"] - math.log(characters)) < 0.3,
          f"before it learned, {steps[0]['loss']} for {characters} characters")


@on_ranks(1)
def test_ranks_and_coordinators_do_not_change_a_bit(bench):
    for config in (CLASSES, TEXT.replace('"adamw"', '"ivon"').replace("0.01", "0.1")):
        prepare(bench, config)
        flags = ("--stop.steps", "6", "--run.overwrite")
        whole = bench.trained(*flags)
        for ranks, kind in ((2, "replicated"), (3, "sharded"), (2, "root"), (3, "replicated"),
                            (1, "sharded")):
            same = bench.trained(*flags, "--coordinator.kind", kind, ranks=ranks)
            check(same == whole, f"{kind} on {ranks} ranks: other bytes")


@on_ranks(1, 2)
def test_a_stopped_training_goes_on_to_the_same_bytes(bench):
    prepare(bench)
    flags = ("--stop.steps", "3000", "--validation.every", "0", "--run.checkpoint_every", "0")
    process = bench.start("train", "train.toml", "--run.dir", "run", *flags)
    path = bench.path("run", "metrics.jsonl")
    wait_until(lambda: process.poll() is not None
               or os.path.exists(path) and os.path.getsize(path) > 2000, "the first steps")
    process.send_signal(signal.SIGUSR1)
    outcome = bench.end(process)
    check_code(outcome, STOPPED)
    check("stopped on request" in outcome.out, outcome.out)
    check(not os.path.exists(bench.path("run", "posterior.safetensors")), "a posterior")
    (name,) = os.listdir(bench.path("run", "checkpoints"))
    resumed = bench.trained(*flags, "--resume", "auto", ranks=3 - bench.ranks)
    check(resumed == bench.trained(*flags, folder="whole", ranks=1), f"gone on from {name}: other bytes")


@on_ranks(1, 2)
def test_a_checkpoint_in_the_middle_goes_on_to_the_same_bytes(bench):
    for config in (CLASSES, TEXT):
        prepare(bench, config)
        flags = ("--stop.steps", "12", "--run.checkpoint_every", "5")
        whole = bench.trained(*flags, folder="whole", ranks=1)
        bench.trained(*flags)
        for name in ("posterior.safetensors", "checkpoints/step-000012.safetensors"):
            os.remove(bench.path("run", name))
        check(sorted(os.listdir(bench.path("run", "checkpoints"))) == ["step-000010.safetensors"],
              "other checkpoints")
        outcome = bench.train(*flags, "--resume", "auto", ranks=3 - bench.ranks)
        check_code(outcome, DONE)
        check("going on from the checkpoint of step 10" in outcome.out, outcome.out)
        check(bench.read("run", "posterior.safetensors") == whole, "other bytes")
        for folder in ("run", "whole"):
            shutil.rmtree(bench.path(folder))


@on_ranks(1, 2)
def test_a_run_is_overwritten_when_asked(bench):
    prepare(bench)
    first = bench.trained("--stop.steps", "4")
    check_refused(bench.train("--stop.steps", "4"), USAGE, "run holds a run")
    check(bench.trained("--stop.steps", "4", "--overwrite") == first, "other bytes")
    check(len(metrics(bench)[0]) == 4, "lines of both runs")


@on_ranks(1, 2)
def test_what_networks_do_not_have_is_refused(bench):
    prepare(bench)
    cases = [(("--rule.name", "ivn"), "--rule.name ivn", "did you mean ivon?"),
             (("--rule.temperature", "2"), "rule.temperature", "bayesbinn"),
             (("--model.hiden", "3"), "did you mean --model.hidden?"),
             (("--model.name", "gtp2"), "--model.name gtp2", "did you mean gpt2?"),
             (("--model.name", "posson"), "did you mean poisson?"),
             (("--run.keep_sites", "shards"), "networks have no sites"),
             (("--prior.sd", "1"), "networks have no [prior]"),
             (("--data.tokenizer", "bytes"), "data.tokenizer is for texts")]
    for flags, *words in cases:
        check_refused(bench.train(*flags), USAGE, *words)
    bench.write("train.toml", CLASSES + "[prior]\nsd = 1\n")
    check_refused(bench.train(), USAGE, "train.toml: networks have no [prior]")
    bench.write("train.toml", CLASSES.replace("mlp", "mpl"))
    check_refused(bench.train(), USAGE, "train.toml:8:8: model.name = 'mpl'", "did you mean mlp?")
    bench.write("train.toml", CLASSES.replace("[stop]", "[modle]\nlayers = 2\n[stop]"))
    check_refused(bench.train(), USAGE, "unknown section [modle]; did you mean [model]?")


@on_ranks(1)
def test_help_lists_the_keys_of_networks(bench):
    outcome = bench.run("train", "--help")
    check_code(outcome, DONE)
    for key in ("model.hidden", "rule.ess", "data.context", "schedule.warmup", "guard.patience",
                "validation.every", "prior.sd", "run.resume"):
        check(re.search(rf"^ *--{re.escape(key)}\b", outcome.out, re.MULTILINE), f"{key} is missing")
    prepare(bench)
    bench.trained("--rule.decay_vectors", "--stop.steps", "2")


@on_ranks(1, 2)
def test_bad_tokens_are_refused(bench):
    prepare(bench, TOKENS)
    bench.write("tokens.bin", struct.pack("<400H", *([3] * 60 + [20] + [5] * 339)))
    check_refused(bench.train(), FILE, "tokens.bin", "20")
    cases = [(TOKENS.replace("vocabulary_size = 20\n", ""), USAGE, ("data.vocabulary_size",)),
             (TEXT.replace("layers = 1", "layers = 1\ncontext = 8"), USAGE,
              ("model.context = 8", "data.context, 16")),
             (TEXT.replace("layers = 1", "layers = 1\nvocabulary = 5"), USAGE,
              ("model.vocabulary = 5", "vocabulary of the data")),
             (TEXT.replace("context = 16", "context = 4096"), FILE, ("song.txt",)),
             (TEXT.replace("heads = 2", "heads = 3"), USAGE, ("model.heads = 3",)),
             (TEXT.replace("gpt2", "mlp"), USAGE, ("model.name = \"gpt2\"",))]
    for config, code, words in cases:
        bench.write("train.toml", config)
        check_refused(bench.train("--overwrite"), code, *words)


@on_ranks(1, 2)
def test_bad_images_are_refused(bench):
    images, labels = idx_images(100)
    prepare(bench, IMAGES)
    cases = [("images.idx", struct.pack(">I", 0x804) + images[4:], "images.idx"),
             ("images.idx", images[:-1], "images.idx"),
             ("images.idx", images + b"x", "images.idx"),
             ("labels.idx", struct.pack(">II", 0x801, 99) + labels[8:-1], "labels.idx"),
             ("labels.idx", labels[:-1], "labels.idx"),
             ("labels.idx", b"", "labels.idx")]
    for name, content, word in cases:
        bench.write("images.idx", images)
        bench.write("labels.idx", labels)
        bench.write(name, content)
        check_refused(bench.train("--overwrite"), FILE, word)


@on_ranks(1, 2)
def test_what_is_not_finite_is_refused(bench):
    prepare(bench, LINE)
    bench.write("points.csv", points(20, 1) + "inf,1,left,2\n")
    check_refused(bench.train(), FILE, "points.csv:22", "x", "inf")
    prepare(bench, LINE.replace('"adamw"', '"sgd"'))
    outcome = bench.train("--rule.learning_rate", "1e30", "--run.checkpoint_every", "1",
                          "--guard.patience", "3")
    check_code(outcome, NUMERICAL)
    said = outcome.sentences()
    check(all(f"step {step} was skipped" in said[step - 1] for step in (1, 2)), outcome.err)
    check(len(said) == 3 and "3 steps in a row" in said[2] and "not finite" in said[2]
          and "the last checkpoint stands" in said[2], outcome.err)
    skipped = [line["step"] for line in metrics(bench)[0] if line["skipped"]]
    check(os.listdir(bench.path("run", "checkpoints")) != [], "no checkpoint is left")
    check(skipped == [1, 2], f"steps {skipped} were skipped")


@on_ranks(1, 2)
def test_a_checkpoint_of_another_network_is_refused(bench):
    prepare(bench)
    bench.trained("--stop.steps", "6", "--run.checkpoint_every", "2")
    check_refused(bench.train("--stop.steps", "6", "--resume", "auto", "--model.hidden", "9"), USAGE,
                  "another configuration: [model] hidden = [12] there, hidden = [9] here")
    bench.write("points.csv", points(120, 3))
    check_refused(bench.train("--stop.steps", "6", "--resume", "auto"), USAGE, "other data")


@on_ranks(1, 2)
def test_too_large_a_batch_and_no_gpu_are_refused(bench):
    prepare(bench, TEXT.replace("batch = 4", "batch = 1000000").replace("context = 16",
                                                                        "context = 40"))
    check_refused(bench.train(), DEVICE, "needs", "bytes", "there are")
    if "GPU 0" not in bench.run("doctor", ranks=1).out:
        check_refused(bench.train("--device", "cuda", folder="other"), DEVICE, "cuda")
        check(not os.path.exists(bench.path("other")), "a run folder was made")


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


def crc32c(content):
    """The remainder by the Castagnoli polynomial, bit by bit."""
    crc = 0xFFFFFFFF
    for byte in content:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def masked(content):
    crc = crc32c(content)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def fields(message):
    """(number, value) of every field of a message of Protocol Buffers."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    found = []
    while at < len(message):
        key = varint()
        kind = key & 7
        if kind == 0:
            found.append((key >> 3, varint()))
            continue
        size = {1: 8, 5: 4}.get(kind) or varint()
        piece = message[at:at + size]
        at += size
        found.append((key >> 3, struct.unpack("<d" if kind == 1 else "<f", piece)[0]
                      if kind in (1, 5) else piece))
    return found


def curves(content):
    """{tag: [(step, value)]} of an event file, whose checksums are checked."""
    check(crc32c(b"123456789") == 0xE3069283, "this test's crc32c")  # RFC 3720's check value
    found, at, messages = {}, 0, []
    while at < len(content):
        length = content[at:at + 8]
        (size,) = struct.unpack("<Q", length)
        check(struct.unpack("<I", content[at + 8:at + 12])[0] == masked(length), "crc of a length")
        message = content[at + 12:at + 12 + size]
        check(struct.unpack("<I", content[at + 12 + size:at + 16 + size])[0] == masked(message),
              "crc of a message")
        messages.append(dict(fields(message)))
        at += 16 + size
    check(messages[0][3] == b"brain.Event:2", f"{messages[0]}")
    for message in messages[1:]:
        for number, value in fields(message[5]):
            check(number == 1, "a summary of something else")
            scalar = dict(fields(value))
            found.setdefault(scalar[1].decode(), []).append((message.get(2, 0), scalar[2]))
    return found


def event_files(bench, folder="run"):
    return [name for name in os.listdir(bench.path(folder))
            if name.startswith("events.out.tfevents.")]


def as_float32(value):
    return struct.unpack("<f", struct.pack("<f", value))[0]


@on_ranks(1, 2)
def test_curves_are_written_for_tensorboard(bench):
    prepare(bench)
    bench.trained("--stop.steps", "7", "--validation.every", "3")
    (name,) = event_files(bench)
    found = curves(bench.read("run", name))
    steps, held_out = metrics(bench)
    for tag in ("loss", "learning_rate", "gradient_norm"):
        wanted = [(line["step"], as_float32(line[tag])) for line in steps]
        check(found[tag] == wanted, f"{tag}: {found[tag]}, not {wanted}")
    wanted = [(line["step"], as_float32(line["validation_loss"])) for line in held_out]
    check(found["validation_loss"] == wanted, f"held out: {found['validation_loss']}")
    bench.trained("--stop.steps", "7", "--overwrite")
    check(len(event_files(bench)) == 1, "curves of a run that was overwritten")
    bench.configure()
    bench.trained(folder="table")
    (name,) = event_files(bench, "table")
    found = curves(bench.read("table", name))
    lines = [json.loads(line) for line in bench.read("table", "metrics.jsonl").splitlines()]
    for tag in ("elbo", "residual"):
        check(found[tag] == [(line["step"], as_float32(line[tag])) for line in lines], tag)


@on_ranks(1)
def test_tensorboard_reads_the_curves(bench):
    try:
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    except ImportError:
        skip("there is no tensorboard package")
    prepare(bench)
    bench.trained("--stop.steps", "7")
    events = EventAccumulator(bench.path("run"))
    events.Reload()
    found = [(event.step, event.value) for event in events.Scalars("loss")]
    wanted = [(line["step"], as_float32(line["loss"])) for line in metrics(bench)[0]]
    check(found == wanted, f"{found}, not {wanted}")



GROUPS = ("parameters", "memory of a rank", "on the wire in a step", "work of a step")


def planned(bench, ranks, *flags):
    """{title: {figure: number}} of `bayesum plan`."""
    outcome = bench.run("plan", "train.toml", "--ranks", str(ranks), *flags, ranks=1)
    check_code(outcome, DONE)
    found, group = {}, None
    for line in outcome.out.splitlines():
        cells = re.split(r"  +", line.strip())
        if cells[0] in GROUPS:
            group = found.setdefault(cells[0], {})
        elif group is not None and len(cells) > 1 and cells[1].isdigit():
            group[cells[0]] = int(cells[1])
    check(set(found) == set(GROUPS), outcome.out)
    return found


def moved(bench, steps, *flags):
    """Bytes that rank 0 says it has moved by the end of a training of so many steps."""
    bench.trained(*flags, "--overwrite", "--stop.steps", str(steps), "--validation.every", "0")
    said = re.findall(r"moved (\d+) bytes", bench.read("run", "log.txt").decode())
    return int(said[-1])


@on_ranks(1, 2)
def test_the_plan_tells_the_bytes_on_the_wire(bench):
    cases = [(CLASSES, ("--coordinator.kind", "replicated")), (CLASSES, ("--coordinator.kind", "root")),
             (CLASSES, ("--coordinator.kind", "sharded", "--rule.noise", "world")),
             (TEXT, ("--coordinator.kind", "sharded")),
             (TEXT, ("--coordinator.kind", "sharded", "--coordinator.deterministic", "false")),
             (CLASSES, ("--coordinator.kind", "sharded", "--coordinator.deterministic", "false")),
             (CLASSES, ("--coordinator.deterministic", "false", "--data.virtual_shards", "7"))]
    for config, flags in cases:
        prepare(bench, config)
        wanted = planned(bench, bench.ranks, *flags)["on the wire in a step"]["in all"]
        found = (moved(bench, 7, *flags) - moved(bench, 2, *flags)) / 5
        check(found == wanted, f"{flags}: {found} bytes a step, planned {wanted}")


@on_ranks(1, 2)
def test_the_plan_tells_the_memory(bench):
    """Within 15 % of what the system has measured at its peak, of the largest rank."""
    cases = [CLASSES.replace("[12]", "[1500, 1500]").replace("batch = 8", "batch = 100"),
             TEXT.replace("layers = 1", "layers = 2").replace("channels = 16", "channels = 256")
             .replace("context = 16", "context = 64").replace("_share = 0.1", "_share = 0.2").replace("batch = 4", "batch = 16")
             .replace('"adamw"', '"ivon"')]
    for config in cases:
        prepare(bench, config)
        for kind in ("replicated", "sharded"):
            wanted = planned(bench, bench.ranks, "--coordinator.kind", kind)["memory of a rank"]["in all"]
            bench.trained("--overwrite", "--coordinator.kind", kind, "--stop.steps", "1")
            (line,) = re.findall(r"peak memory (\d+) bytes", bench.read("run", "log.txt").decode())[-1:]
            check(abs(wanted / int(line) - 1) < 0.15, f"planned {wanted}, measured {line}: {config}")


@on_ranks(1, 2)
def test_the_plan_counts_parameters_and_work(bench):
    prepare(bench, TEXT)
    found = planned(bench, 2)
    characters = len(set(bench.read("song.txt")))
    wte = characters * 16
    matrices = 16 * 48 + 16 * 16 + 16 * 64 + 64 * 16
    check(found["parameters"]["wte"] == wte, f"{found['parameters']}")
    check(found["parameters"]["h.N.attn.c_attn"] == 16 * 48 + 48, f"{found['parameters']}")
    check(sum(found["parameters"].values()) ==
          wte + 16 * 16 + matrices + 48 + 16 + 64 + 16 + 6 * 16, "parameters in all")
    check(found["work of a step"]["tokens"] == 4 * 2 * 16, "tokens")
    # Appendix B of PaLM: 6 for each weight that multiplies, 12 L C T for attention.
    check(found["work of a step"]["operations"] ==
          4 * 2 * 16 * (6 * (matrices + wte) + 12 * 1 * 16 * 16), f"{found['work of a step']}")
    prepare(bench)
    check(planned(bench, 2)["work of a step"]["operations"] ==
          8 * 3 * (4 * 3 * 12 + 6 * 12 * 2), "of x, y, height and 12 hidden units")
    bench.configure()
    check_refused(bench.run("plan", "train.toml"), USAGE, "poisson", "is no network")


if __name__ == "__main__":
    main(__doc__)
