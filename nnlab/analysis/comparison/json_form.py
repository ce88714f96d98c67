"""A comparison as JSON can hold it."""

from __future__ import annotations

import math
from typing import Any

from nnlab.analysis.comparison.comparison import Comparison
from nnlab.analysis.comparison.words import mcnemar_sentence, sentence


def as_json(comparison: Comparison) -> dict[str, Any]:
    """An object: metric, lower_is_better, margin, groups, differences, mcnemar, notes, commands.

    NaN and infinities are null.
    """
    found = comparison.mcnemar
    groups = comparison.frame.drop(columns="metric").to_dict("records")
    differences = comparison.differences.to_dict("records")
    made: dict[str, Any] = for_json(
        {
            "metric": comparison.metric,
            "lower_is_better": comparison.lower_is_better,
            "margin": comparison.margin,
            "groups": [
                {**row, "asked": group.asked, "varies": group.varies, "runs": group.runs}
                for row, group in zip(groups, comparison.groups, strict=True)
            ],
            "differences": [
                {**row, "exact_cannot": pair.judged.exact_cannot, "words": sentence(pair, comparison)}
                for row, pair in zip(differences, comparison.judged, strict=True)
            ],
            "mcnemar": None if found is None else {**vars(found), "words": mcnemar_sentence(found, comparison)},
            "notes": comparison.notes,
            "commands": comparison.commands,
        }
    )
    return made


def for_json(value: Any) -> Any:
    """Of what JSON can hold: tuples are lists, what is not finite is null."""
    if isinstance(value, dict):
        return {key: for_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [for_json(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
