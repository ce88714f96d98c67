"""What `strict=true` refuses. Each remedy is pasted into a shell, and what stood in the way is gone."""

from __future__ import annotations

import json
import math
import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import nnlab
from nnlab.core.activations import ACTIVATIONS, ReLU
from nnlab.errors import UserError
from nnlab.execution import strict
from nnlab.execution.many import compose
from nnlab.execution.opening import member_run
from nnlab.execution.result import Membership
from nnlab.execution.run import run
from nnlab.execution.strict import Obstacle, check_strict, obstacles
from nnlab.runs import code
from nnlab.runs.outside import Outside


def shell(command: str, folder: Path, home: Path) -> None:
    who = {f"GIT_{role}_{fact}": "n@example.org" for role in ("AUTHOR", "COMMITTER") for fact in ("NAME", "EMAIL")}
    environment = {**os.environ, **who, "HOME": str(home)}
    subprocess.run(["bash", "-euc", command], cwd=folder, env=environment, check=True, capture_output=True)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    return folder


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: Path) -> Iterator[Path]:
    """A source tree that this process is taken to have loaded, as its commit has it."""
    folder = tmp_path / "a checkout"
    for name in ("nnlab/core/a.py", "nnlab/check.py", "conf/config.yaml", "experiments/own.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("a = 1\n")
    shell("git init -q && git add -A && git commit -qm one", folder, home)
    monkeypatch.setattr(code, "PACKAGE", folder / "nnlab")
    monkeypatch.setattr(nnlab, "LOADED_AT", math.inf)
    yield folder
    forget()


def forget() -> None:
    code._code_in_git.cache_clear()
    code._package.cache_clear()


def found(*, keeps_diff: bool = True) -> list[Obstacle]:
    forget()
    return list(obstacles(keeps_diff=keeps_diff))


def remedied(source: Path, home: Path, *, keeps_diff: bool = True) -> int:
    """Paste the remedies until nothing stands in the way; returns how many there were at first."""
    first = found(keeps_diff=keeps_diff)
    for obstacle in first:
        shell(obstacle.remedy.removeprefix("tracking.diff=true, or "), home, home)
    assert found(keeps_diff=keeps_diff) == []
    return len(first)


def test_a_commit_with_or_without_changes_can_be_reproduced(source: Path, home: Path) -> None:
    assert found() == []
    (source / "nnlab/core/a.py").write_text("a = 2\n")
    (source / "nnlab/new.py").write_text("b = 2\n")
    assert found() == []
    assert remedied(source, home, keeps_diff=False) == 1


def test_changes_that_cannot_be_kept(source: Path, home: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere.py").write_text("e = 1\n")
    (source / "nnlab/link.py").symlink_to(tmp_path / "elsewhere.py")
    (source / "conf/.env").write_text("hunter2\n")
    (source / "experiments/it's a\tbig file.npz").write_bytes(bytes(2_000_000))
    Path(os.fsdecode(os.fsencode(source) + b"/experiments/\xff.key")).write_text("hunter2\n")
    (source / "nnlab/inner").mkdir()
    shell("git init -q && touch a && git add a && git commit -qm one", source / "nnlab/inner", home)
    assert remedied(source, home) == 5
    assert "hunter2" not in (home / ".env").read_text() or not (source / "conf/.env").exists()


def test_changed_secrets_and_large_files_that_are_tracked(source: Path, home: Path) -> None:
    (source / "conf/.env").write_text("hunter2\n")
    (source / "conf/gone.key").write_text("hunter2\n")
    (source / "experiments/data.bin").write_bytes(b"0")
    shell("git add -Af && git commit -qm two", source, home)
    (source / "conf/.env").write_text("hunter3\n")
    (source / "conf/gone.key").unlink()
    (source / "experiments/data.bin").write_bytes(os.urandom(2_000_000))
    assert remedied(source, home) == 3


def test_files_that_git_is_told_to_take_for_unchanged(source: Path, home: Path) -> None:
    shell("git update-index --assume-unchanged nnlab/check.py", source, home)
    assert found() == []
    (source / "nnlab/check.py").write_text("a = 2\n")
    assert remedied(source, home) == 1
    assert b"+a = 2" in code.code_in_git().diff


def test_code_that_is_edited_while_the_process_goes_on_is_not_its_own(source: Path) -> None:
    assert found() == []
    (source / "nnlab/core/a.py").write_text("a = 2\n")
    (source / "nnlab/new.py").write_text("a = 2\n")
    assert list(obstacles(keeps_diff=True)) == []  # the next run of this process


def test_a_link_that_is_tracked_to_what_is_not(source: Path, home: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere.py").write_text("e = 1\n")
    (source / "nnlab/link.py").symlink_to(tmp_path / "elsewhere.py")
    shell("git add -A && git commit -qm two", source, home)
    assert remedied(source, home) == 1
    (source / "nnlab/inside.py").symlink_to("check.py")
    assert found() == []


def test_without_repository_or_commit(source: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(source.parent))
    shell("rm -rf .git", source, home)
    assert remedied(source, home) == 1
    shell("rm -rf .git && git init -q", source, home)
    assert remedied(source, home) == 1


@pytest.mark.skipif(os.getuid() != 0, reason="gives a folder to another user")
def test_a_repository_of_another_user(source: Path, home: Path) -> None:
    shell("chown -R 12345:12345 .", source, home)
    assert remedied(source, home) == 1


def test_without_git(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    (only,) = found()
    assert "git" in only.remedy


def test_code_that_was_changed_after_it_was_loaded(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nnlab, "LOADED_AT", (source / "nnlab/core/a.py").stat().st_ctime - 1)
    (only,) = found()  # of both files, one has the name of a module that was loaded
    assert "nnlab/check.py" in only.fact
    assert "core/a.py" not in only.fact
    assert code.code_now().why is not None


def test_a_trial_of_a_strict_study_has_the_studys_code(tmp_path: Path) -> None:
    job = compose("data=toy", "model=toy", "trainer.epochs=1", "tracking.enabled=false", f"runs_dir='{tmp_path}'")
    study = run(job).directory
    provenance = json.loads((study / "provenance.json").read_text())
    trial = study / "trials" / "t"
    member = Membership(study, trial, "t", {}, lambda epoch, metrics: None, lambda result: {})
    strict_job = replace(job, config=replace(job.config, strict=True))
    other = provenance | {"code": provenance["code"] | {"sha256": "1" * 64, "diff": None}}
    with pytest.raises(UserError, match="For its code: "):
        member_run(strict_job.config, strict_job, None, member)(other)
    assert not trial.exists()
    member_run(job.config, job, None, member)(other).recorder.close("finished", "")


class Mine(ReLU):
    """A component from outside."""


def test_components_from_outside(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ACTIVATIONS, "mine", Mine)
    assert str(Path(__file__)) in found()[0].fact
    monkeypatch.setitem(ACTIVATIONS, "mine", type("Made", (ReLU,), {"__module__": "of_a_session"}))
    assert len(found()) == 1
    monkeypatch.setattr(strict, "FOLDERS", (Path(__file__).parent,))
    monkeypatch.setitem(ACTIVATIONS, "mine", Mine)
    assert found() == []


def test_a_component_that_git_ignores(source: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (source / "experiments/local.py").write_text("a = 1\n")
    (source / ".gitignore").write_text("local*\n")
    mine = Outside("activations.mine", source / "experiments/local.py", "0" * 64)
    monkeypatch.setattr(code, "components_from_outside", lambda: [mine])
    assert remedied(source, home) == 1


def test_files_that_git_does_not_give_back(source: Path, home: Path) -> None:
    shell("git config core.autocrlf input", source, home)
    for name in ("nnlab/core/a.py", "nnlab/check.py"):
        (source / name).write_text("a = 2\r\n")
    shell("git commit -qm two -- nnlab/check.py", source, home)
    assert remedied(source, home) == 2


def test_a_secret_that_is_moved_away_replaces_none(source: Path, home: Path) -> None:
    (source / "conf/.netrc").write_text("password hunter2\n")
    (home / ".netrc").write_text("my own\n")
    (only,) = found()
    subprocess.run(["bash", "-c", only.remedy], cwd=home, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    assert (home / ".netrc").read_text() == "my own\n"
    assert (source / "conf/.netrc").exists()


def test_secrets_in_code_are_remedied(source: Path, home: Path) -> None:
    (source / "nnlab/core/a.py").write_text("login(password='hunter2')\n")
    (source / "nnlab/new.py").write_text("KEY = '-----BEGIN PRIVATE KEY-----'\n")
    assert remedied(source, home) == 2


def test_a_blas_that_is_not_known_and_versions_that_are_not(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strict, "blas", lambda: "accelerate")
    monkeypatch.setattr(strict, "packages", lambda: {"numpy": "2.0"})
    facts = [obstacle.fact for obstacle in found()]
    assert len(facts) == 2
    assert "safetensors" in facts[0]
    assert "accelerate" in facts[1]


def test_all_is_told_at_once_and_nothing_written(
    source: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs_dir = tmp_path / "runs"
    jobs = [compose("data=toy", "model=toy", "strict=true", "tracking.diff=false", f"runs_dir='{runs_dir}'")]
    (source / "nnlab/core/a.py").write_text("a = 2\n")
    (source / "conf/.env").write_text("hunter2\n")
    monkeypatch.setattr(strict, "blas", lambda: "unknown")
    forget()
    with pytest.raises(UserError) as told:
        check_strict(job.config for job in jobs)
    assert str(told.value).count("Remedy: ") == 3
    with pytest.raises(UserError, match="strict"):
        run(jobs[0])
    assert not runs_dir.exists()
    check_strict([replace(jobs[0].config, strict=False)])
    keeping = replace(jobs[0].config, tracking=replace(jobs[0].config.tracking, diff=True))
    for others, count in ((jobs[0].config, 3), (replace(jobs[0].config, strict=False), 2)):
        with pytest.raises(UserError) as told:
            check_strict([keeping, others])
        assert str(told.value).count("Remedy: ") == count
