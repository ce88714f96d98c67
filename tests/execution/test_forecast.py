"""What is forecast of runs: nothing of it stays, each number goes to its run, and disk is what a run really keeps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nnlab.config.job import Job
from nnlab.config.jobs import compose_jobs
from nnlab.execution import forecast
from nnlab.execution.forecast import (
    Estimates,
    Kept,
    Work,
    kept_of_run,
    seconds_of_run,
    seconds_of_runs,
    size_of,
    states_of,
)
from nnlab.execution.run import run


def jobs(*overrides: str) -> list[Job]:
    fixed = ["data=digits", "data.limit=64", "trainer.epochs=2", "tracking.enabled=false", "tracking.plots=false"]
    return compose_jobs([*fixed, *overrides], multirun=True)


def test_a_run_after_its_forecast_has_the_weights_that_it_has_without(tmp_path: Path) -> None:
    (job,) = jobs("model.hidden=[4]", "model.dropout=0.5", f"runs_dir={tmp_path}")
    without = run(job).weights_sha256
    rows = job.load().train.x.copy()
    assert seconds_of_run(job.config, job.load(), 0.001) > 0
    assert np.array_equal(job.load().train.x, rows)
    assert run(job).weights_sha256 == without


@pytest.mark.parametrize("batch_size", ["1", "5", "64", "full"])
def test_batches_of_any_size_are_timed(batch_size: str) -> None:
    (job,) = jobs(f"trainer.batch_size={batch_size}", "model.hidden=[4]")
    assert 0 < seconds_of_run(job.config, job.load(), 0.001) < 60


def test_a_run_that_diverges_is_timed_as_any() -> None:
    (job,) = jobs("optimizer.lr=1e30", "model.hidden=[4]", "schedule=cosine", "trainer.epochs=1")
    assert np.isfinite(seconds_of_run(job.config, job.load(), 0.001))


def test_each_run_gets_its_own_time_and_the_others_by_their_work(monkeypatch: pytest.MonkeyPatch) -> None:
    several = jobs("model.hidden=[4],[8],[16]", "trainer.epochs=1,2", "seed=range(5)")
    asked: list[float] = []

    def seconds(config: object, dataset: object) -> float:
        (job,) = [job for job in several if job.config is config]
        asked.append(Work.of(job).seconds)
        return 3 * asked[-1]

    monkeypatch.setattr(forecast, "seconds_of_run", seconds)
    assert seconds_of_runs(several).seconds == pytest.approx([3 * Work.of(job).seconds for job in several])
    assert len(asked) <= 2 + forecast.MOST_TIMED < len(several)


def test_only_two_are_timed_where_time_is_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forecast, "SECONDS_OF_TIMING", 0.0)
    calls: list[object] = []

    def seconds(config: object, dataset: object) -> float:
        calls.append(config)
        return 1.0

    monkeypatch.setattr(forecast, "seconds_of_run", seconds)
    assert len(seconds_of_runs(jobs("seed=range(9)", "model.hidden=[4]")).seconds) == 9
    assert len(calls) == 2


def test_work_grows_with_each_of_its_parts() -> None:
    (base,) = jobs("model.hidden=[8]", "trainer.batch_size=16")
    more = ["model.hidden=[16]", "model.hidden=[8,8]", "trainer.batch_size=8", "trainer.epochs=3", "optimizer=adam"]
    for override in more:
        (job,) = jobs("model.hidden=[8]", "trainer.batch_size=16", override)
        assert Work.of(job).seconds > Work.of(base).seconds


def test_what_optimizers_keep_for_each_parameter() -> None:
    optimizers = [job.config.optimizer for job in jobs("optimizer=glob(*)")]
    counts = {type(optimizer).__name__: states_of(optimizer) for optimizer in optimizers}
    assert counts == {"SGD": 0, "Momentum": 1, "Nesterov": 1, "Adam": 2}


def test_disk_is_about_what_a_run_keeps(tmp_path: Path) -> None:
    (job,) = jobs("model.hidden=[512,256]", f"runs_dir={tmp_path}")
    directory = run(job).directory
    blocks = sum(path.stat().st_blocks * 512 for path in directory.rglob("*") if path.is_file())
    kept = kept_of_run(job.config, size_of(job.config, job.load()), pictures=False)
    assert kept.mlflow == 0
    assert 0.7 < kept.runs / blocks < 1.4


def test_what_runs_keep_adds_up() -> None:
    assert (Kept(1, 2) + Kept(3, 4)) * 2 == Kept(8, 12)


def test_a_busy_machine_is_told_and_an_idle_one_is_not() -> None:
    assert "3.1 times" in Estimates([1.0], 3.14).note
    assert Estimates([1.0], 1.05).note == ""
