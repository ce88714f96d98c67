"""Statistics over seeds: means with their intervals, differences, and what can be said of them.

Numbers alone: which runs make a group is said elsewhere. SciPy and statsmodels are imported when first needed.
"""

from nnlab.stats.classifiers import McNemar, mcnemar
from nnlab.stats.differences import LEVEL, Difference, difference
from nnlab.stats.samples import CONFIDENCE, Interval, Sample
from nnlab.stats.verdicts import Judged, Verdict, holm, judge

__all__ = [
    "CONFIDENCE",
    "LEVEL",
    "Difference",
    "Interval",
    "Judged",
    "McNemar",
    "Sample",
    "Verdict",
    "difference",
    "holm",
    "judge",
    "mcnemar",
]
