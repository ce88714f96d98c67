"""Files that git would give back otherwise than they are: it converts line endings, and calls filters that are set."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

from nnlab.runs.git_answers import git_answer


def not_given_back(source: Path, top: Path, index: Path, stored: Mapping[str, str]) -> list[str]:
    """Of some files those that a checkout of what git has stored, or would store, does not give back to the byte.

    Args:
        source: a folder of the repository.
        top: that of the repository.
        index: of the commit, in an empty folder of its own; it is written, and the folder too.
        stored: the ids of their contents, as git stores them, by their names from the top.

    Raises:
        GitError: if git does not answer.
    """
    files = {name: top / name for name in stored if (top / name).is_file() and not (top / name).is_symlink()}
    others = [name for name, path in files.items() if _id(path.read_bytes(), stored[name]) != stored[name]]
    if not others:  # nothing is converted
        return []
    # As `nnlab.analysis.reproduction.worktree` checks out: in a repository that has no settings of this one.
    again = index.parent / "again"
    form = ["--object-format=sha256"] if len(stored[others[0]]) == 64 else []
    git_answer(source, "init", "--quiet", "--template=", *form, str(again))
    known = os.fsdecode(git_answer(source, "rev-parse", "--git-path", "objects").removesuffix(b"\n"))
    objects = (again / ".git" / "objects", source.absolute() / known)
    attributes = [name for name in files if name.endswith(".gitattributes")]
    names, added = (b"\0".join(map(os.fsencode, each)) for each in (others, {*others, *attributes}))
    git_answer(top, "update-index", "--add", "-z", "--stdin", index=index, objects=objects, text=added)
    git_answer(again, "checkout-index", "--force", "-z", "--stdin", index=index, objects=objects, text=names)
    return [name for name in others if (again / name).read_bytes() != files[name].read_bytes()]


def _id(content: bytes, like: str) -> str:
    """What git calls a content that it stores as it is."""
    digest = hashlib.sha256 if len(like) == 64 else hashlib.sha1
    return digest(b"blob %d\0" % len(content) + content).hexdigest()
