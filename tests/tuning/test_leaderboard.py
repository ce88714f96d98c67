from __future__ import annotations

import pytest
from optuna.trial import FrozenTrial
from trial_samples import make_trial

from nnlab.tuning.report.leaderboard import counts_line, leaderboard
from nnlab.tuning.report.trial_facts import natural_order, short_names
from nnlab.tuning.trials import ASKED

LOSS = ("val/loss",)
BOTH = ("val/accuracy", "parameters")


def a_study() -> list[FrozenTrial]:
    small = {"model.depth": 1, "model.width.0": 32, "optimizer.lr": 0.1}
    large = {"model.depth": 2, "model.width.0": 128, "model.width.1": 64, "optimizer.lr": 0.031234567}
    scores = {"val/accuracy": 0.9876, "val/loss": 0.0421}
    return [
        make_trial(0, [0.5], params=small),
        make_trial(1, [0.0421], params=large, scores=scores, epochs=12, seconds=34.56),
        make_trial(2, [0.5], params=small, duplicate_of=0),
        make_trial(3, [0.3], params=small, status="pruned"),
        make_trial(4, status="diverged"),
        make_trial(5, status=None),
    ]


def test_the_whole_table_with_the_best_first() -> None:
    assert leaderboard(a_study(), LOSS).splitlines() == [
        "rank  trial  same  val/loss  val/accuracy  epochs  seconds  hidden    lr",
        "   1      1          0.0421        0.9876      12     34.6  [128,64]  0.03123",
        "   2      0  =2      0.5000             –       3      1.5  [32]      0.1",
        "",
        "3 complete, 1 pruned, 1 failed (1 diverged), 1 duplicate, 1 running",
    ]


def test_a_stream_that_lacks_dashes_gets_plain_ones() -> None:
    trials = [make_trial(0, [0.5], std={"val/loss": 0.0012}), make_trial(1, [0.6], params={"optimizer": "sgd"})]
    text = leaderboard(trials, LOSS, encoding="ascii")
    assert text.isascii()
    assert "0.5000 +- 0.0012" in text
    assert "0.5000 ± 0.0012" in leaderboard(trials, LOSS)


def test_no_more_than_the_best_few_are_listed() -> None:
    trials = [make_trial(number, [1.0 / (number + 1)]) for number in range(12)]
    rows = leaderboard(trials, LOSS).splitlines()[1:-2]
    assert [int(row.split()[1]) for row in rows] == list(range(11, 1, -1))
    assert [int(row.split()[1]) for row in leaderboard(trials, LOSS, count=2).splitlines()[1:-2]] == [11, 10]


def test_a_trial_with_many_duplicates_names_some_and_counts_the_rest() -> None:
    trials = [make_trial(0, [0.5]), *(make_trial(number, [0.5], duplicate_of=0) for number in range(1, 6))]
    text = leaderboard(trials, LOSS)
    assert "  =1 =2 =3 +2  " in text
    assert text.endswith("6 complete, 5 duplicates")


def test_two_objectives_list_the_pareto_front() -> None:
    places = [(0.7, 1000.0), (0.9, 3000.0), (0.8, 4000.0)]
    trials = [
        make_trial(number, values, scores={"val/accuracy": values[0], "val/loss": 0.25}, parameters=int(values[1]))
        for number, values in enumerate(places)
    ]
    assert leaderboard(trials, BOTH).splitlines() == [
        "Pareto front of val/accuracy and parameters: 2 trials",
        "",
        "rank  trial  val/accuracy  parameters  val/loss  epochs  seconds  lr   batch_size",
        "   1      1        0.9000       3,000    0.2500       3      1.5  0.1  32",
        "   2      0        0.7000       1,000    0.2500       3      1.5  0.1  32",
        "",
        "3 complete",
    ]
    assert leaderboard(trials, BOTH, count=1).startswith(
        "Pareto front of val/accuracy and parameters: 2 trials, the first 1 of them"
    )


@pytest.mark.parametrize("status", ["pruned", "failed", None])
def test_without_a_complete_trial_the_board_says_so(status: str | None) -> None:
    lines = leaderboard([make_trial(0, status=status)], LOSS).splitlines()  # type: ignore[arg-type]
    assert lines[0] == "No trial is complete, so there is nothing to rank."
    assert lines[-1].startswith("0 complete, 1 ")


def test_a_study_without_trials_has_an_empty_board() -> None:
    assert leaderboard([], LOSS).endswith("\n\n0 complete")


def test_what_has_no_room_is_named_below_the_table() -> None:
    trial = make_trial(0, [0.5])
    values = {f"model.quite_a_long_name_{number}": 0.123456789 for number in range(9)}
    trial.user_attrs["asked"]["values"] = values
    text = leaderboard([trial], LOSS)
    header, _, *others = text.split("\n\n")[0].splitlines()
    below = " ".join(" ".join(others).split())
    assert len(header) <= 120
    assert "quite_a_long_name_0" in header
    assert below.startswith(
        "(in trials.csv, but no room here: seconds, epochs, val/accuracy, model.quite_a_long_name_8"
    )
    for number in range(9):
        assert (f"name_{number}" in header) != (f"name_{number}" in below)


WIDE = {"optimizer.lr": 0.031234567, "trainer.batch_size": 128, "optimizer.momentum": 0.91, "optimizer": "momentum"}
WIDE |= {"model.depth": 3, "model.width.0": 256, "model.width.1": 128, "model.width.2": 64}


@pytest.mark.parametrize("objectives", [LOSS, BOTH])
@pytest.mark.parametrize("width", [160, 120, 100, 80, 60, 40, 24])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_no_number_is_ever_cut_or_broken(width: int, objectives: tuple[str, ...], encoding: str) -> None:
    values = [0.4213] if objectives is LOSS else [0.9876, 12345.0]
    trials = [
        make_trial(
            number, values, params=WIDE, scores={"val/accuracy": 0.9876, "val/loss": 0.4213}, parameters=12345,
            std={"val/loss": 0.0012, "val/accuracy": 0.0034}, duplicate_of=0 if number > 7 else None,
        )
        for number in range(11)
    ]  # fmt: skip
    text = leaderboard(trials, objectives, width=width, encoding=encoding)
    assert max(map(len, text.splitlines())) <= width
    board = text.split("\n\n")[-2]
    plus_minus = "±" if encoding == "utf-8" else "+-"
    shown = f"0.4213 {plus_minus} 0.0012" if objectives is LOSS else f"0.9876 {plus_minus} 0.0034"
    assert " ".join(board.split()).count(shown) == 8
    if objectives is BOTH:
        assert board.split().count("12,345") == 8
    if width == 80 and objectives is LOSS:
        assert board.splitlines()[0].split() == ["rank", "trial", "val/loss", "hidden", "optimizer", "lr", "momentum"]
        assert len(board.splitlines()) == 1 + 8 + 2
    whole = " ".join(board.split())
    for name in ("seconds", "epochs", "batch_size", "lr", "hidden", "momentum"):
        assert name in whole, "in the table, or named below it"


def test_each_ending_is_counted() -> None:
    endings = ["finished"] * 4 + ["pruned"] * 2 + ["diverged"] * 2 + ["killed", "failed", None]
    trials = [make_trial(number, [0.5] if s == "finished" else [], status=s) for number, s in enumerate(endings)]  # type: ignore[arg-type]
    assert counts_line(trials) == "4 complete, 2 pruned, 4 failed (2 diverged, 1 killed), 1 running"


def test_short_names_are_those_that_name_one_key_alone() -> None:
    keys = ["optimizer", "optimizer.lr", "regularizer.strength", "schedule.strength", "model.width.0", "model.hidden"]
    assert short_names(keys) == {
        "optimizer": "optimizer",
        "optimizer.lr": "lr",
        "regularizer.strength": "regularizer.strength",
        "schedule.strength": "schedule.strength",
        "model.width.0": "width.0",
        "model.hidden": "hidden",
    }


def test_numbers_in_names_are_ordered_by_size() -> None:
    names = ["model.width.10", "optimizer.lr", "model.width.2", "optimizer", "model.depth", "model.width.2"]
    assert natural_order(names) == ["model.depth", "model.width.2", "model.width.10", "optimizer", "optimizer.lr"]


def test_guesses_are_told_apart_from_what_the_sampler_proposed() -> None:
    trials = [make_trial(number, [1.0 - number / 10]) for number in range(3)]
    assert "source" not in leaderboard(trials, ["val/loss"])
    trials[1].user_attrs[ASKED]["source"] = "run 20261126-abc"
    title, *rows = leaderboard(trials, ["val/loss"]).splitlines()[:4]
    place = title.index("source")
    assert [row[place : place + 6].strip() for row in rows] == ["", "run", ""]
