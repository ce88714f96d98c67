"""Width and depth against accuracy and cost."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from itertools import pairwise

from matplotlib.figure import Figure

from experiments.claims import hypothesis
from experiments.experiment import Experiment, Findings, Runs
from experiments.figures import new_axes, plot_points
from experiments.lab import Lab, Planned
from experiments.tables import spread, table

NAME = "width_and_depth"
SETTING = (
    *("optimizer=adam", "optimizer.lr=0.001", "schedule=cosine", "trainer.batch_size=128"),
    *("trainer.restore_best=false", "tracking.plots=false"),
)
WIDTHS = (16, 32, 64, 128, 256, 512)
DEPTHS = (1, 2, 3)
PIXELS, CLASSES = 784, 10
EPOCHS = 5
ACCURACY = "val/accuracy"
COSTS = (10_000, 30_000, 100_000, 300_000, 1_000_000)

Net = tuple[int, int]
"""Width and depth."""


def plan(lab: Lab) -> list[Planned]:
    """One run per net and seed."""
    return [
        run
        for net in _nets(_widths(lab))
        for run in lab.plan(NAME, _hidden(net), *SETTING, f"model.hidden={_hidden(net)}", lab.epochs(EPOCHS))
    ]


def judge(lab: Lab, runs: Runs) -> Findings:
    """Ask what a second layer, a third, and twice the width add; list the nets that no smaller one matches."""
    questions = {
        "a second layer of 128 units": ((128, 2), (128, 1)),
        "a third layer of 128 units": ((128, 3), (128, 2)),
        "512 units instead of 256": ((512, 1), (256, 1)),
    }
    measured = [
        hypothesis(
            f"validation accuracy: what {text} adds",
            runs.differences(_hidden(net), _hidden(other), ACCURACY),
            seconds=runs.seconds(_hidden(net), _hidden(other)),
            command=lab.command(*SETTING, lab.epochs(EPOCHS), f"model.hidden={_hidden(other)},{_hidden(net)}"),
        )
        for text, (net, other) in questions.items()
    ]
    widths = _widths(lab)
    figures = {"cost": _cost_figure(runs, widths), "width": _width_figure(runs, widths)}
    return Findings(measured, _found(runs, widths), figures)


def multiply_adds(net: Net) -> int:
    """Of a row's forward pass: one per weight."""
    width, depth = net
    return sum(one * two for one, two in pairwise([PIXELS, *[width] * depth, CLASSES]))


def parameters(net: Net) -> int:
    """Weights and biases."""
    width, depth = net
    return multiply_adds(net) + width * depth + CLASSES


def _hidden(net: Net) -> str:
    width, depth = net
    return f"[{','.join([str(width)] * depth)}]"


def _widths(lab: Lab) -> tuple[int, ...]:
    """With --quick only those that a hypothesis is about."""
    return WIDTHS[3:] if lab.is_quick else WIDTHS


def _nets(widths: Sequence[int]) -> list[Net]:
    return [(width, depth) for depth in DEPTHS for width in widths]


def _front(runs: Runs, widths: Sequence[int]) -> list[Net]:
    """The nets that are more accurate, in the mean, than every smaller one; the smallest first."""
    front: list[Net] = []
    best = 0.0
    for net in sorted(_nets(widths), key=parameters):
        mean = statistics.fmean(runs.values(_hidden(net), ACCURACY))
        if mean > best:
            front.append(net)
            best = mean
    return front


def _found(runs: Runs, widths: Sequence[int]) -> str:
    front = _front(runs, widths)
    rows = [
        (
            _hidden(net),
            f"{parameters(net):,}",
            f"{multiply_adds(net):,}",
            spread(runs.values(_hidden(net), ACCURACY)),
        )
        for net in front
    ]
    head = ("hidden layers", "parameters", "multiply-adds a row", "validation accuracy")
    return f"Nets that are more accurate, in the mean, than every smaller one:\n\n{table(head, rows)}"


def _cost_figure(runs: Runs, widths: Sequence[int]) -> Figure:
    figure, axes = new_axes("parameters", "validation accuracy")
    for depth in DEPTHS:
        costs = [float(parameters((width, depth))) for width in widths]
        plot_points(axes, costs, _by_width(runs, widths, depth), label=_layers(depth))
    front = _front(runs, widths)
    axes.step(
        [parameters(net) for net in front],
        [statistics.fmean(runs.values(_hidden(net), ACCURACY)) for net in front],
        where="post",
        color="0.6",
        linestyle="--",
        linewidth=1,
        zorder=0,
        label="best for the cost",
    )
    axes.set_xscale("log")
    axes.set_xticks(COSTS, [f"{cost:,}" for cost in COSTS])
    axes.minorticks_off()
    axes.legend(loc="lower right")
    return figure


def _width_figure(runs: Runs, widths: Sequence[int]) -> Figure:
    figure, axes = new_axes("units a hidden layer", "validation accuracy")
    for depth in DEPTHS:
        plot_points(axes, [float(width) for width in widths], _by_width(runs, widths, depth), label=_layers(depth))
    axes.set_xscale("log", base=2)
    axes.minorticks_off()
    axes.set_xticks(widths, [str(width) for width in widths])
    axes.legend(loc="lower right")
    return figure


def _by_width(runs: Runs, widths: Sequence[int], depth: int) -> list[list[float]]:
    return [runs.values(_hidden((width, depth)), ACCURACY) for width in widths]


def _layers(depth: int) -> str:
    return f"{depth} hidden layer{'s' if depth > 1 else ''}"


EXPERIMENT = Experiment(NAME, "What do width and depth bring, and at what cost?", plan, judge)
