"""The measurements of tests/bench/gpu.sh, which starts it. Needs nothing but Python; PyTorch's where there.

MFU counts 6 flops a parameter and token and 12 layers channels context for attention (PaLM, appendix B),
over the dense bfloat16 rate of the GPU's data sheet. Times are medians over the steps of a run.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "peers"))

from gpt_jobs import GPU_JOBS, RULES, SMALL_JOBS, bayesum_steps, missing, torch_steps  # noqa: E402

# NVIDIA's data sheets, dense, flops a second.
BFLOAT16_PEAK = {"H200": 989e12, "H100 PCIe": 756e12, "H100 NVL": 835e12, "H100": 989e12, "A100": 312e12,
                 "L40S": 362e12, "A10": 125e12}
TORCH_SECONDS = 10
PRECISION = "bfloat16"


def gpu_name():
    asked = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader", "--id=0"]
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()


def peak_of(name):
    return next((peak for part, peak in BFLOAT16_PEAK.items() if part in name), None)


class Results:
    """Rows of one table, printed as they come; the file holds all of them after each."""

    def __init__(self, path, device):
        self.path = path
        self.began = time.perf_counter()
        name = platform.processor() or platform.machine() if device == "cpu" else gpu_name()
        self.peak = None if device == "cpu" else peak_of(name)
        self.found = {"device": device, "name": name, "bfloat16_peak": self.peak,
                      "date": time.strftime("%Y-%m-%d"), "rules": {}, "steps": []}
        print(f"{name}, {self.found['date']}\n")

    def save(self):
        self.found["seconds"] = round(time.perf_counter() - self.began, 1)
        with open(self.path, "w") as file:
            json.dump(self.found, file, indent=1)

    def header(self, *cells):
        self.row(*cells)
        print("|" + "---|" * len(cells), flush=True)

    def row(self, *cells):
        print("| " + " | ".join(cells) + " |", flush=True)


def measure_rules(args, results):
    size = 124 if args.device == "cuda" else 8
    command = [args.bench, f"--benchmark_filter=^(memory_copy|adamw|ivon|ivon_and_next_draw|draw)/{size}/",
               "--benchmark_min_time=0.5", "--benchmark_format=json", "--device", args.device]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(done.stderr.strip())
    found = {entry["name"].split("/")[0]: entry for entry in json.loads(done.stdout)["benchmarks"]}
    copied, adamw = found["memory_copy"]["bytes"], found["adamw"]["real_time"]
    results.header(f"step on {size}M weights", "ms", "GB/s", "of the copy", "times AdamW")
    for name, entry in found.items():
        ms, rate = entry["real_time"], entry["bytes"]
        results.found["rules"][name] = {"ms": ms, "bytes_per_second": rate}
        results.row(name, f"{ms:.3f}", f"{rate / 1e9:.0f}", f"{rate / copied:.0%}", f"{ms / adamw:.2f}")
    results.save()
    print()


def measure_steps(args, results):
    jobs = GPU_JOBS if args.device == "cuda" else SMALL_JOBS
    results.header("network, bfloat16", "program, rule", "step, ms", "tokens/s", "MFU", "times AdamW")
    for name, job in jobs.items():
        adamw = {}
        for rule in RULES:
            sides = {"bayesum": lambda: bayesum_steps(args.program, args.folder, job, rule, PRECISION,
                                                      device=args.device)}
            if not missing(rule):
                sides["PyTorch"] = lambda: torch_steps(name, rule, PRECISION, TORCH_SECONDS,
                                                       device=args.device)
            for program, side in sides.items():
                try:
                    seconds = side().median
                except RuntimeError as error:
                    print(f"without {program}, {name}, {rule}: {str(error).splitlines()[-1]}", flush=True)
                    continue
                if rule == "adamw":
                    adamw[program] = seconds
                mfu = job.utilisation_flops / seconds / results.peak if results.peak else None
                results.found["steps"].append(
                    {"network": name, "program": program, "rule": rule, "seconds": seconds,
                     "tokens_per_second": job.tokens / seconds, "mfu": mfu})
                results.row(name, f"{program}, {rule}", f"{1e3 * seconds:.1f}",
                            f"{job.tokens / seconds:.0f}", f"{mfu:.1%}" if mfu else "",
                            f"{seconds / adamw[program]:.3f}" if program in adamw else "")
                results.save()
    for rule in RULES:
        if missing(rule):
            print(f"without PyTorch, {rule}: {' and '.join(missing(rule))} not installed")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    for option in ("--device", "--program", "--bench", "--folder", "--out"):
        parser.add_argument(option, required=True)
    args = parser.parse_args()
    os.makedirs(os.path.join(args.folder, "runs"), exist_ok=True)
    results = Results(args.out, args.device)
    measure_rules(args, results)
    measure_steps(args, results)
    print(f"\n{args.out}: {results.found['seconds']:.0f} seconds")


if __name__ == "__main__":
    main()
