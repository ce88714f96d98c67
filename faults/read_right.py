"""What is wrong with the data that was read from some bytes: by other readers than nnlab's, and by the types alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml
from safetensors.numpy import load

from nnlab.models.saved_model import Model
from nnlab.runs import journal
from nnlab.runs.directory import JOURNAL
from nnlab.runs.stored_run import StoredRun

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

    from nnlab.tuning.trials import Asked, Outcome

_SAFE_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
STATUSES = ("running", "finished", "pruned", "diverged", "failed", "interrupted", "killed")


def fault_in_json(data: bytes, found: Any) -> str:
    """Python's own reader of JSON is the oracle."""
    return _unequal(json.loads(data), found)


def fault_in_yaml(data: bytes, found: Any) -> str:
    """PyYAML's own reader is the oracle."""
    return _unequal(_SAFE_LOADER(data).get_single_data(), found)


def fault_in_fields(data: bytes, found: Any) -> str:
    """Every key of the file must be a field with its value; a field without a key has its default."""
    said, fields = json.loads(data), asdict(found)
    return _unequal(said, {name: fields.get(name) for name in said})


def fault_in_journal(data: bytes, run: StoredRun) -> str:
    """The events are the lines, and what they add up to has the types that are declared."""
    events, _ = journal.read(run.path / JOURNAL)
    lines = list(map(json.loads, whole_lines(data)))
    for line in lines:
        if "metrics" in line:
            line["metrics"] = {name: float(value) for name, value in line["metrics"].items()}
    metrics = [*run.epochs.values(), *run.trials.values(), run.test, run.kept]
    return _broken(
        {
            "status": run.status in STATUSES,
            "reason": isinstance(run.reason, str | None),
            "numbers": all(type(number) is int and number > 0 for number in (*run.epochs, *run.trials)),
            "metrics": all(type(value) is float for each in metrics for value in each.values()),
            "tags": all(type(value) is str for value in run.tags.values()),
            "times": all(0 <= time < 2.6e14 for time in (run.started_at, run.last_epoch_at or 0, run.ended_at or 0)),
            "events": repr(events) == repr(lines),  # as text: NaN is not equal to itself
        }
    )


def fault_in_trial(trial: FrozenTrial, asked: Asked, outcome: Outcome | None) -> str:
    """By the types, and the distributions of its parameters."""
    return _broken(
        {
            "params": all(_is_of(trial.distributions[name], value) for name, value in trial.params.items()),
            "values": all(type(value) in (int, float) for value in trial.values or ()),
            "steps": all(type(step) is int and step >= 0 for step in trial.intermediate_values),
            "scores by step": all(type(value) in (int, float) for value in trial.intermediate_values.values()),
            "seeds": all(type(seed) is int and seed >= 0 for seed in asked.seeds),
            "batch": len(asked.batch) == 2 and all(type(number) is int for number in asked.batch),
            "scores": outcome is None or all(type(value) is float for value in outcome.scores.values()),
        }
    )


def fault_in_model(fields: Mapping[str, Any], model: Model) -> str:
    """The model is what the architecture says, and predicts."""
    outputs = model.predict(model.example)
    return _broken(
        {
            "layers": len(model.network.layers) == len(fields["network"]["layers"]),
            "dtype": model.network.dtype.name == fields["network"]["dtype"],
            "classes": list(model.class_names) == fields["classes"],
            "example": model.example.shape[1:] == (fields["input"]["features"],),
            "outputs": outputs.shape == (len(model.example), model.network.outputs),
            "scaling": all(np.isfinite(term).all() for term in (model.scaling.scale, model.scaling.offset)),
        }
    )


def fault_in_predictions(data: bytes, found: Mapping[str, Any], weights: str) -> str:
    """Safetensors' own reader is the oracle; predictions of other weights are as if there were none."""
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    about = json.loads(header["__metadata__"]["nnlab"])
    if about["weights_sha256"] != weights:
        return "those of other weights were taken" if found else ""
    arrays = load(data)
    return _broken(
        {
            "splits": {f"{split}.{name}" for split, each in found.items() for name in each._fields} == arrays.keys(),
            "lengths": all(len(each.targets) == len(each.predicted) > 0 for each in found.values()),
            "classes": all(
                np.array_equal(array, arrays[f"{split}.{name}"])
                for split, each in found.items()
                for name, array in each._asdict().items()
            ),
        }
    )


def whole_lines(data: bytes) -> list[bytes]:
    """The lines that end."""
    return data.split(b"\n")[:-1]


def _is_of(distribution: Any, value: Any) -> bool:
    return bool(distribution._contains(distribution.to_internal_repr(value)))


def _broken(facts: Mapping[str, bool]) -> str:
    return ", ".join(name for name, holds in facts.items() if not holds)


def _unequal(expected: Any, found: Any) -> str:
    """In what way two plain trees differ, types included; whole numbers may be read as floats, and lists as tuples."""
    left: list[tuple[Any, Any]] = [(expected, found)]
    while left:
        a, b = left.pop()
        if isinstance(a, dict) and isinstance(b, dict) and a.keys() == b.keys():
            left += [(a[key], b[key]) for key in a]
        elif isinstance(a, list) and isinstance(b, list | tuple) and len(a) == len(b):
            left += zip(a, b, strict=True)
        elif not (a == b and (type(a) is type(b) or (type(a) is int and type(b) is float))):
            return f"{a!r} was read as {b!r}"
    return ""
