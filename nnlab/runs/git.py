"""What git knows of a source tree: the commit, and what was changed since, as a diff that can be stored.

Nothing is written into the repository and no lock of it is taken.
"""

from __future__ import annotations

import os
import re
import stat
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from nnlab.plain import shown

UNKNOWN = "unknown"

FOLDERS = ("nnlab", "conf", "experiments")
"""What the question is about: the package, and what stands beside it in a checkout."""

LARGEST = 1_000_000
"""Bytes that a diff, and any changed file in it, has at most."""

SECONDS = 10.0
"""That git may take for one question: a repository may be on a slow disk."""

SECRETS = (
    *(".env", ".env.*", "*.env", ".netrc", "_netrc", ".pypirc", ".npmrc", ".pgpass", ".htpasswd", ".git-credentials"),
    *("*.pem", "*.key", "*.p12", "*.pfx", "*.jks", "*.keystore", "*.kdbx", "*.ppk"),
    *("id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*", "credentials*", "secret*", "auth.ini"),
)
"""Names, in small letters, of files that usually hold secrets: no diff has them, whatever happened to them."""

PRIVATE_KEY = re.compile(rb"^[+-]-----BEGIN [A-Z0-9 ]*PRIVATE KEY", re.MULTILINE)

OF_A_REPOSITORY = (
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX"),
    *("GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_NAMESPACE", "GIT_GRAFT_FILE", "GIT_SHALLOW_FILE", "GIT_EXTERNAL_DIFF"),
    *("GIT_DIFF_OPTS", "GIT_LITERAL_PATHSPECS", "GIT_GLOB_PATHSPECS", "GIT_NOGLOB_PATHSPECS", "GIT_ICASE_PATHSPECS"),
    *("GIT_CONFIG", "GIT_CONFIG_PARAMETERS", "GIT_CONFIG_COUNT"),
)
"""Variables that are meant for another repository, where a hook of it has started this process."""

SETTINGS = ("core.fsmonitor=false", "core.hooksPath=/dev/null", "core.quotePath=true", "diff.orderFile=/dev/null")
PLAIN_DIFF = (
    *("--full-index", "--no-color", "--no-ext-diff", "--no-textconv", "--no-renames", "--no-relative"),
    *("--unified=3", "--inter-hunk-context=0", "--src-prefix=a/", "--dst-prefix=b/", "--diff-algorithm=myers"),
    *("--submodule=short", "--ignore-submodules=none"),
)
"""Whatever the user has set for diffs that are read by people."""


class GitError(Exception):
    """Git does not answer; the message says why, and continues "the commit is not known: "."""


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
    dirty: str = UNKNOWN
    diff: bytes = b""
    left_out: tuple[str, ...] = ()
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
        lines = _git(source, "status", "--porcelain=v2", "--branch", "-z", *which).split(b"\0")
    except GitError as error:
        return GitState(why=str(error))
    commit = next((line.split()[-1].decode() for line in lines if line.startswith(b"# branch.oid ")), "(initial)")
    if commit == "(initial)":
        return GitState(why=f"the repository of {source} has no commit yet")
    is_changed = any(line[:2] in (b"1 ", b"2 ", b"u ", b"? ") or _is_ignored_code(line) for line in lines)
    if not there or not (is_changed or is_exact):
        return GitState(commit, "true" if is_changed else "false")
    try:
        diff, left_out = _diff(source, there)
    except GitError as error:
        return GitState(commit, "true", left_out=(f"all changes ({error})",))
    return GitState(commit, "true" if diff or left_out else "false", diff, tuple(left_out))


def _is_ignored_code(line: bytes) -> bool:
    """Whether git ignores what Python imports all the same; a folder that is ignored as a whole may have such."""
    if not line.startswith(b"! ") or b"/experiments/" in b"/" + line[2:]:  # there may be runs of others
        return False
    return line.endswith((b".py", b".yaml")) or (line.endswith(b"/") and not line.endswith(b"__pycache__/"))


def _diff(source: Path, folders: Sequence[str]) -> tuple[bytes, list[str]]:
    """From the commit to the folders as they are, new files included; and what is left out of it.

    The index is one of its own, so that neither what is staged counts, nor which files git is told to take for
    unchanged.
    """
    with tempfile.TemporaryDirectory(prefix="nnlab-git-") as scratch:
        index = Path(scratch) / "index"

        def ask(*arguments: str, text: bytes = b"") -> bytes:
            return _git(source, *arguments, index=index, text=text)

        def names(*arguments: str) -> list[str]:
            return [os.fsdecode(name) for name in ask(*arguments).split(b"\0") if name]

        ask("read-tree", "HEAD")
        top = Path(os.fsdecode(ask("rev-parse", "--show-toplevel").removesuffix(b"\n")))
        new = names("ls-files", "-z", "--full-name", "--others", "--exclude-standard", "--", *folders)
        ignored = ("--others", "--ignored", "--exclude-standard", "--", ":(glob)nnlab/**/*.py", ":(glob)conf/**/*.yaml")
        new += names("ls-files", "-z", "--full-name", *ignored)
        left_out = {name: why for name in new if (why := _why_not(top / name))}
        if added := [name for name in new if name not in left_out]:
            paths = b"\0".join(b":(top,literal)" + os.fsencode(name) for name in added)
            ask("add", "--intent-to-add", "--force", "--pathspec-from-file=-", "--pathspec-file-nul", text=paths)
        changed = names("diff", "HEAD", "--name-only", "-z", *PLAIN_DIFF, "--", *folders)
        left_out |= {name: why for name in changed if (why := _why_not(top / name))}
        without = [f":(top,exclude,literal){name}" for name in changed if name in left_out]
        whole = ask("diff", "HEAD", "--binary", *PLAIN_DIFF, "--", *folders, *without)
    return _as_much_as_fits(whole, left_out)


def _why_not(path: Path) -> str:
    """Why a changed file is not to stand in a diff; empty if it may."""
    if any(fnmatch(path.name.lower(), pattern) for pattern in SECRETS):
        return "usually holds secrets"
    try:
        found = path.lstat()
    except OSError:  # removed
        return ""
    if stat.S_ISDIR(found.st_mode):
        return "is a repository of its own"
    if stat.S_ISLNK(found.st_mode):
        return "is a link: what it points to is not part of the commit"
    return f"has {found.st_size:,} bytes" if found.st_size > LARGEST else ""


def _as_much_as_fits(whole: bytes, left_out: dict[str, str]) -> tuple[bytes, list[str]]:
    """The parts of a diff that may be stored, code first, and what is left out, each with why."""
    parts = [b"diff --git " + part for part in re.split(rb"^diff --git ", whole, flags=re.MULTILINE)[1:]]
    room, kept = LARGEST, set()
    for place, part in sorted(enumerate(parts), key=lambda each: not _name(each[1]).endswith((".py", ".yaml"))):
        if why := _why_no_part(part, room):
            left_out[_name(part)] = why
        else:
            room -= len(part)
            kept.add(place)
    diff = b"".join(part for place, part in enumerate(parts) if place in kept)
    return diff, [f"{shown(name)} ({why})" for name, why in left_out.items()]


def _why_no_part(part: bytes, room: int) -> str:
    if re.search(rb"^\+Subproject commit [0-9a-f]+-dirty", part, re.MULTILINE):
        return "is a repository of its own, with changes of its own"
    if PRIVATE_KEY.search(part):
        return "holds a private key"
    return f"the diff of it has {len(part):,} bytes, and all together may have {LARGEST:,}" if len(part) > room else ""


def _name(part: bytes) -> str:
    """The file that a part of a diff is of: `diff --git a/NAME b/NAME`, each in quotes if it has unusual characters."""
    both = part.split(b"\n", 1)[0].removeprefix(b"diff --git ")
    return os.fsdecode(both[: len(both) // 2].strip(b'"').removeprefix(b"a/"))


def _git(folder: Path, *arguments: str, index: Path | None = None, text: bytes = b"") -> bytes:
    """What git answers.

    Raises:
        GitError: if it does not.
    """
    environment = {name: value for name, value in os.environ.items() if name not in OF_A_REPOSITORY}
    # The lock is optional: looking must not get in the way of somebody's commit.
    environment |= {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1", "LC_ALL": "C"}
    if index is not None:
        environment["GIT_INDEX_FILE"] = str(index)
    settings = [part for setting in SETTINGS for part in ("-c", setting)]
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *settings, *arguments],
            input=text,
            capture_output=True,
            timeout=SECONDS,
            env=environment,
            process_group=0,  # Ctrl-C is not meant for it
            check=False,
        )
    except FileNotFoundError:
        raise GitError("git is not installed") from None
    except subprocess.TimeoutExpired:
        raise GitError(f"git {arguments[0]} took more than {SECONDS:g} s") from None
    except (OSError, ValueError) as error:
        raise GitError(f"git cannot be asked: {error}") from None
    if done.returncode:
        said = os.fsdecode(done.stderr).strip().splitlines() or [f"git {arguments[0]} failed"]
        raise GitError(said[0].removeprefix("fatal: "))
    return done.stdout
