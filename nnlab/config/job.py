"""A run to do. Workers get jobs, so that they do not need Hydra, which composes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nnlab.config.schema import Config
from nnlab.data.dataset import Dataset
from nnlab.data.loading import dataset_of


@dataclass(frozen=True)
class Job:
    """A run to do.

    Args:
        config: validated.
        dataset: what validation has loaded; None loads it when the run starts. It is not sent to other processes:
            reading it again there is faster than a pipe.
        overrides: what the command line set, such that it can be repeated from any folder.
        data_sha256: of the data that it was checked with.
        group: its place among those that are run together, a `GroupFacts` of its provenance; None if it is alone.
    """

    config: Config
    dataset: Dataset | None = field(repr=False, compare=False)
    overrides: list[str]
    data_sha256: str | None = None
    group: Mapping[str, Any] | None = None

    @property
    def command(self) -> list[str]:
        """The command that does this run alone."""
        return ["python", "-m", "nnlab.run", *self.overrides]

    def load(self) -> Dataset:
        """The data of the run.

        Raises:
            UserError: if they have to be loaded and are not what they were.
        """
        return self.dataset or dataset_of(self.config.data, seed=self.config.seed)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "dataset": None}
