"""What momentum brings: plain SGD against momentum and Nesterov's, at the same rate and at the same long-run step."""

from __future__ import annotations

from matplotlib.figure import Figure

from experiments.claims import hypothesis
from experiments.experiment import Experiment, Findings, Runs
from experiments.figures import new_axes, plot_band
from experiments.lab import Lab, Planned
from experiments.tables import spread, table

NAME = "momentum"
SETTING = ("model.hidden=[100]", "trainer.batch_size=64", "tracking.plots=false")
PLAIN, SAME_STEP = "SGD, lr 0.1", "momentum 0.9, lr 0.01"
SAME_RATE, NESTEROV = "momentum 0.9, lr 0.1", "Nesterov 0.9, lr 0.1"
VARIANTS = {
    PLAIN: ("optimizer=sgd", "optimizer.lr=0.1"),
    SAME_STEP: ("optimizer=momentum", "optimizer.momentum=0.9", "optimizer.lr=0.01"),
    SAME_RATE: ("optimizer=momentum", "optimizer.momentum=0.9", "optimizer.lr=0.1"),
    NESTEROV: ("optimizer=nesterov", "optimizer.momentum=0.9", "optimizer.lr=0.1"),
}
EPOCHS = 5


def plan(lab: Lab) -> list[Planned]:
    """One run per variant and seed."""
    return [
        run
        for variant, overrides in VARIANTS.items()
        for run in lab.plan(NAME, variant, *SETTING, *overrides, lab.epochs(EPOCHS))
    ]


def judge(lab: Lab, runs: Runs) -> Findings:
    """Compare the variants, seed by seed."""
    command = lab.command(*SETTING, lab.epochs(EPOCHS), "optimizer=momentum,nesterov", "optimizer.lr=0.01,0.1")
    questions = {
        "momentum 0.9 less plain SGD, both at lr 0.1": (SAME_RATE, PLAIN),
        "momentum 0.9 at lr 0.01 less plain SGD at lr 0.1, the same step in the long run": (SAME_STEP, PLAIN),
        "Nesterov's momentum less momentum, both 0.9 at lr 0.1": (NESTEROV, SAME_RATE),
    }
    measured = [
        hypothesis(
            f"validation accuracy after the first epoch: {text}",
            runs.differences(variant, other, "val/accuracy", epoch=1),
            seconds=runs.seconds(variant, other),
            command=command,
        )
        for text, (variant, other) in questions.items()
    ]
    return Findings(measured, _found(runs), {"accuracy": _figure(runs)})


def _found(runs: Runs) -> str:
    epochs = sorted(runs.epochs["epoch"].unique())
    rows = [
        (variant, *(spread(runs.at_epoch(variant, "val/accuracy", int(epoch))) for epoch in epochs))
        for variant in VARIANTS
    ]
    return table(("validation accuracy", *(f"epoch {epoch}" for epoch in epochs)), rows)


def _figure(runs: Runs) -> Figure:
    figure, axes = new_axes("epoch", "validation accuracy")
    for variant in VARIANTS:
        plot_band(axes, runs.by_epoch(variant, "val/accuracy"), label=variant)
    axes.set_xticks(sorted(runs.epochs["epoch"].unique()))
    axes.legend(loc="lower right")
    return figure


EXPERIMENT = Experiment(NAME, "What does momentum bring?", plan, judge)
