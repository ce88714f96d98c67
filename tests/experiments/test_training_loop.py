"""The training loop that is written out on the teaching API."""

from __future__ import annotations

import inspect
import math
from dataclasses import replace
from pathlib import Path

import pytest
from threadpoolctl import threadpool_limits

from experiments.miniflow import training_loop
from nnlab.batch import compose
from nnlab.data.loading import dataset_of


def test_it_is_a_page_of_under_sixty_lines() -> None:
    assert len(Path(inspect.getfile(training_loop)).read_text(encoding="utf-8").splitlines()) < 60


@pytest.mark.slow
def test_it_learns_and_reports_once_in_a_thousand_iterations(capsys: pytest.CaptureFixture[str]) -> None:
    overrides = ("experiment=miniflow", "data=mnist_5k", "data.split.strategy=stratified", "tracking.enabled=false")
    data = dataset_of(compose(*overrides).config.data, seed=0)
    with threadpool_limits(1):
        reports, test_accuracy = training_loop.train(data, seed=0, iterations=1001)
    assert list(reports) == [0, 1000]
    assert reports[0] < 0.3
    assert reports[1000] > 0.85
    assert test_accuracy > 0.85
    printed = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in printed] == [["iteration", "0"], ["iteration", "1000"]]


def test_it_leaves_the_test_split_alone_where_it_is_told_to() -> None:
    data = dataset_of(compose("data=digits", "tracking.enabled=false").config.data, seed=0)
    data = replace(data, test=None)  # type: ignore[arg-type]
    _, test_accuracy = training_loop.train(data, seed=0, iterations=1, test=False)
    assert math.isnan(test_accuracy)
