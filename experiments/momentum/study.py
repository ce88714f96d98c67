"""What momentum buys: plain SGD against momentum and Nesterov's, at the same step in the long run."""

from __future__ import annotations

from experiments.claims import Claim, Measured
from experiments.figures import new_axes, plot_band
from experiments.lab import Lab, Planned
from experiments.study import Findings, Runs, Study

NAME = "momentum"
SETTING = ("model.hidden=[100]", "trainer.batch_size=64", "tracking.plots=false")
VARIANTS = {
    "SGD, lr 0.1": ("optimizer=sgd", "optimizer.lr=0.1"),
    "momentum 0.9, lr 0.01": ("optimizer=momentum", "optimizer.momentum=0.9", "optimizer.lr=0.01"),
    "momentum 0.9, lr 0.1": ("optimizer=momentum", "optimizer.momentum=0.9", "optimizer.lr=0.1"),
    "Nesterov 0.9, lr 0.1": ("optimizer=nesterov", "optimizer.momentum=0.9", "optimizer.lr=0.1"),
}
EPOCHS = 5


def plan(lab: Lab) -> list[Planned]:
    """A run for each variant and seed."""
    return [
        run
        for variant, overrides in VARIANTS.items()
        for run in lab.plan(NAME, variant, *SETTING, *overrides, lab.epochs(EPOCHS))
    ]


def judge(lab: Lab, runs: Runs) -> Findings:
    """Compare the variants, seed by seed."""
    figure, axes = new_axes("epoch", "validation accuracy")
    for variant in VARIANTS:
        plot_band(axes, runs.by_epoch(variant, "val/accuracy"), label=variant)
    axes.legend(loc="lower right")
    gains = runs.differences("momentum 0.9, lr 0.1", "SGD, lr 0.1", "val/accuracy", epoch=1)
    claim = Claim(
        "validation accuracy after the first epoch: momentum 0.9 less plain SGD, lr 0.1", "own question", 0.0, "above"
    )
    command = lab.command(*SETTING, lab.epochs(EPOCHS), "optimizer=momentum", "optimizer.lr=0.01,0.1")
    measured = Measured(claim, gains, runs.seconds(), command)
    return Findings([measured], "", {"accuracy": figure})


STUDY = Study(NAME, "What does momentum buy?", plan, judge)
