"""A study ended by the user or the system: what it says, what it leaves, and how it goes on."""

from __future__ import annotations

import shutil
import signal
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from commands import events
from going import Going, going
from studies import NEVER_PRUNED, Completed, Study, study_in, sweep

pytestmark = pytest.mark.slow

if not sys.platform.startswith("linux"):
    pytest.skip("looks at processes through /proc", allow_module_level=True)

# Trials of about a second, which leave a moment for signals.
LONGER = [
    "data=digits",
    "trainer.epochs=300",
    "trainer.batch_size=32",
    "model.hidden=[32]",
    "optimizer.lr=tag(log, interval(0.003, 0.1))",
    "sweep.trials=5",
    "sweep.workers=2",
    "sweep.name=study",
    "tracking.plots=false",
    NEVER_PRUNED,
]


def once(study: Going) -> None:
    study.ctrl_c()


def twice(study: Going) -> None:
    study.ctrl_c()
    study.read_until(lambda line: line.startswith("Ctrl-C"))
    study.ctrl_c()


def terminated(study: Going) -> None:
    study.process.send_signal(signal.SIGTERM)


WAYS: dict[str, Callable[[Going], None]] = {"Ctrl-C once": once, "Ctrl-C twice": twice, "SIGTERM": terminated}
STATUS = {"Ctrl-C once": "interrupted", "Ctrl-C twice": "interrupted", "SIGTERM": "killed"}


@dataclass(frozen=True)
class Ended:
    """A study that was ended early, what it had then, and what came of going on with it."""

    way: str
    exit_status: int
    out: str
    errors: str
    processes_left: list[int]
    mlflow_status: str
    states: list[str]
    finished: int
    end: dict[str, object]
    resumed: Completed
    study: Study


@pytest.fixture(scope="module")
def all_ended(tmp_path_factory: pytest.TempPathFactory, template_store: Path) -> dict[str, Ended]:
    def end(way: str) -> Ended:
        folder = tmp_path_factory.mktemp("ended", numbered=True)
        (folder / "runs").mkdir()
        shutil.copy(template_store, folder / "runs" / "mlflow.db")
        with going(*LONGER, folder=folder) as process:
            process.read_trials(1)
            WAYS[way](process)
            out, errors = process.end()
            left = process.processes_left()
        study = study_in(folder)
        states, finished, last = study.states, study.finished, events(study.directory)[-1]
        status = _mlflow_status(folder)
        resumed = sweep("sweep.resume=study", "tracking.enabled=false", folder=folder)
        return Ended(way, process.process.returncode, out, errors, left, status, states, finished, last, resumed, study)

    with ThreadPoolExecutor(2) as pool:
        return dict(zip(WAYS, pool.map(end, WAYS), strict=True))


@pytest.fixture(params=list(WAYS))
def ended(request: pytest.FixtureRequest, all_ended: dict[str, Ended]) -> Ended:
    return all_ended[request.param]


def test_it_ends_with_130_and_a_word(ended: Ended) -> None:
    assert ended.exit_status == 130
    assert "interrupted" in ended.errors or "terminated" in ended.errors
    assert "Traceback" not in ended.errors + ended.out


def test_no_process_is_left_behind(ended: Ended) -> None:
    assert ended.processes_left == []


def test_the_studys_directory_and_mlflow_know_how_it_ended(ended: Ended) -> None:
    assert (ended.end["event"], ended.end["status"]) == ("end", STATUS[ended.way])
    assert ended.mlflow_status == "KILLED"


def test_what_was_done_is_kept_and_the_winner_is_not_chosen_yet(ended: Ended) -> None:
    assert 1 <= ended.finished < 5
    assert "winner " not in ended.out


def test_ctrl_c_lets_running_trials_finish(all_ended: dict[str, Ended]) -> None:
    assert "RUNNING" not in all_ended["Ctrl-C once"].states


def test_it_says_how_to_resume(ended: Ended) -> None:
    assert "python -m nnlab.sweep sweep.resume=study" in ended.out


def test_it_continues_to_the_exact_total(ended: Ended) -> None:
    assert ended.resumed.returncode == 0, ended.resumed.stderr
    assert ended.study.states == ["COMPLETE"] * 5
    assert "winner " in ended.resumed.stdout


def _mlflow_status(folder: Path) -> str:
    """Of the study's own run."""
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{folder / 'runs' / 'mlflow.db'}")
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    (run,) = client.search_runs(experiments, "tags.`nnlab.kind` = 'study'")
    return str(run.info.status)
