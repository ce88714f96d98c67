"""From a command line to a study that is known to be possible: what is fixed, what is searched, and how."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence, Set
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from hydra.core.override_parser.types import Override

from nnlab.config.compose import mark_in_doubt
from nnlab.config.leaves import leaves
from nnlab.config.overrides import key_of, parsed, read, with_quotes_as_remedy
from nnlab.config.parse import IN_DOUBT
from nnlab.config.problems import ConfigError, ConfigProblem
from nnlab.config.repeat import repeatable
from nnlab.config.schema import Config, as_dict
from nnlab.config.test_split import with_test
from nnlab.config.validate import Validated, validate
from nnlab.cpu import usable_cores
from nnlab.data.dataset import Dataset
from nnlab.redaction import redacted
from nnlab.tuning.overrides import FOLLOWING, follows, one_value, searched_key, text_of
from nnlab.tuning.search.combinations import sweep_problems
from nnlab.tuning.search.dimension import HIDDEN
from nnlab.tuning.search.searchable import GROUPS, is_shape
from nnlab.tuning.search.settings import SweepSettings, as_plain, read_sweep, study_rules
from nnlab.tuning.search.space import NOTHING, Space, read_space
from nnlab.tuning.trial_configs import Composition, composed_study

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
)
"""Settings of a sweep that its trials depend on."""

OF_A_SESSION = ("runs_dir", "sweep.name", "sweep.resume")
"""What the command line says of one session alone."""


@dataclass(frozen=True)
class Plan:
    """A study before it begins.

    Attributes:
        settings: how to search.
        space: what to search.
        overrides: the command line.
        fixed: the config of a run, with some point of the space in it.
        dataset: of that run.
        composition: makes the configs of the other points.
    """

    settings: SweepSettings
    space: Space
    overrides: list[str]
    fixed: Config
    dataset: Dataset = field(repr=False, compare=False)
    composition: Composition

    @property
    def workers(self) -> int:
        """How many trials may run at a time."""
        return min(self._workers_asked_for, self.settings.trials)

    @property
    def _workers_asked_for(self) -> int:
        return self.settings.workers or max(1, usable_cores() // int(self.fixed.trainer.threads))

    @property
    def repeatable_overrides(self) -> list[str]:
        """The command line as it can be repeated from any folder."""
        return repeatable(parsed(self.overrides, study_rules()), self.fixed)

    @property
    def lasting_overrides(self) -> list[str]:
        """The same as it can be kept: what is about this session alone or is secret is left out."""
        texts = self.repeatable_overrides
        return [text for text in texts if key_of(text) not in OF_A_SESSION and redacted(text) == text]

    def at(self, values: Mapping[str, Any], seed: int) -> Validated:
        """The config of a run at a point of the space, and its data.

        Args:
            values: config key -> value for the searched keys, group -> choice for searched groups.
            seed: of the run.

        Raises:
            ConfigError: if there can be no such run.
        """
        return validate(self.composition.at({**values, "seed": seed}))

    def to_dict(self) -> dict[str, Any]:
        """The study's own `config.yaml`: a run's without what is searched, and the group `sweep`."""
        config = _without(as_dict(self.fixed), self.space.to_dict())
        return {**config, "sweep": {**as_plain(self.settings), "space": self.space.to_dict()}}

    def _fixed_by_choice(self, everywhere: Mapping[str, Any]) -> dict[str, Any]:
        """What else is fixed where a group's choice is searched: `optimizer.momentum (optimizer=momentum)`."""
        return {
            f"{key} ({choice})": value
            for choice, key, value in self.composition.by_choice()
            if key not in self.space.to_dict()
            and key.partition(".")[0] in GROUPS
            and (key not in everywhere or everywhere[key] != value)
        }

    def fingerprint(self, data_sha256: str) -> dict[str, Any]:
        """Everything that the trials depend on, flat: a study goes on only where this is the same."""
        config = {key: value for key, value in self.to_dict().items() if key not in ("runs_dir", "tracking", "sweep")}
        config["data"] = {key: value for key, value in config["data"].items() if key != "root"}
        config["trainer"] = {key: value for key, value in config["trainer"].items() if key != "test"}
        settings = as_plain(self.settings)
        sweep = {key: settings[key] for key in UNCHANGEABLE}
        if self.settings.deterministic:
            sweep["workers"] = self._workers_asked_for  # the size of a batch
        flat = dict(leaves({**config, "sweep": sweep}))
        flat |= {f"sweep.space.{key}": text for key, text in self.space.to_dict().items()}
        flat |= self._fixed_by_choice(flat)
        flat["data_sha256"] = data_sha256
        plain: dict[str, Any] = json.loads(json.dumps(flat))
        return plain


def make_plan(arguments: Sequence[str]) -> Plan:
    """Read and check a sweep's command line.

    Args:
        arguments: overrides in Hydra's grammar. A key with several values (`optimizer.lr=interval(0.1,1)`) is
            searched, one with a single value is fixed, both whatever the preset says of it.

    Raises:
        ConfigError: with everything that is wrong with the configuration, the sweep's settings and the space.
    """
    problems: list[ConfigProblem] = []
    overrides = read(arguments, problems, study_rules())
    try:
        return _plan(arguments, overrides, problems)
    except ConfigError as error:
        rules = study_rules()
        raise ConfigError([with_quotes_as_remedy(each, overrides, rules) for each in error.problems]) from None


def _plan(arguments: Sequence[str], readable: Sequence[Override], problems: list[ConfigProblem]) -> Plan:
    """The plan of overrides, of which those that cannot be read are told in `problems`."""
    overrides = list({override.key_or_group: override for override in readable}.values())  # the last word
    given = [override for override in overrides if not override.is_sweep_override()]
    several = {searched_key(override): text_of(override) for override in overrides if override.is_sweep_override()}
    searched = {key: text for key, text in several.items() if key.partition(".")[0] != "sweep"}
    problems += [one_value(key, text) for key, text in several.items() if key not in searched]
    problems += [follows(override) for override in given if override.key_or_group in FOLLOWING]
    raw = composed_study(given, problems, {problem.key for problem in problems} - {*FOLLOWING})
    sweep = dict(raw.pop("sweep", {}))
    presets = sweep.pop("space", None) or {}
    if presets is not IN_DOUBT and not isinstance(presets, Mapping):
        problems.append(ConfigProblem("sweep.space", "must be a group of keys", presets))
    fixed_keys = {override.key_or_group for override in given}
    known = dict(leaves(presets)) if isinstance(presets, Mapping) else {}
    known = {key: text for key, text in known.items() if text is not IN_DOUBT}
    texts = {**_unless_said(known, fixed_keys, set(searched)), **searched}
    space, space_problems = read_space(texts)
    if problems:  # what is wrong may be why nothing is left to search
        space_problems = [problem for problem in space_problems if problem is not NOTHING]
    settings, sweep_own_problems = read_sweep(sweep)
    problems += [*space_problems, *sweep_own_problems]
    if settings is None or space is None or problems:
        raise ConfigError([*problems, *_problems_of_the_rest(raw, texts, fixed_keys)])
    judged = next((name for name in settings.objectives if name.startswith("val/")), "val/loss")
    following = {"trainer.monitor": judged, "trainer.restore_best": settings.at == "best"}
    composition = Composition(given, following, space)
    fixed, dataset = _checked(composition, space)
    problems = list(sweep_problems(settings, space, fixed.trainer.last_epoch))
    if fixed.data.split.seed is None:
        rule = "must be a number in a sweep, so that all trials are judged by the same rows"
        problems.append(ConfigProblem("data.split.seed", rule, None, "0"))
    if not len(dataset.validation):
        rule = "is measured on the validation split, but that is empty"
        problems.append(ConfigProblem("sweep.objective", rule, judged, "data.split.validation=0.15"))
    if problems:
        raise ConfigError(problems)
    fixed = with_test(fixed, bool(fixed.trainer.test))  # of the winner: `auto` tests it
    return Plan(settings, space, list(arguments), fixed, dataset, composition)


def _checked(composition: Composition, space: Space) -> Validated:
    """A config of the space and its data, after a look at all corners: else what is wrong there is found too late."""
    problems: dict[str, ConfigProblem] = {}
    fixed = None
    for values in space.corners():
        try:
            validated = validate(composition.at(values))
            fixed = fixed or validated
        except ConfigError as error:
            problems |= {str(problem): problem for problem in error.problems}
    if problems or fixed is None:
        raise ConfigError(list(problems.values()))
    return fixed


def _problems_of_the_rest(raw: dict[str, Any], texts: Mapping[str, str], fixed: Set[str]) -> list[ConfigProblem]:
    """What else is wrong with the config of a run, where the sweep itself is wrong: all is told at once."""
    searched = {*texts, HIDDEN} if any(map(is_shape, texts)) else set(texts)
    mark_in_doubt(raw, searched, fixed - searched)
    try:
        validate(raw)
    except ConfigError as error:
        return [_in_space(problem) for problem in error.problems if problem.key not in searched]
    return []


def _in_space(problem: ConfigProblem) -> ConfigProblem:
    """The problem, if a depth or width has one value alone: that is no key of a run."""
    if not is_shape(problem.key):
        return problem
    rule = f"can only be searched, with several values; what is fixed is {HIDDEN}"
    return ConfigProblem(problem.key, rule, problem.value, f"{HIDDEN}=[64,64]")


def _unless_said(texts: Mapping[str, Any], fixed: Set[str], searched: Set[str]) -> dict[str, Any]:
    """The preset's space without what the command line fixes, sets to null, or says in other words."""
    kept = {key: text for key, text in texts.items() if text is not None and key not in fixed}
    if HIDDEN in fixed | searched:
        kept = {key: text for key, text in kept.items() if not is_shape(key)}
    elif any(is_shape(key) for key in searched):
        kept.pop(HIDDEN, None)
    return kept


def _without(config: dict[str, Any], searched: Mapping[str, str]) -> dict[str, Any]:
    """A config without the keys that are searched, and without the groups."""
    kept = deepcopy(config)
    names = set(searched)
    if any(is_shape(key) for key in searched):
        names.add(HIDDEN)
    for key in names:
        *groups, name = key.split(".")
        place: Any = kept
        for group in groups:
            place = place.get(group, {})
        place.pop(name, None)
    return kept
