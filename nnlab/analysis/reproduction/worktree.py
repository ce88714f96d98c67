"""The code of a run, checked out beside: its commit, with the changes that were not committed.

A repository of its own borrows the objects of the user's. `git worktree add` would write into the user's repository,
call its hooks, and leave an entry there when it is killed; here nothing is left but a temporary folder, at worst.
"""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from nnlab.errors import UserError
from nnlab.runs.code import PACKAGE, diff_of, is_installed
from nnlab.runs.files import read_bytes
from nnlab.runs.git import UNKNOWN
from nnlab.runs.git_answers import GitError, git_answer
from nnlab.runs.stored_run import StoredRun

SECONDS = 120
"""How long git may take to check a commit out."""

COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True)
class Code:
    """The code of a run, as far as it was recorded and can be had here.

    Attributes:
        repository: that has the commit, absolute.
        prefix: the folder in it that nnlab's package is in; empty for its top.
        commit: its SHA-1 or SHA-256.
        diff: a file with the changes that were not committed, if there were any.
        sha256: of the code; None in runs that are older than this digest.
    """

    repository: Path
    prefix: str
    commit: str
    diff: Path | None
    sha256: str | None


def code_of(stored: StoredRun, *, trusts: bool) -> Code:
    """The code of a run, to be checked out here.

    Args:
        stored: the run.
        trusts: whether changes that were kept with it may be run, whoever wrote them.

    Raises:
        UserError: if it cannot be had, with what is missing, or it is not trusted.
    """
    git = stored.provenance["git"]
    commit, was_changed = str(git["commit"]), git["dirty"]
    if not COMMIT.fullmatch(commit):
        raise UserError(
            f"--worktree needs the commit of a run's code, but {stored.name} has recorded none ({commit}): nnlab was "
            f"installed as a package there{_version(stored)}, or git was missing. Install that version of nnlab, and "
            "leave --worktree out."
        )
    repository, prefix = _repository()
    if not _has(repository, f"{commit}^{{commit}}"):
        raise UserError(
            f"--worktree needs the commit of a run's code, but {repository} does not have {commit}, which "
            f"{stored.name} was made with. Get it from where it was made: git -C {repository} fetch REMOTE {commit}"
        )
    if not _has(repository, f"{commit}:{prefix}nnlab/run.py"):
        raise UserError(
            f"--worktree needs the commit of a run's code, but the one that {stored.name} has recorded, {commit}, "
            "is of another project: nnlab was installed as a package there. Install that version of nnlab"
            f"{_version(stored)}, and leave --worktree out."
        )
    code = stored.provenance.get("code") or {}
    diff = diff_of(stored)
    if code.get("diff") and diff is None:
        raise UserError(
            f"--worktree needs all of a run's code, but {code['diff']}, with the changes that were not committed when "
            f"{stored.name} was made, is gone. Restore it."
        )
    if was_changed != "false" and diff is None and not code.get("sha256"):
        raise UserError(
            f"--worktree needs all of a run's code, but {stored.name} was made with changes that were not committed, "
            f"and they were not kept ({code.get('why') or 'it is older than that'}). If they were committed since, "
            "check that commit out and leave --worktree out."
        )
    if diff is not None and not trusts:
        raise UserError(
            f"--worktree runs code, and the changes that were kept with {stored.name} are another user's, or come from "
            "a server: whoever could write there could have put anything into them. Read its code.diff first; if you "
            "trust it, add --trust."
        )
    return Code(repository, prefix, commit, diff, code.get("sha256"))


def check_out(code: Code, folder: Path) -> Path:
    """Put the code into `folder`, which is empty and thrown away afterwards; returns where nnlab's package is in it.

    Raises:
        UserError: if git cannot, with what it says.
    """
    try:
        _check_out(code, folder)
    except GitError as error:
        raise UserError(
            f"--worktree needs the commit of a run's code, but git cannot check {code.commit} out: {error}. "
            f"Try it: git -C {code.repository} worktree add --detach FOLDER {code.commit}"
        ) from error
    if code.diff is not None:
        try:
            git_answer(folder, "apply", "--whitespace=nowarn", "--index", "-", text=read_bytes(code.diff))
        except GitError as error:
            raise UserError(
                "The changes that were kept with a run must fit its commit, but git cannot apply those in "
                f"{code.diff}: {error}. The file is damaged: restore it."
            ) from error
    return folder / code.prefix


def _check_out(code: Code, folder: Path) -> None:
    form = ["--object-format=sha256"] if len(code.commit) == 64 else []
    git_answer(folder, "init", "--quiet", "--template=", *form)
    objects, shallow = (_path(code.repository, name) for name in ("objects", "shallow"))
    places = folder / ".git" / "objects" / "info"
    places.mkdir(parents=True, exist_ok=True)
    (places / "alternates").write_bytes(os.fsencode(objects) + b"\n")
    if shallow.is_file():  # what is before these commits is nowhere
        shutil.copy(shallow, folder / ".git" / "shallow")
    git_answer(folder, "checkout", "--quiet", "--detach", code.commit, seconds=SECONDS)


def _path(repository: Path, name: str) -> Path:
    """Where a repository has one of git's files: of a worktree in the repository that it belongs to."""
    answer = git_answer(repository, "rev-parse", "--git-path", name).removesuffix(b"\n")
    return repository / os.fsdecode(answer)


def _repository() -> tuple[Path, str]:
    """The repository that nnlab is used from, or that of the current folder if it is installed as a package."""
    folder = Path.cwd() if is_installed() else PACKAGE.parent
    try:
        answer = os.fsdecode(git_answer(folder, "rev-parse", "--show-toplevel", "--show-prefix"))
        top, prefix = answer.removesuffix("\n").split("\n")
    except (GitError, ValueError) as error:
        raise UserError(
            f"--worktree needs nnlab's repository with its commits, but {folder} is in none that git can read "
            f"({error}). Give the command "
            f"{'in a clone of nnlab' if is_installed() else 'with git installed, in a clone of nnlab'}."
        ) from error
    return Path(top), "" if is_installed() else prefix


def _version(stored: StoredRun) -> str:
    version = (stored.provenance.get("code") or {}).get("nnlab")
    return f" ({version})" if version and version != UNKNOWN else ""


def _has(repository: Path, name: str) -> bool:
    try:
        git_answer(repository, "cat-file", "-e", name)
    except GitError:
        return False
    return True
