#!/usr/bin/env python3
"""Forward and backward of GPT-2 in PyTorch, the jobs of tests/bench/bench_gpt.cpp: the best of many
steps, as there. Needs the package torch.

    tests/bench/peers/gpt_step.py [--threads N] [--seconds S]
"""

import argparse
import time

import torch
from torch import nn
from torch.nn import functional as F

# name: vocabulary (padded), context, layers, heads, channels, biases, rows
JOBS = {
    "nanoGPT's CPU": (65, 64, 4, 4, 128, False, 12),
    "nanoGPT's GPU": (65, 256, 6, 6, 384, False, 16),
    "GPT-2 124M": (50304, 64, 12, 12, 768, True, 4),
}


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
    def __init__(self, vocabulary, context, layers, heads, channels, biases):
        super().__init__()
        self.tokens = nn.Embedding(vocabulary, channels)
        self.positions = nn.Embedding(context, channels)
        self.blocks = nn.ModuleList(Block(heads, channels, biases) for _ in range(layers))
        self.norm = nn.LayerNorm(channels, bias=biases)

    def forward(self, tokens, targets):
        s = self.tokens(tokens) + self.positions(torch.arange(tokens.shape[1]))
        for block in self.blocks:
            s = block(s)
        logits = F.linear(self.norm(s), self.tokens.weight)
        return F.cross_entropy(logits.view(-1, logits.shape[-1]), targets.view(-1), reduction="sum")


def best_step(job, bfloat16, seconds):
    *sizes, rows = job
    torch.manual_seed(1)
    network = Gpt2(*sizes)
    tokens, targets = torch.randint(min(sizes[0], 50257), (2, rows, sizes[1]))
    best, began = float("inf"), time.perf_counter()
    while time.perf_counter() - began < seconds:
        network.zero_grad(set_to_none=True)
        before = time.perf_counter()
        with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
            loss = network(tokens, targets)
        loss.backward()
        best = min(best, time.perf_counter() - before)
    return best, tokens.numel() / best


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=5)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    print(f"PyTorch {torch.__version__}, {args.threads} threads\n")
    print("| job | precision | best step, ms | tokens/s |\n|---|---|---|---|")
    for name, job in JOBS.items():
        for bfloat16 in (False, True):
            best, tokens = best_step(job, bfloat16, args.seconds)
            precision = "bfloat16" if bfloat16 else "float32"
            print(f"| {name} | {precision} | {1e3 * best:.1f} | {tokens:.0f} |", flush=True)


if __name__ == "__main__":
    main()
