"""Brings everything into MLflow that it has not got: every run of a folder, store by store, studies before trials."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from mlflow import MlflowClient

from nnlab.config.tracking_uri import is_same_store, sqlite_path
from nnlab.mlflow_sync.backlog import bound
from nnlab.mlflow_sync.presence import forget, lost
from nnlab.mlflow_sync.state import SyncState
from nnlab.mlflow_sync.store import connect, is_replaced
from nnlab.mlflow_sync.trouble import RefusedError, Trouble, trouble
from nnlab.mlflow_sync.upload import upload
from nnlab.redaction import redacted
from nnlab.runs.directory import RunDirectory, end_if_dead

SECONDS_FOR_OTHERS = 30.0
"""How long a run is waited for that another process is sending."""

Result = Literal["sent", "up to now", "deleted", "left"]


@dataclass(frozen=True)
class Handled:
    """What became of a run.

    Args:
        run: its directory.
        result: "up to now" if it is still recorded; "deleted" if it stays deleted in MLflow.
        reason: why it is left.
    """

    run: Path
    result: Result
    reason: str = ""


@dataclass
class Shipment:
    """The runs that go to one store.

    Args:
        uri: of the store, with its password if that is known.
        is_copy: the runs go elsewhere by themselves.
        pending: what is to be sent, in this order.
        arrived: what is complete there, as far as is noted.
    """

    uri: str
    is_copy: bool
    pending: list[Path] = field(default_factory=list)
    arrived: list[tuple[Path, SyncState]] = field(default_factory=list)


class CatchingUp:
    """All that there is to bring.

    Args:
        runs_dir: absolute.
        chosen: directories; a study stands for its trials too, and a trial needs its study. None is all.
        to: a store that gets copies, resolved; None sends each run where it goes.
        known: addresses with their passwords, which run directories do not hold.
    """

    def __init__(self, runs_dir: Path, chosen: Collection[Path] | None, to: str | None, known: Iterable[str]) -> None:
        self._runs_dir = runs_dir
        self._chosen = chosen
        self._to = to
        self._known = list(known)

    def deliveries(self) -> tuple[list[Delivery], list[Handled]]:
        """What goes where as things are now, and what cannot go anywhere, since it is damaged."""
        found: dict[str, Shipment] = {}
        damaged = []
        for entry in bound(self._runs_dir, to=self._to):
            if self._chosen is not None and not _is_meant(entry.run, self._chosen):
                continue
            if entry.uri is None or entry.damage is not None:
                damaged.append(Handled(entry.run, "left", entry.damage or ""))
                continue
            if entry.uri not in found:
                found[entry.uri] = Shipment(self._whole(entry.uri), is_copy=self._to is not None)
            shipment = found[entry.uri]
            if entry.has_arrived and entry.state is not None:
                shipment.arrived.append((entry.run, entry.state))
            else:
                shipment.pending.append(entry.run)
        return [Delivery(shipment, self._runs_dir) for shipment in found.values()], damaged

    def _whole(self, uri: str) -> str:
        """The address with its password, if that is known."""
        addresses = [self._to] if self._to else self._known
        return next((whole for whole in addresses if is_same_store(redacted(whole), uri)), uri)


def _is_meant(run: Path, chosen: Collection[Path]) -> bool:
    study = run.parent.parent
    return run in chosen or study in chosen or any(run == path.parent.parent for path in chosen)


class Delivery:
    """Sends one shipment.

    Args:
        shipment: what.
        runs_dir: absolute.

    Attributes:
        lost: what the store once had and has no more; known after `check`.
    """

    def __init__(self, shipment: Shipment, runs_dir: Path) -> None:
        self._shipment = shipment
        self._runs_dir = runs_dir
        self._client: MlflowClient | None = None
        self.lost: list[Path] = []
        self._forgotten: set[Path] = set()

    @property
    def uri(self) -> str:
        """Of the store, without its password."""
        return redacted(self._shipment.uri)

    @property
    def there(self) -> int:
        """How many runs it has, as far as is known."""
        return len(self._shipment.arrived) - len(self.lost)

    @property
    def store_is_replaced(self) -> bool:
        """Whether what the store had may be lost since this process last connected to it."""
        return is_replaced(self._shipment.uri)

    def check(self) -> Trouble | None:
        """Ask the store for what it once had; returns why it cannot be asked. Nothing is changed."""
        path = sqlite_path(self._shipment.uri)
        try:
            if path is not None and not path.exists():
                self.lost = [run for run, state in self._shipment.arrived if not state.is_deleted]
            elif self._shipment.arrived:
                self.lost = lost(self._shipment.arrived, self._connected())
        except Exception as error:  # whatever MLflow raises, other stores are not concerned
            return trouble(error)
        self._forgotten = set(self.lost)
        return None

    @property
    def to_send(self) -> list[Path]:
        """Everything that the store lacks, studies before trials."""
        runs = {*self._shipment.pending, *self.lost}
        return sorted(runs, key=lambda run: (run.parent != self._runs_dir, run))

    def send(self, patience: float = SECONDS_FOR_OTHERS) -> Iterator[Handled]:
        """Send everything that the store lacks, and say what became of each run.

        A run that cannot be sent holds no other back. If the store takes nothing any more, the rest is left.

        Args:
            patience: how many seconds runs are waited for that another process is sending.
        """
        waiting, deadline = self.to_send, time.monotonic() + patience
        while waiting:
            busy = []
            for place, run in enumerate(waiting):
                try:
                    yield Handled(run, self._send(run))
                except BlockingIOError:
                    busy.append(run)
                except Exception as error:  # whatever MLflow raises
                    # Before there is a connection it is the store's trouble.
                    found = trouble(error, run if self._client is not None else None)
                    yield Handled(run, "left", found.text)
                    refusal = None if found.kind == "damaged" else self._trouble_now()
                    if refusal is not None:
                        yield from (Handled(left, "left", refusal.text) for left in [*busy, *waiting[place + 1 :]])
                        return
            waiting = busy
            if waiting and time.monotonic() >= deadline:
                for run in waiting:
                    result: Result = "up to now" if RunDirectory.is_alive(run) else "left"
                    yield Handled(run, result, "another process is sending it")
                return
            if waiting:
                time.sleep(0.5)

    def _send(self, run: Path) -> Result:
        client, is_copy = self._connected(), self._shipment.is_copy
        if run in self._forgotten:
            forget(run, self._shipment.uri, is_copy=is_copy)
            self._forgotten.remove(run)
        end_if_dead(run)
        state = upload(run, client, is_copy=is_copy)
        if state.is_deleted:
            return "deleted"
        return "sent" if state.has_all(run) else "up to now"

    def _connected(self) -> MlflowClient:
        if self._client is None:
            if "***" in self._shipment.uri:
                raise RefusedError(
                    f"The runs are kept without the password of {self._shipment.uri}. Give the whole address: "
                    "--tracking-uri or MLFLOW_TRACKING_URI."
                )
            path = sqlite_path(self._shipment.uri)
            beside = self._runs_dir if path is None or not self._shipment.is_copy else path.parent
            client = connect(self._shipment.uri, beside / "artifacts")
            client.search_experiments(max_results=1)
            self._client = client
        return self._client

    def _trouble_now(self) -> Trouble | None:
        """Why the store takes nothing at present; None if it answers."""
        try:
            self._client = None
            self._connected()
        except Exception as error:
            return trouble(error)
        return None
