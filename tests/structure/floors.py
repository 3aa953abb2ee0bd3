#!/usr/bin/env python3
"""Checks who includes what.

    floors.py ROOT

    tests > launch > models > core > distributed > kernels

A file includes, by its full path from the root, only its own floor and those below. From outside it
includes the C++ and POSIX headers and what the tables below allow its floor. CUDA stays under
kernels/ and in the NCCL file, and a CUDA source includes nothing but CUDA, C++ and kernels/.
"""

import os
import re
import sys

# From the ground up.
FLOORS = ["kernels", "distributed", "core", "models", "launch", "tests"]

SOURCES = (".hpp", ".cpp", ".cuh", ".cu")

CUDA = re.compile(r"(cuda|cublas|cusolver|cudnn|cooperative_groups|cub/|thrust/|mma\.h)")

CPP_OR_POSIX = re.compile(
    r"[a-z_]+$"  # <vector>
    r"|(sys/[a-z]+|arpa/inet|netinet/in|dirent|dlfcn|fcntl|netdb|poll|pthread|sched|signal|spawn"
    r"|termios|unistd)\.h$"
)

# What a floor includes from outside, as prefixes of the header's name.
OUTSIDE = {
    "kernels": ["cblas.h", "lapacke.h", "omp.h", "immintrin.h", "dnnl"],
    "distributed": [],
    "core": ["spdlog/", "toml++/", "nlohmann/", "xxhash.h", "zlib.h"],
    "models": [],
    "launch": ["CLI/", "spdlog/"],
    "tests": [""],
}

# What only certain files include.
OUTSIDE_OF_FILE = {
    "distributed/mpi.cpp": ["mpi.h"],
    "distributed/nccl.cpp": ["nccl.h", "cuda_runtime"],
    "kernels/network/cudnn_attention.cpp": ["cudnn_frontend.h"],
    "core/families/special.cpp": ["boost/math/"],
    "core/examples/words.cpp": ["utf8proc.h"],
}

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:<([^>]+)>|"([^"]+)")', re.MULTILINE)


def sources(root):
    for floor in FLOORS:
        for folder, _, names in os.walk(os.path.join(root, floor)):
            for name in sorted(names):
                if name.endswith(SOURCES):
                    yield os.path.relpath(os.path.join(folder, name), root)


def fault_inside(root, path, header):
    """What is wrong with #include "header", or None."""
    floor, target = path.split("/")[0], header.split("/")[0]
    if target not in FLOORS:
        return "is not a path from the root (outside headers take <>)"
    if not os.path.isfile(os.path.join(root, header)):
        return "does not exist"
    if FLOORS.index(target) > FLOORS.index(floor):
        return f"is on a higher floor than {floor}/"
    if path.endswith((".cu", ".cuh")) and floor != "tests" and target != "kernels":
        return "is not of kernels/, which is all that CUDA sources know"
    return None


def fault_outside(path, header):
    """What is wrong with #include <header>, or None."""
    floor = path.split("/")[0]
    is_cuda_source = path.endswith((".cu", ".cuh"))
    if CPP_OR_POSIX.match(header):
        return None
    if any(header.startswith(prefix) for prefix in OUTSIDE_OF_FILE.get(path, [])):
        return None
    if CUDA.match(header):
        return None if is_cuda_source else "is CUDA, which belongs in a .cu or .cuh of kernels/"
    if is_cuda_source:
        return "is neither CUDA nor C++, in a CUDA source"
    if not any(header.startswith(prefix) for prefix in OUTSIDE[floor]):
        return f"is not among what {floor}/ includes from outside"
    return None


def faults(root):
    for path in sources(root):
        with open(os.path.join(root, path)) as file:
            text = file.read()
        if path.endswith((".hpp", ".cuh")) and "#pragma once\n" not in text:
            yield f"{path}: has no #pragma once"
        if path.endswith((".cu", ".cuh")) and path.split("/")[0] not in ("kernels", "tests"):
            yield f"{path}: CUDA sources belong in kernels/"
        for match in INCLUDE.finditer(text):
            outside, inside = match.groups()
            fault = fault_outside(path, outside) if outside else fault_inside(root, path, inside)
            if fault:
                line = text.count("\n", 0, match.start(0)) + 1
                yield f"{path}:{line}: {outside or inside} {fault}"


def main(root):
    checked = len(list(sources(root)))
    found = list(faults(root))
    print(*found, sep="\n", end="\n" if found else "")
    print(f"{checked} files checked, {len(found)} faults")
    return 1 if found or not checked else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]) if len(sys.argv) == 2 else __doc__)
