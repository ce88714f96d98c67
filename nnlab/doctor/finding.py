"""What the doctor finds: a fact, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Finding:
    """One thing that was checked.

    Args:
        name: of the thing.
        verdict: `good`; `note` where there is something to know, what is slow included; `problem` where results would
            be wrong, or could not be kept.
        fact: what was found.
        remedy: what to do; empty where nothing needs doing.
    """

    name: str
    verdict: Literal["good", "note", "problem"]
    fact: str
    remedy: str = ""
