"""nnlab's own samplers and storages hold what Optuna asks of any, by Optuna's own tests of that.

Of the samplers only `EvolutionSampler` is held to them: `PlannedSampler` proposes one given point, and
`ImprovementSampler` (every second trial of `mixed`) points of the space it was made with. Neither takes the space that
these tests hand over, so `test_samplers.py` and `test_improvement.py` are all that holds them.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from optuna.samplers import BaseSampler
from optuna.storages import BaseStorage
from optuna.testing.pytest_samplers import (
    BasicSamplerTestCase,
    RelativeSamplerTestCase,
    SingleOnlySamplerTestCase,
)
from optuna.testing.pytest_storages import StorageTestCase

from nnlab.tuning.search.evolution import EvolutionSampler
from nnlab.tuning.search.seen import _Trials
from nnlab.tuning.search.space import Space
from nnlab.tuning.storage import JOURNAL_FILE, open_storage

pytestmark = pytest.mark.slow


class TestEvolution(BasicSamplerTestCase, RelativeSamplerTestCase, SingleOnlySamplerTestCase):
    # It is for numbers alone: a space with unordered choices is refused before it starts.
    test_sample_relative_categorical = None  # type: ignore[assignment]
    test_sample_relative_mixed = None  # type: ignore[assignment]

    @pytest.fixture
    def sampler(self) -> Callable[[], BaseSampler]:
        return lambda: EvolutionSampler(Space(()), seed=1, startup_trials=1, sigma=1 / 6, population=None)


class TestJournal(StorageTestCase):
    # They store values outside of their distributions, or infinite ones, which the journal takes for damage.
    test_set_trial_param = None  # type: ignore[assignment]
    test_set_and_get_trial_param_for_floats = None  # type: ignore[assignment]

    @pytest.fixture
    def storage(self, tmp_path: Path) -> BaseStorage:
        return open_storage(None, tmp_path / JOURNAL_FILE)


class TestSeenTrials(StorageTestCase):
    @pytest.fixture
    def storage(self) -> BaseStorage:
        return _Trials()
