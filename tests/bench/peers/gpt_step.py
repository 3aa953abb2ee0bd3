#!/usr/bin/env python3
"""Steps of GPT-2 in PyTorch: forward and backward, the jobs of tests/bench/bench_gpt.cpp, or with
--rule the whole training step. The best of many. Needs the package torch; IVON, ivon-opt.

    tests/bench/peers/gpt_step.py [--threads N] [--seconds S] [--device cpu|cuda]
        [--rule none|adamw|ivon] [--job NAME --precision float32|bfloat16 --json]

PyTorch runs as it comes (no torch.compile), AdamW fused, under autocast for bfloat16, with the tokens
of every step in memory before.
"""

import argparse
import json
import resource
import statistics
import time

import torch
from torch import nn
from torch.nn import functional as F

from gpt_jobs import CPU_JOBS, GPU_JOBS, PRECISIONS, SMALL_JOBS


class Block(nn.Module):
    def __init__(self, heads, channels, biases):
        super().__init__()
        self.heads = heads
        self.norm_1 = nn.LayerNorm(channels, bias=biases)
        self.attention_in = nn.Linear(channels, 3 * channels, bias=biases)
        self.attention_out = nn.Linear(channels, channels, bias=biases)
        self.norm_2 = nn.LayerNorm(channels, bias=biases)
        self.mlp_in = nn.Linear(channels, 4 * channels, bias=biases)
        self.mlp_out = nn.Linear(4 * channels, channels, bias=biases)

    def forward(self, s):
        rows, length, channels = s.shape
        parts = self.attention_in(self.norm_1(s)).split(channels, dim=2)
        q, k, v = (x.view(rows, length, self.heads, -1).transpose(1, 2) for x in parts)
        a = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        s = s + self.attention_out(a.transpose(1, 2).reshape(rows, length, channels))
        return s + self.mlp_out(F.gelu(self.mlp_in(self.norm_2(s)), approximate="tanh"))


class Gpt2(nn.Module):
    def __init__(self, job):
        super().__init__()
        self.tokens = nn.Embedding(job.vocabulary, job.channels)
        self.positions = nn.Embedding(job.context, job.channels)
        self.blocks = nn.ModuleList(Block(job.heads, job.channels, job.biases) for _ in range(job.layers))
        self.norm = nn.LayerNorm(job.channels, bias=job.biases)
        for weight in (self.tokens.weight, self.positions.weight):
            nn.init.normal_(weight, std=0.02)

    def forward(self, tokens, targets):
        s = self.tokens(tokens) + self.positions(torch.arange(tokens.shape[1], device=tokens.device))
        for block in self.blocks:
            s = block(s)
        logits = F.linear(self.norm(s), self.tokens.weight)
        return F.cross_entropy(logits.view(-1, logits.shape[-1]), targets.view(-1))


class Trainer:
    def __init__(self, job, rule, bfloat16, device):
        torch.manual_seed(1)
        self.network = Gpt2(job).to(device)
        self.tokens, self.targets = torch.randint(min(job.vocabulary, 50257), (2, job.rows, job.context),
                                                  device=device)
        self.autocast = torch.autocast(device, torch.bfloat16, enabled=bfloat16)
        self.step = {"none": self.gradient, "adamw": self.adamw_step, "ivon": self.ivon_step}[rule]
        parameters = self.network.parameters()
        if rule == "adamw":
            self.optimizer = torch.optim.AdamW(parameters, lr=1e-4, betas=(0.9, 0.95), weight_decay=0.1,
                                               fused=True)
        elif rule == "ivon":
            import ivon

            self.optimizer = ivon.IVON(parameters, lr=100, ess=1e8, hess_init=1e-3, beta2=0.9999,
                                       weight_decay=1e-6, clip_radius=1e-3)

    def gradient(self):
        self.network.zero_grad(set_to_none=True)
        with self.autocast:
            loss = self.network(self.tokens, self.targets)
        loss.backward()

    def adamw_step(self):
        self.gradient()
        self.optimizer.step()

    def ivon_step(self):
        with self.optimizer.sampled_params(train=True):
            self.gradient()
        self.optimizer.step()


def step_times(job, rule, precision, seconds, device):
    trainer = Trainer(job, rule, precision == "bfloat16", device)
    wait = torch.cuda.synchronize if device == "cuda" else lambda: None
    trainer.step()
    times, began = [], time.perf_counter()
    while time.perf_counter() - began < seconds or not times:
        wait()
        before = time.perf_counter()
        trainer.step()
        wait()
        times.append(time.perf_counter() - before)
    return times


def print_table(args):
    jobs = CPU_JOBS if args.device == "cpu" else GPU_JOBS
    print(f"PyTorch {torch.__version__}, {args.threads} threads, rule {args.rule}\n")
    print("| job | precision | best step, ms | tokens/s |\n|---|---|---|---|")
    for name, job in jobs.items():
        for precision in PRECISIONS:
            best = min(step_times(job, args.rule, precision, args.seconds, args.device))
            print(f"| {name} | {precision} | {1e3 * best:.1f} | {job.tokens / best:.0f} |", flush=True)


def print_json(args):
    jobs = {**SMALL_JOBS, **(CPU_JOBS if args.device == "cpu" else GPU_JOBS)}
    times = step_times(jobs[args.job], args.rule, args.precision, args.seconds, args.device)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": min(times), "median": statistics.median(times), "peak_mib": peak,
                      "version": torch.__version__}))


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--rule", choices=["none", "adamw", "ivon"], default="none")
    parser.add_argument("--job")
    parser.add_argument("--precision", choices=PRECISIONS, default="float32")
    parser.add_argument("--json", action="store_true", help="one job, one line of JSON")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    print_json(args) if args.json else print_table(args)


if __name__ == "__main__":
    main()
