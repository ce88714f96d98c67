"""How many trials a study has in the end, and of what kind they are: totals, duplicates, seeds, failures."""

from __future__ import annotations

import shutil
import statistics
from collections.abc import Mapping
from pathlib import Path

import pytest
from commands import events, run_directories
from studies import UNTRACKED, Completed, Kept, Study, outcome, sweep

EXTENDED = 9


@pytest.mark.parametrize("workers", ["one worker", "two workers", "four workers"])
def test_the_total_of_complete_and_pruned_trials_is_exact(workers: str, studies: Mapping[str, Kept]) -> None:
    process, study = studies[workers].process, studies[workers].study
    assert process.returncode == 0, process.stderr
    assert process.stderr == ""
    assert study.finished == len(study.trials) == 6
    assert [line.split()[0] for line in process.stdout.splitlines() if " trial " in line and "/6" in line] == [
        f"{count}/6" for count in range(1, 7)
    ]


def test_bad_trials_are_pruned_before_their_last_epoch(studies: Mapping[str, Kept]) -> None:
    study = studies["one worker"].study
    assert {"COMPLETE", "PRUNED"} == set(study.states)
    for trial in study.trials:
        epochs = 4 if trial.state.name == "COMPLETE" else len(trial.intermediate_values)
        assert outcome(trial)["epochs"] == epochs == max(trial.intermediate_values)
        assert epochs < 4 or trial.state.name == "COMPLETE"


def test_every_trial_has_a_run_directory_and_every_run_directory_a_trial(studies: Mapping[str, Kept]) -> None:
    for name in ("one worker", "four workers", "three combinations"):
        study = studies[name].study
        names = [f"{study.directory.name}-{number:04}" for number in range(len(study.trials))]
        assert [run.name for run in study.runs] == names
        for run, trial in zip(study.runs, study.trials, strict=True):
            # A winner, which is tested in the end, has several.
            ends = {each["status"] for each in events(run) if each["event"] == "end"}
            assert ends == {outcome(trial)["status"]}


def test_the_tables_row_is_the_trial(studies: Mapping[str, Kept]) -> None:
    study = studies["one worker"].study
    for row, trial in zip(study.table, study.trials, strict=True):
        assert int(row["number"]) == trial.number
        assert row["state"] == trial.state.name
        assert float(row["optimizer.lr"]) == trial.params["optimizer.lr"]
        assert row["model.hidden"] == str(trial.user_attrs["asked"]["values"]["model.hidden"])
        assert float(row["val/loss"]) == outcome(trial)["scores"]["val/loss"]


@pytest.fixture(scope="module")
def extended(studies: Mapping[str, Kept], tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Completed], Study]:
    """A complete study in another place, which goes on to nine trials, and then once more with nothing to do."""
    folder = tmp_path_factory.mktemp("extended")
    shutil.copytree(studies["one worker"].study.directory, folder / "runs" / "study")
    arguments = ["sweep.resume=study", f"sweep.trials={EXTENDED}", UNTRACKED]
    return [sweep(*arguments, folder=folder) for _ in range(2)], Study(folder / "runs" / "study")


@pytest.mark.slow
def test_a_complete_study_continues_to_a_larger_total(
    extended: tuple[list[Completed], Study], studies: Mapping[str, Kept]
) -> None:
    (first, _), study = extended
    assert first.returncode == 0, first.stderr
    assert study.finished == len(study.trials) == EXTENDED
    assert study.facts[:6] == studies["one worker"].study.facts
    assert f"the best of {EXTENDED} on validation" in first.stdout


@pytest.mark.slow
def test_a_study_with_nothing_to_do_says_again_what_came_of_it_and_tests_nothing_again(
    extended: tuple[list[Completed], Study],
) -> None:
    (first, second), study = extended
    assert second.returncode == 0, second.stderr
    assert first.stdout.partition("\nrank")[2] == second.stdout.partition("\nrank")[2] != ""
    assert "finished  val/loss" not in second.stdout
    tested = [run for run in study.runs for each in events(run) if each["event"] == "test"]
    assert len(tested) == len(set(tested))
    # One after six trials, and another after nine if a later trial was better.
    assert 1 <= len(tested) <= 2


def test_a_study_ends_when_every_combination_was_tried_and_says_so(studies: Mapping[str, Kept]) -> None:
    process, study = studies["three combinations"].process, studies["three combinations"].study
    assert (process.returncode, process.stderr) == (0, "")
    assert sorted(trial.params["optimizer.lr"] for trial in study.trials) == [0.03, 0.1, 0.3]
    assert study.finished == len(study.runs) == 3
    assert "each combination of the search space was tried" in process.stdout
    assert "the best of 3 on validation" in process.stdout


def test_a_repeated_combination_is_trained_again_if_asked_for(studies: Mapping[str, Kept]) -> None:
    study = studies["three combinations, repeated"].study
    assert study.finished == 6
    assert [run.name for run in study.runs if (run / "model" / "weights.safetensors").exists()] == [
        run.name for run in study.runs
    ]
    assert len({outcome(trial)["weights_sha256"][0] for trial in study.trials}) == 6


def test_with_several_seeds_a_trial_is_judged_by_its_mean(studies: Mapping[str, Kept]) -> None:
    kept = studies["two seeds and objectives"]
    assert kept.process.returncode == 0, kept.process.stderr
    for row, trial in zip(kept.study.table, kept.study.trials, strict=True):
        names = [f"{kept.study.directory.name}-{trial.number:04}-{place}" for place in (1, 2)]
        assert row["runs"].split() == names
        assert len(set(row["seeds"].split())) == 2
        runs = [kept.study.directory / "trials" / name for name in names]
        kept_epochs = [
            min(
                (each["metrics"] for each in events(run) if each["event"] == "epoch"),
                key=lambda metrics: -metrics["val/accuracy"],
            )
            for run in runs
        ]
        scores = [metrics["val/accuracy"] for metrics in kept_epochs]
        assert float(row["val/accuracy"]) == pytest.approx(statistics.fmean(scores), abs=1e-15)
        assert float(row["val/accuracy std"]) == pytest.approx(statistics.stdev(scores), abs=1e-15)
        assert trial.values == [float(row["val/accuracy"]), float(row["parameters"])]


def test_two_objectives_give_a_front_and_prune_nothing(studies: Mapping[str, Kept]) -> None:
    kept = studies["two seeds and objectives"]
    assert set(kept.study.states) == {"COMPLETE"}
    front = [
        trial.number
        for trial in kept.study.trials
        if not any(
            other.values[0] >= trial.values[0] and other.values[1] <= trial.values[1] and other.values != trial.values
            for other in kept.study.trials
        )
    ]
    board = kept.process.stdout.partition("Pareto front of val/accuracy and parameters")[2].partition("\n\n")[2]
    rows = [line.split() for line in board.partition("\n\n")[0].splitlines()[1:]]
    assert sorted(int(row[1]) for row in rows) == front
    assert "winner " in kept.process.stdout


def test_a_study_whose_trials_all_diverge_ends_and_says_so(studies: Mapping[str, Kept]) -> None:
    kept = studies["all diverge"]
    assert kept.process.returncode == 1
    assert "each combination of the search space was tried, and all that were tried failed" in kept.process.stderr
    assert "Traceback" not in kept.process.stderr
    assert "No trial is complete" in kept.process.stdout
    assert "6 failed (6 diverged)" in kept.process.stdout
    assert "Training diverged in epoch 1" in kept.process.stdout
    assert "winner " not in kept.process.stdout
    assert set(kept.study.states) == {"FAIL"}
    assert {outcome(trial)["status"] for trial in kept.study.trials} == {"diverged"}
    assert not [each for run in kept.study.runs for each in events(run) if each["event"] == "test"]


def test_a_study_can_stop_at_its_first_failure(studies: Mapping[str, Kept]) -> None:
    kept = studies["stop at the first failure"]
    assert kept.process.returncode == 1
    assert kept.study.states == ["FAIL"]
    assert "sweep.on_failure=stop" in kept.process.stderr


def test_studies_leave_nothing_but_their_directories(studies: Mapping[str, Kept]) -> None:
    for kept in studies.values():
        assert [path.name for path in kept.study.directory.parent.parent.iterdir()] == ["runs"]
        assert run_directories(kept.study.directory.parent) == [kept.study.directory]
        assert not (kept.study.directory / "data").exists()


def test_no_worker_writes_a_pickle(studies: Mapping[str, Kept]) -> None:
    files = [path for kept in studies.values() for path in kept.study.directory.rglob("*")]
    assert not [path for path in files if Path(path).suffix in (".pkl", ".pickle", ".joblib", ".npy")]
