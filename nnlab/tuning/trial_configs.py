"""The configs of a study's trials: one for each point of its space."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence, Set
from copy import deepcopy
from typing import Any

from hydra.core.override_parser.types import Override

from nnlab.config.compose import choices_made, composed, hydra_initialized
from nnlab.config.keys import key_rules
from nnlab.config.leaves import leaves
from nnlab.config.overrides import parsed
from nnlab.config.problems import ConfigError, ConfigProblem
from nnlab.config.schema import VARIANTS
from nnlab.tuning.search.searchable import GROUPS, form_of
from nnlab.tuning.search.space import Space

ROOT = "study"
"""The file of `conf/` that a study's config starts from."""


class TrialConfigs:
    """Composes the configs of one study.

    Args:
        overrides: of the command line, without those that have several values.
        following: key -> value of what the study sets itself.
        space: what is searched.
    """

    def __init__(self, overrides: Sequence[Override], following: Mapping[str, Any], space: Space) -> None:
        self._overrides = list(overrides)
        self._following = dict(following)
        self._choices = {
            axis.name: [str(edge) for edge in axis.edges] for axis in space.dimensions if axis.name in GROUPS
        }

    def at(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The config at a point of the space, as plain values.

        Raises:
            ConfigError: if Hydra cannot compose it.
        """
        choices = {key: str(value) for key, value in values.items() if key in self._choices}
        raw = deepcopy(self._with_choices(tuple(choices.items())))
        for key, value in {**self._following, **values}.items():
            if key not in choices:
                put(raw, key, value)
        return raw

    def by_choice(self) -> Iterator[tuple[str, str, Any]]:
        """Each searched choice (`optimizer=sgd`), with every key and value of its config."""
        for group, choices in self._choices.items():
            for choice in choices:
                for key, value in leaves(self.at({group: choice})):
                    yield f"{group}={choice}", key, value

    def own_choices(self) -> dict[str, str]:
        """The choice that each searched group has without the search."""
        if not self._choices:
            return {}
        with hydra_initialized():
            made = choices_made(self._overrides, ROOT)
        return {group: made[group] for group in self._choices}

    @functools.lru_cache(maxsize=64)  # noqa: B019  it lives as long as the process
    def _with_choices(self, choices: tuple[tuple[str, str], ...]) -> dict[str, Any]:
        chosen = dict(choices)
        others = [
            override
            for override in self._overrides
            if override.key_or_group not in chosen and not self._is_for_another_choice(override.key_or_group, chosen)
        ]
        problems: list[ConfigProblem] = []
        raw = composed_study([*others, *parsed([f"{group}={choice}" for group, choice in choices])], problems)
        if problems:
            raise ConfigError(problems)
        raw.pop("sweep", None)
        return raw

    def _is_for_another_choice(self, key: str, chosen: Mapping[str, str]) -> bool:
        """Whether the chosen form of a key's group lacks the key, while another searched one has it."""
        group = key.partition(".")[0]
        forms = key_rules().get(key, {})
        if group not in chosen or group not in VARIANTS or form_of(group, chosen[group]) in forms:
            return False
        return any(form_of(group, choice) in forms for choice in self._choices[group])


def composed_study(
    overrides: Sequence[Override], problems: list[ConfigProblem], in_doubt: Set[str] = frozenset()
) -> dict[str, Any]:
    """A study's config as Hydra composes it, with the group `sweep`; problems are added to `problems` (see `composed`).

    Raises:
        ConfigError: if Hydra cannot compose it.
    """
    with hydra_initialized():
        return composed(overrides, problems, root=ROOT, in_doubt=in_doubt)


def put(raw: dict[str, Any], key: str, value: Any) -> None:
    """Set a value. What should be a group and is not stays as it is: the check reports it."""
    *groups, name = key.split(".")
    place: Any = raw
    for group in groups:
        place = place.setdefault(group, {})
        if not isinstance(place, dict):
            return
    place[name] = value
