"""A character GPT on tinyshakespeare: the last tenth of the text is predicted."""

import os

from report import table, with_error, write_curves, write_section
from runs import chosen_of, course, points

SEEDS, STEPS, TUNING_STEPS = (1, 2, 3), 2000, 500
DRAWS = {"adamw": 0, "ivon": 4}  # 0: the mean alone
NAMES = {"adamw": "AdamW", "ivon": "IVON"}


def tune(experiment, text, method, grid):
    """The settings of the least loss on the last tenth of what is trained on, and all losses."""
    def loss(point):
        number, settings = point
        run = experiment.runs.train(
            f"shakespeare/{method}/tuning-{number}", config_of(experiment),
            {**settings, "data.path": text, "run.seed": 1, "stop.steps": TUNING_STEPS}, True)
        return course(run, "validation_loss")[-1][1]
    settings = points(grid)
    losses = experiment.runs.map(loss, enumerate(settings))
    tried = [[NAMES[method], chosen_of(grid, each), f"{x:.4f}"] for each, x in zip(settings, losses)]
    return settings[losses.index(min(losses))], tried


def config_of(experiment):
    return os.path.join(experiment.here, "shakespeare.toml")


def first_part(experiment, path):
    """The text without the tenth at its end that the networks are judged by."""
    part = experiment.runs.path("shakespeare", "first-part.txt")
    with open(path, "rb") as file:
        text = file.read()
    with open(part, "wb") as file:
        file.write(text[:len(text) * 9 // 10])
    return part


def run(experiment):
    path = os.path.join(experiment.data, "tinyshakespeare.txt")
    if not os.path.exists(path):
        return experiment.skip("shakespeare", "tinyshakespeare.txt of BAYESUM_DATA_DIR is not here")
    part = first_part(experiment, path)
    chosen, tried = {}, [["", "", f"loss after {TUNING_STEPS} steps"]]
    for method, grid in experiment.grids["shakespeare"].items():
        chosen[method], losses = tune(experiment, part, method, grid)
        tried += losses
    print(table(tried), flush=True)

    def train(which):
        method, seed = which
        return experiment.runs.train(
            f"shakespeare/{method}/seed-{seed}", config_of(experiment),
            {**chosen[method], "data.path": path, "run.seed": seed, "stop.steps": STEPS}, True)
    all_runs = [(method, seed) for seed in SEEDS for method in chosen]
    trained = dict(zip(all_runs, experiment.runs.map(train, all_runs)))
    scores = dict(zip(all_runs, experiment.runs.map(
        lambda which: experiment.runs.evaluate([trained[which]], "--samples", DRAWS[which[0]]),
        all_runs)))
    write_curves(os.path.join(experiment.here, "shakespeare"),
                 {f"{NAMES[method]}, seed {seed}": course(trained[method, seed], "validation_loss")
                  for method, seed in sorted(trained)},
                 "tinyshakespeare: GPT of 0.8 million parameters", "validation loss")
    write_section(experiment.results, "Tinyshakespeare", TEXT.format(
        steps=STEPS, tuning=TUNING_STEPS, tried=table(tried), draws=DRAWS["ivon"],
        seeds=len(SEEDS), scores=table(rows_of(scores)), verdict=verdict(scores)))


def rows_of(scores):
    rows = [["", "validation loss", "ECE", "accuracy", "by seed"]]
    for method, way in (("adamw", "mean"), ("ivon", "mean"), ("ivon", "averaged")):
        of = lambda key: [scores[method, seed][way][key] for seed in SEEDS]
        name = NAMES[method] + ("" if method == "adamw" else
                                ", averaged" if way == "averaged" else ", at the mean")
        rows.append([name, with_error(of("nll"), 4), with_error(of("ece"), 4),
                     with_error(of("accuracy"), 4), ", ".join(f"{x:.4f}" for x in of("nll"))])
    return rows


def verdict(scores):
    gap = sum(scores["ivon", seed]["mean"]["nll"] - scores["adamw", seed]["mean"]["nll"]
              for seed in SEEDS) / len(SEEDS)
    return (f"The goal, a loss at IVON's mean of at most AdamW's + 0.02, is "
            f"{'reached' if gap <= 0.02 else '**missed**'}: the difference is {gap:+.4f}.")


TEXT = """A character GPT of 4 layers, 4 heads and 128 channels (0.8 million parameters), windows of 64, 12 of
them a step, {steps} steps, {seeds} seeds; the last tenth of the text is held out, and the mean
negative log-likelihood of its characters is the validation loss. Both methods were tuned over as
many points, with {tuning} steps, on the last tenth of the other nine; two earlier trials of IVON had been
looked at on the held-out tenth itself (README.md):

{tried}

With the best of them, averages over {draws} draws (curves: shakespeare.csv, shakespeare.svg):

{scores}

{verdict}
"""
