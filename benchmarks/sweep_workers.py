"""What a second worker is worth."""

from __future__ import annotations

from benchmarks.plan import Plan
from benchmarks.session import Session, measured
from benchmarks.sweep_overhead import EPOCHS_ON_DIGITS, EPOCHS_ON_MNIST, FIVE_SECONDS, SEARCHED
from benchmarks.table import Row, Table


def sweep_workers(plan: Plan) -> Table:
    """Two workers against one, on the same list of trials."""
    epochs = 1 if plan.is_quick else EPOCHS_ON_MNIST if plan.data.is_mnist else EPOCHS_ON_DIGITS
    trials = 2 if plan.is_quick else 24
    fixed = (*plan.data.overrides, *FIVE_SECONDS, SEARCHED, f"trainer.epochs={epochs}", f"sweep.trials={trials}")
    sessions: dict[int, list[Session]] = {1: [], 2: []}
    for _ in range(plan.rounds):
        for workers, of_workers in sessions.items():
            of_workers.append(measured(plan, (*fixed, "sweep.sampler=random"), workers=workers))
    pairs = list(zip(sessions[1], sessions[2], strict=True))
    return Table(
        f"the same {trials} trials of about 5 s on {plan.data.name} (random sampler, no pruning), one BLAS thread each",
        [
            Row("one worker, whole session", [one.wall for one, _ in pairs], " s"),
            Row("two workers, whole session", [two.wall for _, two in pairs], " s"),
            Row("two against one", [one.wall / two.wall for one, two in pairs], "x", ">= 1.8x"),
            Row("two against one, first trial to last", [one.searching / two.searching for one, two in pairs], "x"),
        ],
    )
