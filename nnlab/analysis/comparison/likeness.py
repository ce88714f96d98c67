"""Which runs are alike but for the seed, and which are the same run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from nnlab.analysis.comparison.facts import RunFacts
from nnlab.config.leaves import WITHOUT_EFFECT

SEED = "seed"


def exact_text(value: Any) -> str:
    """A value as a text that equal values share: 1 is 1.0, and true is neither."""
    if isinstance(value, list | tuple):
        return repr(list(map(exact_text, value)))
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53:
        return repr(float(value))
    return repr(value)


def has_effect(key: str) -> bool:
    """Whether a key of the config changes a number."""
    return not any(key == each or key.startswith(f"{each}.") for each in WITHOUT_EFFECT)


def likeness(run: RunFacts) -> str:
    """The same text for runs that differ in nothing but their seeds: the code may differ, data and config do not.

    With `data.split.seed=null` the split follows the seed.
    """
    kept = sorted((key, exact_text(value)) for key, value in run.keys.items() if has_effect(key) and key != SEED)
    return repr((kept, run.data, run.extended))


def distinct(runs: Iterable[RunFacts]) -> list[RunFacts]:
    """The runs without repetitions: of those with the same config, data, code and seed the latest."""
    latest: dict[Any, RunFacts] = {}
    for run in sorted(runs, key=lambda run: run.started_at):
        latest[(likeness(run), run.code, run.seed) if run.path is not None else id(run)] = run
    kept = {id(run) for run in latest.values()}
    return [run for run in runs if id(run) in kept]


def values_of(key: str, runs: Iterable[RunFacts]) -> list[Any]:
    """The different values of a key, in the order of the runs; what is absent counts as one."""
    return list({exact_text(value): value for run in runs for value in [run.keys.get(key, ABSENT)]}.values())


class _Absent:
    def __repr__(self) -> str:
        return "absent"


ABSENT = _Absent()
"""The value of a key that a run does not have."""


def differing(runs: Iterable[RunFacts]) -> list[str]:
    """The keys that change a number, the seed aside, in which runs differ."""
    runs = list(runs)
    keys = dict.fromkeys(key for run in runs for key in run.keys)
    return [key for key in keys if has_effect(key) and key != SEED and len(values_of(key, runs)) > 1]
