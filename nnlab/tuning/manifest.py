"""`study.json` in a study's directory: what the study is. It can only be resumed as the same study."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np

from nnlab.config.overrides import key_of
from nnlab.config.problems import as_typed
from nnlab.errors import UserError
from nnlab.runs.code import code_now, diff_of, how_to_return, study_code_sha256
from nnlab.runs.files import write_atomically
from nnlab.runs.git import UNKNOWN
from nnlab.runs.provenance import blas, version_of
from nnlab.runs.reading import read_stored
from nnlab.runs.stored_run import StoredRun
from nnlab.tuning.growth.growth import Growth
from nnlab.tuning.search.guess import Guess
from nnlab.typed import OPEN, PATH, Fields

FILE = "study.json"
LASTING = (
    "sweep.trials",
    "sweep.seconds",
    "sweep.until",
    "sweep.patience",
    "sweep.trial_seconds",
    "sweep.trial_memory",
    "sweep.confirm",
    "sweep.confirm_seeds",
)
"""Keys that can be set at a resume, and then last: no trial that has ended depends on them."""
OFF: dict[str, Any] = {
    "sweep.seconds": None,
    "sweep.until": None,
    "sweep.patience": None,
    "sweep.trial_seconds": None,
    "sweep.trial_memory": None,
    "sweep.constraint": None,
    "sweep.first": None,
    "sweep.from": None,
    "sweep.race": False,
}
"""What keys mean for a study that was started before there were any such."""
PACKAGES = ("optuna", "cmaes", "scipy")
"""What proposes: Optuna, and what its samplers compute with."""
SHOWN_DIGITS = 7
"""Of a digest or a commit, where people tell them apart."""
SHOWN = 5
"""How many studies a message names when the one asked for does not exist."""


@dataclass(frozen=True)
class StudyCode:
    """The code of a study.

    Args:
        runs: the digest of what its runs depend on.
        proposals: the digest of what proposes and judges trials, the former included.
        commit: of nnlab's source.
        dirty: whether the source was not that of the commit, see `nnlab.runs.git`.
    """

    runs: str
    proposals: str
    commit: str
    dirty: Literal["true", "false", "unknown"]

    @classmethod
    def now(cls) -> StudyCode:
        """That of this process."""
        code = code_now()
        return cls(code.sha256, study_code_sha256(), code.git.commit, code.git.dirty)

    def __str__(self) -> str:
        changes = " with changes" if self.dirty == "true" else ""
        return f"{self.runs[:SHOWN_DIGITS]} of commit {self.commit[:SHOWN_DIGITS]}{changes}"


@dataclass(frozen=True)
class Manifest:
    """What one study is.

    Args:
        name: of the study and its directory.
        overrides: the command line that started it, with absolute paths and without addresses.
        storage: Optuna's URL without its password; None is the journal in the directory.
        fingerprint: everything that its trials depend on, see `Plan.fingerprint`.
        versions: of the libraries that proposals and results also depend on.
        code: that started it; None in a study of an earlier version.
        guesses: what it tries first.
        growth: what it keeps of another study.
    """

    name: Annotated[str, PATH]
    overrides: list[str]
    storage: str | None
    fingerprint: Annotated[Mapping[str, Any], Fields({"sweep.objective": str | list[str]}), OPEN]
    versions: Mapping[str, str]
    code: StudyCode | None = None
    guesses: list[Guess] = field(default_factory=list)
    growth: Growth | None = None

    @classmethod
    def read(cls, study: Path) -> Manifest:
        """The manifest in the directory `study`.

        Raises:
            UserError: if there is no study, or the file is damaged.
        """
        try:
            found: Manifest = read_stored(study / FILE, cls, "Restore it: without it the study cannot be read back.")
        except FileNotFoundError:
            raise UserError(
                f"Only a study that exists can be shown or resumed, but {study.parent} has none named "
                f"{study.name!r}. {_existing(study)}. To look in another folder, set runs_dir or NNLAB_RUNS_DIR."
            ) from None
        return found

    def save(self, study: Path) -> None:
        """Write it into the directory `study`, atomically."""
        write_atomically(study / FILE, json.dumps(asdict(self), indent=2) + "\n")

    def with_lasting(self, overrides: Sequence[str]) -> Manifest:
        """The same with what `overrides` say of the `LASTING` keys: a plain resume is to go on with that."""
        given = {key_of(text): text for text in overrides if key_of(text) in LASTING}
        kept = [text for text in self.overrides if key_of(text) not in given]
        return replace(self, overrides=[*kept, *given.values()])

    def check(self, now: Mapping[str, Any]) -> None:
        """Check that a fingerprint is the study's own.

        Raises:
            UserError: naming every difference.
        """
        before = {**{key: value for key, value in OFF.items() if key in now}, **self.fingerprint}
        lines = [
            f"  {key}: {_shown(before, key)} in the study, {_shown(now, key)} now"
            for key in sorted(before.keys() | now.keys())
            if key not in before or key not in now or before[key] != now[key]
        ]
        if lines:
            raise UserError(
                f"The study {self.name!r} can only be resumed as it was started; nothing was started.\n"
                + "\n".join(lines)
                + "\nLeave these out to resume it, or start another study without sweep.resume."
            )

    def changed_versions(self) -> list[str]:
        """Libraries that changed since the study was started: it can be resumed, but perhaps not bit for bit."""
        now = versions()
        return [
            f"{name} was {old} when the study was started and is {now.get(name)} now: proposals or results may differ"
            for name, old in self.versions.items()
            if now.get(name) != old
        ]

    def changed_code(self, study: Path) -> list[str]:
        """What is other code than when the study in a directory was started, and how to have that again."""
        before, now = self.code, StudyCode.now()
        stored = StoredRun.at(study)
        if before is None:  # of an earlier version, which kept the commit alone
            commit = UNKNOWN if stored is None else stored.provenance["git"]["commit"]
            is_other = commit not in (UNKNOWN, now.commit)
            return [f"the study was started at commit {commit}, and the code is {now} now"] if is_other else []
        if before.proposals == now.proposals:
            return []
        if before.runs == now.runs:
            what = "the code that proposes trials has changed, that of their runs has not"
            return [f"{what} (commit {now.commit[:SHOWN_DIGITS]}): from here on others may be proposed"]
        diff = None if stored is None else diff_of(stored)
        back = how_to_return(before.commit, diff)
        return [
            f"the study was started with other code: {before} then, {now} now. Trials of both are told apart in the "
            f"leaderboard and in trials.csv. To have the study's own code, stop and type: {back}"
        ]


def versions() -> dict[str, str]:
    """The versions of what proposals and results depend on besides the config."""
    packages = {name: known for name in PACKAGES if (known := version_of(name)) is not None}
    return {**packages, "numpy": np.__version__, "BLAS": blas()}


def _existing(study: Path) -> str:
    """The studies of the folder in which one was not found: those with the nearest names, and how many more."""
    names = sorted(path.parent.name for path in study.parent.glob(f"*/{FILE}"))
    if not names:
        return "It has no studies at all"
    more = len(names) - SHOWN
    if more <= 0:
        return f"There are: {', '.join(names)}"
    nearest = sorted(names, key=lambda name: difflib.SequenceMatcher(None, study.name, name).ratio(), reverse=True)
    return f"The nearest are: {', '.join(nearest[:SHOWN])}; and {more} more"


def _shown(values: Mapping[str, Any], key: str) -> str:
    return as_typed(values[key]) if key in values else "absent"
