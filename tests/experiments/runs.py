"""Runs of the program, each made once: what an interrupted experiment has finished, it keeps."""

import concurrent.futures
import glob
import hashlib
import itertools
import json
import os
import shutil
import subprocess


class Runs:
    def __init__(self, program, folder, jobs):
        self.program = program
        self.folder = folder
        self.jobs = jobs

    def path(self, *parts):
        """A path below the folder, whose own folder is there."""
        path = os.path.join(self.folder, *parts)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return path

    def map(self, work, items):
        """What `work` gives for each item, so many at a time as there are jobs."""
        with concurrent.futures.ThreadPoolExecutor(self.jobs) as pool:
            return list(pool.map(work, items))

    def train(self, name, config, settings, keep_course=False):
        """The run folder of a training by a configuration and settings that win over it."""
        run = self.path(name)
        given = [config] + [f"--{key}={text_of(value)}" for key, value in sorted(settings.items())]
        written = self.path(name + ".json")
        same = read_json(written) == given
        if same and os.path.exists(os.path.join(run, "posterior.safetensors")):
            return run
        if not same:
            shutil.rmtree(run, ignore_errors=True)
            write_json(written, given)
        self.call("train", *given, "--run.dir", run, "--resume", "auto")
        shutil.rmtree(os.path.join(run, "checkpoints"), ignore_errors=True)
        for file in glob.glob(os.path.join(run, "events.*")):
            os.remove(file)
        if not keep_course:
            os.remove(os.path.join(run, "metrics.jsonl"))
        return run

    def evaluate(self, runs, *flags):
        """The scores of a run, or of several as one ensemble."""
        asked = ["evaluate", *runs, *map(str, flags), "--json"]
        file = self.path("scores", hashlib.sha1(" ".join(asked).encode()).hexdigest() + ".json")
        posteriors = [os.path.join(run, "posterior.safetensors") for run in runs]
        if not os.path.exists(file) or any(newer(one, file) for one in posteriors):
            write_json(file, json.loads(self.call(*asked)))
        return read_json(file)

    def call(self, *arguments):
        done = subprocess.run([self.program, *arguments], capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"error: {self.program} {' '.join(arguments)}\n{done.stderr.strip()}")
        return done.stdout


def course(run, key):
    """(step, value) of the lines of metrics.jsonl that have the key; of lines of one step the last."""
    with open(os.path.join(run, "metrics.jsonl")) as file:
        lines = [json.loads(line) for line in file if line.endswith("}\n")]
    return sorted({line["step"]: line[key] for line in lines if key in line}.items())


def points(grid):
    """The settings that a method may choose from: the product of the grid's lists."""
    lists = {key: value for key, value in grid.items() if isinstance(value, list)}
    fixed = {key: value for key, value in grid.items() if key not in lists}
    return [{**fixed, **dict(zip(lists, chosen))} for chosen in itertools.product(*lists.values())]


def chosen_of(grid, settings):
    """What of the settings was chosen from a list, in words."""
    return ", ".join(f"{key.split('.')[-1]} {settings[key]:g}"
                     for key, value in grid.items() if isinstance(value, list))


def newer(one, other):
    return os.path.getmtime(one) > os.path.getmtime(other)


def text_of(value):
    return str(value).lower() if isinstance(value, bool) else str(value)


def read_json(path):
    if not os.path.exists(path):
        return None
    with open(path) as file:
        return json.load(file)


def write_json(path, value):
    with open(path + ".new", "w") as file:
        json.dump(value, file)
    os.replace(path + ".new", path)
