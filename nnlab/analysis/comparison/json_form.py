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
    plain: dict[str, Any] = _plain(
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
    return plain


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
