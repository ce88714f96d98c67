"""What a study costs beside the training: choosing, starting, recording, pictures and MLflow."""

from __future__ import annotations

from benchmarks.plan import Plan
from benchmarks.session import Session, measured
from benchmarks.table import Row, Table

WORKERS = 2
FIVE_SECONDS = ("model.hidden=[256, 128, 64]", "trainer.batch_size=64", "sweep.pruner=none", "sweep.space=null")
SEARCHED = "optimizer.lr=tag(log, interval(0.01, 0.1))"
EPOCHS_ON_MNIST, EPOCHS_ON_DIGITS = 12, 400
"""Which take about five seconds."""


def sweep_overhead(plan: Plan) -> Table:
    """Wall time of whole sessions against the sum of the training over the workers."""
    epochs = 1 if plan.is_quick else EPOCHS_ON_MNIST if plan.data.is_mnist else EPOCHS_ON_DIGITS
    trials = 2 if plan.is_quick else 30
    large = (*plan.data.overrides, *FIVE_SECONDS, SEARCHED, f"trainer.epochs={epochs}", f"sweep.trials={trials}")
    counts = (3,) if plan.is_quick else (50, 200, 500)
    of_large: list[Session] = []
    of_small: dict[int, list[Session]] = {count: [] for count in counts}
    for _ in range(plan.rounds):
        of_large.append(measured(plan, large, workers=WORKERS))
        for count in counts:
            small = ("data=digits", "sweep=mlp", f"sweep.trials={count}")
            of_small[count].append(measured(plan, small, workers=WORKERS))
    rows = [
        Row("trials of 5 s: training a trial", [s.training / s.trials for s in of_large], " s"),
        Row("training and validation a trial", [s.work / s.trials for s in of_large], " s"),
        Row("overhead over training alone", [100 * s.overhead(s.training) for s in of_large], " %"),
        Row("overhead over training and validation", [100 * s.overhead(s.work) for s in of_large], " %", "<= 10 %"),
        Row("waiting for MLflow at the end", [s.recording for s in of_large], " s"),
    ]
    for count, sessions in of_small.items():
        costs = [session.overhead_a_trial(session.training) for session in sessions]
        rows.append(Row(f"{count} small trials: overhead a trial", costs, " s", "<= 0.3 s"))
        rows.append(Row(f"{count} small trials: the whole session", [session.wall for session in sessions], " s"))
        rows.append(Row(f"{count} small trials: waiting for MLflow", [session.recording for session in sessions], " s"))
    return Table(
        f"{trials} trials of about 5 s on {plan.data.name}, and small ones on the embedded digits (sweep=mlp: TPE,\n"
        f"  median pruner), {WORKERS} workers. Overhead is the wall time of the whole session, from the start of the\n"
        "  process to its end, less the sum over the trials of their training divided by the workers; of training and\n"
        "  validation, of the time from a run's begin to its last epoch.",
        rows,
    )
