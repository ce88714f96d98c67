"""Jobs hand on the data that they were checked with."""

from __future__ import annotations

import pickle
import shutil
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nnlab.config import compose, jobs
from nnlab.config.jobs import compose_jobs, conf_dir
from nnlab.data import loading
from nnlab.data.embedded import load_digits
from nnlab.data.loading import arrays_of
from nnlab.data.source import Source

SMALL = ("data=digits", "model.hidden=[8]", "tracking.enabled=false")


def test_runs_of_one_line_hold_one_copy_of_what_they_share() -> None:
    seeds = compose_jobs([*SMALL, "seed=0,1,2"], multirun=True)
    assert len({id(job.dataset) for job in seeds}) == 1
    splits = compose_jobs([*SMALL, "seed=0,1,2", "data.split.seed=null"], multirun=True)
    datasets = [job.load() for job in splits]
    assert len({id(dataset.train.x) for dataset in datasets}) == 1
    assert len({dataset.train.index.tobytes() for dataset in datasets}) == 3


def test_a_job_loads_what_validation_has_loaded_without_reading_it_again(monkeypatch: pytest.MonkeyPatch) -> None:
    (job,) = compose_jobs(SMALL, multirun=False)
    monkeypatch.setattr("nnlab.config.job.dataset_of", lambda *args, **named: pytest.fail("read again"))
    assert job.load() is job.dataset


def test_data_stay_behind_where_a_job_goes_to_another_process() -> None:
    (job,) = compose_jobs(SMALL, multirun=False)
    assert job.dataset is not None
    sent = pickle.dumps(job)
    assert len(sent) < 10_000 < sum(arrays_of(job.dataset).values())
    arrived = pickle.loads(sent)
    assert arrived == job
    assert arrived.dataset is None
    np.testing.assert_array_equal(arrived.load().train.index, job.dataset.train.index)


def test_beyond_a_limit_jobs_read_their_data_when_they_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = []
    for seed in range(3):
        x = np.random.default_rng(seed).normal(size=(100, 4))
        np.savez(tmp_path / f"{seed}.npz", x_train=x, y_train=np.arange(100) % 2)
        folders.append(f"'{tmp_path / f'{seed}.npz'}'")
    line = ["data=npz", f"data.root={','.join(folders)}", "tracking.enabled=false"]
    every = compose_jobs(line, multirun=True)
    sizes = [sum(arrays_of(job.load()).values()) for job in every]
    monkeypatch.setattr(jobs, "BYTES_HELD", sizes[0] + sizes[1])
    bounded = compose_jobs(line, multirun=True)
    assert [job.dataset is not None for job in bounded] == [True, True, False]
    assert [job.load().sha256 for job in bounded] == [job.load().sha256 for job in every]
    monkeypatch.setattr(jobs, "BYTES_HELD", 0)
    assert [job.dataset is not None for job in compose_jobs(line, multirun=True)] == [True, False, False]


def test_files_are_read_once_for_many_splits(monkeypatch: pytest.MonkeyPatch) -> None:
    loading._read_files.cache_clear()
    loading._split_data.cache_clear()
    reads = 0

    def counted(*args: object, **named: object) -> Source:
        nonlocal reads
        reads += 1
        return load_digits()

    monkeypatch.setattr(loading, "read_source", counted)
    for job in compose_jobs([*SMALL, "seed=0,1,2,3", "data.split.seed=null"], multirun=True):
        job.load()
    assert reads == 1


def test_a_job_keeps_nothing_of_the_values_of_another() -> None:
    hidden = ["[8]", "[8,8]"]
    both = compose_jobs(["data=digits", f"model.hidden={','.join(hidden)}", "tracking.enabled=false"], multirun=True)
    alone = [compose_jobs(["data=digits", f"model.hidden={value}"], multirun=False)[0] for value in hidden]
    plain = compose_jobs(["data=digits"], multirun=False)[0]
    assert [job.config.model for job in both] == [job.config.model for job in alone]
    assert plain.config.model.hidden == (128, 64)
    assert plain.config.tracking.enabled


def test_a_file_of_conf_that_is_edited_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(conf_dir(), tmp_path / "conf")
    monkeypatch.setattr(compose, "conf_dir", lambda: tmp_path / "conf")
    file = tmp_path / "conf" / "optimizer" / "sgd.yaml"
    rates = []
    for rate in (0.25, 0.125):
        file.write_text(f"name: sgd\nlr: {rate}\n", encoding="utf-8")
        (job,) = compose_jobs([*SMALL, "optimizer=sgd"], multirun=False)
        rates.append(job.config.optimizer.lr)
    assert rates == [0.25, 0.125]


def test_ctrl_c_is_not_taken_for_a_mistake_in_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    real, raised = compose._chosen, []

    def interrupted(*arguments: Any) -> Any:
        try:
            signal.raise_signal(signal.SIGINT)
        except BaseException as error:  # as OmegaConf does in several places
            raised.append(error)
            raise AttributeError("something half done") from error
        return real(*arguments)

    monkeypatch.setattr(compose, "_chosen", interrupted)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # whatever started the tests
    try:
        with pytest.raises(KeyboardInterrupt):
            compose_jobs(["data=toy", "model=toy"], multirun=False)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
    assert raised == []
