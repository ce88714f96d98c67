"""Which keys of a run can be searched, their rules, and why the others cannot be."""

from __future__ import annotations

import functools
from typing import Annotated, Any, get_args

import yaml

from nnlab.check import Range, closest
from nnlab.config.groups import conf_dir
from nnlab.config.keys import key_rules, nearest_key
from nnlab.config.ranges import SweepTextError
from nnlab.config.schema import VARIANTS
from nnlab.tuning.search.dimension import HIDDEN

GROUPS = ("model", *VARIANTS)
"""The config groups whose choice can be searched."""

DEPTH, WIDTH = "model.depth", "model.width"
"""Keys that exist only in a space: together they determine `model.hidden`."""

Depth = Annotated[int, Range(ge=0, le=100)]

SAME_ROWS = "must be the same in all trials, which are compared on the same validation rows"
NO_EFFECT = "has no effect on a trial's score"
NOT_SEARCHABLE = {
    "seed": (
        "is the study's, and each trial's is derived from it",
        "sweep.seeds=3, for several seeds per trial",
    ),
    "runs_dir": (NO_EFFECT, ""),
    "strict": (NO_EFFECT, "strict=true"),
    "tracking": (NO_EFFECT, ""),
    "experiment": ("sets many keys at once, among them the data", "choose it outside the space"),
    "data.name": (SAME_ROWS, "set it outside the space"),
    "data.root": (SAME_ROWS, "set it outside the space"),
    "data.label_column": (SAME_ROWS, "set it outside the space"),
    "data.header": (SAME_ROWS, "set it outside the space"),
    "data.delimiter": (SAME_ROWS, "set it outside the space"),
    "data.decimal": (SAME_ROWS, "set it outside the space"),
    "data.index": (SAME_ROWS, "set it outside the space"),
    "data.max_gigabytes": (NO_EFFECT, "set it outside the space"),
    "data.split": (SAME_ROWS, "set it outside the space"),
    "trainer.monitor": ("follows sweep.objective", "sweep.objective=val/accuracy"),
    "trainer.restore_best": ("follows sweep.at", "sweep.at=last"),
    "trainer.count_correct": (NO_EFFECT, ""),
    "trainer.profile": (NO_EFFECT, ""),
    "trainer.checkpoint_seconds": (NO_EFFECT, ""),
    "trainer.test": (NO_EFFECT, "trainer.test=false, so that the winner is not tested either"),
    "trainer.threads": ("is 1 in every worker", "sweep.workers=2"),
    "model.name": (NO_EFFECT, "model=choice(mlp, sigmoid_mlp)"),
    **{f"{group}.name": ("follows the choice of its group", f"{group}=choice(...)") for group in VARIANTS},
}
"""By key or group: the reason, and what to do instead."""


def is_width(name: str) -> bool:
    """Whether a key is the width of one hidden layer."""
    return name.startswith(f"{WIDTH}.")


def is_shape(key: str) -> bool:
    """Whether a key sets the depth or the widths."""
    return key in (DEPTH, WIDTH) or is_width(key)


@functools.cache
def form_of(group: str, choice: str) -> str:
    """The form (the `name`) of a group's choice: `sgd` for `optimizer=sgd_unit`."""
    raw = yaml.safe_load((conf_dir() / group / f"{choice}.yaml").read_text(encoding="utf-8"))
    return str(raw["name"])


def rules_of(key: str) -> dict[str, Any]:
    """The annotations of a searched key, by the form of the group that has it; "" where there are no forms.

    Raises:
        SweepTextError: if there is no such key, or it cannot be searched.
    """
    if key == DEPTH:
        return {"": Depth}
    rules = key_rules()
    if key == WIDTH or is_width(key):
        return {"": get_args(rules[HIDDEN][""])[0]}
    for name, (reason, remedy) in NOT_SEARCHABLE.items():
        if key == name or key.startswith(f"{name}."):
            raise SweepTextError(f"cannot be searched: it {reason}", remedy)
    if key == "data":
        raise SweepTextError(f"cannot be searched: it {SAME_ROWS}", "set it outside the space")
    if key not in rules:
        known = [name for name in rules if name not in NOT_SEARCHABLE]
        near = closest(key, (*GROUPS, DEPTH, WIDTH)) if "." not in key else ""
        raise SweepTextError("is not a key of the configuration", near or nearest_key(key, [*known, DEPTH, WIDTH]))
    return rules[key]
