"""What the experiments run: as many seeds for every claim, and test splits for published claims alone."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from experiments.lab import Lab, Planned
from experiments.record import experiment as record
from experiments.record.search import search_overrides
from experiments.registry import EXPERIMENTS
from nnlab.batch import compose

LAB = Lab(("data=mnist_5k",), "five thousand digits", 3, True, 1, "runs", None, is_sorted_by_class=True)
ABOUT_TEST = {"keras_mlp", "toy", "network", "miniflow", "record"}
"""The experiments whose published claims are test accuracies."""


@pytest.fixture(scope="module")
def planned() -> dict[str, list[Planned]]:
    """What each experiment plans, without the record's sweep. A config is composed once: only overrides are read."""
    job = compose("data=mnist_5k", "data.split.strategy=stratified", "tracking.enabled=false")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("experiments.lab.compose", lambda *overrides: replace(job, overrides=list(overrides)))
        patch.setattr(record, "search", lambda lab, name: Path("record-1"))
        patch.setattr(record, "winner_overrides", lambda study: ["optimizer=adam"])
        return {name: each.plan(LAB) for name, each in EXPERIMENTS.items()}


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_variant_has_the_lab_s_seeds(name: str, planned: dict[str, list[Planned]]) -> None:
    counts = Counter(run.variant for run in planned[name])
    assert set(counts.values()) == {LAB.seeds}


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_the_test_split_is_for_published_claims_alone(name: str, planned: dict[str, list[Planned]]) -> None:
    asked = [[each for each in run.job.overrides if each.startswith("trainer.test=")] for run in planned[name]]
    assert all(each in (["trainer.test=true"], ["trainer.test=false"]) for each in asked)
    assert (["trainer.test=true"] in asked) is (name in ABOUT_TEST)


def test_the_record_s_sweep_leaves_the_test_split_alone() -> None:
    assert "trainer.test=false" in search_overrides(LAB)
