#!/usr/bin/env python3
"""The experiments of this folder; run.sh starts it."""

import argparse
import importlib
import os
import tomllib

from runs import Runs

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HERE = os.path.join("tests", "experiments")  # from the root, so that runs can move with the tree


class Experiment:
    """What every experiment is given: where data, runs and results are, and the tuning grids."""

    def __init__(self, args):
        self.here = HERE
        self.results = os.path.join(HERE, "RESULTS.md")
        self.data = os.environ.get("BAYESUM_DATA_DIR", "")
        self.runs = Runs(args.program, args.folder, args.jobs)
        with open(os.path.join(HERE, "grids.toml"), "rb") as file:
            self.grids = tomllib.load(file)

    def skip(self, what, why):
        print(f"    skipped: {what}: {why}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="+", choices=["uci", "shakespeare", "fashion"])
    parser.add_argument("--program", required=True)
    parser.add_argument("--folder", default=os.path.join("build", "experiments"),
                        help="for runs, kept until it is deleted, from the root of the project")
    parser.add_argument("--jobs", type=int, default=2, help="trainings at a time, a thread each")
    args = parser.parse_args()
    os.chdir(ROOT)
    experiment = Experiment(args)
    for name in args.names:
        print(f"    {name}", flush=True)
        importlib.import_module(name).run(experiment)


if __name__ == "__main__":
    main()
