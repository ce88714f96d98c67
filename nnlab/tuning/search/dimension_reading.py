"""From the texts under `sweep.space` to the dimensions of a space, with every problem collected on the way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from nnlab.check import closest
from nnlab.config.groups import choices_of
from nnlab.config.problems import ConfigProblem
from nnlab.config.ranges import SweepTextError
from nnlab.config.schema import VARIANTS
from nnlab.tuning.search.dimension import HIDDEN, Condition, Dimension, Distribution, Scalar
from nnlab.tuning.search.grammar import read_distribution
from nnlab.tuning.search.searchable import DEPTH, GROUPS, WIDTH, form_of, is_shape, is_width, rules_of


class DimensionReader:
    """Reads the dimensions of one space.

    Args:
        texts: in the sweep grammar, by key or config group.

    Attributes:
        problems: those found so far.
    """

    def __init__(self, texts: Mapping[str, Any]) -> None:
        self._texts = texts
        self.problems: list[ConfigProblem] = []

    def dimensions(self) -> list[Dimension]:
        """The valid ones, in the order of `Space`."""
        groups = {key: axis for key in self._texts if key in GROUPS and (axis := self._group(key))}
        others = [key for key in self._texts if key not in GROUPS and not is_shape(key)]
        return [
            *(Dimension(key, axis) for key, axis in groups.items()),
            *self._shape(),
            *(dimension for key in others if (dimension := self._key(key, groups))),
        ]

    def _group(self, group: str) -> Distribution | None:
        """The distribution over choices of a config group."""
        axis = self._read(group, [str])
        if axis is None:
            return None
        names = choices_of(group)
        values = Dimension(group, axis).edges
        wrong = [value for value in values if value not in names]
        if not wrong:
            return axis
        near = closest(str(wrong[0]), names)
        rule = f"has the choice {wrong[0]}, but each must be one of {', '.join(names)}"
        self._add(group, rule, f"{near} instead of {wrong[0]}" if near else "")
        return None

    def _key(self, key: str, groups: Mapping[str, Distribution]) -> Dimension | None:
        """A key of the run's config."""
        try:
            rules = rules_of(key)
        except SweepTextError as error:
            self._add(key, error.rule, error.nearest)
            return None
        group = key.partition(".")[0]
        if group not in groups or group not in VARIANTS:
            axis = self._read(key, list(rules.values()))
            return Dimension(key, axis) if axis else None
        choices = [str(choice) for choice in Dimension(group, groups[group]).edges]
        having = tuple(choice for choice in choices if form_of(group, choice) in rules)
        if not having:
            self._add(
                key, f"is not a key of {group}={' or '.join(choices)}", f"{group}={' or '.join(rules)} as a choice"
            )
            return None
        axis = self._read(key, [rules[form_of(group, choice)] for choice in having])
        condition = Condition(group, having) if len(having) < len(choices) else None
        return Dimension(key, axis, condition) if axis else None

    def _shape(self) -> Iterator[Dimension]:
        """Depth and widths."""
        if not any(is_shape(key) for key in self._texts):
            return
        if HIDDEN in self._texts:
            self._add(
                HIDDEN,
                f"cannot be searched together with {DEPTH} and {WIDTH}, which set it",
                f"leave {HIDDEN} out",
            )
        layers = self._layers()
        depth: Distribution | None = None
        if DEPTH in self._texts:
            depth = self._read(DEPTH, list(rules_of(DEPTH).values()))
            if depth is None:
                return
            dimension = Dimension(DEPTH, depth)
            yield dimension
            depths: list[Any] = sorted(dimension.value(index) for index in range(dimension.count or 0))
        else:
            depths = [len(layers)]
            if WIDTH in self._texts:
                self._add(WIDTH, f"needs {DEPTH}, the number of layers with that width", f"{DEPTH}=range(1, 4)")
                return
        for layer in sorted(layers):
            if layer >= depths[-1]:
                last = (
                    f"{DEPTH} ends at {depths[-1]}"
                    if depth
                    else f"{WIDTH}.{min(set(range(layer)) - layers)} is missing"
                )
                nearest = f"{DEPTH}=range(1, {layer + 2})" if depth else "count the layers from 0"
                self._add(f"{WIDTH}.{layer}", f"is the width of a layer that never exists: {last}", nearest)
        if depth and WIDTH not in self._texts and (missing := set(range(depths[-1])) - layers):
            rule = f"reaches layer {min(missing)}, whose width is not set"
            self._add(DEPTH, rule, f"{WIDTH}=choice(32, 64, 128)")
        for layer in range(depths[-1]):
            yield from self._layer(layer, [deep for deep in depths if deep > layer], is_always=depths[0] > layer)

    def _layer(self, layer: int, depths: list[Scalar], *, is_always: bool) -> Iterator[Dimension]:
        name = f"{WIDTH}.{layer}"
        source = name if name in self._texts else WIDTH
        axis = self._read(source, list(rules_of(source).values())) if source in self._texts else None
        if axis is not None:
            yield Dimension(name, axis, None if is_always else Condition(DEPTH, tuple(depths)))

    def _layers(self) -> set[int]:
        """The layers that have a width of their own."""
        layers = set()
        for name in filter(is_width, self._texts):
            layer = name.removeprefix(f"{WIDTH}.")
            if layer.isdecimal() and str(int(layer)) == layer:
                layers.add(int(layer))
            else:
                self._add(name, "must end with the number of a hidden layer, counted from 0", f"{WIDTH}.0")
        return layers

    def _read(self, key: str, rules: list[Any]) -> Distribution | None:
        try:
            return read_distribution(self._texts[key], rules)
        except SweepTextError as error:
            self._add(key, error.rule, error.nearest)
            return None

    def _add(self, key: str, rule: str, nearest: str) -> None:
        problem = ConfigProblem(key, rule, self._texts[key], nearest)
        if problem not in self.problems:  # one width serves many layers
            self.problems.append(problem)
