"""What runs and studies say of themselves, word for word where people paste it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from listening import ENDED, RESULT, SUMMARY
from listening_to_studies import STARTED, STUDY_ENDED
from trial_samples import make_trial

from nnlab.batch import compose
from nnlab.commands import run_summary, study_summary
from nnlab.config.build import build_trainer
from nnlab.execution.events import GoesOn, RunStarted
from nnlab.tuning.events import StudyEnded
from nnlab.tuning.winner import Winner

WINNER = Winner(0, {"test/loss": 0.5, "test/accuracy": 0.875}, 1, 1, "python -m nnlab.run data=digits")


def blocks(event: StudyEnded) -> list[str]:
    """The end of a study without its leaderboard."""
    return study_summary.summary(event, encoding="utf-8", width=None).split("\n\n")[2:]


def test_a_run_starts_with_what_it_is_and_the_rows_that_it_has() -> None:
    job = compose("data=digits", "model.hidden=[8]", "trainer.threads=1", "tracking.enabled=false")
    trainer = build_trainer(job.config, job.load())
    name, network, *notes, threads = run_summary.title(RunStarted(Path("runs/a"), job.config, trainer)).split("\n")
    assert (name, threads) == ("a", "1 BLAS thread")
    assert "64-8-10" in network
    assert f"{64 * 8 + 8 + 8 * 10 + 10} parameters in float32" in network
    splits = trainer.dataset.train, trainer.dataset.validation, trainer.dataset.test
    assert sum(map(len, splits)) == 1797
    assert "{:,} training, {:,} validation, {:,} test rows".format(*map(len, splits)) in network
    assert notes == list(trainer.dataset.notes)


def test_a_run_ends_with_a_table_of_what_there_is() -> None:
    assert run_summary.summary(ENDED).splitlines() == SUMMARY
    diverged = replace(RESULT, status="diverged", epoch=0, scores={})
    assert [line.split("  ")[1] for line in run_summary.summary(replace(ENDED, result=diverged)).splitlines()[:3]] == [
        "status",
        "training",
        "weights sha256",
    ]
    left = replace(ENDED, test_left_alone=True)
    assert "test split           not evaluated (trainer.test=false)" in run_summary.summary(left)


@pytest.mark.parametrize(("folder", "where"), [("runs", ""), ("elsewhere", " --runs-dir {}")])
def test_a_run_that_was_stopped_ends_with_its_model_and_the_command_that_resumes_it(
    folder: str, where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NNLAB_RUNS_DIR", raising=False)
    path = tmp_path / folder / "x"
    stopped = replace(RESULT, directory=path, status="interrupted", reason="interrupted by the user after epoch 3")
    lines = run_summary.summary(replace(ENDED, result=stopped)).splitlines()
    assert lines[1].endswith("  interrupted by the user after epoch 3")
    assert [line[15:] for line in lines[-3:]] == [
        str(path),
        str(path / "model"),
        f"python -m nnlab.resume x{where.format(tmp_path / folder)}",
    ]


@pytest.mark.parametrize(
    ("goes_on", "facts"),
    [
        (GoesOn(3, 512, 938, 2), ["epoch 3, step 512 of 938"]),
        (GoesOn(3, 0, 938, 7), ["epoch 3, step 0 of 938", "5 epochs"]),
        (GoesOn(1, 0, 938, 7), ["anew", "7 epochs"]),
    ],
)
def test_a_run_that_goes_on_says_where(goes_on: GoesOn, facts: list[str]) -> None:
    line = run_summary.going_on(goes_on)
    assert [fact for fact in facts if fact not in line] == []


def test_a_study_starts_with_what_it_searches() -> None:
    assert study_summary.title(STARTED).splitlines() == [
        "a study",
        "30 trials, 0 finished; 2 workers; val/loss",
        "searched: optimizer.lr, model.depth",
    ]


def test_a_winner_stands_beside_the_number_that_it_was_chosen_from() -> None:
    (winner, where) = blocks(replace(STUDY_ENDED, winner=WINNER))
    assert winner.splitlines() == [
        "winner           trial 0, the best of 1 on validation: val/loss 0.2500",
        "test/loss        0.5000",
        "test/accuracy    0.8750",
        "repeat it alone  python -m nnlab.run data=digits",
    ]
    assert where == f"study directory  {STUDY_ENDED.directory}"


def test_of_several_seeds_and_several_winners_it_says_so() -> None:
    winner = blocks(replace(STUDY_ENDED, winner=replace(WINNER, runs=3, evaluations=2)))[0]
    assert winner.count("(mean of 3 seeds)") == 2
    assert "2 winners" in winner.splitlines()[-1]


def test_a_winner_of_two_objectives_has_the_values_of_its_own_trial() -> None:
    trials = [
        make_trial(number, [0.5 + number / 10, 900.0 - number], scores={"val/accuracy": 0.5}) for number in (0, 1)
    ]
    event = replace(STUDY_ENDED, trials=trials, objectives=("val/accuracy", "parameters"), finished=2)
    event = replace(event, winner=replace(WINNER, number=1))
    text = study_summary.summary(event, encoding="utf-8", width=None)
    assert "trial 1, the best of 2 on validation: val/accuracy 0.6000, parameters 899" in text


@pytest.mark.parametrize(
    ("event", "shown"),
    [
        (replace(STUDY_ENDED, test_left_alone="trainer.test=false"), "trainer.test=false"),
        (replace(STUDY_ENDED, status="interrupted"), "python -m nnlab.sweep sweep.resume=a-study"),
    ],
    ids=["no test", "interrupted"],
)
def test_a_study_without_a_winner_says_why_or_what_now(event: StudyEnded, shown: str) -> None:
    first, where = blocks(event)
    assert shown in first
    assert where == f"study directory  {STUDY_ENDED.directory}"
