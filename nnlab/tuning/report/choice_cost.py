"""What it costs that a study chooses epoch and trial by the same validation rows, in numbers of that study.

A score that decided something flatters what it chose. Three choices are made on the validation rows, and each shows
by something that took no part in it: the epoch by the other runs of the winner, the trial by fresh seeds (see
`confirmation_lines`), and the rows themselves by the test split.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nnlab.errors import UserError
from nnlab.runs.directory import TRIALS
from nnlab.runs.resolve import study_command
from nnlab.runs.stored_run import StoredRun
from nnlab.runs.tags import CONFIRMED_TAG, EPOCH_TAG, WINNER_RUNS_TAG
from nnlab.tuning.report.ranking import cost
from nnlab.tuning.report.trial_facts import objective_text

Curve = Mapping[int, float]
"""A score by epochs, from 1."""
ACCURACY = "accuracy"


@dataclass(frozen=True)
class ChoiceCost:
    """The numbers, means over the winner's runs.

    Attributes:
        objective: a validation score.
        rows: how many the validation and the test split have.
        chooses_epoch: whether each run keeps its best epoch, rather than its last.
        over_last: by how much the objective is better at the kept epoch than at the last.
        over_others: by how much it is better there than at the epoch that the winner's other runs find best (of those
            that all have); None with a single run. What is chosen without a run cannot flatter it, so the choice of
            the epoch is worth at most this in what the seeds leave to chance.
        validation: val/loss and val/accuracy of the kept weights.
        test: test/loss and test/accuracy of them; empty if the test split was left alone.
    """

    objective: str
    rows: tuple[int, int]
    chooses_epoch: bool
    over_last: float
    over_others: float | None
    validation: Mapping[str, float]
    test: Mapping[str, float]

    @classmethod
    def of(cls, runs: Sequence[StoredRun], objective: str, rows: tuple[int, int]) -> ChoiceCost:
        """Of the winner's runs.

        Raises:
            UserError: if their files are damaged.
            LookupError: if they are not those of finished runs.
        """
        kept = [int(run.tags[EPOCH_TAG]) for run in runs]
        curves = [{epoch: metrics[objective] for epoch, metrics in run.epochs.items()} for run in runs]
        scores = [run.epochs[epoch] for run, epoch in zip(runs, kept, strict=True)]
        tested = [run.test for run in runs]
        return cls(
            objective=objective,
            rows=rows,
            chooses_epoch=bool(runs[0].config["trainer"]["restore_best"]),
            over_last=_mean(
                cost(objective, curve[max(curve)] - curve[epoch]) for curve, epoch in zip(curves, kept, strict=True)
            ),
            over_others=over_others(curves, kept, objective) if len(runs) > 1 else None,
            validation={name: _mean(each[name] for each in scores) for name in scores[0] if name.startswith("val/")},
            test={name: _mean(each[name] for each in tested) for name in tested[0]} if all(tested) else {},
        )

    @property
    def rows_alone(self) -> float:
        """How far validation and test accuracy may lie apart for the choice of rows alone: 1.96 standard deviations.

        Of the difference of two proportions, with the test accuracy for both; NaN without it.
        """
        accuracy = self.test.get(f"test/{ACCURACY}", math.nan)
        validation, test = self.rows
        if not validation or not test:
            return math.nan
        return 1.96 * math.sqrt(accuracy * (1 - accuracy) * (1 / validation + 1 / test))

    def lines(self, how_to_confirm: str | None) -> Iterator[str]:
        """The same in words; `how_to_confirm` is the command for that, where it was not done and can be."""
        yield f"chosen on        {self.rows[0]:,} validation rows, whose scores flatter what they chose"
        if how_to_confirm is not None:
            yield f"  the trial      what fresh seeds leave of its score is shown by {how_to_confirm}"
        if self.chooses_epoch:
            text = f"at each run's best epoch {self.objective} is {self._than(self.over_last)} at its last"
            if self.over_others is not None:
                text += f", and {self._than(self.over_others)} at the one that the other seeds find best"
            yield f"  the epoch      {text}; sweep.at=last, in a new study, chooses none"
        if self.test:
            yield f"  the rows       {self._rows()}"

    def _than(self, better: float) -> str:
        if better == 0:
            return "as good as"
        return f"{objective_text(self.objective, abs(better))} {'worse' if better < 0 else 'better'} than"

    def _rows(self) -> str:
        pairs = []
        for name, value in self.test.items():
            before = name.replace("test/", "val/", 1)
            numbers = objective_text(before, self.validation[before]), objective_text(name, value)
            pairs.append(f"{before} {numbers[0]}, {name} {numbers[1]}")
        text = "; ".join(pairs)
        if math.isfinite(self.rows_alone):
            text += f" (chance in the choice of rows alone can set the accuracies {self.rows_alone:.4f} apart)"
        return text


def over_others(curves: Sequence[Curve], kept: Sequence[int], objective: str) -> float:
    """By how much runs are better at the epochs they kept than at those that the others find best, on average.

    Args:
        curves: of at least two runs.
        kept: the epoch that each run kept.
        objective: whose curves they are.
    """
    common = sorted(set.intersection(*(set(curve) for curve in curves)))
    found = []
    for place, (curve, epoch) in enumerate(zip(curves, kept, strict=True)):
        others = [other for index, other in enumerate(curves) if index != place]
        best = min(common, key=lambda at: cost(objective, statistics.fmean(other[at] for other in others)))
        found.append(cost(objective, curve[best] - curve[epoch]))
    return _mean(found)


def cost_lines(study: Path, objectives: Sequence[str], trials: int) -> list[str]:
    """What the choice cost the study in this directory, in words; nothing where that is not known, as of older ones.

    Args:
        study: the directory.
        objectives: their names.
        trials: how many the winner was chosen from.
    """
    try:
        own = StoredRun.open(study)
        runs = [StoredRun.open(study / TRIALS / name) for name in own.tags[WINNER_RUNS_TAG].split()]
        rows = own.provenance["dataset"]["rows"]  # a trial's own record has no test rows
        found = ChoiceCost.of(runs, objectives[0], (rows["validation"], rows["test"]))
    except (UserError, LookupError, ValueError, TypeError):
        return []
    can_be_confirmed = len(objectives) == 1 and own.tags.get(CONFIRMED_TAG, "none") == "none"
    command = f"{study_command(study)} sweep.confirm={min(3, trials)}"
    return list(found.lines(command if can_be_confirmed else None))


def _mean(values: Iterable[float]) -> float:
    return statistics.fmean(values)
