"""Whole training steps of GPT-2 (draw, forward, backward, rule): `bayesum train` beside PyTorch with its
fused AdamW and the authors' ivon-opt, in processes of their own, the same network, threads and precision.

The programs take turns, and of ROUNDS turns the best step counts. "of sgemm" is 6 flops a parameter and
token over the rate of a product of 2048 x 2048 matrices by NumPy's BLAS in the same run.
"""

import time

import numpy as np

from gpt_jobs import CPU_JOBS, PRECISIONS, RULES, bayesum_steps, missing, torch_steps

ROUNDS, SECONDS = 3, 4.0


def sgemm_rate(size=2048):
    a = np.random.default_rng(1).standard_normal((size, size), dtype=np.float32)
    best = float("inf")
    for _ in range(7):
        began = time.perf_counter()
        a @ a
        best = min(best, time.perf_counter() - began)
    return 2 * size**3 / best


def best_of_turns(sides):
    """{key: () -> Steps} to {key: Steps}: the best step and the largest peak of all turns."""
    turns = [{key: side() for key, side in sides.items()} for _ in range(ROUNDS)]
    best = {key: min((turn[key] for turn in turns), key=lambda steps: steps.seconds) for key in sides}
    return {key: steps._replace(peak_mib=max(turn[key].peak_mib for turn in turns))
            for key, steps in best.items()}


def rows(name, job, precision, found, sgemm):
    for (program, rule), steps in found.items():
        adamw = found[program, "adamw"].seconds
        peer = found.get(("PyTorch", rule))
        yield (name, precision, f"{program}, {rule}", f"{1e3 * steps.seconds:.1f}",
               f"{job.tokens / steps.seconds:.0f}", f"{steps.peak_mib:.0f}",
               f"{steps.seconds / adamw:.3f}" if rule == "ivon" else "",
               f"{peer.seconds / steps.seconds:.2f}" if peer and program == "bayesum" else "",
               f"{job.model_flops / steps.seconds / sgemm:.0%}")


def compare(args):
    table = [("network", "precision", "program, rule", "best step, ms", "tokens/s", "peak MiB",
              "IVON / AdamW", "times PyTorch's rate", "of sgemm")]
    sgemm = sgemm_rate()
    for name, job in CPU_JOBS.items():
        for precision in PRECISIONS:
            sides = {}
            for rule in RULES:
                sides["bayesum", rule] = lambda rule=rule: bayesum_steps(
                    args.program, args.folder, job, rule, precision, threads=args.threads)
                if not missing(rule):
                    sides["PyTorch", rule] = lambda rule=rule: torch_steps(
                        name, rule, precision, SECONDS, threads=args.threads)
            table += rows(name, job, precision, best_of_turns(sides), sgemm)
    for rule in RULES:
        if missing(rule):
            words = f"PyTorch, {rule}: {' and '.join(missing(rule))} not installed, skipped"
            table.append(("", "", words) + ("",) * 6)
    return table
