"""What was changed in a source tree since its commit, as a diff that can be stored: no secrets, and not too much."""

from __future__ import annotations

import os
import re
import shutil
import stat
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from nnlab.runs.git_answers import GitError, git_answer
from nnlab.runs.git_conversions import not_given_back
from nnlab.runs.git_withheld import secret_in, usually_holds_secrets
from nnlab.runs.scratch import scratch

LARGEST = 1_000_000
"""Bytes that a diff, and any changed file in it, has at most."""

CODE = (".py", ".yaml")

STORED = re.compile(rb"^index [0-9a-f]+\.\.([0-9a-f]*[1-9a-f][0-9a-f]*)(?: 100...)?$", re.MULTILINE)
"""The line of a diff that says which content a file has now, as git would store it."""

PLAIN_DIFF = (
    *("--full-index", "--no-color", "--no-ext-diff", "--no-textconv", "--no-renames", "--no-relative"),
    *("--unified=3", "--inter-hunk-context=0", "--src-prefix=a/", "--dst-prefix=b/", "--diff-algorithm=myers"),
    *("--submodule=short", "--ignore-submodules=none"),
)
"""Whatever the user has set for diffs that are read by people."""


MOVE = "mv -i {file} ~"
COMMIT = "git add {file} && git commit -m code -- {file}"
STASH = "git stash push -- {file}"
RESTORE = "git checkout HEAD -- {file}"
CONVERTED = "git does not give it back as it is: line endings, or a filter"
AS_GIT_HAS_IT = (
    "git add {file} && {{ git diff --quiet HEAD -- {file} || git commit -m code -- {file}; }} && "
    "rm {file} && git checkout HEAD -- {file}"
)
COPY = "cp --remove-destination $(readlink -f {file}) {file}"
COMMIT_INSIDE = "git -C {file} add -A && git -C {file} commit --allow-empty -m code && git commit -m code -- {file}"


class LeftOut(NamedTuple):
    """A changed file that a diff lacks.

    Attributes:
        name: from the top of the repository.
        why: in words.
        remedy: what to type at the top of the repository, `{file}` for the name, so that nothing is changed any more.
    """

    name: str
    why: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.name if self.name.isprintable() else ascii(self.name)} ({self.why})"


def diff_of_folders(
    source: Path, folders: Sequence[str], modified: Mapping[str, str], *, is_exact: bool
) -> tuple[bytes, list[LeftOut]]:
    """From the commit to folders of `source` as they are, new files included; and what is left out of it.

    The index is one of its own, so that what is staged does not count, and nothing of the repository is written.

    Args:
        source: a folder.
        folders: in it.
        modified: the ids of contents in the index by the names of files that are others, converted or not.
        is_exact: whether files count, too, that git was told to take for unchanged: all are read then.

    Raises:
        GitError: if git does not answer.
    """
    with scratch("git") as folder:
        index = folder / "index"

        def ask(*arguments: str, text: bytes = b"") -> bytes:
            return git_answer(source, *arguments, index=index, text=text)

        def names(*arguments: str) -> list[str]:
            return [os.fsdecode(name) for name in ask(*arguments).split(b"\0") if name]

        _make_index(source, index, is_exact=is_exact)
        top, own = top_of(source), source.resolve()
        new = names("ls-files", "-z", "--full-name", "--others", "--exclude-standard", "--", *folders)
        ignored = ("--others", "--ignored", "--exclude-standard", "--", ":(glob)nnlab/**/*.py", ":(glob)conf/**/*.yaml")
        new += names("ls-files", "-z", "--full-name", *ignored)
        out = {name: each for name in new if (each := _kept_out(top, name, own, is_new=True))}
        if added := [name for name in new if name not in out]:
            paths = b"\0".join(b":(top,literal)" + os.fsencode(name) for name in added)
            ask("add", "--intent-to-add", "--force", "--pathspec-from-file=-", "--pathspec-file-nul", text=paths)
        changed = names("diff", "HEAD", "--name-only", "-z", *PLAIN_DIFF, "--", *folders)
        out |= {name: each for name in changed if (each := _kept_out(top, name, own, is_new=name in new))}
        without = [f":(top,exclude,literal){name}" for name in changed if name in out]
        whole = ask("diff", "HEAD", "--binary", *PLAIN_DIFF, "--", *folders, *without)
        diff, too_much = _as_much_as_fits(whole, top, new)
        stored = (
            _stored_in_index(ask("ls-files", "--stage", "--full-name", "-z", "--", *folders)) if is_exact else modified
        )
        stored = dict(stored) | {_name(part): id_[1].decode() for part in _parts(diff) if (id_ := STORED.search(part))}
        converted = not_given_back(source, top, index, {name: id_ for name, id_ in stored.items() if _is_code(name)})
    others = [LeftOut(name, CONVERTED, AS_GIT_HAS_IT) for name in converted]
    return diff, [*out.values(), *too_much, *others]


def _is_code(name: str) -> bool:
    return name.endswith((*CODE, ".gitattributes"))


def _stored_in_index(lines: bytes) -> dict[str, str]:
    """The ids of contents by the names of files; those of links and of repositories are no files'."""
    parts = [line.partition(b"\t") for line in lines.split(b"\0") if line.startswith(b"100")]
    return {os.fsdecode(name): facts.split()[1].decode() for facts, _, name in parts}


def _make_index(source: Path, index: Path, *, is_exact: bool) -> None:
    """An index of the commit. From the repository's own it takes which files need not be read; if it can."""
    if not is_exact:
        with suppress(OSError, GitError):
            known = os.fsdecode(git_answer(source, "rev-parse", "--git-path", "index").removesuffix(b"\n"))
            shutil.copy2(source / known, index)  # with its time, by which git knows what it cannot tell by times
            git_answer(source, "read-tree", "--reset", "HEAD", index=index)
            return
    index.unlink(missing_ok=True)
    git_answer(source, "read-tree", "HEAD", index=index)


def top_of(source: Path) -> Path:
    """The folder of the repository that `source` lies in.

    Raises:
        GitError: if it lies in none.
    """
    return Path(os.fsdecode(git_answer(source, "rev-parse", "--show-toplevel").removesuffix(b"\n"))).resolve()


def names_in_diff(diff: bytes) -> list[str]:
    """The files that a diff is of, from the top of the repository."""
    return [_name(part) for part in _parts(diff)]


def _kept_out(top: Path, name: str, source: Path, *, is_new: bool) -> LeftOut | None:
    """A changed file, if it is not to stand in a diff."""
    path = top / name
    is_there = os.path.lexists(path)
    if usually_holds_secrets(os.path.relpath(path, source)):
        return LeftOut(name, "usually holds secrets", MOVE if is_new else STASH if is_there else RESTORE)
    if not is_there:
        return None
    found = path.lstat()
    if stat.S_ISDIR(found.st_mode):
        if not os.path.lexists(path / ".git"):  # what was a file here before is gone
            return None
        return LeftOut(name, "is a repository of its own", MOVE if is_new else COMMIT_INSIDE)
    if stat.S_ISLNK(found.st_mode) and not Path(os.path.realpath(path)).is_relative_to(top):
        return LeftOut(name, "is a link to what is not in the repository", COPY)
    if found.st_size > LARGEST:
        return LeftOut(name, f"has {found.st_size:,} bytes", MOVE if is_new else COMMIT)
    return None


def _as_much_as_fits(whole: bytes, top: Path, new: Collection[str]) -> tuple[bytes, list[LeftOut]]:
    """The parts of a diff that may be stored, code first, and the others."""
    parts = _parts(whole)
    room, kept, out = LARGEST, set(), []
    for place, part in sorted(enumerate(parts), key=lambda each: not _name(each[1]).endswith(CODE)):
        name = _name(part)
        if len(part) > room:
            out.append(LeftOut(name, f"the diff would have more than {LARGEST:,} bytes", COMMIT))
        elif secret := secret_in(part, name) or _secret_in_binary(part, top / name):
            out.append(LeftOut(name, secret, MOVE if name in new else STASH))
        else:
            room -= len(part)
            kept.add(place)
    return b"".join(part for place, part in enumerate(parts) if place in kept), out


def _secret_in_binary(part: bytes, path: Path) -> str | None:
    """The same for a file whose part cannot be read."""
    if b"\nGIT binary patch\n" not in part or not path.is_file():
        return None
    return secret_in(path.read_bytes(), path.name)


def _parts(diff: bytes) -> list[bytes]:
    """The parts of a diff, one for each file; no other line begins as they do."""
    return [b"diff --git " + part for part in re.split(rb"^diff --git ", diff, flags=re.MULTILINE)[1:]]


def _name(part: bytes) -> str:
    """The file that a part of a diff is of: `diff --git a/NAME b/NAME`, each quoted as in C if it is unusual."""
    both = part.split(b"\n", 1)[0].removeprefix(b"diff --git ")
    name = both[: len(both) // 2]
    if name.startswith(b'"'):
        name = name[1:-1].decode("unicode_escape").encode("latin-1")
    return os.fsdecode(name.removeprefix(b"a/"))
