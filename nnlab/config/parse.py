"""From the plain dicts that Hydra composes to typed settings, with every problem collected on the way."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from nnlab.check import closest, field_rules, problem_with
from nnlab.config.keys import Forms, key_rules, nearest_key
from nnlab.config.problems import ConfigProblem

MISSING = "???"
IN_DOUBT = object()
"""Stands for a value that is unknown because something that decides it is invalid: not checked, never in a config."""

T = TypeVar("T")


class Reader(Generic[T]):
    """Reads one tree of settings.

    Args:
        root: the dataclass to make.
        variants: the groups below it that have several forms, by full key.
        prefix: of the root's own keys (`sweep.`).

    Attributes:
        problems: those found so far.
        settings: every valid group and value, by full key.
    """

    def __init__(self, root: type[T], variants: Forms, prefix: str = "") -> None:
        self._root, self._variants, self._prefix = root, variants, prefix
        self.problems: list[ConfigProblem] = []
        self.settings: dict[str, Any] = {}

    def read(self, raw: Mapping[str, Any]) -> T | None:
        """The settings, or None if there are problems."""
        made = self._group(self._root, raw, self._prefix)
        return made if isinstance(made, self._root) else None

    def _group(self, cls: type, raw: Mapping[str, Any], prefix: str) -> Any:
        """An object of dataclass `cls` from its fields; None if any of them is wrong."""
        rules = field_rules(cls)
        before = len(self.problems)
        for name in raw:
            if name not in rules:
                self._unknown(prefix + str(name), raw[name])
        values = {}
        for name, annotation in rules.items():
            key = prefix + name
            # Also where the class has a default: a config spells everything out.
            if raw.get(name, MISSING) == MISSING:
                self.problems.append(ConfigProblem(key, "must be given, but is missing"))
                continue
            values[name] = self._value(annotation, raw[name], key)
        if len(self.problems) > before or not self._is_known(raw):
            return None
        made = cls(**values)
        if prefix:
            self.settings[prefix.rstrip(".")] = made
        return made

    def _is_known(self, raw: Mapping[str, Any]) -> bool:
        """Whether no value inside is in doubt."""
        return all(
            self._is_known(value) if isinstance(value, Mapping) else value is not IN_DOUBT for value in raw.values()
        )

    def _value(self, annotation: Any, value: Any, key: str) -> Any:
        if value is IN_DOUBT:
            return None
        if key in self._variants or (dataclasses.is_dataclass(annotation) and isinstance(annotation, type)):
            if not isinstance(value, Mapping):
                rule = "must be a group of keys"
                self.problems.append(ConfigProblem(key, rule, value, self._nearest_choice(key, value)))
                return None
            return self._variant(key, value) if key in self._variants else self._group(annotation, value, f"{key}.")
        problem = problem_with(annotation, value)
        if problem is not None:
            self.problems.append(ConfigProblem(key, problem.rule, value, problem.nearest))
            return None
        self.settings[key] = tuple(value) if isinstance(value, list) else value
        return self.settings[key]

    def _variant(self, group: str, raw: Mapping[str, Any]) -> Any:
        """The form of a group that its `name` chooses."""
        forms = self._variants[group]
        fields = dict(raw)
        name = fields.pop("name", None)
        if name is IN_DOUBT:
            return self._some_variant(group, fields)
        if not isinstance(name, str) or name not in forms:
            rule = f"must be one of {', '.join(forms)}"
            self.problems.append(ConfigProblem(f"{group}.name", rule, name, self._nearest_choice(group, name)))
            return None
        self.settings[f"{group}.name"] = name
        known = field_rules(forms[name])
        for field in [field for field in fields if field not in known]:
            self._unknown_to_variant(group, name, field, fields.pop(field))
        return self._group(forms[name], fields, f"{group}.")

    def _some_variant(self, group: str, raw: Mapping[str, Any]) -> None:
        """The keys of a group whose form is in doubt: a problem is what would be wrong in every form."""
        known = {
            key: list(rules.values()) for key, rules in key_rules(self._root, self._variants, self._prefix).items()
        }
        for name, value in raw.items():
            key = f"{group}.{name}"
            if value is IN_DOUBT:
                continue
            if key not in known:
                self._unknown(key, value)
                continue
            found = [problem_with(rule, value) for rule in known[key]]
            if None not in found and found[0] is not None:
                self.problems.append(ConfigProblem(key, found[0].rule, value, found[0].nearest))

    def _unknown_to_variant(self, group: str, name: str, field: str, value: Any) -> None:
        """The problem with a key that this form of the group lacks; perhaps another form has it."""
        own = list(field_rules(self._variants[group][name]))
        has = f"which has {', '.join(own)}" if own else "which has no keys"
        others = [form for form, cls in self._variants[group].items() if field in field_rules(cls)]
        if others:
            nearest = f"{group}={' or '.join(others)}"
        else:
            near = closest(field, own)
            nearest = f"{group}.{near}" if near else ""
        self.problems.append(
            ConfigProblem(f"{group}.{field}", f"is not a key of {group}={name}, {has}", value, nearest)
        )

    def _nearest_choice(self, group: str, value: Any) -> str:
        near = closest(str(value), self._variants.get(group, {}))
        return f"{group}={near}" if near else ""

    def _unknown(self, key: str, value: Any) -> None:
        if value is IN_DOUBT:
            return
        if isinstance(value, Mapping) and value:
            for name, item in value.items():
                self._unknown(f"{key}.{name}", item)
            return
        nearest = nearest_key(key, key_rules(self._root, self._variants, self._prefix))
        self.problems.append(ConfigProblem(key, "is not a key of the configuration", value, nearest))
