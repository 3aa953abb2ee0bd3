#!/usr/bin/env python3
"""One comparison of bayesum with its peers; tests/bench/peers/run.sh starts it. Prints Markdown."""

import argparse
import importlib
import os
import sys


def cpu_name():
    with open("/proc/cpuinfo") as file:
        return next(line.partition(":")[2].strip() for line in file if line.startswith("model name"))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("comparison", choices=["regression", "counts", "topics", "ranks", "networks"])
    parser.add_argument("--program", required=True)
    parser.add_argument("--folder", required=True, help="for data and runs")
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    os.makedirs(os.path.join(args.folder, "runs"), exist_ok=True)
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = str(args.threads)  # before NumPy is imported
    print(f"{cpu_name()}, {args.threads} threads, load {os.getloadavg()[0]:.1f}\n")
    table = importlib.import_module(args.comparison).compare(args)
    widths = [max(len(str(row[i])) for row in table) for i in range(len(table[0]))]
    for number, row in enumerate(table):
        print("| " + " | ".join(str(cell).ljust(width) for cell, width in zip(row, widths)) + " |")
        if number == 0:
            print("|" + "|".join("-" * (width + 2) for width in widths) + "|")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
