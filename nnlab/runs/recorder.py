"""Records a run: everything goes into the run's directory, and `announce` lets others bring it further."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import yaml

from nnlab.errors import UserError
from nnlab.redaction import redacted, redacted_tree
from nnlab.runs import journal
from nnlab.runs.code import code_now
from nnlab.runs.directory import DIFF, JOURNAL, MODEL, RunDirectory, write_history
from nnlab.runs.files import write_atomically
from nnlab.runs.journal import Journal, Status
from nnlab.runs.journal_reader import JournalReader
from nnlab.runs.provenance import requirements, weights_sha256
from nnlab.runs.tags import WEIGHTS_TAG

if TYPE_CHECKING:
    from nnlab.models.saved_model import Model

Announce = Callable[[Path], object]
"""Called with a run's directory just before the run starts there: where it goes is noted, and the sync follows it."""


class Recorder:
    """Records one run. As a context manager it closes the run by how the block ends, unless it was closed before.

    Attributes:
        directory: the run's own. Put further files (`plots/`) into `directory.path` before closing.
    """

    def __init__(self, directory: RunDirectory) -> None:
        self.directory = directory
        self._journal = Journal(directory.journal_path)
        self._is_open = True

    @classmethod
    def open(
        cls,
        directory: RunDirectory,
        config: Mapping[str, Any],
        overrides: Sequence[str],
        provenance: Mapping[str, Any],
        announce: Announce | None,
    ) -> Recorder:
        """Start a run: record what is known before training, and announce the run.

        In a directory that holds a run already, that run restarts: of the old one only the journal stays, and
        what it says no longer counts. Passwords in addresses are removed from all that is written.

        Args:
            directory: made or claimed for this run; released if this fails.
            config: the resolved configuration; `tracking.experiment` names MLflow's experiment.
            overrides: what was set on the command line.
            provenance: of `nnlab.runs.provenance.collect`.
            announce: called with the run's directory before its journal says that it has started; None leaves it to a
                later sync, if `config` has it go to MLflow.

        Raises:
            RunFailedError: if the directory cannot be written.
        """
        try:
            directory.clear()
            facts = redacted_tree(provenance)
            directory.write("config.yaml", yaml.safe_dump(redacted_tree(config), sort_keys=False, allow_unicode=True))
            directory.write("overrides.yaml", yaml.safe_dump(redacted_tree(list(overrides)), allow_unicode=True))
            directory.write("provenance.json", json.dumps(facts, indent=2) + "\n")
            directory.write("requirements.txt", requirements(facts["packages"]))
            if "parent" not in facts and (facts.get("code") or {}).get("diff"):  # a trial's is with its study
                directory.write(DIFF, code_now().git.diff)
            return cls._started(directory, announce, goes_on=False)
        except BaseException:
            directory.release()
            raise

    @classmethod
    def reopen(cls, path: Path, announce: Announce | None) -> Recorder:
        """Reopen the run at `path`, which has ended or whose process died: all that it recorded still counts.

        Args:
            path: the run's directory.
            announce: as for `open`; None leaves what is added to a later sync.

        Raises:
            UserError: if there is no run, or it is still being recorded.
            RunFailedError: if the directory cannot be written.
        """
        if not journal.has_started(path / JOURNAL):
            raise UserError(f"Only a run that was started can be reopened, but {path} holds none. Check the path.")
        return cls.go_on(RunDirectory.claim(path), announce)

    @classmethod
    def go_on(cls, directory: RunDirectory, announce: Announce | None, epochs: int | None = None) -> Recorder:
        """As `reopen`, for a directory that was claimed already; released if this fails.

        Args:
            directory: holds a run.
            announce: as for `open`.
            epochs: how many the run is to have in total from now on, if it is extended.
        """
        try:
            return cls._started(directory, announce, goes_on=True, **({} if epochs is None else {"epochs": epochs}))
        except BaseException:
            directory.release()
            raise

    @classmethod
    def _started(cls, directory: RunDirectory, announce: Announce | None, **fields: Any) -> Recorder:
        if announce is not None:
            announce(directory.path)
        recorder = cls(directory)
        recorder._journal.append("start", **fields)
        return recorder

    @property
    def is_open(self) -> bool:
        """Whether the run has not been closed; one whose end could not be written is closed too."""
        return self._is_open

    def epoch(self, epoch: int, metrics: Mapping[str, float]) -> None:
        """Record the metrics of an epoch, counted from 1.

        Raises:
            RunFailedError: if the journal cannot be written, as do all methods that record.
        """
        self._journal.append("epoch", epoch=epoch, metrics=metrics)

    def kept(self, epoch: int, metrics: Mapping[str, float]) -> None:
        """Record the scores by which a run is compared with others: those of the `epoch` whose weights are kept."""
        self._journal.append("kept", epoch=epoch, metrics=metrics)

    def test(self, epoch: int, metrics: Mapping[str, float]) -> None:
        """Record the metrics of the test split, once, for the weights of the chosen `epoch`."""
        self._journal.append("test", epoch=epoch, metrics=metrics)

    def trial(self, number: int, metrics: Mapping[str, float]) -> None:
        """Record a study's metrics when `number` of its trials have finished."""
        self._journal.append("trial", number=number, metrics=metrics)

    def tag(self, tags: Mapping[str, str]) -> None:
        """Record facts that become known during the run; MLflow shows them as tags."""
        self._journal.append("note", tags=redacted_tree(tags))

    def save_model(self, model: Model) -> str:
        """Write the final network into `model/`, and tag the run with the SHA-256 of its weights, which is returned."""
        from nnlab.models.saved_model import save_model

        save_model(self.directory.folder(MODEL), model, partial(write_atomically, is_synced=False))
        digest = weights_sha256(model.network.parameters.named().values())
        self.tag({WEIGHTS_TAG: digest})
        return digest

    def history(self) -> list[dict[str, float]]:
        """The recorded epochs that count: `epoch` and the metrics of each."""
        run = JournalReader(self.directory.journal_path)
        run.update()
        return [{"epoch": epoch, **metrics} for epoch, metrics in run.epochs.items()]

    def close(self, status: Status, reason: str | None = None) -> None:
        """End the run: write `history.csv` and the journal's `end`, and free the lock. Later calls do nothing."""
        if not self._is_open:
            return
        self._is_open = False
        try:
            try:
                write_history(self.directory.path)
            finally:  # a full disk may still have room for one line
                reason = None if reason is None else redacted(reason)
                self._journal.append("end", status=status, reason=reason)
        finally:
            self._journal.close()
            self.directory.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close("finished")
        elif isinstance(error, KeyboardInterrupt):
            self.close("interrupted", "interrupted by the user")
        else:
            self.close("failed", f"{type(error).__name__}: {error}")
