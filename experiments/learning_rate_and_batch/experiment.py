"""Learning rate against batch size: a heat map of validation accuracy after a fixed number of epochs."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from experiments.claims import hypothesis
from experiments.experiment import Experiment, Findings, Runs
from experiments.lab import Lab, Planned
from experiments.learning_rate_and_batch.heat_map import Cell, heat_map
from experiments.tables import spread, table

NAME = "learning_rate_and_batch"
SETTING = ("model.hidden=[100]", "optimizer=sgd", "trainer.restore_best=false", "tracking.plots=false")
ROWS, EPOCHS = 20000, 8
# Both by factors of four: along a diagonal of the heat map the rate is in proportion to the batch.
RATES = (0.0125, 0.05, 0.2, 0.8, 3.2)
BATCHES = (8, 32, 128, 512, 2048)
# A rate for batches of 8; and 16 times it, for 16 times the batch.
LOW, HIGH, BATCH = 0.05, 0.8, 128
CHANCE = 0.2
"""Twice the accuracy of guessing: below it a network has learned nothing, or lost what it had learned."""


@dataclass(frozen=True)
class Grid:
    """The rates and batch sizes that are tried."""

    rates: Sequence[float]
    batches: Sequence[int]

    @classmethod
    def of(cls, lab: Lab) -> Grid:
        """All; with --quick only those that a hypothesis is about."""
        return cls((LOW, HIGH), (BATCHES[0], BATCH)) if lab.is_quick else cls(RATES, BATCHES)


def plan(lab: Lab) -> list[Planned]:
    """One run per rate, batch size and seed."""
    grid = Grid.of(lab)
    return [
        run
        for batch in grid.batches
        for rate in grid.rates
        for run in lab.plan(
            NAME, _variant(rate, batch), *_setting(lab), f"optimizer.lr={rate}", f"trainer.batch_size={batch}"
        )
    ]


def judge(lab: Lab, runs: Runs) -> Findings:
    """Ask whether the best rate grows with the batch, and draw the map."""
    grid = Grid.of(lab)
    cells = {(rate, batch): _cell(runs, rate, batch) for rate in grid.rates for batch in grid.batches}
    scaled = [one - two for one, two in zip(cells[HIGH, BATCH].values, cells[LOW, BATCH].values, strict=True)]
    smallest, largest = grid.batches[0], grid.batches[-1]
    measured = [
        hypothesis(
            f"powers of ten by which the best rate is higher for batches of {largest} than of {smallest}",
            _growth(cells, grid),
            seconds=runs.seconds(),
            command=_command(lab, grid.rates, grid.batches),
            decimals=2,
        ),
        hypothesis(
            f"validation accuracy with batches of {BATCH} (16 times 8): lr {HIGH} (16 times {LOW}) less lr {LOW}",
            scaled,
            seconds=runs.seconds(_variant(LOW, BATCH), _variant(HIGH, BATCH)),
            command=_command(lab, (LOW, HIGH), (BATCH,)),
        ),
    ]
    figure = heat_map([[cells[rate, batch] for batch in grid.batches] for rate in grid.rates], grid.rates, grid.batches)
    return Findings(measured, _found(cells, grid), {"heat_map": figure})


def _setting(lab: Lab) -> tuple[str, ...]:
    """What all runs share; with --quick the lab says how few rows."""
    return (*SETTING, lab.epochs(EPOCHS), *(() if lab.is_quick else (f"data.limit={ROWS}",)))


def _command(lab: Lab, rates: Sequence[float], batches: Sequence[int]) -> str:
    rate, batch = (",".join(map(str, values)) for values in (rates, batches))
    return lab.command(*_setting(lab), f"optimizer.lr={rate}", f"trainer.batch_size={batch}")


def _variant(rate: float, batch: int) -> str:
    return f"lr {rate}, batches of {batch}"


def _cell(runs: Runs, rate: float, batch: int) -> Cell:
    """Accuracies after the last epoch, by seed; 0 for a run that diverged."""
    of = runs.of(_variant(rate, batch))
    is_diverged = of["status"] == "diverged"
    accuracies = of["val/accuracy"].where(~is_diverged, 0.0)
    return Cell([float(accuracy) for accuracy in accuracies], int(is_diverged.sum()))


def _growth(cells: dict[tuple[float, int], Cell], grid: Grid) -> list[float]:
    """By seed: the logarithm of the best rate for the largest batch over that for the smallest."""

    def best(batch: int, seed: int) -> float:
        return max(grid.rates, key=lambda rate: cells[rate, batch].values[seed])

    seeds = range(len(cells[LOW, BATCH].values))
    return [math.log10(best(grid.batches[-1], seed) / best(grid.batches[0], seed)) for seed in seeds]


def _found(cells: dict[tuple[float, int], Cell], grid: Grid) -> str:
    head = ("batch size", "best rate", "validation accuracy", "rate in proportion", "validation accuracy")
    rows = []
    for batch, proportional in zip(grid.batches, grid.rates, strict=True):
        best = max(grid.rates, key=lambda rate: statistics.fmean(cells[rate, batch].values))
        row = [str(batch), str(best), spread(cells[best, batch].values)]
        rows.append([*row, str(proportional), spread(cells[proportional, batch].values)])
    accuracies = [accuracy for cell in cells.values() for accuracy in cell.values]
    diverged = sum(cell.diverged for cell in cells.values())
    lost = sum(accuracy < CHANCE for accuracy in accuracies) - diverged
    return (
        f"{table(head, rows)}\n\n"
        f"Of {len(accuracies)} runs {diverged} diverged, and {lost} more ended below {100 * CHANCE:.0f} %."
    )


EXPERIMENT = Experiment(NAME, "How do learning rate and batch size go together?", plan, judge)
