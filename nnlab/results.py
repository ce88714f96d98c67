"""Results of runs as pandas tables."""

from nnlab.analysis.results import histories as histories
from nnlab.analysis.results import results as results
