"""Nielsen's network of sigmoid units: three runs of his book."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from experiments.claims import Claim, Measured, accuracy_margin
from experiments.experiment import Experiment, Findings, Runs
from experiments.figures import new_axes, plot_band
from experiments.lab import Lab, Planned
from experiments.tables import spread, table
from nnlab.data.loading import dataset_of
from nnlab.models.saved_model import ARCHITECTURE, WEIGHTS, load_model

NAME = "network"
SOURCE = "M. Nielsen, Neural Networks and Deep Learning"


@dataclass(frozen=True)
class Published:
    """A run of the book.

    Attributes:
        preset: its name here.
        words: what is trained.
        epochs: how many.
        accuracy: the book's, 0 to 1.
        decimals: as many as the book prints.
        reason: why ours may be lower.
        is_best: whether it is the best of several runs.
    """

    preset: str
    words: str
    epochs: int
    accuracy: float
    decimals: int
    reason: str
    is_best: bool = False


TEST_ROWS = 10_000
"""The rows that the book counts accuracies on, for validation and test alike."""
RUNS = (
    Published(
        "network_30",
        "[784, 30, 10], quadratic cost",
        30,
        0.95,
        2,
        "the book says about 95 %, of its best of three runs",
    ),
    Published(
        "network_100",
        "[784, 100, 10], quadratic cost",
        30,
        0.9659,
        4,
        "the book gives the best of three runs and warns of worse ones: outputs that begin saturated stay silent",
        is_best=True,
    ),
    Published(
        "network_100_entropy",
        "[784, 100, 10], cross-entropy, λ 5",
        60,
        0.9792,
        4,
        "the book's figure is of its validation digits; at a constant rate of 0.5 epochs differ, the last may be low",
    ),
)
ENTROPY = RUNS[-1]


def plan(lab: Lab) -> list[Planned]:
    """The three presets, one run per seed."""
    return [run for each in RUNS for run in lab.plan(NAME, each.preset, *_overrides(lab, each), test=True)]


def judge(lab: Lab, runs: Runs) -> Findings:
    """Accuracies against the book's."""
    measured = [
        _measured(
            lab,
            runs,
            each,
            f"test accuracy after epoch {each.epochs}{'; claimed of the best of three runs' if each.is_best else ''}",
            runs.values(each.preset, "test/accuracy"),
        )
        for each in RUNS
    ]
    of_validation = "validation accuracy, as the book's, of each run's best epoch"
    measured.append(_measured(lab, runs, ENTROPY, of_validation, _best(runs, ENTROPY)))
    return Findings(measured, _table(lab, runs), {"accuracy": _figure(runs)})


def _measured(lab: Lab, runs: Runs, published: Published, what: str, values: list[float]) -> Measured:
    claim = Claim(
        f"network {published.words}: {what}",
        SOURCE,
        published.accuracy,
        "best run" if published.is_best else "run",
        accuracy_margin(published.accuracy, rows=TEST_ROWS, decimals=published.decimals),
    )
    command = lab.command(*_overrides(lab, published), test=True)
    return Measured(claim, values, runs.seconds(published.preset), command, published.reason)


def _overrides(lab: Lab, published: Published) -> tuple[str, ...]:
    return f"experiment={published.preset}", lab.epochs(published.epochs)


def _best(runs: Runs, published: Published) -> list[float]:
    """The validation accuracy of each run's best epoch."""
    return [float(best) for best in runs.by_epoch(published.preset, "val/accuracy").max()]


def _table(lab: Lab, runs: Runs) -> str:
    head = ["run", "published", "test, last epoch", "validation, last", "validation, best", "most right", "silent runs"]
    rows = []
    for each in RUNS:
        at_end = (runs.values(each.preset, column) for column in ("test/accuracy", "val/accuracy"))
        right = runs.by_epoch(each.preset, "val/correct").max().max()
        silent = f"{_silent(lab, runs, each)} of {len(runs.of(each.preset))}"
        rows.append(
            [each.words, str(each.accuracy), *map(spread, (*at_end, _best(runs, each))), f"{right:.0f}", silent]
        )
    return table(head, rows)


def _silent(lab: Lab, runs: Runs, published: Published) -> int:
    """How many runs have an output that is below one half for every row of the validation split."""
    first, *_ = lab.plan(NAME, published.preset, *_overrides(lab, published))
    dataset = dataset_of(first.job.config.data, seed=0)
    rows = dataset.validation.x[dataset.validation.index]
    folders = [Path(directory) / "model" for directory in runs.of(published.preset)["directory"]]
    outputs = [load_model(each / ARCHITECTURE, each / WEIGHTS).predict(rows) for each in folders]
    return sum(bool((each.max(axis=0) < 0.5).any()) for each in outputs)


def _figure(runs: Runs) -> Figure:
    figure, axes = new_axes("epoch", "validation accuracy")
    for each in RUNS:
        plot_band(axes, runs.by_epoch(each.preset, "val/accuracy"), label=each.words)
    axes.legend(loc="lower right")
    return figure


EXPERIMENT = Experiment(NAME, "System 4: Nielsen's network of sigmoid units", plan, judge)
