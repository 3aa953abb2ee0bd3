"""What the tests of the program share: a folder with a table, the program started in it, and checks.

    THEME_test.py --list                              names of the cases, with their numbers of ranks
    THEME_test.py --program PATH --ranks N CASE       runs one; N > 1 under mpirun

A case is a function of a Bench, named test_...; its decorator gives the ranks it is run on. Every
refusal must be one sentence on stderr with the right exit code, in time, on any number of ranks.
"""

import argparse
import math
import os
import random
import signal
import subprocess
import sys
import tempfile
import time

DONE, USAGE, FILE, NUMERICAL, DEVICE, STOPPED, HANG = 0, 2, 3, 4, 6, 85, 124
SKIPPED = 77  # what ctest takes for a skip
SECONDS = 180 if os.environ.get("BAYESUM_SANITIZE") else 60  # for a command; a hang is a failure

CASES = {}


def on_ranks(*ranks):
    def register(case):
        CASES[case.__name__.removeprefix("test_")] = (case, ranks)
        return case

    return register


class Outcome:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    def sentences(self):
        return [line for line in self.err.splitlines() if line.startswith("bayesum: ")]


class Bench:
    """A folder with a table and a configuration, and the program started in it."""

    def __init__(self, program, ranks, folder):
        self.program, self.ranks, self.folder = program, ranks, folder
        self.write("rows.csv", table(60))
        self.write("held-out.csv", table(25, seed=2))
        self.configure()

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def read(self, *parts):
        with open(self.path(*parts), "rb") as file:
            return file.read()

    def write(self, name, content):
        with open(self.path(name), "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())

    def configure(self, model="poisson", response="visits", data="rows.csv", more=""):
        self.write("train.toml", f'[data]\npath = "{data}"\nresponse = "{response}"\n'
                                 f'features = ["age", "bmi"]\n[model]\nname = "{model}"\n{more}')

    def start(self, *arguments, ranks=None):
        ranks = ranks or self.ranks
        launcher = ["mpirun", "-np", str(ranks)] if ranks > 1 else []
        return subprocess.Popen(launcher + [self.program, *arguments], cwd=self.folder,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, start_new_session=True)

    def end(self, process):
        try:
            out, err = process.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise AssertionError(f"no end after {SECONDS} s: {process.args}")
        return Outcome(process.returncode, out, err)

    def run(self, *arguments, ranks=None):
        return self.end(self.start(*arguments, ranks=ranks))

    def train(self, *flags, ranks=None, folder="run"):
        return self.run("train", "train.toml", "--run.dir", folder, *flags, ranks=ranks)

    def trained(self, *flags, ranks=None, folder="run"):
        outcome = self.train(*flags, ranks=ranks, folder=folder)
        check_code(outcome, DONE)
        return self.read(folder, "posterior.safetensors")


def table(rows, seed=1):
    """Visits ~ Poisson(exp(0.2 + 0.3 age - 0.2 bmi)), and whether there was any."""
    draw = random.Random(seed)
    lines = ["age,bmi,visits,any"]
    for _ in range(rows):
        age, bmi = draw.gauss(3, 2), draw.gauss(25, 4)
        rate = math.exp(0.2 + 0.3 * (age - 3) - 0.05 * (bmi - 25))
        visits, chance = 0, draw.random() * math.exp(rate)
        term = total = 1.0
        while total < chance and visits < 50:
            visits += 1
            term *= rate / visits
            total += term
        lines.append(f"{age:.6f},{bmi:.6f},{visits},{int(visits > 0)}")
    return "\n".join(lines) + "\n"


def check(condition, text):
    if not condition:
        raise AssertionError(text)


def check_code(outcome, code):
    check(outcome.code == code,
          f"exit code {outcome.code}, not {code}\n{outcome.out}\n{outcome.err}")


def check_refused(outcome, code, *words):
    """One sentence that has these words, and the exit code."""
    check_code(outcome, code)
    said = outcome.sentences()
    check(len(said) == 1, f"{len(said)} sentences, not 1:\n{outcome.err}")
    for word in words:
        check(word in said[0], f"'{word}' is not in: {said[0]}")


def check_near(found, expected, relative, what):
    scale = max(map(abs, expected))
    worst = max(abs(a - b) for a, b in zip(found, expected, strict=True)) / scale
    check(worst <= relative, f"{what}: {worst} apart")


def skip(why):
    print(f"SKIPPED: {why}")
    sys.exit(SKIPPED)


def measure_memory():
    """Called before the memory of the program is compared with what it should be."""
    if os.environ.get("BAYESUM_SANITIZE"):
        skip("a sanitizer takes memory of its own")


def wait_until(ready, what):
    deadline = time.monotonic() + SECONDS
    while not ready():
        check(time.monotonic() < deadline, f"{what} did not come")
        time.sleep(0.01)


def processes_of(launcher, program, ranks):
    """The ranks' process ids: children of mpirun, or the program itself."""
    if ranks == 1:
        return [launcher.pid]
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat") as file:
                parent = int(file.read().rpartition(")")[2].split()[1])
            if parent == launcher.pid and os.readlink(f"/proc/{pid}/exe") == program:
                found.append(int(pid))
        except OSError:
            continue
    return sorted(found)


def is_alive(pid):
    """A zombie that nobody has asked for is not."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


# A training that goes on until it is stopped.
ENDLESS = ("--rule.name", "blr", "--rule.rho", "1e-6", "--stop.steps", "1000000000",
           "--stop.residual", "0", "--run.checkpoint_every", "0")


def start_endless(bench, *flags, folder="run"):
    process = bench.start("train", "train.toml", "--run.dir", folder, *ENDLESS, *flags)
    metrics = bench.path(folder, "metrics.jsonl")
    wait_until(lambda: process.poll() is not None
               or os.path.exists(metrics) and os.path.getsize(metrics) > 2000, "the first steps")
    check(process.poll() is None, "the training ended by itself")
    return process


def main(what):
    """Runs the case that the command line names; `what` the file's cases are about."""
    parser = argparse.ArgumentParser(description=what.partition("\n")[0])
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--program")
    parser.add_argument("--ranks", type=int, default=1)
    parser.add_argument("case", nargs="?", choices=CASES)
    args = parser.parse_args()
    if args.list:
        for name, (_, ranks) in CASES.items():
            print(name, *ranks)
        return
    with tempfile.TemporaryDirectory(prefix="bayesum-") as folder:
        try:
            CASES[args.case][0](Bench(os.path.realpath(args.program), args.ranks, folder))
        except AssertionError as failure:
            sys.exit(f"{args.case} on {args.ranks} ranks: {failure}")
