"""A study whose rows are divided anew for each seed (`data.split.seed=null`): whether that can be, and what it means.

All trials have the same seeds then, so that the runs of one seed have the same splits: trials are compared, and pruned,
by pairs. But a row that one seed has in its test split, another has in its training or validation split. Where there
are several seeds, no row of such a test split is unseen by the choice of the winner.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property

import numpy as np

from nnlab.config.problems import ConfigProblem
from nnlab.config.schema import Config
from nnlab.data.loading import dataset_of
from nnlab.data.settings import DataSettings
from nnlab.errors import UserError

KEY = "data.split.seed"


class Divisions:
    """The divisions of a study's rows; with `data.split.seed` set there is one, and nothing to say of it.

    Args:
        config: of a run of the study; the seed is the study's.
        seeds: of all trials.
        data: in each form that trials have it in.
        fresh: the seeds with which the best trials are confirmed.
    """

    def __init__(
        self, config: Config, seeds: Sequence[int], data: Iterable[DataSettings], fresh: Sequence[int] = ()
    ) -> None:
        self._test = config.trainer.test
        self._is_by_seed = config.data.split.seed is None
        self._seeds = seeds
        self._fresh = fresh
        self._data = list(data)

    @cached_property
    def problems(self) -> list[ConfigProblem]:
        """Why the study cannot be."""
        impossible, _ = self._looked_at
        if impossible or self._test is not True or not self._mixes_test_rows:
            return impossible
        rule = (
            "must be false where each seed has a split of its own: a row that one seed tests with is trained with by "
            "another, so that the choice of the winner has seen it"
        )
        remedy = f"false, and test the winner alone; or {KEY}=0, which is one test split for all seeds"
        return [ConfigProblem("trainer.test", rule, True, remedy)]

    @property
    def tests_winner(self) -> bool:
        """Whether the winner is tested: `trainer.test=auto` does, unless the choice has seen every row."""
        return self.why_untested is None

    @property
    def why_untested(self) -> str | None:
        """Why the winner is not tested, in short; None if it is."""
        if not self._test:
            return "trainer.test=false"
        return f"{KEY}=null: each seed has test rows of its own" if self._mixes_test_rows else None

    @property
    def notes(self) -> tuple[str, ...]:
        """What is to be told first, a line each."""
        if not self._is_by_seed:
            return ()
        if len(self._seeds) == 1:
            paired = f"{KEY}=null: all trials have the same seed, and with it the same split"
        else:
            paired = (
                f"{KEY}=null: each of the {len(self._seeds)} seeds has a split of its own, and all trials have the "
                "same seeds: they are compared by paired splits"
            )
        if self._test != "auto" or not self._mixes_test_rows:
            return (paired,)
        untested = (
            "the winner is not tested: a row that one seed tests with is trained with by another, so that the choice "
            f"has seen it ({KEY}=0 is one test split for all seeds)"
        )
        return paired, untested

    @property
    def _mixes_test_rows(self) -> bool:
        """Whether seeds differ in their test splits. Those of `tail`, and of sources with test rows of their own, never
        do."""
        return len(self._looked_at[1]) > 1

    @cached_property
    def _looked_at(self) -> tuple[list[ConfigProblem], set[bytes]]:
        """The first seed with which the rows cannot be divided, and the test splits of the seeds."""
        tests = set()
        for data in self._data if self._is_by_seed else ():
            for seed in (*self._seeds, *self._fresh):
                try:
                    tests.add(np.sort(dataset_of(data, seed=seed).test.index).tobytes())
                except UserError as error:
                    rule = f"divides the rows anew for each seed, but with seed {seed} that fails: {error}"
                    remedy = "a number, which is one split for all seeds"
                    return [ConfigProblem(KEY, rule.removesuffix("."), None, remedy)], set()
        return [], tests
