"""From a run's config to a point of a search space, as far as the space has it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from nnlab.config.leaves import leaves
from nnlab.config.problems import as_typed
from nnlab.tuning.search.dimension import HIDDEN, Scalar
from nnlab.tuning.search.nearest import is_number, nearest
from nnlab.tuning.search.searchable import DEPTH, GROUPS, WIDTH, form_of, is_width
from nnlab.tuning.search.space import Space

MISSING = object()
"""What a config says of a key that it does not have."""


@dataclass(frozen=True)
class Placed:
    """A point of a space that stands for a config.

    Attributes:
        params: by dimension, as `Space.values` takes them; complete but for what is in `left`.
        moved: by dimension, what the config has where the space has not; the point has the nearest value.
        left: the dimensions for which the config has no value, or one that no other is near.
    """

    params: dict[str, Scalar] = field(default_factory=dict)
    moved: dict[str, Any] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)

    @property
    def is_exact(self) -> bool:
        """Whether the point has all that the config has."""
        return not self.moved and not self.left

    def lines(self, space: Space) -> list[str]:
        """Where the point is not what the config is, in words."""
        found = []
        axes = {dimension.name: dimension for dimension in space.dimensions}
        for name, value in self.moved.items():
            if name not in self.params:
                found.append(f"{sum(map(is_width, axes))} of {value} layers")
                continue
            is_near = is_number(value) and is_number(self.params[name])
            instead = f"the nearest to {as_typed(value)}" if is_near else f"for want of {as_typed(value)}"
            found.append(f"{name}={as_typed(self.params[name])}, {instead} in {axes[name]}")
        return [*found, *(f"{name} drawn by the sampler" for name in self.left)]


def placed(space: Space, value_of: Callable[[str], Any]) -> Placed:
    """The point of a space that is nearest to what a config says.

    Args:
        space: any.
        value_of: the config's value for a dimension; `MISSING` if it has none.
    """
    point = Placed()
    for dimension in space.dimensions:
        if not dimension.is_asked(point.params):
            continue
        value = value_of(dimension.name)
        found = None if value is MISSING else nearest(dimension, value)
        if found is None:
            point.left.append(dimension.name)
            continue
        point.params[dimension.name] = found.value
        if not found.is_exact:
            point.moved[dimension.name] = value
    names = {dimension.name for dimension in space.dimensions}
    layers = sum(map(is_width, names))
    if layers and DEPTH not in names and value_of(DEPTH) not in (MISSING, *range(layers + 1)):
        point.moved[DEPTH] = value_of(DEPTH)
    return point


def values_of(config: Mapping[str, Any], choices: Mapping[str, str]) -> Callable[[str], Any]:
    """What a config says of a dimension of any space.

    Args:
        config: of a run, nested.
        choices: of each searched group (see `choices_in`).
    """
    flat = dict(leaves(config))
    hidden = flat.get(HIDDEN, MISSING)
    widths = hidden if isinstance(hidden, list) else []

    def value_of(name: str) -> Any:
        if name in GROUPS:
            return choices.get(name, MISSING)
        if name == DEPTH:
            return len(widths) if isinstance(hidden, list) else MISSING
        if is_width(name):
            layer = int(name.removeprefix(f"{WIDTH}."))
            return widths[layer] if layer < len(widths) else MISSING
        if name == HIDDEN:
            return MISSING if hidden is MISSING else json.dumps(hidden, separators=(",", ":"))
        return flat.get(name, MISSING)

    return value_of


def choices_in(config: Mapping[str, Any], space: Space) -> dict[str, list[str]]:
    """The choices of the searched groups that a config may have: those of its forms, or else the forms' names."""
    found = {}
    for dimension in space.dimensions:
        group = config.get(dimension.name) if dimension.name in GROUPS else None
        if isinstance(group, Mapping):
            name = str(group.get("name"))
            fitting = [str(edge) for edge in dimension.edges if form_of(dimension.name, str(edge)) == name]
            found[dimension.name] = fitting or [name]
    return found
