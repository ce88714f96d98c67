"""`~` at the start of a path: one rule for all settings that are paths."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from nnlab.batch import compose
from nnlab.config.tracking_uri import resolve_uri
from nnlab.data.download import CACHE_VARIABLE, cache_folder
from nnlab.errors import UserError
from nnlab.paths import ensure_temporary_folder, environment_of_mlflow, expanded
from nnlab.runs.directory import RunDirectory
from nnlab.runs.resolve import default_runs_dir


def no_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """As for a uid without a name: neither HOME nor an entry in the list of users."""
    monkeypatch.delenv("HOME")
    monkeypatch.setattr("os.getuid", lambda: 4_000_000)


def test_a_home_folder_is_what_the_user_s_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert expanded("~/x") == tmp_path / "x"
    assert expanded("x/~") == Path("x/~")
    assert environment_of_mlflow() == {}
    monkeypatch.setenv("NNLAB_RUNS_DIR", "~/x")
    assert default_runs_dir() == tmp_path / "x"
    assert resolve_uri("sqlite:///~/x.db", Path()) == f"sqlite:///{tmp_path}/x.db"


def test_a_home_folder_that_is_unknown_is_refused_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    no_home(monkeypatch)
    monkeypatch.setenv("NNLAB_RUNS_DIR", "~/x")
    for use in (
        lambda: expanded("~/x"),
        lambda: expanded("~nobody-by-that-name/x"),
        default_runs_dir,
        lambda: resolve_uri("sqlite:///~/x.db", Path()),
        lambda: RunDirectory.create(Path("~/x"), "hint"),
    ):
        with pytest.raises(UserError, match="Write the path in full"):
            use()


def test_downloads_need_a_home_folder_or_one_of_their_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    no_home(monkeypatch)
    for variable in (CACHE_VARIABLE, "XDG_CACHE_HOME"):
        monkeypatch.delenv(variable, raising=False)
    with pytest.raises(UserError, match=CACHE_VARIABLE):
        compose("data=mnist").load()
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    assert cache_folder() == tmp_path


def test_mlflow_gets_a_home_folder_where_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    no_home(monkeypatch)
    assert environment_of_mlflow() == {"HOME": "/"}


def test_where_the_system_has_no_temporary_folder_another_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    ensure_temporary_folder(tmp_path / "unused")
    assert tempfile.gettempdir() == str(tmp_path)

    def none() -> str:
        raise FileNotFoundError("No usable temporary directory found")

    monkeypatch.setattr(tempfile, "gettempdir", none)
    ensure_temporary_folder(tmp_path / "used")
    assert tempfile.tempdir == os.environ["TMPDIR"] == str(tmp_path / "used")
