"""The keys that a config may have, what each may be, and which of them a wrong key was probably meant to be."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, get_args, get_origin

from nnlab.check import OneOf, closest, field_rules
from nnlab.config.schema import VARIANTS, Config

Forms = Mapping[str, Mapping[str, type]]
"""For each group with several forms, the class by the group's `name`."""

VERBATIM = object()
"""In an annotation: text that is taken as it is typed, which on the command line needs no quotes of Hydra's."""

OTHER_WORDS = {"learning_rate": "optimizer.lr", "weight_decay": "regularizer.strength", "max_epochs": "trainer.epochs"}
"""What other libraries call our keys."""


def key_rules(root: type = Config, variants: Forms = VARIANTS, prefix: str = "") -> dict[str, dict[str, Any]]:
    """The rules of every key that some config may have, in the order of the schema.

    Returns:
        by full key, the annotation by the form of the group that has the key; by "" where there are no forms.
    """
    rules: dict[str, dict[str, Any]] = {}

    def add(cls: type, prefix: str, form: str) -> None:
        for name, annotation in field_rules(cls).items():
            key = prefix + name
            if key in variants:
                rules[f"{key}.name"] = {form: Annotated[str, OneOf(variants[key])]}
                for choice, variant in variants[key].items():
                    add(variant, f"{key}.", choice)
            elif dataclasses.is_dataclass(annotation) and isinstance(annotation, type):
                add(annotation, f"{key}.", form)
            else:
                rules.setdefault(key, {})[form] = annotation

    add(root, prefix, "")
    return rules


def nearest_key(key: str, known: Iterable[str]) -> str:
    """The known key most like `key`: one with the same last part, else one spelled similarly."""
    known = list(known)
    last = key.rpartition(".")[2]
    if OTHER_WORDS.get(last) in known:
        return OTHER_WORDS[last]
    same_last = [candidate for candidate in known if candidate.rpartition(".")[2] == last]
    if same_last:
        return same_last[0]
    lasts = {candidate.rpartition(".")[2]: candidate for candidate in reversed(known)}
    return closest(key, known) or lasts.get(closest(last, lasts), "")


def kinds_of(rules: Iterable[Any]) -> set[type]:
    """The types that annotations accept: {int, str} of `Annotated[int, ...] | Literal["full"]`."""
    kinds: set[type] = set()
    for rule in rules:
        origin = get_origin(rule)
        if origin is Literal:
            kinds |= {type(choice) for choice in get_args(rule)}
        elif origin is tuple:
            kinds.add(tuple)
        elif origin is Annotated:
            kinds |= kinds_of(get_args(rule)[:1])
        elif origin is not None:  # X | Y
            kinds |= kinds_of(get_args(rule))
        else:
            kinds.add(rule)
    return kinds


def is_verbatim(rule: Any) -> bool:
    """Whether an annotation, or one of those in it, is of text that is taken as it is typed."""
    return rule is VERBATIM or any(map(is_verbatim, get_args(rule)))
