"""Two runs of one config, compared to the last digit: whether they are the same, and where they part."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from nnlab.analysis.reproduction.facts import facts_of
from nnlab.runs.stored_run import StoredRun
from nnlab.runs.tags import CODE_CHANGED_TAG, DIFFERS_TAG, EPOCH_TAG, MACHINE_CHANGED_TAG, WEIGHTS_TAG

Word = Literal["identical", "equal", "different"]
EXIT: Mapping[str, int] = {"identical": 0, "equal": 3, "different": 1}

TOLERANCES = {"float32": 1e-3, "float64": 1e-6}
"""By the config's dtype, where the arithmetic is another. Roundings of two BLAS kernels differ by 1e-7 and 1e-16, which
training makes larger, most of all where the sign of a ReLU's input turns."""
ARITHMETIC = ("NumPy", "BLAS library", "BLAS kernel", "BLAS threads", "CPU features", "platform")
"""The facts that may change roundings alone."""
CHANGED_ARITHMETIC = re.compile(r"(?:^|; )(?:numpy|blas|simd|platform) was ")
"""In the tag of a run that went on with another one."""


@dataclass(frozen=True)
class Difference:
    """A number that is not the same in both runs.

    Args:
        epoch: that it is of; None for one of the whole run, such as the test loss.
        metric: its name.
        recorded: in the original; None if it has none.
        again: in the new run; None if it has none.
    """

    epoch: int | None
    metric: str
    recorded: float | None
    again: float | None

    @property
    def size(self) -> float:
        """|recorded − again| / max(1, |recorded|); infinite if one of them is missing or not finite."""
        if self.recorded is None or self.again is None:
            return math.inf
        size = abs(self.recorded - self.again) / max(1.0, abs(self.recorded))
        return size if math.isfinite(size) else math.inf


@dataclass(frozen=True)
class Verdict:
    """What comparing a run with its original has found.

    Args:
        word: `equal` is every number within the tolerance.
        tolerance: of `Difference.size`.
        epochs: how many were compared: all that the original has.
        first: the first number that is not the same; None if all are.
        largest: the largest difference, the first of its size; None if all numbers are the same.
        tested: whether scores of the test split were compared.
        weights: SHA-256 of the original's weights and of the new run's; None where there are none to compare.
        ended: how both ended.
        doubt: what did not come out again when the original was resumed, if anything did not: its record is then of
            two computations.
        changed: what was not as at its start when the original went on, in words: code, or arithmetic and versions.
    """

    word: Word
    tolerance: float
    epochs: int
    first: Difference | None
    largest: Difference | None
    tested: bool
    weights: tuple[str | None, str | None]
    ended: tuple[str, str]
    doubt: str | None = None
    changed: tuple[str, ...] = ()

    @property
    def exit_status(self) -> int:
        """Of the command."""
        return EXIT[self.word]

    @property
    def in_words(self) -> str:
        """`identical`, `equal within 0.001` or `different`."""
        return f"equal within {self.tolerance:g}" if self.word == "equal" else self.word


def compare(original: StoredRun, again: StoredRun, tolerance: float | None = None) -> Verdict:
    """Compare a run with one of the same config that was to repeat it.

    Compared are every metric of every epoch that the original has recorded, times aside; which epoch's weights are
    kept; the scores of the test split; the SHA-256 of the weights.

    Args:
        original: that was recorded first.
        again: the other, which has ended.
        tolerance: of `Difference.size`; None takes `default_tolerance`.
    """
    if tolerance is None:
        tolerance = default_tolerance(original, again)
    found = list(_differences(original, again))
    weights = comparable_weights(original, again)
    is_same = not found and (None in weights or weights[0] == weights[1])
    is_equal = tolerance > 0 and all(each.size <= tolerance for each in found)
    return Verdict(
        word="identical" if is_same else "equal" if is_equal else "different",
        tolerance=tolerance,
        epochs=len(original.epochs),
        first=found[0] if found else None,
        largest=max(found, key=lambda each: each.size) if found else None,
        tested=bool(original.test),
        weights=weights,
        ended=(original.status_now, again.status_now),
        doubt=original.tags.get(DIFFERS_TAG),
        changed=changed_underway(original),
    )


def changed_underway(original: StoredRun) -> tuple[str, ...]:
    """What had changed when a run that was stopped went on, or was extended: then no one computation repeats it."""
    code, machine = (original.tags.get(name) for name in (CODE_CHANGED_TAG, MACHINE_CHANGED_TAG))
    return (*([f"the code became {code}"] if code else []), *([machine] if machine else []))


def default_tolerance(original: StoredRun, again: StoredRun) -> float:
    """Within which numbers count as equal: 0 where all of the arithmetic was as it had been, since then every bit is
    the same, or something else has changed. Else the one of the config's dtype."""
    facts = facts_of(original.provenance, again.provenance)
    is_same = all(fact.agrees for fact in facts if fact.name in ARITHMETIC)
    is_same = is_same and not CHANGED_ARITHMETIC.search(original.tags.get(MACHINE_CHANGED_TAG, ""))
    return 0.0 if is_same else TOLERANCES.get(str(original.config.get("dtype")), 0.0)


def comparable_weights(original: StoredRun, again: StoredRun) -> tuple[str | None, str | None]:
    """The SHA-256 of both runs' weights. None for both if the original has stored none, or those of a step inside an
    epoch that is not among its records: it was stopped there."""
    was_cut = original.status_now not in ("finished", "pruned", "diverged")
    if WEIGHTS_TAG not in original.tags or (was_cut and original.tags.get(EPOCH_TAG) == "0"):
        return None, None
    return original.tags[WEIGHTS_TAG], again.tags.get(WEIGHTS_TAG, "none")


def _differences(original: StoredRun, again: StoredRun) -> Iterator[Difference]:
    """In the order of training."""
    for epoch in sorted(original.epochs.keys() | again.epochs.keys()):
        recorded, now = original.epochs.get(epoch, {}), again.epochs.get(epoch, {})
        names = recorded if recorded else now  # a later version may measure more
        yield from _of(epoch, {name: recorded.get(name) for name in names if not name.startswith("time/")}, now)
    if original.kept:
        kept = {name: value for name, value in original.kept.items() if name.startswith("best/")}
        yield from _of(None, kept, again.kept)
    yield from _of(None, original.test, again.test)


def _of(epoch: int | None, recorded: Mapping[str, float | None], now: Mapping[str, float]) -> Iterator[Difference]:
    for name, value in recorded.items():
        if repr(value) != repr(now.get(name)):  # NaN is equal to itself
            yield Difference(epoch, name, value, now.get(name))
