"""Systems 3a, 3b and 3c: the truth table, the same net on digits one at a time, and its layer framework."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from experiments.claims import OWN, Claim, Measured, accuracy_margin
from experiments.experiment import Experiment, Findings, Runs
from experiments.figures import COLOURS, new_axes
from experiments.lab import Lab, Planned
from experiments.tables import table
from nnlab.plots import look, new_figure

NAME = "toy"
SOURCE = "S. Weidman, Deep Learning from Scratch using Python"
TABLE, DIGITS, LAYERS = "truth table", "digits", "layer framework"
SETTINGS = {
    TABLE: ("experiment=toy", "tracking.plots=false"),
    DIGITS: ("experiment=toy_digits",),
    LAYERS: ("experiment=toy_layers", "data.limit=5000", "tracking.plots=false"),
}
PUBLISHED_LOSSES = {50: 0.13, 100: 0.05, 150: 0.02, 200: 0.01}
ZERO_FROM, ROUNDS_TO_ZERO = 300, 0.005
PUBLISHED_ERRORS = (0.06, 0.06, 0.02, 0.02, 0.08, 0.03, 0.02, 0.05)
"""How far the eight printed predictions are from their answers."""
ONE_RUN = "The document prints one number, of one run with another generator and another division of the digits"


def plan(lab: Lab) -> list[Planned]:
    """The truth table, whose eight rows are all there is; and the two nets on digits."""
    return [
        *lab.plan(NAME, TABLE, *SETTINGS[TABLE], on_digits=False),
        *lab.plan(NAME, DIGITS, *_digits(lab), test=True),
        *lab.plan(NAME, LAYERS, *SETTINGS[LAYERS], test=True),
    ]


def judge(lab: Lab, runs: Runs) -> Findings:
    """Each published figure against ours."""
    digits = Measured(
        _accuracy("toy: digits one at a time, 10 epochs, test accuracy", 0.950, rows=7_000),
        runs.values(DIGITS, "test/accuracy"),
        runs.seconds(DIGITS),
        lab.command(*_digits(lab), test=True),
        f"{ONE_RUN}.",
    )
    layers = Measured(
        _accuracy("toy: layer framework, 5,000 digits once each, test accuracy", 0.710, rows=7_000),
        runs.values(LAYERS, "test/accuracy"),
        runs.seconds(LAYERS),
        lab.command(*SETTINGS[LAYERS], test=True),
        f"{ONE_RUN}; after so little training the first weights still decide much.",
    )
    truth_table = _truth_table(lab, runs)
    figures = {"truth_table": _losses(runs), "digits": _accuracies(digits, layers)}
    return Findings([*truth_table, digits, layers], _found(runs), figures)


def _digits(lab: Lab) -> tuple[str, ...]:
    return (*SETTINGS[DIGITS], lab.epochs(10))


def _accuracy(text: str, figure: float, *, rows: int) -> Claim:
    return Claim(text, SOURCE, figure, margin=accuracy_margin(figure, rows=rows, decimals=3), decimals=3)


def _truth_table(lab: Lab, runs: Runs) -> list[Measured]:
    accuracies = runs.values(TABLE, "val/accuracy")
    missed = "From some first weights the four hidden units do not find the table in 500 epochs."
    claims = [
        (Claim("toy: truth table, accuracy after 500 epochs", SOURCE, 1.0), accuracies),
        (
            Claim("toy: truth table, share of seeds that get a row wrong", OWN, 0.0, "check"),
            [float(accuracy < 1) for accuracy in accuracies],
        ),
        (
            Claim(
                "toy: truth table, loss after 500 epochs rounds to .00",
                SOURCE,
                ROUNDS_TO_ZERO,
                "bound",
                lower_is_better=True,
            ),
            runs.values(TABLE, "val/loss"),
        ),
    ]
    command = lab.command(*SETTINGS[TABLE], on_digits=False)
    return [Measured(claim, values, runs.seconds(TABLE), command, missed) for claim, values in claims]


def _found(runs: Runs) -> str:
    losses = runs.by_epoch(TABLE, "val/loss")
    last = runs.values(TABLE, "val/loss")
    head = ("loss of the truth table", "document, one run", "lowest", "median", "highest")
    rows = [
        [
            f"after {epoch} epochs",
            f"{published:.2f}",
            *(f"{ours:.3f}" for ours in losses.loc[epoch].quantile([0, 0.5, 1])),
        ]
        for epoch, published in PUBLISHED_LOSSES.items()
    ]
    printed = f"{0.5 * np.mean(np.square(PUBLISHED_ERRORS)):.4f}, from its predictions"
    rows.append(["after 500 epochs", printed, f"{min(last):.4f}", "", f"{max(last):.4f}"])
    early = sum(loss < ROUNDS_TO_ZERO for loss in runs.at_epoch(TABLE, "val/loss", ZERO_FROM))
    rows.append([f"rounds to .00 after {ZERO_FROM} epochs", "yes", f"in {early} of {len(last)} seeds", "", ""])
    at_marks = losses.loc[list(PUBLISHED_LOSSES)]
    return (
        f"{table(head, rows)}\n\n"
        f"In two digits, the range over the seeds contains {_held(at_marks)} of the document's {len(PUBLISHED_LOSSES)} "
        f"losses; {_held(2 * at_marks)} if these are (y − p)², without the ½."
    )


def _held(losses: pd.DataFrame) -> int:
    """How many of the published losses lie between the lowest and the highest seed, as they would be printed."""
    low, high = losses.min(axis=1).round(2), losses.max(axis=1).round(2)
    return sum(low[epoch] <= published <= high[epoch] for epoch, published in PUBLISHED_LOSSES.items())


def _losses(runs: Runs) -> Figure:
    losses = runs.by_epoch(TABLE, "val/loss")
    median = losses.median(axis=1)
    figure, axes = new_axes("epoch", "loss on all eight rows, ½ (y − p)²")
    axes.plot(losses.index, losses.to_numpy(), color=COLOURS[0], alpha=0.3, linewidth=0.8)
    axes.plot(median.index, median, color=COLOURS[0], linewidth=2, label=f"median of {losses.shape[1]} seeds")
    axes.plot(median.index, 2 * median, color=COLOURS[0], linestyle=":", label="the same without the ½")
    axes.plot(list(PUBLISHED_LOSSES), list(PUBLISHED_LOSSES.values()), "s", color=COLOURS[1], label="document, one run")
    axes.plot(
        [ZERO_FROM, losses.index.max()], [0, 0], color=COLOURS[1], linewidth=4, alpha=0.6, label=".00 from here on"
    )
    axes.legend()
    return figure


def _accuracies(*rows: Measured) -> Figure:
    """A strip for each: they are a quarter apart."""
    with look():
        figure = new_figure(7.5, 3.6)
        grid = figure.subplots(1, len(rows))
        for axes, row in zip(grid, rows, strict=True):
            axes.plot(range(len(row.values)), row.values, "o", color=COLOURS[0], markersize=4, label="a seed")
            axes.axhline(row.sample.mean, color=COLOURS[0], linewidth=1, linestyle="--", label="their mean")
            axes.axhline(row.claim.claimed, color=COLOURS[1], label="document, one run")
            axes.set_title(row.claim.text.removeprefix("toy: ").removesuffix(", test accuracy"))
            axes.set_xlabel("seed")
            axes.xaxis.get_major_locator().set_params(integer=True)
            axes.grid(visible=True)
        grid[0].set_ylabel("test accuracy")
        figure.legend(*grid[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


EXPERIMENT = Experiment(NAME, "Does a net of sigmoid units learn the truth table, and then digits?", plan, judge)
