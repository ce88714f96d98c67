"""Which runs of a folder MLflow has not got, or not all of: what workers, `nnlab.sync` and its reminder go by."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from nnlab.config.tracking_uri import is_same_store, sqlite_path, sqlite_uri
from nnlab.errors import UserError
from nnlab.mlflow_sync.state import SyncState
from nnlab.redaction import redacted
from nnlab.runs import journal
from nnlab.runs.directory import CONFIG, JOURNAL, TRIALS, RunDirectory, run_directories
from nnlab.runs.files import open_binary
from nnlab.runs.reading import LARGEST, damaged, read_bounded
from nnlab.runs.yaml_text import read_yaml
from nnlab.typed import OPEN, Fields, MalformedError

_TRACKING = re.compile(rb"^tracking:\n(?:[ ].*\n)+", re.MULTILINE)
"""The part of a config that says where the run goes: reading all of it takes twenty times as long."""
_RUNS_DIR = re.compile(rb"^runs_dir:.*$", re.MULTILINE)
_RUNS_DIR_ALONE = Annotated[dict[str, Any], Fields({"runs_dir": str})]
_PLACES = Annotated[
    dict[str, Any],
    Fields({}, {"tracking": Annotated[dict[str, Any], Fields({}, {"uri": str | None, "enabled": bool}), OPEN]}),
    OPEN,
]


@dataclass(frozen=True)
class Bound:
    """A run directory that is bound for MLflow.

    Args:
        run: the directory.
        uri: of the store, without password; None if that cannot be read.
        state: what the store has of it; None if nothing was sent yet.
        damage: why it cannot be sent; None if nothing is known to be wrong with it.
    """

    run: Path
    uri: str | None
    state: SyncState | None = None
    damage: str | None = None

    @property
    def has_arrived(self) -> bool:
        """Whether all of it has arrived, as far as is noted."""
        return self.damage is None and self.state is not None and self.state.has_all(self.run)

    @property
    def is_alive(self) -> bool:
        """Whether it is being recorded at this moment."""
        return RunDirectory.is_alive(self.run)


def unsynced(runs_dir: Path, uri: str | None = None) -> Iterator[Bound]:
    """The runs of a folder that have not arrived where they go; see `bound`."""
    return (found for found in bound(runs_dir, uri) if not found.has_arrived)


def bound(runs_dir: Path, uri: str | None = None, to: str | None = None) -> Iterator[Bound]:
    """The runs of a folder that go to MLflow, studies before trials; those still recorded too.

    Each is looked at when it is its turn. A damaged one is yielded as such, whatever its store, and no other suffers
    from it.

    Args:
        runs_dir: the folder.
        uri: resolved, leaves those out that go elsewhere; None is all.
        to: resolved, has all of them go there, also those that are kept out of MLflow.
    """
    studies: dict[Path, str | None] = {}
    for run in run_directories(runs_dir):
        try:
            store = redacted(to) if to else destination(run, studies)
            if store is None or (uri is not None and not is_same_store(store, redacted(uri))):
                continue
            if journal.has_started(run / JOURNAL):
                yield Bound(run, store, SyncState.of(run, store))
            else:
                open_binary(run / JOURNAL).close()  # one without a start is empty, or no file at all: that is told
        except FileNotFoundError:  # removed just now
            continue
        except UserError as error:
            yield Bound(run, None, damage=str(error))
        except OSError as error:
            yield Bound(run, None, damage=f"{run} cannot be read ({error.strerror or error}).")


def destination(run: Path, studies: dict[Path, str | None] | None = None) -> str | None:
    """Where in MLflow the run in the directory `run` goes, without password; None if it is kept out.

    A trial goes where its study goes, also if that was resumed into another store since. Other runs go where
    `mlflow.json` says; a run that has none (its disk was full, or somebody deleted the file) where its config says. A
    SQLite store in the folder of the runs moves with that folder.

    Args:
        run: the directory.
        studies: where those go that were asked for already; this one's is added.

    Raises:
        UserError: if the file that says it is damaged.
        OSError: if it cannot be read.
    """
    if run.parent.name == TRIALS:
        study, known = run.parent.parent, {} if studies is None else studies
        if study not in known:
            known[study] = None
            with suppress(UserError, OSError):  # reported of the study
                known[study] = destination(study)
        if (store := known[study]) is not None:
            return store
    state = SyncState.of(run)
    uri = _configured(run) if state is None else state.tracking_uri
    return None if uri is None else _moved_along(uri, run.absolute())


def _moved_along(uri: str, run: Path) -> str:
    """The address of a store that was in the folder of its runs, if that was moved since."""
    store = sqlite_path(uri)
    if store is None or store.parent == run.parent or store.exists():
        return uri
    with suppress(OSError, MalformedError):
        line = _RUNS_DIR.search(read_bounded(run / CONFIG, LARGEST))
        if line and read_yaml(line[0], _RUNS_DIR_ALONE)["runs_dir"] == str(store.parent):
            return sqlite_uri(run.parent / store.name)
    return uri


def _configured(run: Path) -> str | None:
    path = run / CONFIG
    try:
        data = read_bounded(path, LARGEST)
        part = _TRACKING.search(data)
        tracking = read_yaml(part[0] if part else data, _PLACES).get("tracking", {})
    except FileNotFoundError:
        return None
    except MalformedError as error:
        raise damaged(path, str(error), "Restore it, or move the run directory away.") from error
    uri = tracking.get("uri") if tracking.get("enabled") else None
    return None if not uri else redacted(uri)
