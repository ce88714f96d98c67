"""How many trials a study does in an hour, beside the tool that many use for it."""

from __future__ import annotations

from benchmarks.plan import Plan
from benchmarks.session import measured
from benchmarks.table import Row, Table

TEMPLATE_TRIALS_AN_HOUR = 180
"""Of the Lightning + Hydra template's Optuna sweep: about 20 s a trial of this size, one after another, measured once
on a machine of this kind. It is not run again here."""

SPACE = (
    "sweep.space=null",
    "optimizer.lr=tag(log, interval(0.01, 0.1))",
    "trainer.batch_size=choice(32, 64, 128, 256)",
    "model.width.0=choice(64, 128, 256)",
    "model.width.1=choice(64, 128, 256)",
    "model.width.2=choice(64, 128, 256)",
    "trainer.epochs=3",
    "sweep.pruner=none",
)


def sweep_rate(plan: Plan) -> Table:
    """Trials an hour (3 epochs, three hidden layers, 2 workers), against the Lightning + Hydra template."""
    trials = 3 if plan.is_quick else 40
    overrides = (*plan.data.overrides, *SPACE, f"sweep.trials={trials}")
    sessions = [measured(plan, overrides, workers=2) for _ in range(plan.rounds)]
    rates = [session.rate for session in sessions]
    return Table(
        f"{trials} trials of 3 epochs on {plan.data.name}, three hidden layers of 64-256, batch 32-256, 2 workers;\n"
        f"  the template's {TEMPLATE_TRIALS_AN_HOUR} an hour are a figure from our notes, not run again",
        [
            Row("trials an hour, whole session", rates),
            Row("against the template", [rate / TEMPLATE_TRIALS_AN_HOUR for rate in rates], "x", ">= 10x on MNIST"),
            Row("session", [session.wall for session in sessions], " s"),
            Row("of it searching", [session.searching for session in sessions], " s"),
            Row("of it waiting for MLflow at the end", [session.recording for session in sessions], " s"),
        ],
    )
