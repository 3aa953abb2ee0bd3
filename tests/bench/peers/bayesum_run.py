"""bayesum as a benchmark meets it: a configuration, a timed run, and its files."""

import json
import os
import struct
import subprocess
import tempfile
import time


def threads_environment(threads):
    return dict(os.environ, OMP_NUM_THREADS=str(threads), OPENBLAS_NUM_THREADS=str(threads))


class Run:
    def __init__(self, program, folder, name, toml, ranks=1, threads=1, flags=()):
        self.folder = os.path.join(folder, "runs", name)
        config = os.path.join(folder, name + ".toml")
        with open(config, "w") as file:
            file.write(toml)
        launcher = ["mpirun", "-np", str(ranks)] if ranks > 1 else []
        command = launcher + [program, "train", config, "--run.dir", self.folder,
                              "--run.overwrite", "true", "--run.checkpoint_every", "0", *flags]
        with tempfile.TemporaryFile("w+") as complaint:
            began = time.perf_counter()
            running = subprocess.Popen(command, env=threads_environment(threads),
                                       stdout=subprocess.DEVNULL, stderr=complaint)
            _, status, used = os.wait4(running.pid, 0)
            self.wall = time.perf_counter() - began
            running.returncode = os.waitstatus_to_exitcode(status)
            if running.returncode != 0:
                complaint.seek(0)
                raise RuntimeError(f"{name}: {complaint.read().strip()}")
        self.peak_mib = used.ru_maxrss / 1024
        with open(os.path.join(self.folder, "metrics.jsonl")) as file:
            self.steps = [json.loads(line) for line in file]

    @property
    def seconds(self):
        """Of training, the first pass over the data (columns' means and sds) left out."""
        return self.steps[-1]["seconds"]

    def tensor(self, name):
        return tensors(os.path.join(self.folder, "posterior.safetensors"))[name]


def tensors(path):
    """Every float64 tensor of a safetensors file."""
    import numpy as np

    with open(path, "rb") as file:
        size = struct.unpack("<Q", file.read(8))[0]
        header = json.loads(file.read(size))
        body = file.read()
    found = {}
    for name, entry in header.items():
        if name == "__metadata__" or entry["dtype"] != "F64":
            continue
        first, last = entry["data_offsets"]
        found[name] = np.frombuffer(body[first:last], "<f8").reshape(entry["shape"])
    return found
