"""The first thing that a command does: let MLflow's imports, which take two seconds, run beside its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nnlab.mlflow_sync.process import Ahead

OFF = "tracking.enabled=false"


@contextmanager
def mirror_ahead(arguments: Sequence[str]) -> Iterator[Ahead | None]:
    """A mirror that is on its way before the command line is read; ended if nobody takes it.

    Args:
        arguments: of the command line. None is started for a question about the config, or where MLflow is off.
    """
    is_question = any(argument.startswith("-") and argument not in ("-m", "--multirun") for argument in arguments)
    if is_question or OFF in arguments:
        yield None
        return
    from nnlab.mlflow_sync.process import Ahead

    ahead = Ahead()
    try:
        yield ahead
    finally:
        ahead.discard()
