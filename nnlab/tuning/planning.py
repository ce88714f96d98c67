"""From a command line to the plan of a study, with every problem reported before it starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import Any

from hydra.core.override_parser.types import Override

from nnlab.config.compose import mark_in_doubt
from nnlab.config.holdout import with_test
from nnlab.config.leaves import leaves
from nnlab.config.overrides import read, with_quotes_as_remedy
from nnlab.config.parse import IN_DOUBT
from nnlab.config.problems import ConfigError, ConfigProblem
from nnlab.config.validate import Validated, validate
from nnlab.data.settings import DataSettings
from nnlab.tuning.allowed import Allowed
from nnlab.tuning.budget_rules import budget_problems, note_on_number, with_grids_size, without_presets_number
from nnlab.tuning.confirm.plan import fresh_seeds
from nnlab.tuning.divisions import Divisions
from nnlab.tuning.growth.growth import from_problems
from nnlab.tuning.overrides import FOLLOWING, follows, one_value, searched_key, text_of
from nnlab.tuning.plan import Plan
from nnlab.tuning.points import Points
from nnlab.tuning.search.combinations import sweep_problems
from nnlab.tuning.search.dimension import HIDDEN
from nnlab.tuning.search.guess import mapping_problems
from nnlab.tuning.search.searchable import is_shape
from nnlab.tuning.search.settings import read_sweep, study_rules
from nnlab.tuning.search.space import NOTHING, Space, read_space
from nnlab.tuning.started import Started
from nnlab.tuning.study import SHARED, trial_seeds
from nnlab.tuning.trial_configs import TrialConfigs, composed_study


def make_plan(arguments: Sequence[str], started: Started | None = None) -> Plan:
    """Read and check the command line of a sweep.

    Args:
        arguments: overrides in Hydra's grammar. A key with several values (`optimizer.lr=interval(0.1,1)`) is
            searched, one with a single value is fixed; both override the preset.
        started: what the study was started with, if it is resumed.

    Raises:
        ConfigError: with every problem of the configuration, the sweep's settings and the space.
    """
    problems: list[ConfigProblem] = []
    overrides = read(arguments, problems, study_rules())
    try:
        return _plan(arguments, overrides, problems, started)
    except ConfigError as error:
        rules = study_rules()
        raise ConfigError([with_quotes_as_remedy(each, overrides, rules) for each in error.problems]) from None


def _plan(
    arguments: Sequence[str], readable: Sequence[Override], problems: list[ConfigProblem], started: Started | None
) -> Plan:
    """The plan of the readable overrides; `problems` has those of the others."""
    overrides = list({override.key_or_group: override for override in readable}.values())  # the last one counts
    given = [override for override in overrides if not override.is_sweep_override()]
    several = {searched_key(override): text_of(override) for override in overrides if override.is_sweep_override()}
    searched = {key: text for key, text in several.items() if key.partition(".")[0] != "sweep"}
    problems += [one_value(key, text) for key, text in several.items() if key not in searched]
    problems += [follows(override) for override in given if override.key_or_group in FOLLOWING]
    raw = composed_study(given, problems, {problem.key for problem in problems} - {*FOLLOWING})
    composed = raw.pop("sweep", {})
    settled = dict(composed) if started is None else started.over(composed)
    sweep = without_presets_number(settled, {override.key_or_group for override in given})
    presets = sweep.pop("space", None) or {}
    if presets is not IN_DOUBT and not isinstance(presets, Mapping):
        problems.append(ConfigProblem("sweep.space", "must be a group of keys", presets))
    fixed_keys = {override.key_or_group for override in given}
    known = dict(leaves(presets)) if isinstance(presets, Mapping) else {}
    known = {key: text for key, text in known.items() if text is not IN_DOUBT}
    texts = {**_unless_given(known, fixed_keys, set(searched)), **searched}
    space, space_problems = read_space(texts)
    if problems:  # these may be why nothing is left to search
        space_problems = [problem for problem in space_problems if problem is not NOTHING]
    settings, sweep_own_problems = read_sweep(sweep)
    problems += [*space_problems, *sweep_own_problems]
    if settings is None or space is None or problems:
        raise ConfigError([*problems, *_problems_of_the_rest(raw, texts, fixed_keys)])
    settings = with_grids_size(settings, space)
    judged = next((name for name in settings.objectives if name.startswith("val/")), "val/loss")
    following = {"trainer.monitor": judged, "trainer.restore_best": settings.at == "best"}
    configs = TrialConfigs(given, following, space)
    (fixed, dataset), data = _checked(configs, space)
    problems = [*budget_problems(settings), *sweep_problems(settings, space, fixed.trainer.last_epoch)]
    problems += [*mapping_problems(settings.first_items, space), *from_problems(settings)]
    fresh = [] if settings.confirm is None else fresh_seeds(fixed.seed, settings.confirm_seeds)
    divisions = Divisions(fixed, trial_seeds(fixed.seed, SHARED, settings.seeds), data, fresh)
    problems += divisions.problems
    if settings.confirm is None and "sweep.confirm_seeds" in fixed_keys and "sweep.confirm" not in fixed_keys:
        rule = "are those of the best K trials, but no sweep.confirm=K is given"
        problems.append(ConfigProblem("sweep.confirm_seeds", rule, settings.confirm_seeds, "sweep.confirm=3 beside it"))
    if not len(dataset.validation):
        rule = "is measured on the validation split, which is empty"
        problems.append(ConfigProblem("sweep.objective", rule, judged, "data.split.validation=0.15"))
    allowed = Allowed(settings, space, Points(configs, dataset))
    problems += allowed.problems
    if problems:
        raise ConfigError(problems)
    fixed = with_test(fixed, divisions.tests_winner)
    accepts = None if allowed.is_everything else allowed.accepts
    notes = (*note_on_number(settled.get("trials"), settings), *divisions.notes, *allowed.notes)
    return Plan(settings, space, list(arguments), fixed, dataset, configs, accepts, notes, divisions.why_untested)


def _checked(configs: TrialConfigs, space: Space) -> tuple[Validated, set[DataSettings]]:
    """A config of the space, and all corners' data. They were checked: problems there would else be found too late."""
    problems: dict[str, ConfigProblem] = {}
    fixed = None
    data = set()
    for values in space.corners():
        try:
            validated = validate(configs.at(values))
            fixed = fixed or validated
            data.add(validated.config.data)
        except ConfigError as error:
            problems |= {str(problem): problem for problem in error.problems}
    if problems or fixed is None:
        raise ConfigError(list(problems.values()))
    return fixed, data


def _problems_of_the_rest(raw: dict[str, Any], texts: Mapping[str, str], fixed: Set[str]) -> list[ConfigProblem]:
    """The problems of a run's config, where the sweep itself has some too: all are reported together."""
    searched = {*texts, HIDDEN} if any(map(is_shape, texts)) else set(texts)
    mark_in_doubt(raw, searched, fixed - searched)
    try:
        validate(raw)
    except ConfigError as error:
        return [_in_space(problem) for problem in error.problems if problem.key not in searched]
    return []


def _in_space(problem: ConfigProblem) -> ConfigProblem:
    """The problem of a run's config; another one where a depth or width has a single value."""
    if not is_shape(problem.key):
        return problem
    rule = f"can only be searched, with several values; fixed widths are set by {HIDDEN}"
    return ConfigProblem(problem.key, rule, problem.value, f"{HIDDEN}=[64,64]")


def _unless_given(texts: Mapping[str, Any], fixed: Set[str], searched: Set[str]) -> dict[str, Any]:
    """The preset's space without what the command line fixes, sets to null, or searches by other keys."""
    kept = {key: text for key, text in texts.items() if text is not None and key not in fixed}
    if HIDDEN in fixed | searched:
        kept = {key: text for key, text in kept.items() if not is_shape(key)}
    elif any(is_shape(key) for key in searched):
        kept.pop(HIDDEN, None)
    return kept
