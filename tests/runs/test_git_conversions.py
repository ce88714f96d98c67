"""Files that git does not give back as they are: told, since commit and diff do not give the code back."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from test_runs_git import files, git, source, write

from nnlab.analysis.reproduction.worktree import Code, check_out
from nnlab.runs.git import GitState, git_state

__all__ = ["source"]

HOW = {
    "input": "git config core.autocrlf input",
    "local": "git config core.autocrlf true",
    "attributes": "echo '*.py text eol=lf' > .gitattributes",
    "filter": "echo '*.py filter=up' > .gitattributes; git config filter.up.clean 'tr a-z A-Z'",
    "ident": "echo '*.py ident' > .gitattributes",
}


def set_up(source: Path, how: str) -> None:
    subprocess.run(["sh", "-c", HOW[how]], cwd=source, check=True)
    git(source, "add", "-A")
    git(source, "commit", "-q", "--allow-empty", "-m", "two")


def gives_back(source: Path, state: GitState, folder: Path) -> bool:
    folder.mkdir()
    diff = folder / "code.diff" if state.diff else None
    if diff is not None:
        diff.write_bytes(state.diff)
    (folder / "again").mkdir()
    package = check_out(Code(source, "", state.commit, diff, None), folder / "again")
    return files(package) == files(source)


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("content", ["a = 1\r\n", "a = 2\r\n# $Id: x $\r\n"])
def test_what_is_not_given_back_is_told(source: Path, tmp_path: Path, how: str, content: str) -> None:
    set_up(source, how)
    write(source / "nnlab/core/a.py", content)
    write(source / "nnlab/core/other.py", "plain = 1\n")
    state = git_state(source)
    is_told = "nnlab/core/a.py" in {each.name for each in state.left_out}
    assert is_told != gives_back(source, state, tmp_path / "there")


def test_a_change_of_line_endings_alone_is_a_change(source: Path) -> None:
    set_up(source, "input")
    write(source / "nnlab/core/a.py", "a = 1\r\n")
    assert git_state(source).dirty == "true"


def test_a_commit_that_is_not_given_back_is_told_if_asked(source: Path) -> None:
    set_up(source, "input")
    write(source / "nnlab/core/a.py", "a = 2\r\n")
    git(source, "commit", "-qam", "three")
    assert git_state(source).left_out == ()
    assert [each.name for each in git_state(source, is_exact=True).left_out] == ["nnlab/core/a.py"]


def test_conversions_that_are_undone_are_none(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "gitconfig", "[core]\nautocrlf = true\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    for name in ("a.py", "b.py"):
        content = (source / "nnlab/core" / name).read_bytes()
        write(source / "nnlab/core" / name, (content + b"c = 1\n").replace(b"\n", b"\r\n"))
    for folder in ("nnlab", "conf"):
        for path in (source / folder).rglob("*"):
            if path.is_file():
                write(path, path.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
    state = git_state(source, is_exact=True)
    assert state.left_out == ()
    assert gives_back(source, state, tmp_path / "there")


def test_objects_of_the_repository_stay_as_they_are(source: Path) -> None:
    set_up(source, "input")
    write(source / "nnlab/core/a.py", "a = 2\r\n")
    before = sorted(path for path in (source / ".git").rglob("*"))
    assert git_state(source, is_exact=True).left_out
    assert sorted(path for path in (source / ".git").rglob("*")) == before
