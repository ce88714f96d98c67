"""`sweep.storage`: SQLite and a real PostgreSQL, with two workers, a kill, and a password that is kept nowhere."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from going import going
from studies import SMALL, UNTRACKED, Study, snapshot, sweep

from faults import postgresql as servers
from faults.postgresql import PASSWORD
from faults.promise import NotHereError

pytestmark = pytest.mark.slow

OVERRIDES = [
    *(override for override in SMALL if not override.startswith("trainer.epochs")),
    "trainer.epochs=60",
    "sweep.workers=2",
    "sweep.name=study",
]


def test_sqlite_takes_a_study_that_is_killed_and_continues(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'optuna.db'}"
    with going(*OVERRIDES, f"sweep.storage={url}", folder=tmp_path) as killed:
        killed.read_trials(2)
        killed.process.kill()
        assert killed.processes_left() == []
    resumed = sweep("sweep.resume=study", folder=tmp_path)
    assert resumed.returncode == 0, resumed.stderr
    study = Study(tmp_path / "runs" / "study", url)
    assert study.finished == len(study.trials) == 6
    assert not (study.directory / "study.log").exists()
    assert resumed.stdout.partition("\nrank")[2].startswith(" ")
    shown = sweep("--show", "study", folder=tmp_path)
    assert "finished, test/loss" in shown.stdout


@pytest.fixture(scope="module")
def postgresql() -> Iterator[str]:
    """The address of a database on a server of our own on 127.0.0.1, password included."""
    with ExitStack() as stack:
        try:
            server = stack.enter_context(servers.postgresql())
        except NotHereError as error:
            pytest.skip(str(error))
        yield server.address().replace("+psycopg", "")


def test_postgresql_takes_a_study_that_is_killed_and_continues_and_keeps_its_password(
    postgresql: str, tmp_path: Path, template_store: Path
) -> None:
    (tmp_path / "runs").mkdir()
    shutil.copy(template_store, tmp_path / "runs" / "mlflow.db")
    address = f"sweep.storage='{postgresql}'"
    tracked = [override for override in OVERRIDES if override != UNTRACKED]
    with going(*tracked, address, folder=tmp_path) as killed:
        killed.read_trials(2)
        killed.process.kill()
        out, errors = killed.end()
        assert killed.processes_left() == []

    before = snapshot(tmp_path / "runs" / "study")
    without = sweep("sweep.resume=study", folder=tmp_path)
    assert without.returncode == 2
    assert "sweep.storage=URL" in without.stderr
    assert snapshot(tmp_path / "runs" / "study") == before

    resumed = sweep("sweep.resume=study", address, folder=tmp_path)
    assert resumed.returncode == 0, resumed.stderr
    study = Study(tmp_path / "runs" / "study", postgresql)
    assert study.finished == len(study.trials) == 6

    shown = sweep("--show", "study", address, folder=tmp_path)
    assert "finished, test/loss" in shown.stdout
    said = [out, errors]
    for process in (without, resumed, shown):
        said += [process.stdout, process.stderr]
    assert PASSWORD not in "".join(said)
    holding = [name for name, content in snapshot(tmp_path).items() if PASSWORD.encode() in content]
    assert holding == []


def test_a_wrong_password_is_reported_without_being_shown(postgresql: str, tmp_path: Path) -> None:
    wrong = postgresql.replace(PASSWORD, "sesame-oPen")
    finished = sweep(*OVERRIDES, f"sweep.storage='{wrong}'", folder=tmp_path)
    assert finished.returncode == 2
    assert "sweep.storage must be a storage that Optuna can open" in finished.stderr
    assert "sesame-oPen" not in finished.stderr + finished.stdout
    assert "Traceback" not in finished.stderr
