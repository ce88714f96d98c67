"""The studies, in the order of the table."""

from __future__ import annotations

from experiments.momentum.study import STUDY as MOMENTUM
from experiments.study import Study

STUDIES: dict[str, Study] = {study.name: study for study in (MOMENTUM,)}
