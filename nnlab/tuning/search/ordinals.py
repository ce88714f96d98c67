"""Choices of numbers in their order: to a sampler that learns, 16, 32 and 64 are places 0, 1 and 2 of an axis.

Told as unordered choices they would teach it nothing of each other. The storage, and whoever reads it, has the numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from optuna.distributions import CategoricalDistribution, IntDistribution

from nnlab.tuning.search.dimension import Condition, Dimension, Scalar
from nnlab.tuning.search.space import Space


@dataclass(frozen=True)
class Ordinals:
    """A space as samplers see it, and the way there and back.

    Attributes:
        space: with an axis of whole numbers in place of each choice of numbers.
        choices: by the keys of those, ascending.
    """

    space: Space
    choices: Mapping[str, Sequence[Scalar]]

    @classmethod
    def of(cls, space: Space) -> Self:
        """A space for a sampler that learns from numbers."""
        choices = {dimension.name: found for dimension in space.dimensions if (found := _ascending(dimension))}
        return cls(Space(tuple(_placed(dimension, choices) for dimension in space.dimensions)), choices)

    @classmethod
    def none(cls, space: Space) -> Self:
        """A space as it is."""
        return cls(space, {})

    def places(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """A trial's parameters as a sampler sees them; without those that the space does not have."""
        known = [dimension.name for dimension in self.space.dimensions if dimension.name in params]
        plain = {name: params[name] for name in known if name not in self.choices}
        ordered = [name for name in known if name in self.choices and params[name] in self.choices[name]]
        return plain | {name: self.choices[name].index(params[name]) for name in ordered}

    def meant(self, places: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters that a sampler means, as the storage has them."""
        return {name: self.choices[name][value] if name in self.choices else value for name, value in places.items()}


def _ascending(dimension: Dimension) -> list[Any]:
    """The choices of a dimension, if all are numbers; else nothing."""
    axis = dimension.distribution
    if not isinstance(axis, CategoricalDistribution):
        return []
    numbers = [choice for choice in axis.choices if isinstance(choice, int | float) and not isinstance(choice, bool)]
    return sorted(numbers) if len(numbers) == len(axis.choices) else []


def _placed(dimension: Dimension, choices: Mapping[str, Sequence[Scalar]]) -> Dimension:
    if dimension.name in choices:
        dimension = replace(dimension, distribution=IntDistribution(0, len(choices[dimension.name]) - 1))
    decides = dimension.condition
    if decides is None or decides.key not in choices:
        return dimension
    places = tuple(choices[decides.key].index(value) for value in decides.values)
    return replace(dimension, condition=Condition(decides.key, places))
