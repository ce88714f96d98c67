"""Settings of a sweep that are valid alone, but not with each other or with the space."""

from __future__ import annotations

from collections.abc import Iterator

from nnlab.config.problems import ConfigProblem
from nnlab.config.schema import form_name
from nnlab.execution.worker_memory import can_be_seen
from nnlab.tuning.search.ordinals import Ordinals
from nnlab.tuning.search.pruners import PRUNERS, Halving, Hyperband, Median, NoPruner, Wilcoxon
from nnlab.tuning.search.samplers import CMAES, GP, SAMPLERS, Grid, has_torch
from nnlab.tuning.search.settings import SweepSettings
from nnlab.tuning.search.space import Space

LARGEST_GRID = 1_000_000
"""Points. A sweep over more would only see a random part of them."""


def sweep_problems(settings: SweepSettings, space: Space, epochs: int) -> Iterator[ConfigProblem]:
    """The combinations that make no sense, or that Optuna does not support.

    Args:
        settings: of the sweep.
        space: what it searches.
        epochs: the most that a trial has.
    """
    yield from _objective_problems(settings)
    yield from _confirm_problems(settings)
    yield from _race_problems(settings)
    yield from _sampler_problems(settings, space)
    yield from _pruner_problems(settings, space, epochs)
    if settings.deterministic and settings.trial_seconds is not None:
        rule = "ends trials by the clock, so with sweep.deterministic=true the same study would come out differently"
        yield ConfigProblem("sweep.trial_seconds", rule, settings.trial_seconds, "null, or sweep.deterministic=false")
    if settings.trial_memory is not None and not can_be_seen():
        rule = "cannot be enforced here: this system does not say in /proc how much memory a process takes"
        yield ConfigProblem("sweep.trial_memory", rule, settings.trial_memory, "null")
    if settings.name is not None and settings.resume is not None:
        rule = "names a new study, but sweep.resume names one to resume: only one of them can be meant"
        yield ConfigProblem("sweep.name", rule, settings.name, "leave one of them out")


def _objective_problems(settings: SweepSettings) -> Iterator[ConfigProblem]:
    names = settings.objectives
    if len(names) not in (1, 2):
        rule = "must be one objective, or two for a Pareto front"
        yield ConfigProblem("sweep.objective", rule, list(names), "val/loss, or [val/accuracy,parameters]")
    elif not names[0].startswith("val/"):
        rule = "must start with a validation metric, or nothing is learned"
        yield ConfigProblem("sweep.objective", rule, list(names), f"[val/accuracy,{names[0]}]")
    elif len(set(names)) < len(names):
        rule = "must be two different objectives"
        yield ConfigProblem("sweep.objective", rule, list(names), f"{names[0]}, or [{names[0]},parameters]")
    if len(names) > 1 and not isinstance(settings.pruner, NoPruner):
        rule = "cannot prune with two objectives, as neither alone says which trial is worse"
        yield ConfigProblem("sweep.pruner", rule, _pruner_name(settings), "sweep.pruner=none, or one objective")
    if len(names) > 1 and isinstance(settings.sampler, CMAES):
        rule = "supports a single objective, but there are two"
        yield ConfigProblem("sweep.sampler", rule, _sampler_name(settings), "sweep.sampler=tpe")


def _confirm_problems(settings: SweepSettings) -> Iterator[ConfigProblem]:
    if settings.confirm is None:
        return
    if len(settings.objectives) == 2:
        rule = "ranks trials by one objective, but with two there is no single best"
        yield ConfigProblem(
            "sweep.confirm", rule, settings.confirm, f"null, or sweep.objective={settings.objective[0]}"
        )
    if settings.trials is not None and settings.confirm > settings.trials:
        rule = f"must be at most sweep.trials={settings.trials}, as no more can be confirmed"
        yield ConfigProblem("sweep.confirm", rule, settings.confirm, str(settings.trials))


def _race_problems(settings: SweepSettings) -> Iterator[ConfigProblem]:
    if not settings.race:
        return
    if settings.seeds == 1:
        rule = "gives trials further seeds, but sweep.seeds=1 allows none"
        yield ConfigProblem("sweep.race", rule, True, "sweep.seeds=5 beside it, or sweep.race=false")
    if settings.from_ is not None:
        rule = "gives all trials the same seeds in the same order, which those of another study do not have"
        yield ConfigProblem("sweep.race", rule, True, "false, or leave sweep.from out")
    if len(settings.objectives) == 2:
        rule = "needs a single best trial to keep up with, but with two objectives there is none"
        yield ConfigProblem("sweep.race", rule, True, f"false, or sweep.objective={settings.objective[0]}")


def _sampler_problems(settings: SweepSettings, space: Space) -> Iterator[ConfigProblem]:
    sampler, name = settings.sampler, _sampler_name(settings)
    conditional = [dimension.name for dimension in space.dimensions if dimension.condition]
    if conditional and isinstance(sampler, CMAES | GP | Grid):
        rule = f"needs every key in every trial, but {conditional[0]} is in some trials only"
        yield ConfigProblem("sweep.sampler", rule, name, "sweep.sampler=tpe")
    seen = Ordinals.of(space).space.dimensions
    categorical = [dimension.name for dimension in seen if dimension.is_categorical]
    if categorical and isinstance(sampler, CMAES):
        rule = f"needs numbers, but {categorical[0]} has unordered choices"
        yield ConfigProblem("sweep.sampler", rule, name, "sweep.sampler=tpe, or range(...) instead of choice(...)")
    if isinstance(sampler, GP) and not has_torch():
        rule = "needs PyTorch, which is not installed"
        yield ConfigProblem("sweep.sampler", rule, name, "pip install torch, or sweep.sampler=tpe")
    if isinstance(sampler, Grid) and not conditional:
        yield from _grid_problems(settings, space)


def _grid_problems(settings: SweepSettings, space: Space) -> Iterator[ConfigProblem]:
    for dimension in space.dimensions:
        if dimension.count is None:
            rule = f"needs finitely many values, but {dimension.name}={dimension} is continuous"
            nearest = f"{dimension.name}=choice(...) or range(...) with a step, or sweep.sampler=random"
            yield ConfigProblem("sweep.sampler", rule, _sampler_name(settings), nearest)
    size = space.size
    if size is None:
        return
    if size > LARGEST_GRID:
        rule = f"tries every combination, but there are {size:,}"
        yield ConfigProblem("sweep.sampler", rule, _sampler_name(settings), "sweep.sampler=random")
    if settings.trials is not None and size < settings.trials:
        rule = f"must be at most {size}, the size of the grid: after that nothing is left to try"
        yield ConfigProblem("sweep.trials", rule, settings.trials, str(size))


def _pruner_problems(settings: SweepSettings, space: Space, epochs: int) -> Iterator[ConfigProblem]:
    pruner, name = settings.pruner, _pruner_name(settings)
    if isinstance(pruner, Wilcoxon):
        yield from _wilcoxon_problems(pruner, settings)
    if isinstance(pruner, Median) and pruner.warmup_epochs is not None:
        steps = settings.seeds_judged if settings.seeds_judged > 1 else epochs
        yield from _never_judged("warmup_epochs", pruner.warmup_epochs, steps - 1)
    if not isinstance(pruner, Halving | Hyperband):
        return
    if settings.seeds_judged > 1:
        rule = f"allocates epochs, but with sweep.seeds={settings.seeds} trials are judged seed by seed"
        yield ConfigProblem("sweep.pruner", rule, name, "sweep.pruner=median or wilcoxon, or sweep.seeds=1")
        return
    if settings.deterministic and settings.workers != 1:
        rule = "compares with trials that are still running, so what it prunes depends on the speed of the workers"
        remedy = "sweep.pruner=median, sweep.workers=1, or sweep.deterministic=false"
        yield ConfigProblem("sweep.pruner", rule, name, remedy)
    searched = [dimension for dimension in space.dimensions if dimension.name == "trainer.epochs"]
    if searched:
        rule = "needs trials of the same number of epochs, but trainer.epochs is searched"
        yield ConfigProblem("sweep.pruner", rule, name, "sweep.pruner=median, or a fixed trainer.epochs")
        return
    longest = pruner.max_epochs if isinstance(pruner, Hyperband) else None
    if longest is not None and longest > epochs:
        rule = f"must be at most trainer.epochs={epochs}, as no trial has more"
        yield ConfigProblem("sweep.pruner_options.max_epochs", rule, longest, f"{epochs}, or null")
    yield from _never_judged("min_epochs", pruner.min_epochs, min(longest or epochs, epochs))


def _never_judged(option: str, epochs: int, most: int) -> Iterator[ConfigProblem]:
    """The problem with a first judgement that comes only after the trial is over."""
    if epochs > most:
        rule = f"must be at most {most}, or trials end before they are judged"
        yield ConfigProblem(f"sweep.pruner_options.{option}", rule, epochs, f"{most}, or sweep.pruner=none")


def _wilcoxon_problems(pruner: Wilcoxon, settings: SweepSettings) -> Iterator[ConfigProblem]:
    seeds = settings.seeds
    if settings.race:
        rule = "compares trials seed by seed, but so does sweep.race; epochs of a first seed can be pruned beside it"
        yield ConfigProblem("sweep.pruner", rule, "wilcoxon", "sweep.pruner=median or none, or sweep.race=false")
        return
    if seeds == 1:
        rule = "compares trials seed by seed, but a trial has one seed"
        yield ConfigProblem("sweep.pruner", rule, "wilcoxon", "sweep.seeds=6, or sweep.pruner=median")
        return
    # A trial that is worse with all of n seeds has p = 1/2ⁿ in the one-sided test: it cannot be smaller.
    needed = next(count for count in range(2, 1100) if 0.5**count < pruner.p_threshold)
    needed = max(needed, pruner.startup_steps) + 1
    if seeds < needed:
        rule = (
            f"can prune a trial after {needed - 1} seeds at the earliest (p_threshold={pruner.p_threshold:g}, "
            f"startup_steps={pruner.startup_steps}), but trials have {seeds}"
        )
        yield ConfigProblem("sweep.pruner", rule, "wilcoxon", f"sweep.seeds={needed}, or sweep.pruner=median")


def _sampler_name(settings: SweepSettings) -> str:
    return form_name(SAMPLERS, settings.sampler)


def _pruner_name(settings: SweepSettings) -> str:
    return form_name(PRUNERS, settings.pruner)
