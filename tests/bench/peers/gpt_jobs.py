"""The networks that training steps are timed on, by bayesum and by PyTorch. Needs nothing but Python."""

import array
import importlib.util
import json
import os
import random
import statistics
import subprocess
import sys
from typing import NamedTuple

from bayesum_run import Run, threads_environment


class Job(NamedTuple):
    vocabulary: int  # padded
    context: int
    layers: int
    heads: int
    channels: int
    biases: bool
    rows: int  # windows of a step
    steps: int  # of a timed run

    @property
    def tokens(self):
        return self.rows * self.context

    @property
    def parameters(self):
        c = self.channels
        block = 12 * c * c + (13 * c if self.biases else 2 * c)
        norm = 2 * c if self.biases else c
        return (self.vocabulary + self.context) * c + self.layers * block + norm

    @property
    def model_flops(self):
        """Of a step without attention's triangle: 6 a parameter and token."""
        return 6 * self.parameters * self.tokens

    @property
    def utilisation_flops(self):
        """As the literature counts them for MFU, the whole square of attention: PaLM, appendix B."""
        attention = 12 * self.layers * self.channels * self.context
        return (6 * self.parameters + attention) * self.tokens


CPU_JOBS = {
    "nanoGPT's CPU": Job(65, 64, 4, 4, 128, False, 12, 200),
    "nanoGPT's GPU": Job(65, 256, 6, 6, 384, False, 16, 6),
    "GPT-2 124M": Job(50304, 64, 12, 12, 768, True, 4, 6),
}
GPU_JOBS = {
    "GPT-2 124M": Job(50304, 1024, 12, 12, 768, False, 20, 30),
    "GPT-2 355M": Job(50304, 1024, 24, 16, 1024, False, 12, 30),
}
SMALL_JOBS = {"4 x 128": Job(128, 64, 4, 4, 128, False, 4, 20)}
JOBS = {**GPU_JOBS, **SMALL_JOBS, **CPU_JOBS}  # by name; those of the CPU where both have one
PRECISIONS = ("float32", "bfloat16")
RULES = {
    "adamw": "learning_rate = 1e-4\nweight_decay = 0.1\nbeta2 = 0.95",
    "ivon": "learning_rate = 100\ninitial_curvature = 1e-3\ness = 1e8\nweight_decay = 1e-6\n"
            "beta2 = 0.9999\nclip_radius = 1e-3",
}


class Steps(NamedTuple):
    seconds: float  # of the best step
    median: float
    peak_mib: float  # of the host's memory, the whole process


def token_file(folder, job):
    """Random tokens as nanoGPT writes them."""
    path = os.path.join(folder, f"tokens-{job.vocabulary}.bin")
    if not os.path.exists(path):
        noise = random.Random(1)
        tokens = array.array("H", (noise.randrange(min(job.vocabulary, 50257)) for _ in range(400_000)))
        with open(path, "wb") as file:
            tokens.tofile(file)
    return path


def bayesum_steps(program, folder, job, rule, precision, device="cpu", threads=1):
    """`bayesum train` by the clock of its metrics: from the evidence of a step to that of the next."""
    toml = f"""
[run]
device = "{device}"
[data]
path = "{token_file(folder, job)}"
vocabulary_size = {job.vocabulary}
context = {job.context}
batch = {job.rows}
virtual_shards = 1
[model]
name = "gpt2"
layers = {job.layers}
heads = {job.heads}
channels = {job.channels}
bias = {str(job.biases).lower()}
precision = "{precision}"
[rule]
name = "{rule}"
{RULES[rule]}
[stop]
steps = {job.steps}
"""
    run = Run(program, folder, "networks", toml, threads=threads)
    seconds = [step["seconds"] for step in run.steps if "seconds" in step]
    times = [after - before for before, after in zip(seconds[1:], seconds[2:])]
    return Steps(min(times), statistics.median(times), run.peak_mib)


def missing(rule):
    """What PyTorch's side of the rule needs and is not there."""
    packages = ("torch", "ivon") if rule == "ivon" else ("torch",)
    return [package for package in packages if importlib.util.find_spec(package) is None]


def torch_steps(name, rule, precision, seconds, device="cpu", threads=1):
    script = os.path.join(os.path.dirname(__file__), "gpt_step.py")
    done = subprocess.run(
        [sys.executable, script, "--json", "--job", name, "--rule", rule, "--precision", precision,
         "--threads", str(threads), "--device", device, "--seconds", str(seconds)],
        env=threads_environment(threads), capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"PyTorch, {name}, {rule}: {done.stderr.strip()}")
    found = json.loads(done.stdout)
    return Steps(found["seconds"], found["median"], found["peak_mib"])
