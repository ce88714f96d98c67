"""How a run ends in the real world: Ctrl-C, SIGTERM, SIGKILL, divergence. MLflow and the directory tell the truth."""

from __future__ import annotations

import shutil
import signal
import sys
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from commands import (
    event,
    events,
    listening_sockets,
    nnlab,
    processes_in,
    run_directories,
    started,
    wait_for,
)

if not sys.platform.startswith("linux"):
    pytest.skip("looks at processes through /proc", allow_module_level=True)

LONG_RUN = ["data=digits", "model.hidden=[8]", "trainer.epochs=1000000", "tracking.plots=false"]

SIGNALS = {"SIGINT": signal.SIGINT, "SIGTERM": signal.SIGTERM, "SIGKILL": signal.SIGKILL}
# What the shell sees, the status in the run's own words, and a word of the reason.
EXPECTED = {
    "SIGINT": (130, "interrupted", "interrupted by the user"),
    "SIGTERM": (130, "killed", "SIGTERM"),
    "SIGKILL": (-signal.SIGKILL, "killed", "died without closing the run"),
}


@dataclass(frozen=True)
class Ended:
    """A long run that was ended by a signal."""

    name: str
    exit_status: int
    out: str
    errors: str
    listened: set[str]
    processes_left: list[int]
    folder: Path

    @property
    def run(self) -> Any:
        from mlflow import MlflowClient

        client = MlflowClient(f"sqlite:///{self.folder / 'runs' / 'mlflow.db'}")
        (found,) = client.search_runs([each.experiment_id for each in client.search_experiments()])
        return found

    @property
    def directory(self) -> Path:
        (found,) = run_directories(self.folder / "runs")
        return found


@pytest.fixture(scope="module")
def all_ended(tmp_path_factory: pytest.TempPathFactory, template_store: Path) -> dict[str, Ended]:
    """Three runs at once, each ended by a signal of its own after it has trained for some epochs."""
    ended = {}
    with ExitStack() as stack:
        running = {}
        for name in SIGNALS:
            folder = tmp_path_factory.mktemp(name)
            (folder / "runs").mkdir()
            shutil.copy(template_store, folder / "runs" / "mlflow.db")
            running[name] = folder, stack.enter_context(started(*LONG_RUN, folder=folder))
        for folder, process in running.values():
            wait_for(partial(trains, folder))
            process.send_signal(signal.SIGSTOP)  # training on would take the processor away from MLflow's process
        listened: dict[str, set[str]] = {}
        for name, (folder, process) in running.items():
            # MLflow has the run: it can be left behind there as RUNNING, if anything goes wrong now.
            wait_for(partial(is_in_mlflow, folder))
            listened[name] = set().union(*(listening_sockets(pid) for pid in processes_in(folder)))
            process.send_signal(signal.SIGCONT)
            process.send_signal(SIGNALS[name])
        for name, (folder, process) in running.items():
            out, errors = process.communicate(timeout=60)
            with suppress(AssertionError):
                wait_for(partial(is_deserted, folder), seconds=40)
            left = processes_in(folder)
            ended[name] = Ended(name, process.returncode, out, errors, listened[name], left, folder)
    return ended


def trains(folder: Path) -> bool:
    return [len(events(run)) > 5 for run in run_directories(folder / "runs")] == [True]


def is_deserted(folder: Path) -> bool:
    return not processes_in(folder)


def is_in_mlflow(folder: Path) -> bool:
    (run,) = run_directories(folder / "runs")
    position = run / "mlflow.json"  # not there before MLflow's worker, which starts by itself, has uploaded anything
    return position.exists() and '"is_described": true' in position.read_text()


@pytest.fixture(params=list(SIGNALS))
def ended(request: pytest.FixtureRequest, all_ended: dict[str, Ended]) -> Ended:
    return all_ended[request.param]


def test_a_run_ended_by_a_signal_is_killed_in_mlflow(ended: Ended) -> None:
    _, status, reason = EXPECTED[ended.name]
    assert ended.run.info.status == "KILLED"
    assert ended.run.info.end_time is not None
    assert ended.run.data.tags["nnlab.status"] == status
    assert reason in ended.run.data.tags["mlflow.note.content"]


def test_a_run_ended_by_a_signal_is_closed_in_its_directory(ended: Ended) -> None:
    _, status, reason = EXPECTED[ended.name]
    end = event(ended.directory, "end")
    assert end["status"] == status
    assert reason in end["reason"]
    assert events(ended.directory)[-1] == end


def test_the_exit_status_says_how_it_ended(ended: Ended) -> None:
    assert ended.exit_status == EXPECTED[ended.name][0]
    assert "Traceback" not in ended.errors
    if ended.name != "SIGKILL":
        assert "interrupted" in ended.errors or "terminated" in ended.errors


def test_no_process_is_left_over(ended: Ended) -> None:
    assert ended.processes_left == []


def test_nothing_listens_on_a_port(ended: Ended) -> None:
    assert ended.listened == set()


def test_every_epoch_that_was_trained_is_in_mlflow_once(ended: Ended) -> None:
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{ended.folder / 'runs' / 'mlflow.db'}")
    epochs = [each["epoch"] for each in events(ended.directory) if each["event"] == "epoch"]
    steps = [metric.step for metric in client.get_metric_history(ended.run.info.run_id, "train/loss")]
    assert steps == epochs == list(range(1, len(epochs) + 1))
    assert "test/loss" not in ended.run.data.metrics


DIVERGING = [
    *("data=digits", "model.activation=identity", "model.output=identity", "model.loss=half_squared_error"),
    *("tracking.enabled=false", "tracking.plots=false"),
]


def test_a_diverged_run_ends_with_1_and_says_why_on_stderr(tmp_path: Path) -> None:
    finished = nnlab(*DIVERGING, "optimizer.lr=100", folder=tmp_path)
    assert finished.returncode == 1
    assert "Training diverged in epoch 1" in finished.stderr
    assert "Lower the learning rate" in finished.stderr
    assert "Traceback" not in finished.stderr
    assert "nan" not in finished.stdout


def test_one_diverged_job_does_not_stop_the_others_but_shows_in_the_status(tmp_path: Path) -> None:
    finished = nnlab("-m", *DIVERGING, "trainer.epochs=1", "optimizer.lr=100,0.001", folder=tmp_path)
    assert finished.returncode == 1
    statuses = [event(run, "end")["status"] for run in run_directories(tmp_path / "runs")]
    assert statuses == ["diverged", "finished"]


def test_a_closed_pipe_is_no_reason_to_lose_the_run(tmp_path: Path) -> None:
    """`nnlab ... | head -1` closes the pipe in mid-training."""
    overrides = ["data=digits", "trainer.epochs=20", "tracking.enabled=false", "tracking.plots=false"]
    with started(*overrides, folder=tmp_path) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr is not None
        errors = process.stderr.read()
        assert process.wait(60) == 0
    (run,) = run_directories(tmp_path / "runs")
    assert event(run, "end")["status"] == "finished"
    assert len([each for each in events(run) if each["event"] == "epoch"]) == 20
    assert errors == ""
