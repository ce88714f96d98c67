"""What L2 changes: the gap between training and validation on few digits, by the strength of the penalty."""

from __future__ import annotations

from matplotlib.figure import Figure

from experiments.claims import hypothesis
from experiments.experiment import Experiment, Findings, Runs
from experiments.figures import new_axes, plot_band, plot_points
from experiments.lab import Lab, Planned
from experiments.tables import spread, table

NAME = "l2"
SETTING = (
    *("model.hidden=[100]", "optimizer=sgd", "optimizer.lr=0.1", "trainer.batch_size=32"),
    # The weights of the last epoch, for every strength: what early stopping would hide is the question.
    *("trainer.restore_best=false", "tracking.plots=false"),
)
STRENGTHS = ("0", "1e-5", "1e-4", "3e-4", "1e-3", "3e-3", "1e-2")
NONE, JUDGED = "0", "1e-3"
ROWS, EPOCHS = 5000, 60


def plan(lab: Lab) -> list[Planned]:
    """One run per strength and seed."""
    return [run for strength in STRENGTHS for run in lab.plan(NAME, strength, *_setting(lab), *_penalty(strength))]


def judge(lab: Lab, runs: Runs) -> Findings:
    """Compare the strengths, seed by seed, and the gap between training and validation."""
    gaps = {strength: _gaps(runs, strength) for strength in STRENGTHS}
    narrower = [one - two for one, two in zip(gaps[NONE], gaps[JUDGED], strict=True)]
    accuracy = runs.differences(JUDGED, NONE, "val/accuracy")
    loss = runs.differences(NONE, JUDGED, "val/loss")
    rows = {
        f"gap between training and validation accuracy: without L2 less with strength {JUDGED}": narrower,
        f"validation accuracy: L2 of strength {JUDGED} less none": accuracy,
        f"validation loss: none less L2 of strength {JUDGED}": loss,
    }
    command = lab.command(*_setting(lab), "regularizer=l2", f"regularizer.strength={NONE},{JUDGED}")
    seconds = runs.seconds(NONE, JUDGED)
    return Findings(
        [hypothesis(text, values, seconds=seconds, command=command) for text, values in rows.items()],
        _found(runs, gaps),
        {"accuracy": _accuracy_figure(runs), "loss": _loss_figure(runs)},
    )


def _setting(lab: Lab) -> tuple[str, ...]:
    """What all runs share; with --quick the lab says how few rows."""
    return (*SETTING, lab.epochs(EPOCHS), *(() if lab.is_quick else (f"data.limit={ROWS}",)))


def _penalty(strength: str) -> tuple[str, str]:
    return "regularizer=l2", f"regularizer.strength={strength}"


def _gaps(runs: Runs, strength: str) -> list[float]:
    train, validation = (runs.values(strength, f"{split}/accuracy") for split in ("train", "val"))
    return [one - two for one, two in zip(train, validation, strict=True)]


def _found(runs: Runs, gaps: dict[str, list[float]]) -> str:
    head = ("strength", "training accuracy", "validation accuracy", "gap", "validation loss")
    rows = [
        (
            strength,
            *(spread(runs.values(strength, f"{split}/accuracy")) for split in ("train", "val")),
            spread(gaps[strength]),
            spread(runs.values(strength, "val/loss")),
        )
        for strength in STRENGTHS
    ]
    return table(head, rows)


def _accuracy_figure(runs: Runs) -> Figure:
    figure, axes = new_axes("strength of L2", "accuracy after the last epoch")
    places = [float(place) for place in range(len(STRENGTHS))]
    for split, label in (("train", "training"), ("val", "validation")):
        values = [runs.values(strength, f"{split}/accuracy") for strength in STRENGTHS]
        plot_points(axes, places, values, label=label)
    axes.set_xticks(places, STRENGTHS)
    axes.legend(loc="lower left")
    return figure


def _loss_figure(runs: Runs) -> Figure:
    figure, axes = new_axes("epoch", "validation loss")
    for strength in (NONE, "1e-4", JUDGED, "1e-2"):
        plot_band(axes, runs.by_epoch(strength, "val/loss"), label=f"strength {strength}")
    axes.legend()
    return figure


EXPERIMENT = Experiment(NAME, "What does L2 bring?", plan, judge)
