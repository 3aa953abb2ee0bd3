#!/usr/bin/env python3
"""Tests of adapters: a small GPT is trained on one text and fine-tuned on another by a few of its weights."""

import json
import math
import os
import re
import shutil

from program_bench import (DONE, FILE, USAGE, check, check_code, check_near, check_refused, main,
                           measure_memory, on_ranks, skip)
from read_files import Tensors

SONG = "row, row, row your boat, gently down the stream. "
OTHER = "the boat row down, your gently stream, row. "
BASE = '[data]\npath = "song.txt"\ncontext = 16\nvalidation_share = 0.1\nbatch = 4\n' \
       'virtual_shards = 2\n[model]\nname = "gpt2"\nlayers = 2\nheads = 2\nchannels = 16\n' \
       '[rule]\nname = "adamw"\nlearning_rate = 0.01\n[stop]\nsteps = 40\n'
RANK, ALPHA = 3, 6
LORA = BASE.replace("song.txt", "other.txt").replace('"adamw"', '"ivon"\ness = 1e6\nbeta2 = 0.999') \
           .replace("0.01", "5").replace("steps = 40", "steps = 120").replace("[rule]", f'[lora]\nrank = {RANK}\nalpha = {ALPHA}\n'
                                           'targets = ["attn.c_attn", "h.1.mlp.c_proj"]\n[rule]')
MATRICES = {"h.0.attn.c_attn": (16, 48), "h.1.attn.c_attn": (16, 48), "h.1.mlp.c_proj": (64, 16)}


def prepare(bench, folder="first"):
    """A network trained on the song; train.toml fine-tunes it."""
    check(set(SONG) == set(OTHER), "the texts have other characters")
    bench.write("song.txt", SONG * 12)
    bench.write("other.txt", OTHER * 12)
    bench.write("train.toml", BASE)
    bench.trained(folder=folder)
    bench.write("train.toml", LORA)


def tensors(bench, *path):
    return Tensors(bench.read(*path))


def lines(bench, folder="run"):
    return [json.loads(line) for line in bench.read(folder, "metrics.jsonl").splitlines()]


def product(a, b, in_size, out_size, rank=RANK):
    """a [in, rank] times b [rank, out], both flat."""
    return [sum(a[i * rank + k] * b[k * out_size + j] for k in range(rank))
            for i in range(in_size) for j in range(out_size)]


def merged(posterior, base, name, kind="mean"):
    """W + s A B at the mean, or its standard deviation."""
    in_size, out_size = MATRICES[name]
    a, b = posterior.floats(f"mean.{name}.lora_A"), posterior.floats(f"mean.{name}.lora_B")
    scale = ALPHA / RANK
    if kind == "mean":
        weights = base.floats(f"base.{name}.weight")
        return [w + scale * d for w, d in zip(weights, product(a, b, in_size, out_size))]
    va = [s * s for s in posterior.floats(f"sd.{name}.lora_A")]
    vb = [s * s for s in posterior.floats(f"sd.{name}.lora_B")]
    squares = lambda values: [x * x for x in values]
    parts = [product(squares(a), vb, in_size, out_size), product(va, squares(b), in_size, out_size),
             product(va, vb, in_size, out_size)]
    return [scale * math.sqrt(sum(part)) for part in zip(*parts)]


def evaluated(bench, folder, *flags):
    outcome = bench.run("evaluate", folder, "--samples", "3", "--json", *flags)
    check_code(outcome, DONE)
    return json.loads(outcome.out)


@on_ranks(1, 2)
def test_adapters_learn_and_the_weights_stay(bench):
    prepare(bench)
    outcome = bench.train("--start", "first")
    check_code(outcome, DONE)
    count = sum(RANK * (i + o) for i, o in MATRICES.values())
    check(f"gpt2 with adapters of rank {RANK} of {count} parameters" in outcome.out, outcome.out)
    steps = [line for line in lines(bench) if "loss" in line]
    first, last = (sum(line["loss"] for line in part) / 5 for part in (steps[:5], steps[-5:]))
    check(last < 0.9 * first, f"the loss fell from {first} to {last}")
    posterior, base = tensors(bench, "run", "posterior.safetensors"), tensors(bench, "run", "base.safetensors")
    check(sorted(name for name in posterior.tensors if name.startswith("mean.")) ==
          sorted(f"mean.{name}.lora_{part}" for name in MATRICES for part in "AB"),
          f"{sorted(posterior.tensors)}")
    check(all(max(map(abs, posterior.floats(f"mean.{name}.lora_B"))) > 0 for name in MATRICES),
          "a B did not move")
    earlier = tensors(bench, "first", "posterior.safetensors")
    for name, tensor in earlier.tensors.items():
        if name.startswith("mean."):
            check(base.tensors["base." + name.removeprefix("mean.")] == tensor, f"{name} is another")


@on_ranks(1)
def test_ranks_and_coordinators_do_not_change_a_bit(bench):
    prepare(bench)
    flags = ("--start", "first", "--stop.steps", "6", "--run.overwrite")
    whole = bench.trained(*flags)
    for ranks, kind in ((2, "replicated"), (3, "sharded"), (2, "root"), (1, "sharded")):
        check(bench.trained(*flags, "--coordinator.kind", kind, ranks=ranks) == whole,
              f"{kind} on {ranks} ranks: other bytes")


@on_ranks(1, 2)
def test_a_checkpoint_in_the_middle_goes_on_to_the_same_bytes(bench):
    prepare(bench)
    flags = ("--start", "first", "--stop.steps", "12", "--run.checkpoint_every", "5")
    whole = bench.trained(*flags, folder="whole", ranks=1)
    bench.trained(*flags)
    for name in ("posterior.safetensors", "base.safetensors", "checkpoints/step-000012.safetensors"):
        os.remove(bench.path("run", name))
    outcome = bench.train(*flags, "--resume", "auto", ranks=3 - bench.ranks)
    check_code(outcome, DONE)
    check("going on from the checkpoint of step 10" in outcome.out, outcome.out)
    check(bench.read("run", "posterior.safetensors") == whole, "other bytes")
    check(bench.read("run", "base.safetensors") == bench.read("whole", "base.safetensors"), "base")
    # The weights that are adapted are part of what a checkpoint belongs to, and so is the rank.
    bench.write("base.toml", BASE.replace("steps = 40", "steps = 2"))
    check_code(bench.run("train", "base.toml", "--run.dir", "second"), DONE)
    check_refused(bench.train("--start", "second", *flags[2:], "--resume", "auto"), USAGE,
                  "another configuration")
    check_refused(bench.train(*flags, "--lora.rank", "2", "--resume", "auto"), USAGE,
                  "another configuration: [lora] rank = 3 there, rank = 2 here")


@on_ranks(1, 2)
def test_a_run_of_adapters_is_used_as_any_other(bench):
    prepare(bench)
    bench.trained("--start", "first")
    # Its base is its own: neither the earlier run nor the place of this one matters.
    shutil.rmtree(bench.path("first"))
    shutil.move(bench.path("run"), bench.path("tuned"))
    scores = evaluated(bench, "tuned")
    held_out = [line for line in lines(bench, "tuned") if "validation_loss" in line][-1]
    check_near([scores["mean"]["nll"]], [held_out["validation_loss"]], 1e-6, "scores at the mean")
    check(scores["averaged"]["nll"] != scores["mean"]["nll"], "the draws do not differ")
    outcome = bench.run("generate", "tuned", "--prompt", "row", "--tokens", "30", "--draws", "2",
                        "--json", "tokens.jsonl")
    check_code(outcome, DONE)
    tokens = [json.loads(line) for line in bench.read("tokens.jsonl").splitlines()]
    check(len(tokens) == 30 and max(token["mutual_information"] for token in tokens) > 0, f"{tokens}")
    check_code(bench.run("report", "tuned"), DONE)
    page = bench.read("tuned", "report.html").decode()
    check(f"gpt2 with adapters of rank {RANK} trained by ivon for 120 steps" in page, page[:2000])
    # From there, all weights are trained; a step that float32 does not see leaves what it started at.
    bench.write("train.toml", LORA.replace(f"rank = {RANK}", "rank = 0").replace(
        'targets = ["attn.c_attn", "h.1.mlp.c_proj"]\n', ""))
    still = ("--stop.steps", "1", "--rule.learning_rate", "1e-30")
    bench.trained("--start", "tuned", *still, folder="whole")
    posterior = tensors(bench, "tuned", "posterior.safetensors")
    base, whole = tensors(bench, "tuned", "base.safetensors"), tensors(bench, "whole", "posterior.safetensors")
    for name in MATRICES:
        check_near(whole.floats(f"mean.{name}.weight"), merged(posterior, base, name), 1e-6, name)
    check(whole.floats("mean.wte.weight") == base.floats("base.wte.weight"), "wte is another")
    # And new adapters on what the first ones made.
    bench.write("train.toml", LORA)
    bench.trained("--start", "tuned", *still, folder="again")
    check(tensors(bench, "again", "base.safetensors").floats("base.h.1.mlp.c_proj.weight") ==
          whole.floats("mean.h.1.mlp.c_proj.weight"), "another base")


@on_ranks(1, 2)
def test_adapters_are_exported_into_the_weights_and_alone(bench):
    prepare(bench)
    bench.trained("--start", "first")
    check_code(bench.run("export", "run", "--out", "hub"), DONE)
    posterior, base = tensors(bench, "run", "posterior.safetensors"), tensors(bench, "run", "base.safetensors")
    model, sigma = tensors(bench, "hub", "model.safetensors"), tensors(bench, "hub", "sigma.safetensors")
    for name in model.tensors:
        own = name.removeprefix("transformer.")
        matrix = own.removesuffix(".weight")
        if matrix in MATRICES:
            check_near(model.floats(name), merged(posterior, base, matrix), 1e-6, name)
            check_near(sigma.floats(name), merged(posterior, base, matrix, "sd"), 1e-5, name)
        else:
            check(model.floats(name) == base.floats("base." + own), f"{name} is another")
            check(not any(sigma.floats(name)), f"{name} has a sigma")
    # In PEFT's orientation [out, in] the change is lora_alpha / r times lora_B lora_A.
    alone = tensors(bench, "hub", "adapters", "adapter_model.safetensors")
    config = json.loads(bench.read("hub", "adapters", "adapter_config.json"))
    check((config["r"], config["lora_alpha"], config["fan_in_fan_out"], config["peft_type"]) ==
          (RANK, ALPHA, True, "LORA"), f"{config}")
    check(sorted(config["target_modules"]) == sorted("transformer." + name for name in MATRICES),
          f"{config}")
    check(len(alone.tensors) == 2 * len(MATRICES), f"{sorted(alone.tensors)}")
    for name, (in_size, out_size) in MATRICES.items():
        prefix = f"base_model.model.transformer.{name}."
        check(alone.tensors[prefix + "lora_A.weight"][0] == [RANK, in_size], name)
        check(alone.tensors[prefix + "lora_B.weight"][0] == [out_size, RANK], name)
        a, b = (alone.floats(prefix + f"lora_{part}.weight") for part in "AB")
        change = product(b, a, out_size, in_size)
        weights = base.floats(f"base.{name}.weight")
        turned = [weights[i * out_size + j] + ALPHA / RANK * change[j * in_size + i]
                  for i in range(in_size) for j in range(out_size)]
        check_near(turned, merged(posterior, base, name), 1e-6, f"{name} alone")
    # The exported model says what the run says at its mean.
    bench.write("train.toml", BASE.replace("song.txt", "other.txt"))
    bench.trained("--start", "hub", "--stop.steps", "1", "--rule.learning_rate", "1e-30",
                  "--rule.weight_decay", "0", folder="whole")
    check_near([evaluated(bench, "whole")["mean"]["nll"]], [evaluated(bench, "run")["mean"]["nll"]],
               1e-5, "the exported model")


@on_ranks(1)
def test_peft_opens_the_adapters(bench):
    """On the exported base they say what the merged model says, and the folder of the latter is a model."""
    try:
        import torch
        from peft import PeftModel
        from transformers import AutoModelForCausalLM, GPT2LMHeadModel
    except ImportError as missing:
        skip(str(missing))
    prepare(bench)
    bench.trained("--start", "first")
    for run, folder in (("first", "base"), ("run", "hub")):
        check_code(bench.run("export", run, "--out", folder), DONE)
    base = GPT2LMHeadModel.from_pretrained(bench.path("base")).eval()
    whole = AutoModelForCausalLM.from_pretrained(bench.path("hub")).eval()
    tokens = torch.tensor([[1, 5, 2, 9, 3, 3, 7]])
    with torch.no_grad():
        before, merged = base(tokens).logits, whole(tokens).logits
        alone = PeftModel.from_pretrained(base, bench.path("hub", "adapters")).eval()(tokens).logits
    check(float((merged - before).abs().max()) > 1e-2, "the adapters do nothing")
    check(float((merged - alone).abs().max()) < 1e-4, f"{merged} is not {alone}")


@on_ranks(1, 2)
def test_what_adapters_cannot_be_is_refused(bench):
    prepare(bench)
    start = ("--start", "first")
    check_refused(bench.train(), USAGE, "lora.rank = 3", "run.start (--start)")
    check_refused(bench.train("--start", "nowhere"), FILE, "nowhere")
    cases = [(("--lora.targets", "attn.c_attn,q_proj"),
              ('lora.targets: "q_proj" is none of the linear maps there are', "h.N.mlp.c_fc")),
             (("--lora.rank", "17"), ("lora.rank = 17", "h.0.attn.c_attn.weight, 16 x 48", "1 to 16")),
             (("--lora.rank", "0"), ("lora.targets", "lora.rank = 0 makes no adapters")),
             (("--lora.rank", "-1"), ("--lora.rank -1",)),
             (("--lora.alpha", "0"), ("--lora.alpha 0",)),
             (("--lora.rnk", "2"), ("did you mean --lora.rank?",)),
             (("--rule.name", "vogn"), ("adapters have no squared gradients", "VOGN")),
             (("--rule.name", "bayesbinn"), ("bayesbinn",))]
    for flags, words in cases:
        check_refused(bench.train(*start, *flags, folder="no"), USAGE, *words)
    check_refused(bench.train(*start, "--model.layers", "3", folder="no"), FILE, "first",
                  "mean.h.2.attn.c_attn.weight")


@on_ranks(1, 2)
def test_a_base_that_is_gone_or_another_is_refused(bench):
    prepare(bench)
    bench.trained("--start", "first", "--stop.steps", "2")
    bench.write("base.toml", BASE.replace("steps = 40", "steps = 2"))
    check_code(bench.run("train", "base.toml", "--run.dir", "second"), DONE)
    bench.trained("--start", "second", "--stop.steps", "2", folder="other")
    content = bench.read("run", "base.safetensors")
    bench.write("run/base.safetensors", bench.read("other", "base.safetensors"))
    commands = [("evaluate", "run"), ("generate", "run", "--prompt", "row", "--tokens", "2"),
                ("export", "run", "--out", "hub"), ("report", "run"),
                ("train", "train.toml", "--run.dir", "third", "--start", "run")]
    for command in commands:
        check_refused(bench.run(*command), FILE, "run/base.safetensors holds other weights")
    bench.write("run/base.safetensors", content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])
    check_refused(bench.run("evaluate", "run"), FILE, "run/base.safetensors", "checksum")
    os.remove(bench.path("run", "base.safetensors"))
    for command in commands:
        check_refused(bench.run(*command), FILE, "adapters of the weights in run/base.safetensors",
                      "there is no such file")
    # A run of all weights in its place leaves no base behind.
    bench.write("train.toml", BASE.replace("steps = 40", "steps = 2"))
    bench.trained("--overwrite", folder="other")
    check(not os.path.exists(bench.path("other", "base.safetensors")), "a base is left")


@on_ranks(1, 2)
def test_the_plan_knows_what_is_adapted(bench):
    """What adapters save of memory, within 15 % of what the system measures at its peak; what they are."""
    def plan(text, folder):
        text = text.replace("channels = 16", "channels = 256").replace("context = 16", "context = 64")
        bench.write("train.toml", text.replace("batch = 4", "batch = 16").replace("= 0.1", "= 0.2"))
        outcome = bench.run("plan", "train.toml", "--ranks", str(bench.ranks), ranks=1)
        check_code(outcome, DONE)
        rows = [re.split(r"  +", line.strip()) for line in outcome.out.splitlines()]
        if folder:
            bench.trained("--start", "large", "--stop.steps", "1", folder=folder)
            (line,) = re.findall(r"peak memory (\d+) bytes", bench.read(folder, "log.txt").decode())
            return rows, int(line)
        return rows, 0

    prepare(bench)
    plan(BASE, None)
    bench.trained("--stop.steps", "1", folder="large")
    whole, whole_peak = plan(BASE, "whole")
    rows, peak = plan(LORA, "run")
    figure = lambda rows, name: [int(row[1]) for row in rows if row[0] == name]
    check(figure(rows, "h.N.attn.c_attn") == [2 * RANK * (256 + 768)], f"{rows}")
    check(figure(whole, "wte") != [] and figure(rows, "wte") == [], f"{rows}")
    measure_memory()
    wanted = figure(whole, "in all")[0] - figure(rows, "in all")[0]
    check(abs(wanted / (whole_peak - peak) - 1) < 0.15,
          f"planned to save {wanted} bytes, saved {whole_peak - peak}")


if __name__ == "__main__":
    main(__doc__)
