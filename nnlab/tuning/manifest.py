"""What makes a study the study it is: `study.json` in its directory. A study is resumed only as what it was."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import optuna

from nnlab.config.problems import shown
from nnlab.errors import UserError
from nnlab.runs.files import write_atomically
from nnlab.runs.provenance import blas

FILE = "study.json"
SHOWN = 5
"""Studies that are named to who asks for one that is not there."""


@dataclass(frozen=True)
class Identity:
    """Of one study.

    Args:
        name: of the study and its directory.
        overrides: the command line that started it, paths absolute, addresses left out.
        storage: Optuna's URL without its password; None is the journal in the directory.
        fingerprint: everything that its trials depend on, see `Plan.fingerprint`.
        versions: of what proposals and results depend on beside that.
    """

    name: str
    overrides: list[str]
    storage: str | None
    fingerprint: Mapping[str, Any]
    versions: Mapping[str, str]

    @classmethod
    def of(cls, study: Path) -> Identity:
        """The identity of the study in the directory `study`.

        Raises:
            UserError: if there is no study, or the file is damaged.
        """
        try:
            content = json.loads((study / FILE).read_text(encoding="utf-8"))
            return cls(**{field.name: content[field.name] for field in fields(cls)})
        except FileNotFoundError:
            raise UserError(
                f"Only a study that was started can be shown or resumed, but {study.parent} has none named "
                f"{study.name!r}. {_those_there_are(study)}. Another folder is chosen by runs_dir or NNLAB_RUNS_DIR."
            ) from None
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise UserError(
                f"{study / FILE} must say what the study is, but cannot be read ({error!r}). Restore the file."
            ) from error

    def save(self, study: Path) -> None:
        """Write it into the directory `study`, atomically."""
        write_atomically(study / FILE, json.dumps(asdict(self), indent=2) + "\n")

    def check(self, now: Mapping[str, Any]) -> None:
        """Hold a fingerprint against the study's own.

        Raises:
            UserError: naming every difference.
        """
        before = self.fingerprint
        lines = [
            f"  {key}: {_shown(before, key)} in the study, {_shown(now, key)} now"
            for key in sorted(before.keys() | now.keys())
            if key not in before or key not in now or before[key] != now[key]
        ]
        if lines:
            raise UserError(
                f"The study {self.name!r} can only be resumed as what it was started as; nothing was started.\n"
                + "\n".join(lines)
                + "\nLeave these out to resume it, or start another study without sweep.resume."
            )

    def strangers(self) -> list[str]:
        """What has changed around the study since its start: it can be resumed, but perhaps not bit for bit."""
        now = versions()
        return [
            f"{name} was {old} when the study was started and is {now.get(name)} now: proposals or results may differ"
            for name, old in self.versions.items()
            if now.get(name) != old
        ]


def versions() -> dict[str, str]:
    """Of what proposals and results depend on beside the config."""
    return {"optuna": optuna.__version__, "numpy": np.__version__, "BLAS": blas()}


def _those_there_are(study: Path) -> str:
    """The studies beside one that is not there: those whose names are nearest, and how many more."""
    names = sorted(path.parent.name for path in study.parent.glob(f"*/{FILE}"))
    if not names:
        return "There is none at all"
    more = len(names) - SHOWN
    if more <= 0:
        return f"There are: {', '.join(names)}"
    nearest = sorted(names, key=lambda name: difflib.SequenceMatcher(None, study.name, name).ratio(), reverse=True)
    return f"The nearest are: {', '.join(nearest[:SHOWN])}; and {more} more"


def _shown(values: Mapping[str, Any], key: str) -> str:
    return shown(values[key]) if key in values else "absent"
