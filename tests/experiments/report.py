"""Tables, the sections of RESULTS.md, and curves."""

import csv
import math
import os
import shutil
import subprocess

INTRODUCTION = """# Experiments

What the networks of this project predict, on real data, and how well they know it; made by
`tests/experiments/run.sh`, a section by each experiment. README.md beside this says how. A figure
and the standard error of its mean stand as `mean ± error`.
"""


def mean_of(values):
    return sum(values) / len(values)


def with_error(values, digits):
    """The mean and its standard error."""
    mean = mean_of(values)
    squares = sum((value - mean) ** 2 for value in values)
    error = math.sqrt(squares / (len(values) - 1) / len(values)) if len(values) > 1 else math.nan
    return f"{mean:.{digits}f} ± {error:.{digits}f}"


def table(rows):
    lines = ["| " + " | ".join(map(str, row)) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0])] + lines[1:])


def write_section(path, title, text):
    """Puts the text below its title, in place of what stood there; other sections stay."""
    parts = INTRODUCTION.split("\n## ")
    if os.path.exists(path):
        with open(path) as file:
            parts = [INTRODUCTION] + file.read().split("\n## ")[1:]
    sections = dict(part.split("\n", 1) for part in parts[1:])
    sections[title] = "\n" + text.strip() + "\n"
    with open(path, "w") as file:
        file.write(parts[0] + "".join(f"\n## {name}\n{sections[name]}" for name in sorted(sections)))


def write_curves(path, curves, title, label):
    """PATH.csv with a line for each point of each curve, and PATH.svg, drawn by gnuplot if it is here.
    `curves`: names, and of each the points (step, value)."""
    with open(path + ".csv", "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["curve", "step", "value"])
        for name, line in curves.items():
            writer.writerows([name, step, f"{value:.6g}"] for step, value in line)
    if shutil.which("gnuplot") is None:
        print("    without a picture: gnuplot is not here")
        return
    commands = [f'set terminal svg size 720,480 font "sans,13"\nset output "{path}.svg"',
                f'set title "{title}"\nset xlabel "step"\nset ylabel "{label}"\nset grid']
    for number, line in enumerate(curves.values()):
        commands.append(f"$c{number} << E\n" + "\n".join(f"{s} {v}" for s, v in line) + "\nE")
    colours = {method: f"lc {i + 1}" for i, method in
               enumerate(dict.fromkeys(name.split(",")[0] for name in curves))}
    commands.append("plot " + ", ".join(
        f'$c{number} with lines lw 1.5 {colours[name.split(",")[0]]} title "{name}"'
        for number, name in enumerate(curves)))
    subprocess.run(["gnuplot"], input="\n".join(commands) + "\n", text=True, check=True)
