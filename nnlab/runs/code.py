"""The code of a run: a digest of all that can change one of its numbers, the commit, and what was changed since.

The digest is of files: of the package, by their names in it, the same for a checkout and an installed wheel; and of the
components from outside that stand in nnlab's tables. It is taken when the process first asks, as git's answer is: all
runs of a process have the code that it has loaded.
"""

from __future__ import annotations

import functools
import hashlib
import os
import shlex
import sys
import threading
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import nnlab
from nnlab.runs.directory import DIFF, TRIALS
from nnlab.runs.files import is_file, read_bytes, write_atomically
from nnlab.runs.git import FOLDERS, GitState, git_state
from nnlab.runs.outside import Outside, components_from_outside
from nnlab.runs.stored_run import StoredRun

PACKAGE = Path(nnlab.__file__).resolve().parent

WITHOUT_NUMBERS = frozenset(
    (
        *("table", "plots", "stats", "mlflow_sync", "tuning", "analysis", "commands", "doctor"),
        *("batch", "results", "run", "resume", "sync", "sweep", "gradcheck", "ui", "diff", "compare", "reproduce"),
    )
)
"""The parts of nnlab that change no number of a run: its tables of text, rooms, and the names that people use."""

OF_STUDIES = "tuning"
"""The room that the proposals of a study depend on, too."""


@dataclass(frozen=True)
class CodeFacts:
    """The code that this process runs.

    Attributes:
        sha256: of all that can change a number.
        version: nnlab's.
        git: the commit, and what was changed since.
        outside: the components from outside that stand in nnlab's tables.
        changed: the files of the digest that were changed after this process had loaded them.
    """

    sha256: str
    version: str
    git: GitState
    outside: Sequence[Outside]
    changed: Sequence[str]

    @property
    def why(self) -> str | None:
        """Why commit and diff are not all of the code, in words; None if they are."""
        lines = [f"the commit is not known: {self.git.why}"] if self.git.why and not is_installed() else []
        if self.git.left_out:
            lines.append(f"the diff lacks {', '.join(map(str, self.git.left_out))}")
        if self.changed:
            lines.append(f"changed after they were loaded: {', '.join(self.changed)}")
        lines += [f"{each.place} is from outside nnlab: {each.file or each.why}" for each in self.outside]
        return "; ".join(lines) or None

    def facts(self, *, keeps_diff: bool = True) -> dict[str, str | None]:
        """What a run's provenance says of its code.

        Args:
            keeps_diff: whether the run is to have the diff.
        """
        is_off = not keeps_diff and self.git.dirty == "true"
        why = "; ".join(filter(None, ["tracking.diff=false" if is_off else None, self.why])) or None
        diff = DIFF if self.git.diff and not is_off else None
        return {"sha256": self.sha256, "nnlab": self.version, "diff": diff, "why": why}


def code_now() -> CodeFacts:
    """The code of this process: the package and git's answer as of the first call, what is from outside as of now."""
    outside = components_from_outside()
    package, changed = _package()
    digest = package.copy()
    for component in outside:
        digest.update(f"{component.place}\0{component.sha256}\n".encode())
    return CodeFacts(digest.hexdigest(), nnlab.__version__, code_in_git(), outside, changed)


def ask_git_meanwhile() -> None:
    """Ask git in a thread, so that a run that starts later has its answer at once."""
    with suppress(RuntimeError):  # the system has no more threads
        threading.Thread(target=code_in_git, daemon=True).start()


def diff_of(stored: StoredRun) -> Path | None:
    """The file with what was changed since the commit of a run's code; None if there is none, or it is gone.

    That of a trial is kept once, in the directory of its study.
    """
    name = (stored.provenance.get("code") or {}).get("diff")
    if name is None:
        return None
    own = stored.path.absolute()
    places = [own, own.parent.parent] if own.parent.name == TRIALS else [own]
    return next((place / name for place in places if is_file(place / name)), None)


def keep_diff(folder: Path) -> str:
    """Keep what was changed since the commit in a directory that may have the diff of other code too.

    In a study's it is kept once for all trials of this code.

    Returns:
        the name of the file.

    Raises:
        RunFailedError: if it cannot be written.
    """
    diff = code_in_git().diff
    if is_file(folder / DIFF) and read_bytes(folder / DIFF) == diff:
        return DIFF
    name = f"code-{hashlib.sha256(diff).hexdigest()[:12]}.diff"
    if not is_file(folder / name):
        write_atomically(folder / name, diff)
    return name


def how_to_return(commit: str, diff: Path | None) -> str:
    """What to type to have the code of a commit and a diff again."""
    source = shlex.quote(str(PACKAGE.parent))
    there = " ".join(folder for folder in FOLDERS if (PACKAGE.parent / folder).is_dir())
    steps = [f"stash push --include-untracked -- {there}", f"checkout {commit}"]
    steps += [] if diff is None else [f"apply {shlex.quote(str(diff))}"]
    return " && ".join(f"git -C {source} {step}" for step in steps)


def study_code_sha256() -> str:
    """The digest of what a study's trials depend on: the code of runs, and that which proposes and judges trials."""
    digest = hashlib.sha256(code_now().sha256.encode())
    for path in source_files(OF_STUDIES):
        _add(digest, path)
    return digest.hexdigest()


def source_files(*parts: str) -> list[str]:
    """The files that the digest of a run is of, or all files of some parts of nnlab: their names in the package."""
    found = []
    for folder, folders, files in os.walk(PACKAGE):
        above = os.path.relpath(folder, PACKAGE).replace(os.sep, "/")
        names = [name if above == "." else f"{above}/{name}" for name in files if name.endswith(".py")]
        if above == ".":
            folders[:] = [name for name in folders if _is_of(name, parts)]
            names = [name for name in names if _is_of(name.removesuffix(".py"), parts)]
        found += names
    return sorted(found)


def _is_of(part: str, parts: Collection[str]) -> bool:
    return part in parts if parts else part not in WITHOUT_NUMBERS


def file_sha256(name: str) -> bytes:
    """The digest of one file of the package."""
    return hashlib.sha256((PACKAGE / name).read_bytes()).digest()


def is_installed() -> bool:
    """Whether nnlab is an installed package, which has its configs inside, and no source tree."""
    return (PACKAGE / "conf").is_dir()


def code_in_git() -> GitState:
    """What git knew of nnlab's source tree when this process first asked; of the current folder if it is installed."""
    with _asking:
        return _code_in_git()


_asking = threading.Lock()


@functools.cache
def _code_in_git() -> GitState:
    return git_state(Path.cwd(), ()) if is_installed() else git_state(PACKAGE.parent)


@functools.cache
def _package() -> tuple[hashlib._Hash, list[str]]:
    """The digest of the package so far, and the files that are not what this process has loaded."""
    digest, changed = hashlib.sha256(), []
    for name in source_files():
        _add(digest, name)
        module = f"nnlab/{name}".removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        found = os.stat(PACKAGE / name)
        if module in sys.modules and max(found.st_mtime, found.st_ctime) > nnlab.LOADED_AT:
            changed.append(f"nnlab/{name}")
    return digest, changed


def _add(digest: hashlib._Hash, name: str) -> None:
    digest.update(f"{name}\0{file_sha256(name).hex()}\n".encode())
