"""Which runs of a folder MLflow has not got, or not all of: what workers, `nnlab.sync` and its reminder go by."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from nnlab.config.tracking_uri import is_same_store
from nnlab.errors import UserError
from nnlab.mlflow_sync.state import SyncState
from nnlab.redaction import redacted
from nnlab.runs import journal
from nnlab.runs.directory import CONFIG, JOURNAL, TRIALS, RunDirectory, run_directories
from nnlab.runs.files import read_text

_SAFE_LOADER: type[yaml.SafeLoader | yaml.CSafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TRACKING = re.compile(r"^tracking:\n(?:[ ].*\n)+", re.MULTILINE)
"""The part of a config that says where the run goes: reading all of it takes twenty times as long."""


@dataclass(frozen=True)
class Unsynced:
    """A run directory of which its store in MLflow lacks something.

    Args:
        run: the directory.
        uri: where it goes, without password; None if that cannot be read.
        damage: why it cannot be sent; None if nothing is known to be wrong with it.
    """

    run: Path
    uri: str | None
    damage: str | None = None

    @property
    def is_alive(self) -> bool:
        """Whether it is being recorded at this moment."""
        return RunDirectory.is_alive(self.run)


def unsynced(runs_dir: Path, uri: str | None = None) -> Iterator[Unsynced]:
    """The runs of a folder that have not arrived where they go, studies before trials; those still recorded too.

    Each is looked at when it is its turn. A damaged one is yielded as such, whatever its store, and no other suffers
    from it.

    Args:
        runs_dir: the folder.
        uri: of one store, resolved; None for all.
    """
    for run in run_directories(runs_dir):
        try:
            store = destination(run)
            if store is None or (uri is not None and not is_same_store(store, redacted(uri))):
                continue
            state = SyncState.of(run, store)
            if journal.has_started(run / JOURNAL) and (state is None or not state.has_all(run)):
                yield Unsynced(run, store)
        except UserError as error:
            yield Unsynced(run, None, str(error))
        except FileNotFoundError:  # removed just now
            continue
        except OSError as error:
            yield Unsynced(run, None, f"{run} cannot be read ({error.strerror or error}).")


def destination(run: Path) -> str | None:
    """Where in MLflow the run in the directory `run` goes, without password; None if it is kept out.

    A trial goes where its study goes, also if that was resumed into another store since. Other runs go where
    `mlflow.json` says; a run that has none (its disk was full, or somebody deleted the file) where its config says.

    Raises:
        UserError: if the file that says it is damaged.
        OSError: if it cannot be read.
    """
    if run.parent.name == TRIALS:
        try:
            study = destination(run.parent.parent)
        except (UserError, OSError):  # reported of the study
            study = None
        if study is not None:
            return study
    state = SyncState.of(run)
    return _configured(run) if state is None else state.tracking_uri


def _configured(run: Path) -> str | None:
    path = run / CONFIG
    try:
        text = read_text(path)
        part = _TRACKING.search(text)
        config: Any = yaml.load(part[0] if part else text, _SAFE_LOADER)
        tracking = config.get("tracking") or {}
        uri = tracking.get("uri") if tracking.get("enabled") is True else None
        if not isinstance(uri, str | None):
            raise TypeError("tracking.uri is no text")
    except FileNotFoundError:
        return None
    except (ValueError, AttributeError, TypeError, yaml.YAMLError) as error:
        raise UserError(
            f"{path} must be as nnlab wrote it, but is damaged ({' '.join(str(error).split())}). "
            "Restore it, or move the run directory away."
        ) from error
    return None if not uri else redacted(uri)
