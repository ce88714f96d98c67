"""What git knows of a source tree: the commit, and what was changed since, as a diff that can be stored.

Nothing is written into the repository and no lock of it is taken.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from nnlab.runs.git_answers import GitError, git_answer
from nnlab.runs.git_diff import LeftOut, diff_of_folders

UNKNOWN: Final = "unknown"

FOLDERS = ("nnlab", "conf", "experiments")
"""What the question is about: the package, and what stands beside it in a checkout."""


@dataclass(frozen=True)
class GitState:
    """What git knows of a source tree.

    Attributes:
        commit: "unknown" if there is none.
        dirty: "true" if the source is not that of the commit, else "false"; "unknown" without a commit.
        diff: from the commit to the source, as `git apply` takes it at the top of the repository; empty if there is
            nothing, or nothing is known.
        left_out: the changed files that `diff` lacks, each with why.
        why: the commit is not known, in words; empty if it is.
    """

    commit: str = UNKNOWN
    dirty: Literal["true", "false", "unknown"] = UNKNOWN
    diff: bytes = b""
    left_out: tuple[LeftOut, ...] = ()
    why: str = ""


def git_state(source: Path, folders: Sequence[str] = FOLDERS, *, is_exact: bool = False) -> GitState:
    """The state of the source tree in the folder `source`, which may lie anywhere in a repository.

    Args:
        source: the folder.
        folders: in it, which the question is about; without any it is whether anything tracked was changed.
        is_exact: whether files are compared, too, that git was told to take for unchanged.
    """
    there = [folder for folder in folders if os.path.lexists(source / folder)]
    which = ["--untracked-files=all", "--ignored=traditional", "--", *there] if there else ["--untracked-files=no"]
    try:
        lines = git_answer(source, "status", "--porcelain=v2", "--branch", "-z", *which).split(b"\0")
    except GitError as error:
        return GitState(why=str(error))
    commit = next((line.split()[-1].decode() for line in lines if line.startswith(b"# branch.oid ")), "(initial)")
    if commit == "(initial)":
        return GitState(why=f"the repository of {source} has no commit yet")
    is_changed = any(line[:2] in (b"1 ", b"2 ", b"u ", b"? ") or _is_ignored_code(line) for line in lines)
    if not there or not (is_changed or is_exact):
        return GitState(commit, "true" if is_changed else "false")
    facts = [line.split(b" ", 8) for line in lines if line.startswith(b"1 ")]
    modified = {os.fsdecode(each[8]): each[7].decode() for each in facts if each[5].startswith(b"100")}
    try:
        diff, left_out = diff_of_folders(source, there, modified, is_exact=is_exact)
    except (GitError, OSError) as error:  # no room for an index, or a file that goes while it is read
        return GitState(commit, "true", left_out=(LeftOut("all changes", str(error), "git status"),))
    return GitState(commit, "true" if diff or left_out else "false", diff, tuple(left_out))


def _is_ignored_code(line: bytes) -> bool:
    """Whether git ignores what Python imports all the same; a folder that is ignored as a whole may have such."""
    if not line.startswith(b"! "):
        return False
    below = (b"/" + line[2:]).rpartition(b"/experiments/")  # there may be runs of others
    if below[1] and not (b"/nnlab/" in b"/" + below[2] or b"/conf/" in b"/" + below[2]):
        return False  # else all may lie in a folder of this name
    return line.endswith((b".py", b".yaml")) or (line.endswith(b"/") and not line.endswith(b"__pycache__/"))
