#!/usr/bin/env python3
"""Checks what lies where.

    tree.py ROOT

The top level holds the floors and the files that belong there; every folder of it has a README.md;
scripts are executable and parse; no file names a place that only one machine has.
"""

import os
import re
import subprocess
import sys

FOLDERS = {"kernels", "distributed", "core", "models", "launch", "tests", "docker"}
FILES = {
    "CMakeLists.txt", "CMakePresets.json", "README.md", "DESIGN.md", "CONTRIBUTING.md", "LICENSE",
}  # fmt: skip
HIDDEN = {".ci", ".clang-format", ".clang-tidy", ".git", ".gitignore"}
MADE_HERE = {"build", "runs", "data"}  # in .gitignore

MACHINE_PATH = re.compile(r"(?<![\w.*$}])/(home|Users|work|root|mnt)/")


def files(root):
    """Every file that belongs to the project, by its path from the root."""
    for folder, folders, names in os.walk(root):
        if folder == root:
            folders[:] = sorted((FOLDERS | {".ci"}) & set(folders))
        folders[:] = [f for f in folders if f != "__pycache__"]
        for name in sorted(names):
            yield os.path.relpath(os.path.join(folder, name), root)


def top_level(root):
    present = set(os.listdir(root))
    for name in sorted(present - FOLDERS - FILES - HIDDEN - MADE_HERE):
        yield f"{name}: does not belong on the top level"
    for name in sorted((FOLDERS | FILES) - present):
        yield f"{name}: is missing from the top level"
    for folder in sorted(FOLDERS & present):
        if not os.path.isfile(os.path.join(root, folder, "README.md")):
            yield f"{folder}/README.md: is missing"


def scripts(root):
    for path in files(root):
        full = os.path.join(root, path)
        with open(full, "rb") as file:
            first = file.readline()
        if path.endswith((".sh", ".sbatch")) or b"bash" in first and first.startswith(b"#!"):
            checked = subprocess.run(["bash", "-n", full], capture_output=True, text=True)
            if checked.returncode:
                yield f"{path}: does not parse: {checked.stderr.strip()}"
        if first.startswith(b"#!") and not os.access(full, os.X_OK):
            yield f"{path}: begins with #! but is not executable"


def machine_paths(root):
    for path in files(root):
        with open(os.path.join(root, path), errors="replace") as file:
            for number, line in enumerate(file, start=1):
                if MACHINE_PATH.search(line) or os.path.realpath(root) + "/" in line:
                    yield f"{path}:{number}: names a place of one machine: {line.strip()}"


def main(root):
    found = [fault for check in (top_level, scripts, machine_paths) for fault in check(root)]
    print(*found, sep="\n", end="\n" if found else "")
    print(f"{len(list(files(root)))} files checked, {len(found)} faults")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]) if len(sys.argv) == 2 else __doc__)
