"""What differs between two runs, and where their numbers first differ."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from nnlab.config.leaves import WITHOUT_EFFECT, leaves
from nnlab.runs.stored_run import StoredRun
from nnlab.runs.tags import EXTENDED_TAG

PROVENANCE = ("dataset", "git", "code", "numpy", "blas", "simd", "python", "platform", "packages")


DIGEST = "code.sha256"
BESIDE_THE_DIGEST = ("code.nnlab", "code.diff", "code.why")


def differences(a: StoredRun, b: StoredRun) -> dict[str, tuple[Any, Any]]:
    """What differs in config, data, code, versions and BLAS: both values by their name.

    A setting that changes no number, and a fact that earlier versions did not record, is no difference where one of the
    runs has none.
    """
    facts = [_facts(run) for run in (a, b)]
    both_changed = all(each.get("git.dirty") == "true" for each in facts) and any(DIGEST not in each for each in facts)
    found = {
        key: values
        for key, values in _unequal(*facts).items()
        if not ("absent" in values and _is_under(key, (*WITHOUT_EFFECT, "code", "simd")))
    }
    return found | ({"git.dirty": ("true", "true")} if both_changed else {})


def _is_under(key: str, groups: Iterable[str]) -> bool:
    return any(key == group or key.startswith(f"{group}.") for group in groups)


def _facts(run: StoredRun) -> dict[str, Any]:
    known = {key: run.provenance[key] for key in PROVENANCE if key in run.provenance}
    facts = {key: value for key, value in leaves(run.final_config | known) if key not in BESIDE_THE_DIGEST}
    return facts | ({"extended": run.tags[EXTENDED_TAG]} if EXTENDED_TAG in run.tags else {})


def parting(a: StoredRun, b: StoredRun) -> dict[str, Any] | None:
    """The first epoch (of studies: trial) and metric that differ, times aside, and both values."""
    for number in sorted(a.history.keys() | b.history.keys()):
        for metric, values in _unequal(a.history.get(number, {}), b.history.get(number, {})).items():
            if not metric.startswith("time/"):
                return {a.unit: number, "metric": metric, "values": values}
    return None


def _unequal(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """The items that differ to the last digit; NaN is equal to itself."""
    both = {key: (a.get(key, "absent"), b.get(key, "absent")) for key in {**a, **b}}
    return {key: values for key, values in both.items() if repr(values[0]) != repr(values[1])}
