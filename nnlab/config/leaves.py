"""The values of a nested config by their full keys."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

WITHOUT_EFFECT = (
    "runs_dir",
    "strict",
    "tracking",
    "data.root",
    "data.max_gigabytes",
    "trainer.test",
    "trainer.checkpoint_seconds",
)
"""The keys and groups that change no number of a training: where things are kept (what the data is, its own SHA-256
says), what is refused, how large a file may be, whether the test split is evaluated afterwards, and from
where a killed run goes on."""


def leaves(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Each value of a nested config, with its full key."""
    for key, value in tree.items():
        if isinstance(value, dict) and value:
            yield from leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def without(tree: Mapping[str, Any], keys: Iterable[str]) -> dict[str, Any]:
    """A nested config without some keys and groups, whether it has them or not."""
    kept = dict(tree)
    for key in keys:
        group, _, rest = key.partition(".")
        if not rest:
            kept.pop(group, None)
        elif isinstance(inner := kept.get(group), Mapping):
            kept[group] = without(inner, [rest])
    return kept
