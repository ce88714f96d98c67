"""The keys under `sweep` and their rules; the space aside, which has a grammar of its own."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from nnlab.check import NOT_EMPTY, Checked, Matches, OneOf, Range, field_rules
from nnlab.config.keys import VERBATIM, key_rules
from nnlab.config.parse import IN_DOUBT, Reader
from nnlab.config.problems import ConfigProblem
from nnlab.config.schema import form_name
from nnlab.training.settings import SCORES
from nnlab.tuning.search.pruners import PRUNERS, Pruner
from nnlab.tuning.search.samplers import SAMPLERS, Sampler

Direction = Literal["minimize", "maximize"]
OBJECTIVES: dict[str, Direction] = {**SCORES, "parameters": "minimize", "seconds": "minimize"}
"""What can be optimized, and which way is better, in Optuna's words."""

StudyName = Annotated[
    str,
    Matches(
        r"(?i)(?!(?:mlflow\.db|artifacts|mirror)(?:$|[.\-]))[a-z0-9][a-z0-9_.\-]{0,79}",
        "a folder name (at most 80 letters, digits, _, . and -, starting with a letter or digit) that nothing else in "
        "the folder of the runs has (artifacts, mirror.log, mlflow.db)",
    ),
]
OnFailure = Annotated[
    str, Matches(r"continue|stop|stop_after_[1-9]\d{0,8}", "continue, stop or stop_after_K, as in stop_after_3")
]
MEMORY_UNITS = {"mb": 1e6, "gb": 1e9, "mib": 2**20, "gib": 2**30}
"""Bytes, by the unit in small letters."""
TIME_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
"""Seconds, by the first letter of the unit."""
Memory = Annotated[str, Matches(r"(?i)(\d+(\.\d+)?|\.\d+) ?[MG]i?B", "an amount of memory with its unit (500MB, 2GB)")]


@dataclass(frozen=True)
class SweepSettings(Checked):
    """How to search.

    Args:
        trials: the total of finished trials, complete or pruned, over all resumes; None is no limit. Of it and the
            other budgets (`seconds`, `until`, `patience`) the first that is used up ends the search.
        workers: processes; None is one per core.
        sampler: what proposes parameters.
        pruner: what stops unpromising trials.
        objective: what to optimize; two objectives give a Pareto front.
        storage: the URL of an Optuna storage; None is a file in the study's directory.
        name: of the study and its directory; None generates one.
        resume: the name of a study to resume.
        at: the epoch whose score counts, and whose weights are kept.
        seeds: runs per trial, each with its own seed; the score is their mean.
        confirm: how many of the best trials are run again with fresh seeds, and ranked by those; None is none.
        confirm_seeds: how many fresh seeds, the same for each of them.
        deterministic: run trials in synchronous batches, so that several workers give the same study each time.
        on_failure: what a failed trial does to the study: `stop_after_3` ends it at the third.
        retries: how often a trial whose process was killed is run again.
        repeat_duplicates: whether a trial may have the values of an earlier one; else others are drawn.
        plots: which trials get plots.
        seconds: wall time that the search may take, over all its sessions; trials that run then come to their end.
        until: the score of the objective that ends the search; a better one does too.
        patience: finished trials without a better one that end it.
        trial_seconds: wall time that a trial may take, over all its seeds, retries and sessions (in a race, each
            of its seeds); None is no limit.
        trial_memory: memory that the process of a trial may take, as in `2GB`, the rows that it shares included.
        constraint: what every trial has to satisfy, as in `parameters < 50000`; see `nnlab.tuning.search.constraint`.
        first: what is tried first: `default` (the values that the searched keys have without a search), or a list of
            that, values by key, runs, and studies, of which the best trial is meant; what these lack is drawn.
        from_: the key `sweep.from`: the study whose trials are kept in this new one, as far as they lie in its space;
            or that as `study`, with `values` by key of what its runs had where their configs do not say it.
        race: whether a trial begins with one seed and gets further ones, up to `seeds`, only while it keeps up with the
            best on the seeds that both have had; all trials have the same seeds then.
    """

    trials: Annotated[int, Range(ge=1)] | None
    workers: Annotated[int, Range(ge=1)] | None
    sampler: Sampler
    pruner: Pruner
    objective: tuple[Annotated[str, OneOf(OBJECTIVES)], ...]
    storage: Annotated[str, NOT_EMPTY] | None
    name: StudyName | None
    resume: StudyName | None
    at: Literal["best", "last"]
    seeds: Annotated[int, Range(ge=1)]
    confirm: Annotated[int, Range(ge=1)] | None
    confirm_seeds: Annotated[int, Range(ge=2)]
    deterministic: bool
    on_failure: OnFailure
    retries: Annotated[int, Range(ge=0)]
    repeat_duplicates: bool
    plots: Literal["winner", "all"]
    seconds: Annotated[float, Range(gt=0)] | None
    until: float | None
    patience: Annotated[int, Range(ge=1)] | None
    trial_seconds: Annotated[float, Range(gt=0)] | None
    trial_memory: Memory | None
    constraint: Annotated[str, NOT_EMPTY, VERBATIM] | None
    first: Literal["default"] | tuple[str | dict, ...] | None  # type: ignore[type-arg]
    from_: Annotated[str, NOT_EMPTY] | dict | None  # type: ignore[type-arg]
    race: bool

    @property
    def objectives(self) -> tuple[str, ...]:
        """The names of the objectives."""
        return self.objective

    @property
    def first_items(self) -> tuple[str | dict[str, Any], ...]:
        """What `first` names, one by one."""
        return () if self.first is None else (self.first,) if isinstance(self.first, str) else self.first

    @property
    def seeds_judged(self) -> int:
        """The seeds that a pruner judges a trial by; 1 if by the epochs of the first one."""
        return 1 if self.race else self.seeds

    @property
    def failures_allowed(self) -> int | None:
        """The number of failed trials that ends the study; None if none does."""
        if self.on_failure == "continue":
            return None
        return 1 if self.on_failure == "stop" else int(self.on_failure.removeprefix("stop_after_"))


CHOSEN: dict[str, Mapping[str, type]] = {"sampler": SAMPLERS, "pruner": PRUNERS}
"""The keys that name one of several classes, whose fields are the keys of `<key>_options`."""


KEYWORDS = {"from_": "from"}
"""Fields whose key is a keyword of Python."""


def study_rules() -> dict[str, dict[str, Any]]:
    """The rules of every key of a study's command line: a run's keys and those of `sweep` (see `key_rules`)."""
    own = key_rules(SweepSettings, _variants(), "sweep.")
    as_written = {_as_written(ConfigProblem(key, "")).key: rules for key, rules in own.items()}
    return key_rules() | as_written


def direction(objective: str) -> Direction:
    """Which way is better for an objective."""
    return OBJECTIVES[objective]


def read_sweep(raw: Mapping[str, Any]) -> tuple[SweepSettings | None, list[ConfigProblem]]:
    """The settings under `sweep`, without its `space`.

    `sampler: tpe` beside `sampler_options: {startup_trials: 5}` says the same as
    `sampler: {name: tpe, startup_trials: 5}`; an option that is not given has its default. A single objective, or
    a single guess, needs no list.

    Returns:
        the settings, or None if there are problems; and the problems.
    """
    reader = Reader(SweepSettings, _variants(), "sweep.")
    problems = []
    plain = dict(raw)
    for key, forms in CHOSEN.items():
        options = plain.pop(f"{key}_options", None)
        if options is IN_DOUBT:
            plain[key] = IN_DOUBT
            continue
        if options is not None and not isinstance(options, Mapping):
            problems.append(ConfigProblem(f"sweep.{key}_options", "must be a group of keys", options))
            options = None
        if key in plain and plain[key] is not IN_DOUBT:
            plain[key] = _with_options(plain[key], options or {}, forms)
    plain |= {field: plain.pop(key) for field, key in KEYWORDS.items() if key in plain}
    if isinstance(plain.get("objective"), str):
        plain["objective"] = [plain["objective"]]
    if plain.get("first") != "default" and isinstance(plain.get("first"), str | Mapping):
        plain["first"] = [plain["first"]]
    if isinstance(size := plain.get("trial_memory"), int | float) and not isinstance(size, bool):
        right = f"{size}MB or {size}GB" if size > 0 else "2GB"
        problems.append(ConfigProblem("sweep.trial_memory", "must be above 0 and have a unit", size, right))
        plain["trial_memory"] = IN_DOUBT
    for key in ("seconds", "trial_seconds"):
        if isinstance(text := plain.get(key), str) and (seconds := _seconds(text)):
            problems.append(ConfigProblem(f"sweep.{key}", "must be a number of seconds, or null", text, f"{seconds:g}"))
            plain[key] = IN_DOUBT
    settings = reader.read(plain)
    problems += [_as_written(problem) for problem in reader.problems]
    return (None if problems else settings), problems


def _seconds(text: str) -> float:
    """What a time with its unit is in seconds, as in `10min` or `1.5 hours`; 0 if it is none."""
    unit = r"s(?:ec(?:ond)?s?)?|m(?:in(?:ute)?s?)?|h(?:(?:ou)?rs?)?|d(?:ays?)?"
    found = re.fullmatch(rf"([\d.]*\d) ?({unit})", text.lower())
    try:
        return 0.0 if found is None else float(found[1]) * TIME_UNITS[found[2][0]]
    except ValueError:  # 1.2.3min
        return 0.0


def _variants() -> dict[str, Mapping[str, type]]:
    return {f"sweep.{key}": forms for key, forms in CHOSEN.items()}


def _with_options(chosen: Any, options: Mapping[str, Any], forms: Mapping[str, type]) -> dict[str, Any]:
    """The form that `chosen` names, with every option it has."""
    named = dict(chosen) if isinstance(chosen, Mapping) else {"name": chosen}
    form = forms.get(named["name"]) if isinstance(named.get("name"), str) else None
    defaults = {field.name: field.default for field in dataclasses.fields(form)} if form else {}
    return defaults | dict(options) | named


def _as_written(problem: ConfigProblem) -> ConfigProblem:
    """The problem with the keys that a user types: `sweep.sampler_options.scramble`, `sweep.sampler`."""
    key = problem.key
    for chosen in CHOSEN:
        key = key.replace(f"sweep.{chosen}.name", f"sweep.{chosen}").replace(
            f"sweep.{chosen}.", f"sweep.{chosen}_options."
        )
    for field, keyword in KEYWORDS.items():
        key = f"sweep.{keyword}" if key == f"sweep.{field}" else key
    nearest = problem.nearest
    for chosen in CHOSEN:
        nearest = nearest.replace(f"sweep.{chosen}.", f"sweep.{chosen}_options.")
    return dataclasses.replace(problem, key=key, nearest=nearest)


def as_plain(settings: SweepSettings) -> dict[str, Any]:
    """The settings as plain values, every option spelt out; `read_sweep` reads them back."""
    plain: dict[str, Any] = {}
    for name in field_rules(SweepSettings):
        plain[KEYWORDS.get(name, name)] = value = getattr(settings, name)
        if name in CHOSEN:
            plain[name] = form_name(CHOSEN[name], value)
            plain[f"{name}_options"] = dataclasses.asdict(value)
    if isinstance(settings.first, tuple):
        plain["first"] = list(settings.first)
    plain["objective"] = settings.objective[0] if len(settings.objective) == 1 else list(settings.objective)
    return plain
