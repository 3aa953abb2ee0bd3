#!/usr/bin/env python3
"""Counts what ctest ran and compares the skipped tests with those expected.

    skips.py --preset NAME --counts FILE RESULTS.xml EXPECTED.txt

RESULTS.xml is what `ctest --output-junit` writes. EXPECTED.txt has sections by condition, and in
each the tests that may skip where the condition holds:

    [no-gpu]
    CudaParity.*    needs a GPU

A name may hold * and ?, and is followed by the reason. A test that is skipped without standing in
a section whose condition holds is an error (exit code 1); one that stands there and ran is fine.
FILE receives three numbers: passed, failed, skipped.
"""

import argparse
import fnmatch
import importlib.util
import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree


def has_gpu():
    if not shutil.which("nvidia-smi"):
        return False
    listing = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True)
    return listing.returncode == 0 and "GPU" in listing.stdout


def may_mount():
    """Whether a process may make a name space of its own and mount a file system in it."""
    name_space = ["unshare", "--mount"] + ([] if os.geteuid() == 0 else ["--user", "--map-root-user"])
    command = name_space + ["mount", "-t", "tmpfs", "none", "/mnt"]
    return bool(shutil.which("unshare")) and subprocess.run(command, capture_output=True).returncode == 0


def conditions(preset):
    """Every condition that a section may name, and whether it holds now."""
    data = os.environ.get("BAYESUM_DATA_DIR", "")
    examples = os.path.join(os.path.dirname(__file__), "../data/randhie-train.csv")
    return {
        "no-gpu": preset != "cuda" or not has_gpu(),
        "no-data-dir": not os.path.isdir(data),
        "no-example-data": not os.path.exists(examples),
        "no-safetensors": None in map(importlib.util.find_spec, ("safetensors", "numpy")),
        "no-tensorboard": importlib.util.find_spec("tensorboard") is None,
        "no-transformers": None in map(importlib.util.find_spec, ("torch", "transformers")),
        "no-peft": None in map(importlib.util.find_spec, ("torch", "transformers", "peft")),
        "no-openmp": preset == "tsan",
        "sanitized": preset in ("asan", "tsan"),
        "no-small-disk": not may_mount(),
    }


def read_expected(path, holds):
    """The (pattern, reason) pairs of the sections whose condition holds."""
    expected, section = [], None
    with open(path) as file:
        for number, line in enumerate(file, start=1):
            line = line.partition("#")[0].strip()
            if not line:
                continue
            if line.startswith("["):
                section = line.strip("[]")
                if section not in holds:
                    sys.exit(f"{path}:{number}: no condition is called '{section}'")
                continue
            pattern, _, reason = line.partition(" ")
            if section is None or not reason:
                sys.exit(f"{path}:{number}: a name and a reason belong in a section")
            if holds[section]:
                expected.append((pattern, f"{section}: {reason.strip()}"))
    return expected


def outcome_of(case):
    status = case.get("status")
    if case.find("skipped") is not None or status in ("notrun", "disabled"):
        return "skipped"
    return "passed" if status == "run" else "failed"


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--preset", required=True)
    parser.add_argument("--counts", required=True)
    parser.add_argument("results")
    parser.add_argument("expected")
    args = parser.parse_args()
    expected = read_expected(args.expected, conditions(args.preset))
    cases = xml.etree.ElementTree.parse(args.results).getroot().findall("testcase")
    # GoogleTest's parameters follow the name of a test as a comment.
    outcomes = {case.get("name").partition("  # ")[0]: outcome_of(case) for case in cases}
    counts = [list(outcomes.values()).count(kind) for kind in ("passed", "failed", "skipped")]
    with open(args.counts, "w") as file:
        print(*counts, file=file)

    surprises = 0
    for name in sorted(name for name, outcome in outcomes.items() if outcome == "skipped"):
        reason = next((r for p, r in expected if fnmatch.fnmatchcase(name, p)), None)
        surprises += reason is None
        print(f"    skipped: {name} ({reason or 'NOT EXPECTED in ' + args.expected})")
    if surprises:
        print(f"    {surprises} tests were skipped that should have run")
    if not outcomes:
        sys.exit("error: no test ran")
    return 1 if surprises else 0


if __name__ == "__main__":
    sys.exit(main())
