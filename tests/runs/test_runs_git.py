"""What git is asked of a source tree. The oracle is git itself: commit and diff give the files back."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from nnlab.runs.git import FOLDERS, GitState, git_state
from nnlab.runs.git_answers import GitError, git_answer
from nnlab.runs.git_diff import LARGEST

AS_SOMEBODY = ["git", "-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "init.defaultBranch=main"]


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run([*AS_SOMEBODY, *arguments], cwd=folder, check=True, capture_output=True)
    return os.fsdecode(done.stdout).strip()


def write(path: Path, content: str | bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)


def commit_all(folder: Path) -> None:
    """Make a repository of a folder, with all that is in it."""
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "one")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A checkout with a commit, and nothing changed."""
    folder = tmp_path / "checkout"
    write(folder / "nnlab/core/a.py", "a = 1\n")
    write(folder / "nnlab/core/b.py", "b = 1\n" * 50)
    write(folder / "conf/config.yaml", "lr: 0.1\n")
    write(folder / "experiments/figure.png", bytes(range(256)))
    write(folder / "docs/text.md", "text\n")
    write(folder / ".gitignore", "__pycache__/\nruns/\nlocal*\n")
    commit_all(folder)
    return folder


def files(folder: Path) -> dict[str, bytes]:
    """All that the diff is of, without what Python leaves."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for top in FOLDERS
        for path in sorted((folder / top).rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def rebuilt(source: Path, state: GitState, place: Path) -> Path:
    """The source tree from its commit and the diff alone, at the top of the repository."""
    top = Path(git(source, "rev-parse", "--show-toplevel"))
    git(top, "worktree", "add", "-q", "--detach", str(place), state.commit)
    (place.parent / "code.diff").write_bytes(state.diff)
    git(place, "apply", "--whitespace=nowarn", str(place.parent / "code.diff"))
    return place


def test_a_source_tree_as_committed_has_no_diff(source: Path) -> None:
    write(source / "docs/text.md", "changed, and no code\n")
    write(source / "nnlab/core/__pycache__/a.pyc", b"cache")
    write(source / "experiments/runs/r/config.yaml", "not git's\n")
    assert git_state(source) == GitState(git(source, "rev-parse", "HEAD"), "false")
    assert git_state(source, is_exact=True) == git_state(source)


def test_commit_and_diff_give_the_files_back(source: Path, tmp_path: Path) -> None:
    write(source / "nnlab/core/a.py", "a = 2")  # no newline at its end
    (source / "nnlab/core/b.py").rename(source / "nnlab/core/moved.py")
    write(source / "nnlab/core/new é\t.py", "é = 'ü'\r\n")
    (source / "experiments/figure.png").write_bytes(bytes(range(255, -1, -1)))
    write(source / "experiments/new/__init__.py", "")
    write(source / "nnlab/core/staged.py", "s = 1\n")
    git(source, "add", "nnlab/core/staged.py")
    write(source / "nnlab/core/staged.py", "s = 2\n")
    write(source / "nnlab/local.py", "imported = 'though git ignores it'\n")
    (source / "conf/config.yaml").unlink()
    write(Path(os.fsdecode(os.fsencode(source) + b"/nnlab/core/\xff.py")), "not = 'UTF-8'\n")
    before = git(source, "status", "--porcelain", "--ignored")
    state = git_state(source)
    assert (state.dirty, state.left_out, state.why) == ("true", (), "")
    assert files(rebuilt(source, state, tmp_path / "again")) == files(source)
    assert git(source, "status", "--porcelain", "--ignored") == before
    assert git_state(source) == state


def test_a_source_tree_inside_another_repository(tmp_path: Path) -> None:
    project = tmp_path / "project"
    source = project / "third_party/tree"
    write(source / "nnlab/a.py", "a = 1\n")
    write(project / "conf/theirs.yaml", "password: hunter2\n")
    commit_all(project)
    write(project / "conf/theirs.yaml", "password: hunter3\n")
    write(project / "nnlab/theirs.py", "new\n")
    assert git_state(source).dirty == "false"
    write(source / "nnlab/a.py", "a = 2\n")
    state = git_state(source)
    assert b"hunter" not in state.diff
    assert files(rebuilt(source, state, tmp_path / "again") / "third_party/tree") == files(source)


def test_the_usual_files_of_secrets_are_left_out(source: Path) -> None:
    names = (
        ".env",
        "prod.env",
        "server.PEM",
        "id_rsa",
        "ID_ED25519.pub",
        ".netrc",
        ".pypirc",
        "credentials.json",
        "a.key",
    )

    def put(content: str) -> GitState:
        for name in names:
            write(source / "nnlab" / name, content)
        return git_state(source)

    write(source / "nnlab/core/a.py", "a = 2\n")
    new = put("hunter2\n")
    assert b"a = 2" in new.diff
    git(source, "add", "-Af")
    git(source, "commit", "-qm", "secrets")
    changed = put("hunter3\n")
    for name in names:
        (source / "nnlab" / name).unlink()
    removed = git_state(source)
    for state in (new, changed, removed):
        assert b"hunter" not in state.diff
        assert len(state.left_out) == len(names)
        assert {told.name for told in state.left_out} == {f"nnlab/{name}" for name in names}


def test_a_private_key_is_left_out_whatever_its_file_is_called(source: Path) -> None:
    write(source / "nnlab/core/a.py", "KEY = '''\n-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2\n'''\n")
    state = git_state(source)
    assert state.diff == b""
    assert len(state.left_out) == 1


def test_what_is_too_large_is_left_out_and_code_comes_first(source: Path) -> None:
    with (source / "experiments/huge.npz").open("wb") as file:
        file.truncate(50 * 2**30)  # a hole: it takes no room, and a minute to read
    (source / "experiments/a.png").write_bytes(os.urandom(600_000))
    (source / "experiments/b.png").write_bytes(os.urandom(600_000))
    write(source / "nnlab/z.py", "".join(f"a{number} = {number}\n" for number in range(20_000)))
    state = git_state(source)
    assert len(state.diff) <= LARGEST
    assert b"a19999 = 19999" in state.diff
    assert sorted(told.name for told in state.left_out) == [
        f"experiments/{name}" for name in ("a.png", "b.png", "huge.npz")
    ]


def test_links_and_repositories_inside_are_left_out(source: Path, tmp_path: Path) -> None:
    write(tmp_path / "elsewhere.py", "hunter2\n")
    (source / "nnlab/link.py").symlink_to(tmp_path / "elsewhere.py")
    write(source / "nnlab/inner/a.py", "a = 1\n")
    commit_all(source / "nnlab/inner")
    state = git_state(source)
    assert state.diff == b""
    assert len(state.left_out) == 2


def test_a_submodule_with_changes_of_its_own_is_left_out(source: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    write(other / "a.py", "a = 1\n")
    commit_all(other)
    git(source, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(other), "nnlab/other")
    git(source, "commit", "-qam", "two")
    assert git_state(source).dirty == "false"
    write(source / "nnlab/other/a.py", "a = 2\n")
    state = git_state(source)
    assert state.diff == b""
    assert len(state.left_out) == 1
    own = git_state(source / "nnlab/other", ("a.py",))  # the source tree may be a submodule itself
    assert own.commit == git(source / "nnlab/other", "rev-parse", "HEAD")
    assert b"+a = 2" in own.diff


def test_files_that_git_was_told_to_take_for_unchanged_are_compared_if_asked(source: Path) -> None:
    git(source, "update-index", "--assume-unchanged", "nnlab/core/a.py")
    git(source, "update-index", "--skip-worktree", "nnlab/core/b.py")
    write(source / "nnlab/core/a.py", "a = 2\n")
    write(source / "nnlab/core/b.py", "b = 2\n")
    state = git_state(source, is_exact=True)
    assert state.dirty == "true"
    assert b"+a = 2" in state.diff
    assert b"+b = 2" in state.diff


def test_a_merge_with_conflicts_is_a_change_like_others(source: Path, tmp_path: Path) -> None:
    git(source, "checkout", "-qb", "side")
    write(source / "nnlab/core/a.py", "a = 3\n")
    git(source, "commit", "-qam", "side")
    git(source, "checkout", "-q", "main")
    write(source / "nnlab/core/a.py", "a = 2\n")
    git(source, "commit", "-qam", "main")
    with pytest.raises(subprocess.CalledProcessError):
        git(source, "merge", "side")
    assert files(rebuilt(source, git_state(source), tmp_path / "again")) == files(source)


def test_what_the_user_has_set_for_reading_diffs_changes_nothing(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(source / "nnlab/core/a.py", "a = 2\n")
    plain = git_state(source)
    for key, value in {
        "diff.noprefix": "true",
        "diff.external": "/bin/false",
        "color.ui": "always",
        "diff.mnemonicPrefix": "true",
        "core.fsmonitor": "/bin/false",
        "status.relativePaths": "true",
        "status.showUntrackedFiles": "no",
        "diff.algorithm": "patience",
    }.items():
        git(source, "config", key, value)
    monkeypatch.setenv("GIT_DIR", "/nowhere")  # as in a hook of another repository
    monkeypatch.setenv("GIT_INDEX_FILE", "/nowhere/index")
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", "/bin/false")
    assert git_state(source) == plain


def test_whether_anything_tracked_was_changed_can_be_asked_alone(source: Path) -> None:
    assert git_state(source, ()).dirty == "false"
    write(source / "docs/new.md", "new\n")
    assert git_state(source, ()).dirty == "false"
    write(source / "docs/text.md", "changed\n")
    assert git_state(source, ()) == GitState(git(source, "rev-parse", "HEAD"), "true")


def test_without_a_commit_a_repository_or_git_that_is_said(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert git_state(tmp_path).commit == "unknown"
    assert "not a git repository" in git_state(tmp_path).why
    write(tmp_path / "unborn/nnlab/a.py", "a = 1\n")
    git(tmp_path / "unborn", "init", "-q")
    unborn = git_state(tmp_path / "unborn")
    assert (unborn.commit, unborn.dirty) == ("unknown", "unknown")
    assert "no commit" in unborn.why
    monkeypatch.setenv("PATH", str(tmp_path))
    assert shutil.which("git") is None
    assert "not installed" in git_state(source).why


def test_changes_that_cannot_be_read_are_told(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(source / "nnlab/core/a.py", "a = 2\n")
    monkeypatch.setattr(tempfile, "tempdir", str(source / "gone"))
    state = git_state(source)
    assert (state.dirty, state.diff) == ("true", b"")
    assert len(state.left_out) == 1


@pytest.mark.skipif(os.getuid() != 0, reason="gives a folder to another user")
def test_a_repository_of_another_user_is_not_looked_into(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    for path in (source, source / ".git"):
        os.chown(path, 12345, 12345)
    state = git_state(source)
    assert state.commit == "unknown"
    assert "dubious ownership" in state.why


def test_names_that_end_with_a_quotation_mark_and_links_to_themselves(source: Path, tmp_path: Path) -> None:
    write(source / 'nnlab/core/x"', "x")
    write(source / "nnlab/core/x\\", "x")
    (source / "nnlab/loop.py").symlink_to("loop.py")
    state = git_state(source)
    assert files(rebuilt(source, state, tmp_path / "again")) == files(source)


def test_what_a_commit_is_shown_as_here_is_not_what_others_get(source: Path) -> None:
    first = git(source, "rev-parse", "HEAD")
    write(source / "nnlab/core/a.py", "a = 2\n")
    git(source, "commit", "-qam", "two")
    git(source, "checkout", "-q", first)
    git(source, "replace", first, "main")
    git(source, "reset", "-q", "--hard")
    state = git_state(source)
    assert state.commit == first
    assert b"+a = 2" in state.diff


def test_files_that_git_ignores_in_a_checkout_inside_a_folder_called_experiments(tmp_path: Path) -> None:
    source = tmp_path / "experiments/tree"
    write(source / "nnlab/a.py", "a = 1\n")
    write(tmp_path / ".gitignore", "local*\n")
    commit_all(tmp_path)
    write(source / "nnlab/local.py", "imported = 'though git ignores it'\n")
    assert b"though git ignores it" in git_state(source).diff


@pytest.mark.slow
def test_a_git_that_hangs_is_ended_with_what_it_has_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pid = tmp_path / "pid"
    write(tmp_path / "bin/git", f"#!/bin/sh\nsleep 600 &\necho $! > {pid}.new\nmv {pid}.new {pid}\nwait\n")
    (tmp_path / "bin/git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    with pytest.raises(GitError, match="took more than"):
        git_answer(tmp_path, "status", seconds=3)
    deadline = time.monotonic() + 60
    while not has_ended(int(pid.read_text())):  # killed, but the system may take a moment
        assert time.monotonic() < deadline
        time.sleep(0.05)


def has_ended(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True
