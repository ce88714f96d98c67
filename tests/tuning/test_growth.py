"""`sweep.from`: which trials of another study a new one keeps, that it trains none again, and what it refuses."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from growing import SMALL, resume_small, run_small
from optuna.trial import TrialState

from nnlab.config.problems import ConfigError, ConfigProblem
from nnlab.config.quoting import as_override
from nnlab.errors import UserError
from nnlab.execution.run import run
from nnlab.runs.copies import copy_run
from nnlab.runs.directory import TRIALS
from nnlab.runs.stored_run import StoredRun
from nnlab.tuning.growth.source import kept_trials
from nnlab.tuning.planning import make_plan
from nnlab.tuning.stored_study import StoredStudy
from nnlab.tuning.trials import Asked, Outcome

RATES = "optimizer.lr=choice(0.01, 0.03, 0.1, 0.3, 1, 1e30)"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Holds the study `old`, which has tried all six rates; with the last of them training diverges."""
    folder = tmp_path_factory.mktemp("grown")
    old, _ = run_small(folder, "old", RATES, "sweep.trials=5", "sweep.seeds=2", "trainer.test=true")
    assert sorted(Asked.of(trial).values["optimizer.lr"] for trial in old.trials)[:5] == [0.01, 0.03, 0.1, 0.3, 1]
    return folder


def old_of(folder: Path) -> StoredStudy:
    return StoredStudy.open("old", [as_override("runs_dir", str(folder))])


def grown(folder: Path, *arguments: str) -> list[ConfigProblem]:
    """The problems of a study that is to grow from `old`."""
    plan = make_plan([*SMALL, as_override("runs_dir", str(folder)), "sweep.seeds=2", "sweep.from=old", *arguments])
    with pytest.raises(ConfigError) as caught:
        kept_trials(plan)
    return list(caught.value.problems)


def record(trial: Any) -> tuple[Any, ...]:
    """What was measured of a trial."""
    outcome = Outcome.of(trial)
    assert outcome is not None
    facts = (trial.state, trial.values, trial.intermediate_values, trial.datetime_start, trial.datetime_complete)
    return *facts, Asked.of(trial).seeds, outcome.scores, outcome.by_seed, outcome.weights_sha256, outcome.seconds


def test_trials_in_the_new_space_are_kept_as_they_were_and_none_is_trained_again(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(folder / "old", tmp_path / "old")
    trained: list[Path] = []

    def counting(job: Any, **options: Any) -> Any:
        trained.append(options["member"].path)
        return run(job, **options)

    monkeypatch.setattr("nnlab.tuning.trial.run", counting)
    narrow = ["optimizer.lr=choice(0.03, 0.1, 0.3, 0.5)", "sweep.seeds=2", "sweep.trials=4", "sweep.from=old"]
    new, notes = run_small(tmp_path, "new", *narrow)
    old = {trial.number: trial for trial in old_of(tmp_path).trials}
    inside = [n for n, trial in old.items() if Asked.of(trial).values["optimizer.lr"] in (0.03, 0.1, 0.3)]
    kept = new.trials[:3]
    assert [Asked.of(trial).source for trial in kept] == [f"kept from old, trial {number}" for number in inside]
    for trial, number in zip(kept, inside, strict=True):
        assert record(trial) == record(old[number])
        assert Asked.of(trial).values == Asked.of(old[number]).values
    assert Asked.of(new.trials[3]).values == {"optimizer.lr": 0.5}
    assert [path.parent.parent.name for path in trained] == ["new", "new"]
    assert {path.name for path in trained} == {"new-0003-1", "new-0003-2"}
    assert not set(Asked.of(new.trials[3]).seeds) & {seed for trial in old.values() for seed in Asked.of(trial).seeds}
    assert "3 of" in notes[0]
    left = sorted(set(old) - set(inside))
    assert all(str(number) in " ".join(notes[1:]) for number in left)


def test_the_runs_are_copies_that_do_without_the_other_study(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "old", tmp_path / "old")
    before = old_of(tmp_path)
    winner = before.run.tags["nnlab.winner_runs"].split()[0]
    wide = ["optimizer.lr=interval(0.001, 2)", "sweep.seeds=2", "sweep.trials=5", "sweep.from=old", "trainer.test=true"]
    runs = {name: StoredRun.open(tmp_path / "old" / TRIALS / name) for name in _runs(before)}
    assert runs[winner].test
    configs = {name: run.config for name, run in runs.items()}
    new, _ = run_small(tmp_path, "new", *wide)
    shutil.rmtree(tmp_path / "old")
    for trial in new.trials:
        outcome, asked = Outcome.of(trial), Asked.of(trial)
        assert outcome is not None
        for place, name in enumerate(outcome.runs):
            copy = StoredRun.open(tmp_path / "new" / TRIALS / name)
            first = runs[f"old-{int(str(asked.source).split()[-1]):04}-{place + 1}"]
            assert (copy.epochs, copy.kept, copy.config, copy.status) == (
                first.epochs,
                first.kept,
                configs[first.name],
                "finished",
            )
            assert copy.tags["nnlab.weights_sha256"] == outcome.weights_sha256[place]
            tags = copy.provenance["tags"]
            assert (tags["nnlab.study"], tags["nnlab.trial"]) == ("new", str(trial.number))
            assert tags["nnlab.kept_from"] == f"old {str(asked.source).split()[-1]}"
            assert (copy.path / copy.provenance["parent"]).resolve() == tmp_path / "new"
            assert copy.evaluations == (1 if name in new.run.tags["nnlab.winner_runs"] else 0)
            copy.model()
    assert new.run.test == pytest.approx(before.run.test)  # the same weights on the same rows


def _runs(study: StoredStudy) -> list[str]:
    return [name for trial in study.trials if (outcome := Outcome.of(trial)) for name in outcome.runs]


def test_a_key_that_is_searched_newly_has_the_value_of_the_old_runs(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "old", tmp_path / "old")
    more = ["optimizer.lr=interval(0.001, 2)", "trainer.batch_size=choice(50, 100)", "model.dropout=interval(0, 0.5)"]
    arguments = [*more, "sweep.seeds=2", "sweep.trials=5", "sweep.from=old"]
    new, _ = run_small(tmp_path, "new", *arguments)
    for trial in new.trials:
        values = Asked.of(trial).values
        assert (values["trainer.batch_size"], values["model.dropout"]) == (50, 0.0)
        assert trial.params == values


def test_a_group_that_is_searched_newly_has_the_choice_of_the_old_runs(folder: Path) -> None:
    groups = ["optimizer=choice(adam, sgd)", "optimizer.lr=interval(0.001, 2)", "optimizer.beta1=interval(0.5, 0.95)"]
    place = as_override("runs_dir", str(folder))
    plan = make_plan(
        [*[text for text in SMALL if text != "optimizer=sgd"], place, "sweep.seeds=2", "sweep.from=old", *groups]
    )
    kept = kept_trials(plan)
    assert kept is not None
    assert {point["optimizer"] for point in kept.points} == {"sgd"}
    assert all("optimizer.beta1" not in point for point in kept.points)
    assert len(kept.growth.trials) == 5


def test_a_key_that_is_fixed_now_keeps_the_trials_that_had_its_value(folder: Path) -> None:
    place = as_override("runs_dir", str(folder))
    fixed = ["optimizer.lr=0.1", "trainer.batch_size=choice(50, 100)"]
    kept = kept_trials(make_plan([*SMALL, place, "sweep.seeds=2", "sweep.from=old", *fixed]))
    assert kept is not None
    (number,) = kept.growth.trials
    assert Asked.of(old_of(folder).trials[number]).values == {"optimizer.lr": 0.1}


@pytest.mark.slow
def test_a_trial_that_diverged_is_kept_and_does_not_count(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "old", tmp_path / "old")
    if len(old_of(tmp_path).trials) == 5:
        resume_small(tmp_path, "old", "sweep.trials=6")
    new, _ = run_small(tmp_path, "new", RATES, "sweep.seeds=2", "sweep.trials=5", "sweep.from=old")
    assert [trial.state for trial in new.trials].count(TrialState.FAIL) == 1
    assert (len(new.trials), new.finished) == (6, 5)


REFUSED = {
    "trainer.epochs=3": "trainer.epochs",
    "sweep.seeds=3": "sweep.seeds",
    "sweep.objective=val/accuracy": "sweep.objective",
    "sweep.at=last": "sweep.at",
    "data.limit=100": "data.limit",
    "seed=1": "seed",
    "model.activation=tanh": "model.activation",
    "sweep.from={study: old, values: {trainer.epochs: 2}}": "trainer.epochs",
    "sweep.from=older": "older",
    "optimizer.lr=interval(5, 6)": "optimizer.lr",
}


@pytest.mark.parametrize("change", REFUSED)
def test_what_is_measured_otherwise_is_refused_with_the_difference(change: str, folder: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    found = grown(folder, *([] if change.startswith("optimizer.lr") else [RATES]), change)
    assert [problem.key for problem in found] == ["sweep.from"]
    assert REFUSED[change] in found[0].rule
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_no_race_is_advised_where_the_other_study_raced(tmp_path: Path) -> None:
    run_small(tmp_path, "raced", RATES, "sweep.trials=1", "sweep.seeds=2", "sweep.race=true")
    place = as_override("runs_dir", str(tmp_path))
    with pytest.raises(ConfigError) as caught:
        kept_trials(make_plan([*SMALL, place, RATES, "sweep.seeds=3", "sweep.from=raced"]))
    assert "sweep.race is true there" in caught.value.problems[0].rule
    assert caught.value.problems[0].nearest == "another study, or none"


@pytest.mark.parametrize(
    "said", ["{study: old, value: {a: 1}}", "{values: {a: 1}}", "{study: old, values: 3}", "{study: [old]}", "a/b"]
)
def test_a_wrong_form_is_a_problem_of_the_configuration(said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        make_plan([*SMALL, RATES, f"sweep.from={said}"])
    assert [problem.key for problem in caught.value.problems] == ["sweep.from"]


def test_a_key_that_did_not_exist_needs_a_stated_value(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "old", tmp_path / "old")
    manifest = json.loads((tmp_path / "old/study.json").read_text(encoding="utf-8"))
    del manifest["fingerprint"]["model.dropout"]  # as of a version without it
    (tmp_path / "old/study.json").write_text(json.dumps(manifest), encoding="utf-8")
    for config in tmp_path.glob("old/trials/*/config.yaml"):
        raw = yaml.safe_load(config.read_text(encoding="utf-8"))
        del raw["model"]["dropout"]
        config.write_text(yaml.safe_dump(raw, sort_keys=False), encoding="utf-8")
    searched = [RATES, "model.dropout=choice(0.0, 0.5)"]
    assert "model.dropout" in grown(tmp_path, *searched)[0].rule
    stated = "sweep.from={study: old, values: {model.dropout: 0.0}}"
    plan = make_plan([*SMALL, as_override("runs_dir", str(tmp_path)), "sweep.seeds=2", *searched, stated])
    kept = kept_trials(plan)
    assert kept is not None
    assert {point["model.dropout"] for point in kept.points} == {0.0}
    fixed = make_plan([*SMALL, as_override("runs_dir", str(tmp_path)), "sweep.seeds=2", RATES, stated])
    assert (found := kept_trials(fixed)) is not None
    assert len(found.points) == len(kept.points)


class Killed(BaseException):
    """Ends a session as a signal does."""


@pytest.mark.slow
@pytest.mark.parametrize("after", [0, 1, 3])
def test_a_study_that_is_killed_while_it_keeps_trials_goes_on(
    after: int, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(folder / "old", tmp_path / "old")
    arguments = ["optimizer.lr=interval(0.001, 2)", "sweep.seeds=2", "sweep.trials=6", "sweep.from=old"]
    whole, _ = run_small(tmp_path, "whole", *arguments)
    copied: list[Path] = []

    def killed(source: Any, target: Path, facts: Any) -> None:
        if len(copied) == after:
            raise Killed
        copied.append(target)
        copy_run(source, target, facts)

    with monkeypatch.context() as patch:
        patch.setattr("nnlab.tuning.growth.keeping.copy_run", killed)
        with pytest.raises(Killed):
            run_small(tmp_path, "cut", *arguments)
    if after == 1:
        shutil.move(tmp_path / "old", tmp_path / "away")
        with pytest.raises(UserError, match="old"):
            resume_small(tmp_path, "cut")
        shutil.move(tmp_path / "away", tmp_path / "old")
    cut = resume_small(tmp_path, "cut")
    assert [record(trial)[:3] for trial in cut.trials[:5]] == [record(trial)[:3] for trial in whole.trials[:5]]
    assert [(trial.params, Asked.of(trial)) for trial in cut.trials] == [
        (trial.params, Asked.of(trial)) for trial in whole.trials
    ]
    assert len(list((tmp_path / "cut/trials").iterdir())) == 12


def test_first_guesses_come_after_the_kept_trials_unless_they_are_among_them(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "old", tmp_path / "old")
    arguments = ["optimizer.lr=interval(0.001, 2)", "sweep.seeds=2", "sweep.trials=6", "sweep.from=old"]
    new, notes = run_small(tmp_path, "new", *arguments, "sweep.first=[default, {optimizer.lr: 0.5}, {optimizer.lr: 1}]")
    assert Asked.of(new.trials[5]).values == {"optimizer.lr": 0.5}  # 0.1, the default, and 1 are there already
    assert Asked.of(new.trials[5]).source == "given"
    assert sum("sweep.first" in note for note in notes) == 2


@pytest.mark.slow
def test_a_study_that_grew_can_be_grown_from(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "old", tmp_path / "old")
    first = ["sweep.seeds=2", "sweep.from=old", "optimizer.lr=choice(0.03, 0.1, 0.5)", "sweep.trials=3"]
    new, _ = run_small(tmp_path, "new", *first)
    second = ["sweep.seeds=2", "sweep.from=new", "optimizer.lr=choice(0.03, 0.1, 0.5, 0.7)", "sweep.trials=4"]
    newest, _ = run_small(tmp_path, "newest", *second)
    assert [Asked.of(trial).source for trial in newest.trials][:3] == [f"kept from new, trial {n}" for n in range(3)]
    assert [record(trial) for trial in newest.trials[:3]] == [record(trial) for trial in new.trials]
    known = [seed for study in (old_of(tmp_path), new) for trial in study.trials for seed in Asked.of(trial).seeds]
    assert not set(Asked.of(newest.trials[3]).seeds) & set(known)
