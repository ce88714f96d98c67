"""What the names on the command line of `nnlab.compare` stand for, its conditions, and its answers as text and JSON."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from runs_to_compare import a_group, a_run, losses

from nnlab.analysis.comparison.by_name import compare_names
from nnlab.analysis.comparison.text import as_text
from nnlab.commands.compare import main
from nnlab.errors import UserError
from nnlab.runs.directory import JOURNAL, STUDY, TRIALS
from nnlab.runs.journal import Journal
from nnlab.runs.tags import BEST_TRIAL_TAG, CONFIRMS_TAG, REPRODUCES_TAG, SELECTED_FROM_TAG, WINNER_RUNS_TAG

OTHER_CODE = {"code": {"sha256": "ab" * 32, "nnlab": "0.1.0", "diff": None, "why": None}}
GOOD, BAD = losses(0.3, 0.01, 6), losses(0.4, 0.01, 6, salt=1)


def group_facts(name: str, place: int = 1) -> dict[str, object]:
    return {"group": {"name": name, "place": place, "size": 6, "line": "e" * 64}}


@pytest.fixture
def good(tmp_path: Path) -> list[Path]:
    return a_group(tmp_path, GOOD, optimizer__lr=0.1, provenance=group_facts("0123456789ab"))


@pytest.fixture
def bad(tmp_path: Path) -> list[Path]:
    return a_group(tmp_path, BAD, optimizer__lr=0.01)


def test_a_run_stands_for_all_that_differ_from_it_in_the_seed(
    tmp_path: Path, good: list[Path], bad: list[Path]
) -> None:
    found = compare_names([bad[3].name, good[0].name], tmp_path)
    assert [(group.name, group.asked, group.values) for group in found.groups] == [
        ("lr=0.01", bad[3].name, tuple(BAD)),
        ("lr=0.1", good[0].name, tuple(GOOD)),
    ]
    alone = compare_names([bad[3].name, good[0].name], tmp_path, alone=True)
    assert [group.values for group in alone.groups] == [(BAD[3],), (GOOD[0],)]


def test_only_runs_of_the_same_code_belong_to_a_run(tmp_path: Path, good: list[Path]) -> None:
    other = a_group(tmp_path, BAD[:3], optimizer__lr=0.1, provenance=OTHER_CODE)
    found = compare_names([good[0].name, other[0].name], tmp_path)
    assert [group.values for group in found.groups] == [tuple(GOOD), tuple(BAD[:3])]
    assert any("other code" in note for note in found.notes)


def test_two_runs_of_one_group_are_compared_as_single_runs(tmp_path: Path, good: list[Path]) -> None:
    found = compare_names([good[0].name, good[1].name], tmp_path)
    assert [group.values for group in found.groups] == [(GOOD[0],), (GOOD[1],)]
    assert [group.name for group in found.groups] == [good[0].name, good[1].name]
    assert found.judged[0].judged.verdict == "cannot tell"


def test_a_group_by_its_name_and_one_by_hand(tmp_path: Path, good: list[Path], bad: list[Path]) -> None:
    found = compare_names(["0123456789ab", ",".join(run.name for run in bad[:4])], tmp_path)
    assert [group.values for group in found.groups] == [tuple(GOOD), tuple(BAD[:4])]


def test_groups_that_have_runs_in_common_are_told_or_refused(tmp_path: Path, good: list[Path]) -> None:
    first, second, third = (run.name for run in good[:3])
    found = compare_names([f"{first},{second}", f"{second},{third}"], tmp_path)
    assert any("1 run is in" in note for note in found.notes)
    with pytest.raises(UserError, match="same 2 runs"):
        compare_names([f"{first},{second}", f"{second},{first}"], tmp_path)
    with pytest.raises(UserError, match="names none"):
        compare_names([","], tmp_path)


def test_a_study_stands_for_the_runs_that_it_chose_and_by_a_key_for_all(tmp_path: Path) -> None:
    own = a_run(tmp_path, 0, tags={BEST_TRIAL_TAG: "1", SELECTED_FROM_TAG: "2"})
    (own / STUDY).write_text("{}", encoding="utf-8")
    worse = a_group(own / TRIALS, BAD[:2], optimizer__lr=0.2, seeds=[11, 12])
    best = a_group(own / TRIALS, GOOD[:2], optimizer__lr=0.1, seeds=[13, 14])
    journal = Journal(own / JOURNAL)
    journal.append("note", tags={WINNER_RUNS_TAG: " ".join(run.name for run in best)})
    journal.close()
    found = compare_names([own.name], tmp_path)
    assert (found.groups[0].name, found.groups[0].values) == (own.name, tuple(GOOD[:2]))
    assert any("best of 2" in note for note in found.notes)
    assert "optimizer.lr=0.1" in found.commands[0]  # fresh seeds
    by_key = compare_names([own.name], tmp_path, by=["optimizer.lr"])
    assert {run for group in by_key.groups for run in group.runs} == {run.name for run in [*best, *worse]}


def test_a_group_of_which_a_run_is_gone_says_so(tmp_path: Path) -> None:
    for place in (1, 2, 4):
        a_run(tmp_path, place, provenance={"group": {"name": "0123456789ab", "place": place, "size": 4, "line": "e"}})
    assert any("1 of the 4 runs" in note for note in compare_names(["0123456789ab"], tmp_path).notes)


def test_reproductions_are_no_samples(tmp_path: Path, good: list[Path]) -> None:
    a_run(tmp_path, 17, {"val/loss": 0.9}, optimizer__lr=0.1, tags={REPRODUCES_TAG: good[0].name})
    found = compare_names([good[0].name], tmp_path)
    assert found.groups[0].values == tuple(GOOD)
    assert any("1 reproducing another run" in note for note in found.notes)


def test_by_a_key_no_run_counts_that_only_the_best_trials_have(tmp_path: Path, good: list[Path]) -> None:
    a_run(tmp_path, 17, {"val/loss": 0.9}, optimizer__lr=0.1, tags={CONFIRMS_TAG: "0"})
    found = compare_names([], tmp_path, by=["optimizer.lr"])
    assert found.group("lr=0.1").values == tuple(GOOD)
    assert any("1 run that confirms" in note for note in found.notes)


def test_a_damaged_run_beside_the_others_is_told(tmp_path: Path, good: list[Path]) -> None:
    (a_run(tmp_path, 99) / JOURNAL).write_text("no journal\n", encoding="utf-8")
    found = compare_names([good[0].name], tmp_path)
    assert found.groups[0].values == tuple(GOOD)
    assert any("1 run directory cannot be read" in note for note in found.notes)


def test_names_that_stand_for_nothing_or_for_the_same_are_refused(tmp_path: Path, good: list[Path]) -> None:
    with pytest.raises(UserError, match="given twice"):
        compare_names([good[0].name, good[0].name], tmp_path)
    with pytest.raises(UserError, match="same 6 runs"):
        compare_names([good[0].name, "0123456789ab"], tmp_path)
    with pytest.raises(UserError, match="0123456789ab"):
        compare_names(["ffffffffffff"], tmp_path)
    with pytest.raises(UserError, match="has no run 'nothing'"):
        compare_names(["nothing"], tmp_path)
    with pytest.raises(UserError, match="--by KEY"):
        compare_names([], tmp_path)
    with pytest.raises(UserError, match="no runs"):
        compare_names([], tmp_path / "elsewhere", by=["seed"])


def test_a_name_that_is_a_run_and_a_group_is_refused_with_the_path(tmp_path: Path, good: list[Path]) -> None:
    good[0].rename(tmp_path / "0123456789ab")
    with pytest.raises(UserError, match=f"{tmp_path}/0123456789ab"):
        compare_names(["0123456789ab"], tmp_path)


@pytest.mark.parametrize(
    ("condition", "seeds"),
    [
        ("seed<2", (0, 1)),
        ("seed >= 4", (4, 5)),
        ("seed!=0", (1, 2, 3, 4, 5)),
        ("seed=3", (3,)),
        ("model.hidden=[128,64]", tuple(range(6))),
        ("trainer.patience=null", tuple(range(6))),
        ("optimizer.momentum!=0.9", tuple(range(6))),
        ("model.activation='relu'", tuple(range(6))),
        ("model.bias=true", tuple(range(6))),
    ],
)
def test_conditions_choose_runs(tmp_path: Path, good: list[Path], condition: str, seeds: tuple[int, ...]) -> None:
    if "momentum" in condition:  # a key that some other run has
        a_run(tmp_path, 7, optimizer__momentum=0.9)
    assert compare_names([], tmp_path, by=["optimizer.lr"], where=[condition]).group("lr=0.1").seeds == seeds


@pytest.mark.parametrize(
    ("condition", "says"),
    [
        ("seed==1", "seed=1"),
        ("seed", "KEY=VALUE"),
        ("seed<x", "compares numbers"),
        ("optimizer.rl=1", r"optimizer\.lr"),
        ("optimizer.lr=7", "lr is 0.1"),
        ("seed=1,2", "one value"),
        ("model.activation=a(b", "Quote it"),
    ],
)
def test_conditions_that_are_wrong_say_what_is_right(
    tmp_path: Path, good: list[Path], condition: str, says: str
) -> None:
    with pytest.raises(UserError, match=says):
        compare_names([], tmp_path, by=["optimizer.lr"], where=[condition])


@pytest.mark.parametrize("width", [80, 120, 200])
def test_the_table_fits_and_is_ascii(tmp_path: Path, good: list[Path], bad: list[Path], width: int) -> None:
    found = compare_names([good[0].name, bad[0].name], tmp_path)
    text = as_text(found, width)
    assert text.isascii()
    assert max(map(len, text.split("\n"))) <= width
    assert "lr=0.1 is better than lr=0.01: val/loss lower by" in text
    assert "6 of 6 seeds" in text


def test_the_answer_as_json(
    tmp_path: Path, good: list[Path], bad: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([good[0].name, bad[0].name, "--runs-dir", str(tmp_path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [group["values"] for group in found["groups"]] == [GOOD, BAD]
    assert found["groups"][0]["bca_low"] is None  # six seeds are too few
    assert found["differences"][0]["verdict"] == "lower"
    assert "lr=0.1 is better" in found["differences"][0]["words"]


def test_importing_the_analysis_is_light() -> None:
    program = (
        "import sys, nnlab.analysis; print([name for name in ('pandas', 'scipy', 'numpy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
