"""Fashion-MNIST, with the digits of MNIST as data of another kind."""

import os

from report import table, with_error, write_curves, write_section
from runs import chosen_of, course, points

IMAGES, BATCH, EPOCHS, TUNING_EPOCHS, SEEDS, MEMBERS, DRAWS = 60000, 64, 8, 3, 3, 5, 32
HELD_OUT = 1 / 6  # of the training images, at their end, to tune by
DIGITS = "mnist10k/t10k-images-idx3-ubyte.gz"
NAMES = {"adamw": "AdamW", "ivon": "IVON"}


class Fashion:
    def __init__(self, experiment):
        self.runs = experiment.runs
        self.config = os.path.join(experiment.here, "fashion.toml")
        self.folder = os.path.join("data", "fashion")
        digits = os.path.join(experiment.data, DIGITS)
        self.digits = digits if os.path.exists(digits) else None

    def images(self, part):
        return os.path.join(self.folder, f"{part}-images-idx3-ubyte.gz")

    def labels(self, part):
        return os.path.join(self.folder, f"{part}-labels-idx1-ubyte.gz")

    def train(self, name, settings, seed, steps, held_out):
        return self.runs.train(f"fashion/{name}", self.config, {
            **settings, **held_out, "run.seed": seed, "data.path": self.images("train"),
            "data.response": self.labels("train"), "stop.steps": steps}, keep_course=True)

    def tune(self, method, grid):
        """The settings of the least negative log-likelihood, as the method predicts, and all."""
        def score(point):
            number, settings = point
            steps = round(TUNING_EPOCHS * IMAGES * (1 - HELD_OUT) / BATCH)
            run = self.train(f"{method}/tuning-{number}", settings, 1, steps,
                             {"data.validation_share": HELD_OUT, "validation.every": 0})
            return self.runs.evaluate([run], "--samples", DRAWS)["averaged"]["nll"]
        settings = points(grid)
        scores = self.runs.map(score, enumerate(settings))
        tried = [[NAMES[method], chosen_of(grid, one), f"{x:.4f}"] for one, x in zip(settings, scores)]
        return settings[scores.index(min(scores))], tried

    def final(self, method, settings, seed):
        test = {"data.validation": self.images("t10k"),
                "data.validation_response": self.labels("t10k"),
                "validation.every": IMAGES // BATCH // 2}
        return self.train(f"{method}/seed-{seed}", settings, seed, EPOCHS * IMAGES // BATCH, test)

    def evaluate(self, runs, draws):
        other = ["--ood", self.digits] if self.digits else []
        return self.runs.evaluate(runs, "--samples", draws, *other)


def scores_of(found, way):
    """The scores of one way to predict, "mean" or "averaged"."""
    scores = dict(found[way])
    if "ood" in found:
        scores["auroc"] = found["ood"][f"auroc_entropy_{way}"]
    return scores


def run(experiment):
    fashion = Fashion(experiment)
    if not os.path.exists(fashion.images("train")):
        return experiment.skip("fashion", "launch/data/fetch.sh --fashion brings its data")
    if fashion.digits is None:
        experiment.skip("fashion, AUROC", f"{DIGITS} of BAYESUM_DATA_DIR is not here")
    chosen, tried = {}, [["", "", f"log-likelihood after {TUNING_EPOCHS} epochs, negative"]]
    for method, grid in experiment.grids["fashion"].items():
        chosen[method], scores = fashion.tune(method, grid)
        tried += scores
    print(table(tried), flush=True)

    asked = ([("ivon", seed) for seed in range(1, SEEDS + 1)] +
             [("adamw", seed) for seed in range(1, SEEDS * MEMBERS + 1)])
    trained = dict(zip(asked, experiment.runs.map(
        lambda one: fashion.final(one[0], chosen[one[0]], one[1]), asked)))
    ivon = [fashion.evaluate([trained["ivon", seed]], DRAWS) for seed in range(1, SEEDS + 1)]
    ensembles = [fashion.evaluate([trained["adamw", first + k] for k in range(MEMBERS)], 0)
                 for first in range(1, SEEDS * MEMBERS, MEMBERS)]
    ways = {"AdamW": [scores_of(one, "mean") for one in ensembles],
            f"deep ensemble of {MEMBERS}": [scores_of(one, "averaged") for one in ensembles],
            "IVON, at the mean": [scores_of(one, "mean") for one in ivon],
            "IVON, averaged": [scores_of(one, "averaged") for one in ivon]}
    write_curves(os.path.join(experiment.here, "fashion"),
                 {f"{NAMES[method]}, seed {seed}": course(trained[method, seed], "validation_loss")
                  for method in NAMES for seed in range(1, SEEDS + 1)},
                 "Fashion-MNIST: MLP with two hidden layers of 256", "negative log-likelihood")
    write_section(experiment.results, "Fashion-MNIST", TEXT.format(
        epochs=EPOCHS, seeds=SEEDS, members=MEMBERS, draws=DRAWS, tuning=TUNING_EPOCHS,
        tried=table(tried), scores=table(rows_of(ways)), verdict=verdict(ways)))


def rows_of(ways):
    columns = {"accuracy": "accuracy", "nll": "NLL", "ece": "ECE", "brier": "Brier", "auroc": "AUROC"}
    rows = [["", *columns.values()]]
    for name, scores in ways.items():
        rows.append([name] + [with_error([one[key] for one in scores], 4)
                              if key in scores[0] else "" for key in columns])
    return rows


def verdict(ways):
    words = []
    for key, name in (("nll", "NLL"), ("ece", "ECE")):
        gap = sum(a[key] - b[key] for a, b in zip(ways["AdamW"], ways["IVON, averaged"])) / SEEDS
        words.append(f"its {name} is {'smaller' if gap > 0 else '**larger**'} by {abs(gap):.4f}")
    return "IVON's average against AdamW: " + ", ".join(words) + "."


TEXT = """An MLP with two hidden layers of 256 units, {epochs} epochs of the 60,000 images in batches of 64, scored
on the 10,000 test images; {seeds} seeds (of ensembles {seeds} too, of {members} networks each, none of them in
two; their budget is {members} times that of the others). `averaged`: over {draws} draws. AUROC: by the
entropy of the prediction, against the 10,000 test digits of MNIST. Both methods were tuned over as many
points on the last 10,000 training images, trained on the other 50,000 for {tuning} epochs:

{tried}

With the best of them (curves: fashion.csv, fashion.svg):

{scores}

{verdict}
"""
