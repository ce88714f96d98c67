"""Every sampler and every pruner through the real command, on a tiny real problem."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping

import pytest
from studies import NEVER_PRUNED, NO_PLOTS, UNTRACKED, Kept, Study, outcome, side_by_side

pytestmark = pytest.mark.slow

RATE = "optimizer.lr=tag(log, interval(0.003, 0.3))"
FIXED = [
    "data=digits",
    "trainer.epochs=4",
    "trainer.batch_size=32",
    "model.hidden=[16]",
    "sweep.trials=8",
    "sweep.workers=2",
    UNTRACKED,
    NO_PLOTS,
]
NUMBERS = [*FIXED, RATE, "model.dropout=interval(0, 0.4)", NEVER_PRUNED]
SAMPLERS = {
    "tpe": [*NUMBERS, "sweep.sampler_options.startup_trials=3"],
    "random": NUMBERS,
    "grid": [*FIXED, "optimizer.lr=choice(0.01, 0.03, 0.1, 0.3)", "model.dropout=choice(0, 0.2)", NEVER_PRUNED],
    "cmaes": NUMBERS,
    "qmc": NUMBERS,
    "gp": [*NUMBERS, "sweep.sampler_options.startup_trials=3"],
}
PRUNERS = {
    "median": [*FIXED, RATE, "sweep.pruner_options.startup_trials=1"],
    "hyperband": [*FIXED, RATE, "sweep.pruner_options.reduction_factor=2"],
    "asha": [*FIXED, RATE, "sweep.pruner_options.reduction_factor=2"],
    "wilcoxon": [
        *FIXED,
        RATE,
        "sweep.seeds=5",
        "sweep.pruner_options={p_threshold: 0.3, startup_steps: 2}",
    ],
}


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Kept]:
    commands = {name: [*overrides, f"sweep.sampler={name}"] for name, overrides in SAMPLERS.items()}
    # Which trials are stopped depends on the order in which workers report, and Hyperband's brackets on the name.
    fixed = ["sweep.workers=1", "sweep.name=pruned"]
    commands |= {name: [*overrides, *fixed, f"sweep.pruner={name}"] for name, overrides in PRUNERS.items()}
    if importlib.util.find_spec("torch") is None:
        del commands["gp"]
    return side_by_side(tmp_path_factory.mktemp("methods"), commands)


def study_of(name: str, ended: Mapping[str, Kept]) -> Study:
    if name not in ended:
        pytest.skip("needs PyTorch (extra `bench`)")
    process = ended[name].process
    assert process.returncode == 0, process.stderr
    assert "Traceback" not in process.stderr
    return ended[name].study


@pytest.mark.parametrize("name", SAMPLERS)
def test_a_sampler_does_a_study(name: str, ended: Mapping[str, Kept]) -> None:
    study = study_of(name, ended)
    assert study.states == ["COMPLETE"] * 8
    points = [(trial.params["optimizer.lr"], trial.params["model.dropout"]) for trial in study.trials]
    assert len(set(points)) == 8
    assert min(trial.values[0] for trial in study.trials) < 1  # chance: ln 10


def test_the_grid_is_gone_through_whole(ended: Mapping[str, Kept]) -> None:
    trials = study_of("grid", ended).trials
    assert {(trial.params["optimizer.lr"], trial.params["model.dropout"]) for trial in trials} == {
        (rate, dropout) for rate in (0.01, 0.03, 0.1, 0.3) for dropout in (0, 0.2)
    }


@pytest.mark.parametrize("name", PRUNERS)
def test_a_pruner_stops_some_trials_early_and_the_total_is_exact(name: str, ended: Mapping[str, Kept]) -> None:
    study = study_of(name, ended)
    assert study.finished == len(study.trials) == 8
    assert {"PRUNED", "COMPLETE"} == set(study.states)
    whole = 20 if name == "wilcoxon" else 4
    for trial in study.trials:
        assert (outcome(trial)["epochs"] == whole) == (trial.state.name == "COMPLETE")
        assert outcome(trial)["status"] == {"COMPLETE": "finished", "PRUNED": "pruned"}[trial.state.name]


def test_wilcoxon_judges_a_trial_by_its_seeds(ended: Mapping[str, Kept]) -> None:
    for trial in study_of("wilcoxon", ended).trials:
        seeds = outcome(trial)["epochs"] // 4
        assert list(trial.intermediate_values) == list(range(1, min(seeds, 4) + 1))
        assert len(outcome(trial)["runs"]) == seeds
