"""A run read back from its directory, whether it has ended or not."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from nnlab.errors import UserError
from nnlab.runs import journal
from nnlab.runs.directory import CONFIG, JOURNAL, MODEL, OVERRIDES, PROVENANCE, RunDirectory
from nnlab.runs.files import is_file, open_binary
from nnlab.runs.journal import Status
from nnlab.runs.journal_reader import JournalReader
from nnlab.runs.opening import UnsafeFileError
from nnlab.runs.provenance_form import Provenance
from nnlab.runs.reading import damaged, read_stored
from nnlab.runs.resolve import mlflow_id, resolve

if TYPE_CHECKING:
    from nnlab.models.saved_model import Model

RESTORE = "Restore it: without it the run cannot be read back."


class StoredRun(JournalReader):
    """A run, a trial or a study's own run: what its journal says (see `JournalReader`), and its files.

    The journal is read when the object is made, and again at `update`; a file when it is asked for.

    Attributes:
        path: the run's directory, as it was named.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path / JOURNAL)
        self.path = path
        self.update()

    @classmethod
    def open(cls, run_id: str | Path, runs_dir: Path | None = None) -> Self:
        """Read a run back.

        Args:
            run_id: a text as `resolve` takes it; a `Path` is the run's directory.
            runs_dir: the folder of the runs, in which a text is looked up; None is the usual one.

        Raises:
            UserError: if there is no such run, or its journal is damaged.
        """
        path = resolve(run_id, runs_dir) if isinstance(run_id, str) else run_id
        run = cls.at(path)
        if run is None:
            raise UserError(f"A run directory must hold a run, but {path} holds none. Check the path.")
        return run

    @classmethod
    def at(cls, path: Path) -> Self | None:
        """The run in the directory `path`; None while none has started there.

        Raises:
            UserError: if its journal is damaged, or no plain file.
        """
        try:
            return cls(path) if journal.has_started(path / JOURNAL) else None
        except UnsafeFileError as error:
            raise UserError(f"{error.filename} cannot be read: {error.strerror}. Name another run.") from error

    @property
    def name(self) -> str:
        """The name of the directory, by which commands and the tag `nnlab.run` know the run."""
        return self.path.absolute().name

    @property
    def is_alive(self) -> bool:
        """Whether the process that records the run lives at this moment."""
        return RunDirectory.is_alive(self.path)

    @property
    def status_now(self) -> Status | Literal["running"]:
        """The status, but "killed" if the process died without closing the run."""
        return "killed" if self.status == "running" and not self.is_alive else self.status

    @property
    def run_id(self) -> str | None:
        """MLflow's id of the run; None if MLflow does not have it."""
        return mlflow_id(self.path)

    @cached_property
    def config(self) -> dict[str, Any]:
        """The resolved configuration.

        Raises:
            UserError: if the file is missing or damaged, as do the files below.
        """
        content: dict[str, Any] = self._content(CONFIG, dict[str, Any])
        return content

    @property
    def final_config(self) -> dict[str, Any]:
        """The configuration as training ended: with the epochs that the run was extended to, if it was."""
        if not self.extensions:
            return self.config
        return {**self.config, "trainer": {**self.config.get("trainer", {}), "epochs": self.extensions[-1][1]}}

    @cached_property
    def overrides(self) -> list[str]:
        """What was set on the command line."""
        content: list[str] = self._content(OVERRIDES, list[str])
        return content

    @cached_property
    def provenance(self) -> dict[str, Any]:
        """Where the numbers come from: a `nnlab.runs.provenance_form.Provenance`."""
        content: dict[str, Any] = self._content(PROVENANCE, Provenance)
        return content

    def model(self) -> Model:
        """The network with the weights that were kept.

        Raises:
            UserError: if the run has none, or it is damaged.
        """
        from nnlab.models.saved_model import ARCHITECTURE, WEIGHTS, load_model

        folder = self.path / MODEL
        if not is_file(folder / ARCHITECTURE):
            raise UserError(
                f"A run has a model once training has ended, but {self.path} has none; its status is {self.status}."
            )
        return load_model(folder / ARCHITECTURE, folder / WEIGHTS, open_binary)

    def _content(self, name: str, shape: Any) -> Any:
        try:
            return read_stored(self.path / name, shape, RESTORE)
        except FileNotFoundError as error:
            raise damaged(self.path / name, "it is missing", RESTORE) from error
