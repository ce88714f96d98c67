"""Run directories with chosen configs and scores, for comparisons: recorded, not trained."""

from __future__ import annotations

import copy
import functools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from recording import dataset

from nnlab.batch import compose
from nnlab.config.schema import as_dict
from nnlab.runs.directory import RunDirectory
from nnlab.runs.journal import Status
from nnlab.runs.provenance import collect
from nnlab.runs.recorder import Recorder


@functools.cache
def _base() -> dict[str, Any]:
    return as_dict(compose("data=digits", "tracking.enabled=false").config)


@functools.cache
def _facts() -> dict[str, Any]:
    return collect(_base(), dataset(), ["nnlab.run", "data=digits"])


def a_run(
    runs_dir: Path,
    seed: int,
    metrics: dict[str, float] | None = None,
    *,
    status: Status = "finished",
    tags: dict[str, str] | None = None,
    provenance: dict[str, Any] | None = None,
    **config: Any,
) -> Path:
    """Record a run; keys of its config have `__` in the place of dots."""
    values = copy.deepcopy(_base())
    settings = {"seed": seed, **{key.replace("__", "."): value for key, value in config.items()}}
    for key, value in settings.items():
        *groups, last = key.split(".")
        place = values
        for group in groups:
            place = place[group]
        place[last] = value
    facts = json.loads(json.dumps({**_facts(), **(provenance or {})}))
    overrides = ["data=digits", *(f"{key}={_text(value)}" for key, value in settings.items())]
    scores = {"val/loss": 0.5, "val/accuracy": 0.9, "time/epoch_seconds": 0.25} | (metrics or {})
    with patch("os.fsync"):  # no power fails here, and hundreds of runs would wait for the disk
        recorder = Recorder.open(RunDirectory.create(runs_dir, "run"), values, overrides, facts, None)
        recorder.epoch(1, scores)
        recorder.tag(tags or {})
        recorder.close(status)
    return recorder.directory.path


def a_group(runs_dir: Path, losses: Sequence[float], *, seeds: Sequence[int] | None = None, **more: Any) -> list[Path]:
    """A run for each of some validation losses."""
    return [
        a_run(runs_dir, seed, {"val/loss": loss, "val/accuracy": 1 - loss}, **more)
        for seed, loss in zip(seeds or range(len(losses)), losses, strict=True)
    ]


def losses(mean: float, spread: float, count: int, *, salt: int = 0) -> list[float]:
    """Some losses with about this mean and standard deviation, the same each time."""
    return [float(value) for value in np.random.default_rng([count, salt]).normal(mean, spread, count).round(6)]


def _text(value: Any) -> str:
    return json.dumps(value).replace(" ", "").replace('"', "")
