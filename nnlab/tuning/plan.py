"""A study before it starts: what is fixed, what is searched, and how."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nnlab.config.leaves import WITHOUT_EFFECT, leaves, without
from nnlab.config.overrides import key_of, parsed
from nnlab.config.repeat import repeatable
from nnlab.config.schema import Config, as_dict
from nnlab.config.validate import Validated, validate
from nnlab.cpu import usable_cores
from nnlab.data.dataset import Dataset
from nnlab.redaction import redacted
from nnlab.tuning.search.dimension import HIDDEN
from nnlab.tuning.search.proposer import Accepts
from nnlab.tuning.search.searchable import GROUPS, is_shape
from nnlab.tuning.search.settings import SweepSettings, as_plain, study_rules
from nnlab.tuning.search.space import Space
from nnlab.tuning.trial_configs import TrialConfigs

UNCHANGEABLE = (
    "sampler",
    "sampler_options",
    "pruner",
    "pruner_options",
    "objective",
    "at",
    "seeds",
    "deterministic",
    "repeat_duplicates",
    "constraint",
    "first",
    "from",
)
"""Settings of a sweep that its trials depend on."""

OF_A_SESSION = ("runs_dir", "sweep.name", "sweep.resume")
"""Keys that only concern one session."""


@dataclass(frozen=True)
class Plan:
    """A study before it starts.

    Attributes:
        settings: how to search.
        space: what to search.
        overrides: the command line.
        fixed: the config of a run at some point of the space.
        dataset: of that run.
        configs: composes the configs at the other points.
        accepts: what values a trial may have; None is any.
        notes: what is to be told first, a line each.
        why_untested: why the winner is not evaluated on the test split; None if it is.
    """

    settings: SweepSettings
    space: Space
    overrides: list[str]
    fixed: Config
    dataset: Dataset = field(repr=False, compare=False)
    configs: TrialConfigs
    accepts: Accepts | None = field(default=None, repr=False, compare=False)
    notes: tuple[str, ...] = ()
    why_untested: str | None = None

    @property
    def has_a_split_per_seed(self) -> bool:
        """Whether each seed has a split of its own: then all trials have the same seeds, and so the same splits."""
        return self.fixed.data.split.seed is None

    @property
    def workers(self) -> int:
        """How many trials may run at a time."""
        trials = self.settings.trials
        return self._workers_asked_for if trials is None else min(self._workers_asked_for, trials)

    @property
    def _workers_asked_for(self) -> int:
        return self.settings.workers or max(1, usable_cores() // int(self.fixed.trainer.threads))

    @property
    def repeatable_overrides(self) -> list[str]:
        """The command line in a form that can be repeated from any folder."""
        return repeatable(parsed(self.overrides, study_rules()), self.fixed)

    @property
    def lasting_overrides(self) -> list[str]:
        """The same in a form that can be stored: without secrets, and without what only concerns this session."""
        texts = self.repeatable_overrides
        return [text for text in texts if key_of(text) not in OF_A_SESSION and redacted(text) == text]

    def at(self, values: Mapping[str, Any], seed: int) -> Validated:
        """The config of a run at a point of the space, and its data.

        Args:
            values: config key -> value for the searched keys, group -> choice for searched groups.
            seed: of the run.

        Raises:
            ConfigError: if the run is not possible.
        """
        return validate(self.configs.at({**values, "seed": seed}))

    def to_dict(self) -> dict[str, Any]:
        """The study's own `config.yaml`: that of a run without the searched keys, and the group `sweep`."""
        searched = set(self.space.to_dict())
        if any(is_shape(key) for key in searched):
            searched.add(HIDDEN)
        config = without(as_dict(self.fixed), searched)
        return {**config, "sweep": {**as_plain(self.settings), "space": self.space.to_dict()}}

    def _fixed_by_choice(self, everywhere: Mapping[str, Any]) -> dict[str, Any]:
        """What is fixed in each searched choice of a group: `optimizer.momentum (optimizer=momentum)`."""
        return {
            f"{key} ({choice})": value
            for choice, key, value in self.configs.by_choice()
            if key not in self.space.to_dict()
            and key.partition(".")[0] in GROUPS
            and (key not in everywhere or everywhere[key] != value)
        }

    def fingerprint(self, data_sha256: str) -> dict[str, Any]:
        """Everything that the trials depend on, flat: a study can be resumed only where this is the same."""
        config = without(self.to_dict(), (*WITHOUT_EFFECT, "sweep"))
        settings = as_plain(self.settings)
        sweep = {key: settings[key] for key in UNCHANGEABLE}
        if self.settings.deterministic:
            sweep["workers"] = self._workers_asked_for  # the size of a batch
        if self.settings.race:  # studies of earlier versions know of none
            sweep["race"] = True
        flat = dict(leaves({**config, "sweep": sweep}))
        flat |= {f"sweep.space.{key}": text for key, text in self.space.to_dict().items()}
        flat |= self._fixed_by_choice(flat)
        flat["data_sha256"] = data_sha256
        plain: dict[str, Any] = json.loads(json.dumps(flat))
        return plain
