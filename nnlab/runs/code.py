"""The code of a run: a digest of all that can change one of its numbers, the commit, and what was changed since.

The digest is of files: of the package, by their names in it, the same for a checkout and an installed wheel; and of the
components from outside that stand in nnlab's tables. It is taken when the process first asks, as git's answer is: all
runs of a process have the code that it has loaded.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import nnlab
from nnlab.runs.directory import DIFF, TRIALS
from nnlab.runs.files import is_file, read_bytes, write_atomically
from nnlab.runs.git import GitState, git_state
from nnlab.runs.outside import Outside, components_from_outside
from nnlab.runs.stored_run import StoredRun

PACKAGE = Path(nnlab.__file__).resolve().parent

WITHOUT_NUMBERS = frozenset(
    (
        *("plots", "stats", "mlflow_sync", "tuning", "analysis", "commands", "doctor"),
        *("batch", "results", "run", "resume", "sync", "sweep", "gradcheck", "ui", "diff", "compare", "reproduce"),
    )
)
"""The rooms, and the names that people use, that change no number of a run."""

OF_STUDIES = "tuning"
"""The room that the proposals of a study depend on, too."""


@dataclass(frozen=True)
class CodeFacts:
    """The code that this process runs.

    Attributes:
        sha256: of all that can change a number.
        version: nnlab's.
        git: the commit, and what was changed since.
        why: why commit and diff are not all of the code, in words; None if they are.
        outside: the components from outside that stand in nnlab's tables.
    """

    sha256: str
    version: str
    git: GitState
    why: str | None
    outside: Sequence[Outside]

    def facts(self, *, keeps_diff: bool = True) -> dict[str, str | None]:
        """What a run's provenance says of its code.

        Args:
            keeps_diff: whether the run is to have the diff.
        """
        has_diff, why = bool(self.git.diff), self.why
        if not keeps_diff and (has_diff or self.git.left_out):
            has_diff, why = False, "tracking.diff=false"
        return {"sha256": self.sha256, "nnlab": self.version, "diff": DIFF if has_diff else None, "why": why}


def code_now() -> CodeFacts:
    """The code of this process: the package and git's answer as of the first call, what is from outside as of now."""
    outside = components_from_outside()
    digest = _digest_of_package().copy()
    for component in outside:
        digest.update(f"{component.place}\0{component.sha256}\n".encode())
    git = code_in_git()
    lines = [git.why] if git.why and not is_installed() else []
    if git.left_out:
        lines.append(f"the diff lacks {', '.join(git.left_out)}")
    lines += [f"{each.place} is from outside nnlab: {each.why}" for each in outside if each.why]
    return CodeFacts(digest.hexdigest(), nnlab.__version__, git, "; ".join(lines) or None, outside)


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


def keep_diff(study: Path) -> str:
    """Keep what was changed since the commit in the directory of a study, once for all its trials of this code.

    Returns:
        the name of the file.

    Raises:
        RunFailedError: if it cannot be written.
    """
    diff = code_now().git.diff
    if is_file(study / DIFF) and read_bytes(study / DIFF) == diff:
        return DIFF
    name = f"code-{hashlib.sha256(diff).hexdigest()[:12]}.diff"
    if not is_file(study / name):
        write_atomically(study / name, diff)
    return name


def study_code_sha256() -> str:
    """The digest of what a study's trials depend on: the code of runs, and that which proposes and judges trials."""
    digest = hashlib.sha256(code_now().sha256.encode())
    for path in source_files(OF_STUDIES):
        _add(digest, path)
    return digest.hexdigest()


def source_files(*parts: str) -> Iterator[Path]:
    """The files that the digest of a run is of, in the order of their names; or all files of some parts of nnlab."""
    for path in sorted(PACKAGE.rglob("*.py"), key=lambda path: path.relative_to(PACKAGE).as_posix()):
        part = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        if part in parts if parts else part not in WITHOUT_NUMBERS:
            yield path


def is_installed() -> bool:
    """Whether nnlab is an installed package and no source tree: its version says what code it is."""
    return PACKAGE.parent.name in ("site-packages", "dist-packages")


@functools.cache
def code_in_git() -> GitState:
    """What git knew of nnlab's source tree when this process first asked; of the current folder if it is installed."""
    return git_state(Path.cwd(), ()) if is_installed() else git_state(PACKAGE.parent)


@functools.cache
def _digest_of_package() -> hashlib._Hash:
    digest = hashlib.sha256()
    for path in source_files():
        _add(digest, path)
    return digest


def _add(digest: hashlib._Hash, path: Path) -> None:
    content = hashlib.sha256(path.read_bytes()).hexdigest()
    digest.update(f"{path.relative_to(PACKAGE).as_posix()}\0{content}\n".encode())
