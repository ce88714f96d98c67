"""The context in which commands and studies bring their runs into MLflow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from recording import record, start
from watching import shown, wait_for

from nnlab.config.jobs import compose_jobs
from nnlab.config.schema import Config
from nnlab.mlflow_sync import sync as sync_module
from nnlab.mlflow_sync.process import SyncProcess
from nnlab.mlflow_sync.sync import INTERRUPTED_PATIENCE, RUN_PATIENCE, STUDY_PATIENCE, Sync
from nnlab.runs import journal


def config(runs_dir: Path, *overrides: str) -> Config:
    (job,) = compose_jobs(["model=toy", "data=toy", f"runs_dir='{runs_dir}'", *overrides], multirun=False)
    return job.config


class Pretended:
    """A process that starts nothing and says what it is told."""

    told: list[tuple[object, ...]]
    was_left = False

    def assign(self, uri: str, runs_dir: Path, niceness: int, warn: Callable[[str], object]) -> None:
        self.place, self.niceness, self.runs = (uri, runs_dir), niceness, []  # type: ignore[var-annotated]
        self.told.append(("assign", self, niceness))

    def add(self, run: Path) -> None:
        self.told.append(("add", self, run))

    def close(self) -> None:
        self.told.append(("close", self, None))

    def finish(self, patience: float, notify: Callable[[str], object]) -> list[str]:
        self.told.append(("finish", self, patience))
        self.was_left = self.is_left
        return ["the run is not there"]

    is_left = False


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    """What the processes that are started from here on are told: verb, process, argument."""
    monkeypatch.setattr(sync_module, "SyncProcess", Pretended)
    monkeypatch.setattr(Pretended, "told", [], raising=False)
    return Pretended.told


def test_a_run_that_is_announced_is_whole_in_mlflow_at_the_end_of_the_block(
    runs_dir: Path, uri: str, capsys: pytest.CaptureFixture[str]
) -> None:
    composed = config(runs_dir)
    early = SyncProcess()
    with Sync([composed], early) as sync:
        path = record(runs_dir)
        sync.announce(composed)(path)
    assert shown(uri, path) == ("FINISHED", "finished")
    assert "warning" not in capsys.readouterr().err
    wait_for(lambda: not Path(f"/proc/{early.pid}").exists())


def test_there_is_one_process_for_each_store_and_folder(told: list[tuple[object, ...]], tmp_path: Path) -> None:
    here, there = config(tmp_path / "here"), config(tmp_path / "there")
    out = replace(here, tracking=replace(here.tracking, enabled=False))
    early = Pretended()
    with Sync([here, there, here, out], early, niceness=3) as sync:  # type: ignore[arg-type]
        for composed, name in ((here, "1"), (there, "2"), (here, "3"), (out, "4")):
            sync.announce(composed)(Path(name))
    assigned = [process for verb, process, niceness in told if verb == "assign" and niceness == 3]
    assert assigned[0] is early
    assert len(assigned) == 2
    added = [(process, argument) for verb, process, argument in told if verb == "add"]
    assert added == [(assigned[0], Path("1")), (assigned[1], Path("2")), (assigned[0], Path("3"))]


@pytest.mark.parametrize("patience", [RUN_PATIENCE, STUDY_PATIENCE])
@pytest.mark.parametrize("error", [None, KeyboardInterrupt, ValueError])
def test_mlflow_is_waited_for_less_long_after_an_exception(
    told: list[tuple[object, ...]],
    patience: float,
    error: type[BaseException] | None,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    try:
        with Sync([config(tmp_path)], patience=patience):
            if error:
                raise error
    except (KeyboardInterrupt, ValueError):
        assert error
    assert [argument for verb, _, argument in told if verb == "finish"] == [INTERRUPTED_PATIENCE if error else patience]
    assert capsys.readouterr().err == "warning: the run is not there\n"


def test_who_leaves_the_waiting_for_one_store_leaves_it_for_all(
    told: list[tuple[object, ...]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Pretended, "is_left", True)
    with Sync([config(tmp_path / "here"), config(tmp_path / "there")], patience=9.0):
        pass
    assert [verb for verb, *_ in told] == ["assign", "assign", "close", "close", "finish", "finish"]
    assert [argument for verb, _, argument in told if verb == "finish"] == [9.0, 0.0]


def test_a_killed_run_in_a_folder_without_a_worker_is_closed(runs_dir: Path) -> None:
    recorder = start(runs_dir)
    recorder.directory.release()
    composed = config(runs_dir, "tracking.enabled=false")
    with Sync([composed]) as sync:
        sync.announce(composed)(recorder.directory.path)
    end = journal.end_of(journal.read(recorder.directory.journal_path)[0])
    assert end is not None
    assert end["status"] == "killed"
    assert not (recorder.directory.path / "mlflow.json").exists()
