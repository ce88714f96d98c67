"""Settings against each other: what is let through runs in Optuna, and what is refused says why."""

from __future__ import annotations

import dataclasses
import itertools
import logging
import re
from typing import Any

import optuna
import pytest
from expected_problems import ExpectedProblem, says
from optuna.trial import TrialState
from searching import CONDITIONAL, FINITE, NUMBERS, cost, space_of
from test_settings import WRITTEN

from nnlab.config.problems import ConfigProblem
from nnlab.tuning.search import combinations
from nnlab.tuning.search.combinations import sweep_problems
from nnlab.tuning.search.pruners import PRUNERS, Wilcoxon
from nnlab.tuning.search.samplers import GP, SAMPLERS, has_torch
from nnlab.tuning.search.settings import SweepSettings, direction, read_sweep
from nnlab.tuning.search.space import Space

EPOCHS = 4
SPACES = {"numbers": NUMBERS, "choices": FINITE, "conditional": CONDITIONAL}


def settings_of(**changes: Any) -> SweepSettings:
    settings, problems = read_sweep(WRITTEN | {"trials": 12} | changes)
    assert problems == []
    assert settings is not None
    return settings


def problems_of(space: Space = NUMBERS, epochs: int = EPOCHS, **changes: Any) -> list[ConfigProblem]:
    return list(sweep_problems(settings_of(**changes), space, epochs))


def study_of(settings: SweepSettings, space: Space, trials: int) -> optuna.Study:
    """A study as Optuna does it, pruning by epochs, or by seeds if there are several."""
    directions = [direction(name) for name in settings.objectives]
    study = optuna.create_study(study_name="by hand", directions=directions, pruner=settings.pruner.make(EPOCHS))
    for number in range(trials):
        study.sampler = settings.sampler.make(0, number, space)
        trial = study.ask()
        score = cost(space.suggest(trial))
        if len(directions) > 1:
            study.tell(trial, [score, float(number)])
            continue
        for step in range(1, (settings.seeds if settings.seeds > 1 else EPOCHS) + 1):
            trial.report(score + 1 / step, step)
            if trial.should_prune():
                study.tell(trial, state=TrialState.PRUNED)
                break
        else:
            study.tell(trial, score)
    return study


ALL = list(itertools.product(SAMPLERS, PRUNERS, SPACES, ("one", "two")))


def cases() -> list[Any]:
    """The samplers, pruners, kinds of space and numbers of objectives that go together; seeds as the pruner needs."""
    chosen = []
    for sampler, pruner, space, objectives in ALL:
        if sampler == "gp" and not has_torch():
            continue
        changes = {
            "sampler": sampler,
            "pruner": pruner,
            "seeds": 6 if pruner == "wilcoxon" else 1,
            "objective": ["val/loss", "parameters"] if objectives == "two" else "val/loss",
        }
        if not problems_of(SPACES[space], **changes):  # type: ignore[arg-type]
            name = f"{sampler}-{pruner}-{space}-{objectives}"
            marks = (
                [pytest.mark.slow] if sampler == "gp" else []
            )  # importing PyTorch takes seconds, and so does a proposal
            chosen.append(pytest.param(changes, SPACES[space], id=name, marks=marks))
    return chosen


def test_as_many_combinations_are_let_through_as_optuna_can_do() -> None:
    # One objective: 5 pruners with tpe, mixed, random, qmc (3 spaces each), gp (2 without conditions), cmaes and
    # grid (1). Two: only without a pruner, and not cmaes.
    with_gp = 5 * 2 + 2 if has_torch() else 0
    assert len(cases()) == 5 * (4 * 3 + 1 + 1) + (4 * 3 + 1) + with_gp


def one_by_one() -> list[Any]:
    """Each sampler in each space without a pruner, and each pruner with one sampler: neither asks the other."""
    return [case for case in cases() if "-none-" in str(case.id) or re.match("tpe-.*-numbers-", str(case.id))]


@pytest.mark.parametrize(("changes", "space"), one_by_one())
def test_what_is_let_through_runs_in_optuna_without_a_word(
    changes: dict[str, Any], space: Space, caplog: pytest.LogCaptureFixture
) -> None:
    trials = 11 if changes["sampler"] == "gp" else 12  # from the eleventh on it thinks, for seconds
    optuna.logging.enable_propagation()
    with caplog.at_level(logging.WARNING, logger="optuna"):
        study = study_of(settings_of(**changes), space, trials)
    optuna.logging.disable_propagation()
    assert [record.message for record in caplog.records if "greenlet" not in record.message] == []
    assert {trial.state for trial in study.trials} <= {TrialState.COMPLETE, TrialState.PRUNED}
    assert len(study.trials) == trials
    is_pruned = any(trial.state == TrialState.PRUNED for trial in study.trials)
    assert is_pruned == (changes["pruner"] != "none")


def test_optuna_itself_raises_where_two_objectives_are_pruned() -> None:
    trial = optuna.create_study(directions=["minimize", "minimize"]).ask()
    with pytest.raises(NotImplementedError, match="not supported for multi-objective"):
        trial.report(1.0, 1)
    assert problems_of(objective=["val/loss", "parameters"], pruner="median") == [
        says("sweep.pruner=median", "sweep.pruner=none, or one objective", "two objectives")
    ]


def test_optuna_itself_raises_where_cmaes_has_two_objectives() -> None:
    study = optuna.create_study(directions=["minimize", "minimize"], sampler=optuna.samplers.CmaEsSampler())
    with pytest.raises(ValueError, match="multi-objective"):
        NUMBERS.suggest(study.ask())
    assert problems_of(objective=["val/loss", "parameters"], sampler="cmaes") == [
        says("sweep.sampler=cmaes", "sweep.sampler=tpe", "single objective", "two")
    ]


def warned(sampler: optuna.samplers.BaseSampler, space: Space, caplog: pytest.LogCaptureFixture) -> str:
    """What Optuna's own sampler has to say of a space."""
    optuna.logging.enable_propagation()
    study = optuna.create_study(sampler=sampler)
    with caplog.at_level(logging.WARNING, logger="optuna"):
        for number in range(6):
            trial = study.ask()
            space.suggest(trial)
            study.tell(trial, float(number))
    optuna.logging.disable_propagation()
    return caplog.text


def test_optuna_s_cmaes_falls_back_to_chance_for_choices_and_conditions(caplog: pytest.LogCaptureFixture) -> None:
    text = warned(optuna.samplers.CmaEsSampler(seed=0), CONDITIONAL, caplog)
    assert "dynamic search space and `CategoricalDistribution` are not supported" in text
    assert problems_of(FINITE, sampler="cmaes") == [
        says("sweep.sampler=cmaes", "sweep.sampler=tpe, or range(...) instead of choice(...)", "model.activation")
    ]
    assert problems_of(CONDITIONAL, sampler="cmaes")[0] == (
        says("sweep.sampler=cmaes", "sweep.sampler=tpe", "model.width.1")
    )


@pytest.mark.slow
@pytest.mark.skipif(not has_torch(), reason="needs PyTorch")
def test_optuna_s_gp_falls_back_to_chance_for_conditions(caplog: pytest.LogCaptureFixture) -> None:
    text = warned(optuna.samplers.GPSampler(seed=0, n_startup_trials=2), CONDITIONAL, caplog)
    assert "dynamic search space is not supported" in text
    assert problems_of(CONDITIONAL, sampler="gp") == [says("sweep.sampler=gp", "sweep.sampler=tpe", "model.width.1")]


def test_gp_without_pytorch_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(combinations, "has_torch", lambda: False)
    assert isinstance(settings_of(sampler="gp").sampler, GP)
    assert problems_of(sampler="gp") == [says("sweep.sampler=gp", "pip install torch, or sweep.sampler=tpe", "PyTorch")]


MILLIONS = space_of({"optimizer.lr": "range(0.001, 2, 0.001)", "trainer.batch_size": "range(1, 1001)"})


@pytest.mark.parametrize(
    ("space", "changes", "problems"),
    [
        (
            space_of({"optimizer.lr": "tag(log, interval(0.01, 1))", "trainer.batch_size": "16,32"}),
            {"sampler": "grid"},
            [
                says(
                    "sweep.sampler=grid",
                    "optimizer.lr=choice(...) or range(...) with a step, or sweep.sampler=random",
                    "optimizer.lr=tag(log, interval(0.01, 1.0))",
                )
            ],
        ),
        (
            FINITE,
            {"sampler": "grid", "trials": 25},
            [says("sweep.trials=25", "24", "24")],
        ),
        (FINITE, {"sampler": "grid", "trials": 24}, []),
        (
            MILLIONS,
            {"sampler": "grid"},
            [says("sweep.sampler=grid", "sweep.sampler=random", "1,999,000")],
        ),
        (
            CONDITIONAL,
            {"sampler": "grid"},
            [says("sweep.sampler=grid", "sweep.sampler=tpe", "model.width.1")],
        ),
    ],
)
def test_a_grid_needs_a_finite_space_of_enough_points(
    space: Space, changes: dict[str, Any], problems: list[ExpectedProblem]
) -> None:
    assert problems_of(space, **changes) == problems


@pytest.mark.parametrize(
    ("objective", "problems"),
    [
        (["val/loss", "val/accuracy"], []),
        (["val/accuracy", "seconds"], []),
        (
            "parameters",
            [says("sweep.objective=[parameters]", "[val/accuracy,parameters]")],
        ),
        (
            ["parameters", "val/loss"],
            [says("sweep.objective=[parameters,val/loss]", "[val/accuracy,parameters]")],
        ),
        (
            ["val/loss", "val/loss"],
            [says("sweep.objective=[val/loss,val/loss]", "val/loss, or [val/loss,parameters]")],
        ),
        (
            [],
            [says("sweep.objective=[]", "val/loss, or [val/accuracy,parameters]")],
        ),
        (
            ["val/loss", "parameters", "seconds"],
            [says("sweep.objective=[val/loss,parameters,seconds]", "val/loss, or [val/accuracy,parameters]")],
        ),
    ],
)
def test_objectives_are_one_or_two_and_the_first_is_of_the_validation(
    objective: str | list[str], problems: list[ExpectedProblem]
) -> None:
    assert problems_of(objective=objective) == problems


def seeds_before_a_stop(threshold: float, startup: int) -> int | None:
    """How many seeds Optuna wants of a trial that is worse with each of them, by more each time."""
    study = optuna.create_study(pruner=Wilcoxon(p_threshold=threshold, startup_steps=startup).make(1))
    best = study.ask()
    for seed in range(1, 13):
        best.report(0.0, seed)
    study.tell(best, 0.0)
    trial = study.ask()
    for seed in range(1, 13):
        trial.report(seed / 10, seed)
        if trial.should_prune():
            return seed
    return None


@pytest.mark.parametrize(("threshold", "startup"), [(0.1, 2), (0.3, 2), (0.1, 6), (0.04, 0), (0.01, 2), (0.6, 0)])
def test_wilcoxon_is_refused_where_optuna_would_stop_a_trial_at_its_last_seed_at_the_earliest(
    threshold: float, startup: int
) -> None:
    earliest = seeds_before_a_stop(threshold, startup)
    assert earliest is not None
    changes = {"pruner": "wilcoxon", "pruner_options": {"p_threshold": threshold, "startup_steps": startup}}
    assert problems_of(**changes, seeds=earliest + 1) == []  # type: ignore[arg-type]
    assert problems_of(**changes, seeds=max(2, earliest)) == [  # type: ignore[arg-type]
        says(
            "sweep.pruner=wilcoxon",
            f"sweep.seeds={earliest + 1}, or sweep.pruner=median",
            f"after {earliest} seeds",
            f"p_threshold={threshold:g}, startup_steps={startup}",
            f"trials have {earliest}",
        )
    ]


def test_wilcoxon_needs_seeds() -> None:
    assert problems_of(pruner="wilcoxon") == [says("sweep.pruner=wilcoxon", "sweep.seeds=6, or sweep.pruner=median")]


@pytest.mark.parametrize("pruner", ["asha", "hyperband"])
@pytest.mark.parametrize(
    ("changes", "texts", "problem"),
    [
        (
            {"seeds": 3},
            {},
            says("", "sweep.pruner=median or wilcoxon, or sweep.seeds=1", "sweep.seeds=3"),
        ),
        (
            {"deterministic": True},
            {},
            says("", "sweep.pruner=median, sweep.workers=1, or sweep.deterministic=false", "still running"),
        ),
        (
            {},
            {"trainer.epochs": "range(3, 9)"},
            says("", "sweep.pruner=median, or a fixed trainer.epochs", "trainer.epochs"),
        ),
    ],
)
def test_halving_is_refused_where_epochs_do_not_compare(
    pruner: str, changes: dict[str, Any], texts: dict[str, str], problem: ExpectedProblem
) -> None:
    space = space_of({"optimizer.lr": "interval(0.1, 1)"} | texts)
    assert problems_of(space, pruner=pruner, **changes) == [dataclasses.replace(problem, what=f"sweep.pruner={pruner}")]
    assert problems_of(space, pruner="median", **changes) == []


def test_one_worker_may_halve_deterministically() -> None:
    assert problems_of(pruner="asha", deterministic=True, workers=1) == []


@pytest.mark.parametrize(
    ("pruner", "options", "problem"),
    [
        (
            "median",
            {"warmup_epochs": 4},
            says("sweep.pruner_options.warmup_epochs=4", "3, or sweep.pruner=none", "3"),
        ),
        (
            "asha",
            {"min_epochs": 5},
            says("sweep.pruner_options.min_epochs=5", "4, or sweep.pruner=none", "4"),
        ),
        (
            "hyperband",
            {"max_epochs": 5},
            says("sweep.pruner_options.max_epochs=5", "4, or null", "trainer.epochs=4"),
        ),
        (
            "hyperband",
            {"min_epochs": 3, "max_epochs": 2},
            says("sweep.pruner_options.min_epochs=3", "2, or sweep.pruner=none", "2"),
        ),
    ],
)
def test_a_pruner_judges_before_the_end(pruner: str, options: dict[str, Any], problem: ExpectedProblem) -> None:
    assert problems_of(pruner=pruner, pruner_options=options) == [problem]


def test_the_defaults_suit_trials_of_one_epoch() -> None:
    for pruner in ("none", "median", "asha", "hyperband"):
        assert problems_of(epochs=1, pruner=pruner) == []


def test_a_new_name_and_an_old_one_cannot_both_be_meant() -> None:
    assert problems_of(name="new", resume="old") == [says("sweep.name=new", "leave one of them out", "sweep.resume")]


def test_median_counts_seeds_where_trials_have_several() -> None:
    assert problems_of(pruner="median", seeds=3, pruner_options={"warmup_epochs": 2}) == []
    assert problems_of(pruner="median", seeds=3, pruner_options={"warmup_epochs": 3}) == [
        says("sweep.pruner_options.warmup_epochs=3", "2, or sweep.pruner=none", "2")
    ]


def test_a_limit_of_memory_is_refused_where_the_system_does_not_say_what_a_process_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert problems_of(trial_memory="1GB") == []

    def without_proc(pid: int) -> int:
        raise FileNotFoundError(f"/proc/{pid}/status")

    for peak in (without_proc, lambda pid: 0):  # macOS; a sandbox whose /proc leaves it out
        monkeypatch.setattr("nnlab.execution.worker_memory.peak_of", peak)
        (problem,) = problems_of(trial_memory="1GB")
        assert (problem.key, problem.nearest) == ("sweep.trial_memory", "null")
        assert problems_of(trial_seconds=9.0) == []
