"""What single overrides of a study's command line mean, and which are not allowed."""

from __future__ import annotations

from hydra.core.override_parser.types import Override

from nnlab.config.problems import ConfigProblem
from nnlab.tuning.search.searchable import NOT_SEARCHABLE

FOLLOWING = ("trainer.monitor", "trainer.restore_best")
"""Keys of a run that a study sets itself."""


def follows(override: Override) -> ConfigProblem:
    """The problem with a key that a study sets itself."""
    key = override.key_or_group
    rule, remedy = NOT_SEARCHABLE[key]
    return ConfigProblem(key, f"{rule} in a sweep", override.value(), remedy)


def one_value(key: str, text: str) -> ConfigProblem:
    """The problem with several values for a key that controls the search."""
    return ConfigProblem(key, "must have a single value, as it controls the search", text, "one study per value")


def searched_key(override: Override) -> str:
    """The key of a run that an override with several values means; `sweep.space.` may stand before it."""
    return override.key_or_group.removeprefix("sweep.space.")


def text_of(override: Override) -> str:
    """The value of an override, as it was written."""
    return (override.input_line or "").partition("=")[2]
