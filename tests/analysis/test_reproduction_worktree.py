"""The code of a run is checked out beside: all of it, without a trace in the user's repository."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from recording import record

from nnlab.analysis.reproduction import worktree
from nnlab.analysis.reproduction.guarded import guarded_folder
from nnlab.analysis.reproduction.there import commands_of
from nnlab.analysis.reproduction.worktree import check_out, code_of
from nnlab.errors import UserError
from nnlab.runs import code
from nnlab.runs.stored_run import StoredRun


def git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "init.defaultBranch=main"]
    done = subprocess.run(["git", "-C", str(folder), *who, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def traces(repository: Path) -> dict[str, bytes]:
    """Every file of a repository and its work tree."""
    return {str(path): path.read_bytes() for path in sorted(repository.rglob("*")) if path.is_file()}


def put_package_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nnlab's package be that folder."""
    monkeypatch.setattr(code, "PACKAGE", folder)
    monkeypatch.setattr(worktree, "PACKAGE", folder)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One with two commits of something that is called nnlab, and a hook that would leave a trace."""
    root = tmp_path / "a repository"
    (root / "nnlab").mkdir(parents=True)
    git(root, "init", "-q")
    for text in ("first", "second"):
        (root / "nnlab" / "run.py").write_text(f"{text}\n")
        git(root, "add", ".")
        git(root, "commit", "-qm", text)
    hook = root / ".git" / "hooks" / "post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch '{tmp_path}/hooked'\n")
    hook.chmod(0o755)
    put_package_in(root / "nnlab", monkeypatch)
    return root


def stored(folder: Path, commit: str, dirty: str = "false", **facts: Any) -> StoredRun:
    """A run of this commit, from before runs had a digest of their code."""
    path = record(folder, git={"commit": commit, "dirty": dirty}, **facts)
    provenance = json.loads((path / "provenance.json").read_text())
    del provenance["code"]
    (path / "provenance.json").write_text(json.dumps(provenance))
    return StoredRun.open(path)


def test_the_commit_of_a_run_is_checked_out_and_the_repository_is_left_as_it_was(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = git(repository, "rev-parse", "HEAD~")
    (repository / "nnlab" / "run.py").write_text("half done\n")
    before = traces(repository)
    folder = tmp_path / "there"
    folder.mkdir()
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))  # as in a hook of git's
    package = check_out(code_of(stored(tmp_path / "runs", first), trusts=True), folder)
    monkeypatch.delenv("GIT_DIR")
    assert (package / "nnlab" / "run.py").read_text() == "first\n"
    assert git(folder, "rev-parse", "HEAD") == first
    assert traces(repository) == before
    assert not (tmp_path / "hooked").exists()


def test_a_package_below_the_top_of_a_repository_is_found(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repository / "lib").mkdir()
    git(repository, "mv", "nnlab", "lib/nnlab")
    git(repository, "commit", "-qm", "moved")
    put_package_in(repository / "lib" / "nnlab", monkeypatch)
    folder = tmp_path / "there"
    folder.mkdir()
    package = check_out(code_of(stored(tmp_path / "runs", git(repository, "rev-parse", "HEAD")), trusts=True), folder)
    assert (package / "nnlab" / "run.py").read_text() == "second\n"


Facts = Callable[[Path], tuple[str, str]]


@pytest.mark.parametrize(
    ("facts", "missing"),
    [
        (lambda root: ("unknown", "unknown"), "has recorded none"),
        (lambda root: ("--upload-pack=touch", "false"), "has recorded none"),
        (lambda root: ("0" * 40, "false"), "fetch REMOTE 0000"),
        (lambda root: (git(root, "rev-parse", "HEAD"), "true"), "were not kept"),
        (lambda root: (git(root, "commit-tree", "-m", "x", git(root, "mktree")), "false"), "another project"),
    ],
    ids=["installed", "an option", "a commit that is gone", "changes that were not kept", "another project"],
)
def test_what_is_missing_is_said(facts: Facts, missing: str, repository: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=missing):
        code_of(stored(tmp_path / "runs", *facts(repository)), trusts=True)


def test_without_a_repository_nothing_can_be_checked_out(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = stored(tmp_path / "runs", git(repository, "rev-parse", "HEAD"))
    place = tmp_path / "lib" / "site-packages" / "nnlab"
    place.mkdir(parents=True)
    put_package_in(place, monkeypatch)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(UserError, match="in a clone of nnlab"):
        code_of(run, trusts=True)


ENVIRONMENT = {"PATH": os.environ["PATH"]}
IN_ITS_BLOCK = """
import os, sys
from nnlab.analysis.reproduction.guarded import guarded_folder
with guarded_folder("test") as guarded:
    print(guarded.folder, flush=True)
    guarded.run([sys.executable, "-c", sys.argv[1]], dict(os.environ), sys.stdout.buffer, sys.stdout.buffer)
"""


def test_a_command_in_a_guarded_folder_ends_as_it_does_and_nothing_is_left(tmp_path: Path) -> None:
    with guarded_folder("test") as guarded, (tmp_path / "said").open("wb") as said:
        program = "import os; print(os.getcwd()); raise SystemExit(7)"
        assert guarded.run([sys.executable, "-c", program], ENVIRONMENT, said, said) == 7
    assert (tmp_path / "said").read_text().strip() == str(guarded.folder)
    assert not guarded.folder.parent.exists()


def test_the_death_of_who_has_a_guarded_folder_ends_its_command_and_removes_it() -> None:
    program = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
    with subprocess.Popen(
        [sys.executable, "-c", IN_ITS_BLOCK, program], stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout is not None
        folder, pid = Path(process.stdout.readline().strip()), int(process.stdout.readline())
        assert folder.is_dir()
        os.killpg(process.pid, signal.SIGKILL)
        deadline = time.monotonic() + 60
        while folder.parent.exists():
            assert time.monotonic() < deadline
            time.sleep(0.01)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


class Recorded:
    """What `commands_of` asks of a run."""

    def __init__(self, overrides: list[str], status: str = "finished", epochs: int = 3, **facts: Any) -> None:
        self.name, self.status_now, self.status = "run", status, status
        self.overrides, self.test = overrides, {"test/loss": 0.5}
        self.epochs: dict[int, dict[str, float]] = {epoch + 1: {} for epoch in range(epochs)}
        self.last_epoch = epochs
        self.config = {"trainer": {"threads": 2, "stop_after": None, "test": True}, "tracking": {"enabled": True}}
        self.path = Path("runs/run")
        self.extensions: list[tuple[int, int]] = facts.pop("extensions", [])


@pytest.mark.parametrize(
    ("run", "kept", "set_here"),
    [
        (Recorded(["a=1", "runs_dir=x", "tracking.uri=y", "trainer.threads=auto"]), ["a=1"], {"trainer.threads=2"}),
        (Recorded(["a=1"], "pruned"), ["a=1"], {"trainer.stop_after=3"}),
        (Recorded(["trainer.stop_after=9"], "killed"), [], {"trainer.stop_after=3"}),
        (Recorded(["trainer.stop_after=3"]), ["trainer.stop_after=3"], set()),
    ],
)
def test_the_command_is_the_recorded_one_with_its_own_places(run: Any, kept: list[str], set_here: set[str]) -> None:
    ((module, *overrides),) = commands_of(run)
    assert module == "nnlab.run"
    assert overrides[: len(kept)] == kept
    assert {"tracking.enabled=false", "trainer.test=true", *set_here} <= set(overrides[len(kept) :])
    assert not {"runs_dir=x", "tracking.uri=y", "trainer.threads=auto"} & set(overrides)


def test_an_extension_is_a_command_of_its_own() -> None:
    run: Any = Recorded(["trainer.epochs=2"], extensions=[(2, 3)])
    assert [command[0] for command in commands_of(run)] == ["nnlab.run", "nnlab.resume"]
    assert commands_of(run)[1][-1] == "3"


@pytest.mark.parametrize("run", [Recorded([], "killed", 0), Recorded([], "killed", extensions=[(2, 5)])])
def test_what_has_nothing_to_compare_with_is_refused(run: Any) -> None:
    with pytest.raises(UserError, match="resume"):
        commands_of(run)
