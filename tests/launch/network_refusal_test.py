#!/usr/bin/env python3
"""Tests of what a training of a network refuses, and how it says so."""

import os
import struct

from network_bench import CLASSES, IMAGES, LINE, TEXT, TOKENS, idx_images, metrics, points, prepare
from program_bench import (DEVICE, FILE, NUMERICAL, USAGE, check, check_code, check_refused, main,
                           on_ranks)


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


if __name__ == "__main__":
    main(__doc__)
