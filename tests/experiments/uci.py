"""Three tables of the UCI repository with the 20 splits of Hernandez-Lobato and Adams."""

import collections
import os
import random

from report import mean_of, table, with_error, write_section
from runs import chosen_of, points

SPLITS, MEMBERS, DRAWS, EPOCHS, BATCH = 20, 5, 64, 40, 16
TABLES = {"concrete": 9, "energy": 9, "power-plant": 5}  # columns; the response is the last

# RMSE and negative log-likelihood as printed in Table 1 of Lakshminarayanan, Pritzel and Blundell,
# NeurIPS 2017, who quote the figures of the first two from their papers.
PUBLISHED = {
    "PBP (Hernández-Lobato and Adams, 2015)":
        {"concrete": ("5.67 ± 0.09", "3.16 ± 0.02"), "energy": ("1.80 ± 0.05", "2.04 ± 0.02"),
         "power-plant": ("4.12 ± 0.03", "2.84 ± 0.01")},
    "MC dropout (Gal and Ghahramani, 2016)":
        {"concrete": ("5.23 ± 0.53", "3.04 ± 0.09"), "energy": ("1.66 ± 0.19", "1.99 ± 0.09"),
         "power-plant": ("4.02 ± 0.18", "2.80 ± 0.05")},
    "Deep ensemble (Lakshminarayanan et al., 2017)":
        {"concrete": ("6.03 ± 0.58", "3.06 ± 0.18"), "energy": ("2.09 ± 0.29", "1.38 ± 0.22"),
         "power-plant": ("4.11 ± 0.17", "2.79 ± 0.04")},
}  # fmt: skip


class Split:
    """One split of one table: the rows that the papers train on, a fifth of which tunes."""

    def __init__(self, experiment, name, number):
        self.runs, self.folder = experiment.runs, f"uci/{name}-{number}"
        self.source = os.path.join(experiment.data, "uci", name)
        self.column = f"x{TABLES[name]}"
        self.number = number
        self.config = os.path.join(experiment.here, "uci.toml")
        rows = self.numbers("train")
        self.count = len(rows)
        random.Random(number).shuffle(rows)
        self.cut = self.count // 5
        for part, chosen in (("tune", rows[self.cut:]), ("check", rows[:self.cut])):
            with open(self.file(part), "w") as file:
                file.writelines(f"{row}\n" for row in chosen)

    def numbers(self, part):
        with open(self.given(part)) as file:
            return [int(float(line)) for line in file if line.strip()]

    def given(self, part):
        return os.path.join(self.source, f"index_{part}_{self.number}.txt")

    def file(self, part):
        return self.runs.path(self.folder, part + ".rows")

    def train(self, name, settings, seed, rows, held_out, count):
        return self.runs.train(f"{self.folder}/{name}", self.config, {
            **settings, "run.seed": seed, "data.path": os.path.join(self.source, "data.txt"),
            "data.response": self.column, "data.rows": rows, "data.validation_rows": held_out,
            "stop.steps": EPOCHS * count // BATCH})  # fmt: skip

    def tune(self, method, grid):
        """The settings of the least negative log-likelihood, as the method predicts."""
        def score(point):
            number, settings = point
            run = self.train(f"{method}/tuning-{number}", settings, 1, self.file("tune"),
                             self.file("check"), self.count - self.cut)
            return self.runs.evaluate([run], "--samples", DRAWS)["averaged"]["nll"]
        settings = points(grid)
        scores = [score(point) for point in enumerate(settings)]
        return settings[scores.index(min(scores))]

    def final(self, method, settings, seed):
        return self.train(f"{method}/seed-{seed}", settings, seed, self.given("train"),
                          self.given("test"), self.count)


def scores_of(split, grids):
    """What each way to predict scores on the rows that nothing was fitted to, and what was chosen."""
    chosen = {method: split.tune(method, grid) for method, grid in grids.items()}
    ivon = split.runs.evaluate([split.final("ivon", chosen["ivon"], 1)], "--samples", DRAWS)
    networks = [split.final("adamw", chosen["adamw"], seed) for seed in range(1, MEMBERS + 1)]
    return {"AdamW": split.runs.evaluate(networks[:1], "--samples", 0)["averaged"],
            f"deep ensemble of {MEMBERS}": split.runs.evaluate(networks, "--samples", 0)["averaged"],
            "IVON, at the mean": ivon["mean"],
            "IVON, averaged": ivon["averaged"]}, chosen  # fmt: skip


def rows_of(name, scores):
    rows = []
    for way in scores[0]:
        of = lambda key: [split[way][key] for split in scores]
        rows.append([name, way, with_error(of("rmse"), 3), with_error([-x for x in of("nll")], 3),
                     f"{mean_of(of('coverage50')):.3f}", f"{mean_of(of('coverage90')):.3f}"])
    for paper, figures in PUBLISHED.items():
        rmse, nll = figures[name]
        rows.append([name, paper, rmse, "-" + nll, "", ""])
    return rows


def differences(name, scores, better="IVON, averaged"):
    """By how much the log-likelihood of IVON's average is larger, split by split."""
    return [[name, way, with_error([one[way]["nll"] - one[better]["nll"] for one in scores], 3),
             f"{sum(one[way]['nll'] > one[better]['nll'] for one in scores)} of {len(scores)}"]
            for way in scores[0] if way != better]


def times_chosen(grid, chosen):
    counts = collections.Counter(chosen_of(grid, settings) for settings in chosen)
    return "; ".join(f"{words} ({count})" for words, count in counts.most_common())


def run(experiment):
    if not os.path.isdir(os.path.join(experiment.data, "uci")):
        return experiment.skip("uci", "the tables of BAYESUM_DATA_DIR/uci are not here")
    grids = experiment.grids["uci"]
    paired = [["", "IVON's average against", "log-likelihood more by", "splits where it is larger"]]
    header = ["", "", "RMSE", "log-likelihood", "in 50 %", "in 90 %"]
    table_rows = [header]
    for name in TABLES:
        found = experiment.runs.map(lambda k: scores_of(Split(experiment, name, k), grids),
                                    range(SPLITS))
        scored, chosen = [scores for scores, _ in found], [choice for _, choice in found]
        table_rows += rows_of(name, scored)
        paired += differences(name, scored)
        for method in grids:
            paired.append([name, method + " chose (splits)",
                           times_chosen(grids[method], [one[method] for one in chosen]), ""])
        print(table([header] + rows_of(name, scored)), flush=True)
    write_section(experiment.results, "UCI regression", TEXT.format(
        scores=table(table_rows), paired=table(paired), count=len(points(grids["ivon"]))))


TEXT = """One hidden layer of 50 ReLU units, 40 epochs, batches of 16, the splits of the papers; the noise is
learned. Each split tunes for itself, on a fifth of its own training rows that the other four fifths
are trained without, over {count} points for either method. `in 50 %`: the share of test rows in
central 50 % intervals. The figures of the papers are those printed in Table 1 of Lakshminarayanan,
Pritzel and Blundell (NeurIPS 2017), with its ± as printed; their networks, budgets and tuning differ
from ours in detail.

{scores}

{paired}
"""
