"""`compare` from Python: groups, pairs by seed, verdicts, and what is refused. Oracle: SciPy on the values given."""

from __future__ import annotations

import math
import shlex
from pathlib import Path

import numpy as np
import pytest
from runs_to_compare import a_group, a_run, losses
from scipy import stats

from nnlab.analysis import compare
from nnlab.analysis.comparison.by_name import compare_names
from nnlab.errors import UserError
from nnlab.results import results
from nnlab.runs.journal import Status
from nnlab.runs.tags import DUPLICATE_TAG

GOOD, BAD = losses(0.3, 0.01, 10), losses(0.4, 0.01, 10, salt=1)


def test_two_groups_of_the_same_seeds_are_compared_by_their_pairs(tmp_path: Path) -> None:
    runs = a_group(tmp_path, GOOD, optimizer__lr=0.1) + a_group(tmp_path, BAD, optimizer__lr=0.01)
    found = compare(runs)
    assert (found.metric, found.lower_is_better) == ("val/loss", True)
    assert [(group.name, group.seeds, group.values) for group in found.groups] == [
        ("lr=0.1", tuple(range(10)), tuple(GOOD)),
        ("lr=0.01", tuple(range(10)), tuple(BAD)),
    ]
    row = found.differences.iloc[0]
    expected = stats.ttest_rel(GOOD, BAD)
    assert (row.a, row.b, row.verdict, row.pairing) == ("lr=0.1", "lr=0.01", "lower", "seed")
    assert row.p_t == pytest.approx(expected.pvalue, rel=1e-9)
    assert (row.low, row.high) == pytest.approx(tuple(expected.confidence_interval(0.95)), rel=1e-9)
    assert row.p_exact == pytest.approx(2 / 2**10)
    assert found.frame["mean"].tolist() == pytest.approx([np.mean(GOOD), np.mean(BAD)], rel=1e-12)


def test_groups_without_a_common_seed_are_not_paired(tmp_path: Path) -> None:
    runs = a_group(tmp_path, GOOD, optimizer__lr=0.1)
    runs += a_group(tmp_path, BAD[:6], optimizer__lr=0.01, seeds=range(50, 56))
    row = compare(runs).differences.iloc[0]
    assert row.pairing == "none"
    assert row.p_t == pytest.approx(stats.ttest_ind(GOOD, BAD[:6], equal_var=False).pvalue, rel=1e-9)


def test_pairing_can_be_turned_off_and_takes_the_common_seeds_alone(tmp_path: Path) -> None:
    runs = a_group(tmp_path, GOOD, optimizer__lr=0.1)
    runs += a_group(tmp_path, BAD[:7], optimizer__lr=0.01, seeds=range(3, 10))
    unpaired, paired = (compare(runs, pair=pair).differences.iloc[0] for pair in (None, "seed"))
    assert unpaired.p_t == pytest.approx(stats.ttest_ind(GOOD, BAD[:7], equal_var=False).pvalue, rel=1e-9)
    assert paired.p_t == pytest.approx(stats.ttest_rel(GOOD[3:], BAD[:7]).pvalue, rel=1e-9)
    assert any("3 other values" in note for note in compare(runs).notes)


@pytest.mark.parametrize("is_first", [True, False])
def test_the_seed_makes_the_pairs_whatever_the_order_and_whoever_has_more(tmp_path: Path, is_first: bool) -> None:
    some = a_group(tmp_path, GOOD[3:], optimizer__lr=0.1, seeds=range(3, 10))
    others = a_group(tmp_path, BAD[:8][::-1], optimizer__lr=0.2, seeds=range(7, -1, -1))
    row = compare(some + others if is_first else others + some).differences.iloc[0]
    expected = stats.ttest_rel(GOOD[3:8], BAD[3:8])
    assert row.p_t == pytest.approx(expected.pvalue, rel=1e-9)
    assert row.difference == pytest.approx((1 if is_first else -1) * (np.mean(GOOD[3:8]) - np.mean(BAD[3:8])), rel=1e-9)


def test_a_frame_and_its_runs_give_the_same_answer(tmp_path: Path) -> None:
    runs = a_group(tmp_path, GOOD, optimizer__lr=0.1) + a_group(tmp_path, BAD, optimizer__lr=0.01)
    by_runs, by_frame = compare(runs, by="optimizer.lr"), compare(results(runs), by="optimizer.lr")
    assert by_frame.frame.to_dict() == by_runs.frame.to_dict()
    assert by_frame.differences.to_dict() == by_runs.differences.to_dict()
    assert [group.name for group in by_runs.groups] == ["lr=0.01", "lr=0.1"]  # by value


def test_a_column_that_was_added_to_a_frame_is_a_metric_and_its_direction_unknown(tmp_path: Path) -> None:
    frame = results(a_group(tmp_path, GOOD, optimizer__lr=0.1) + a_group(tmp_path, BAD, optimizer__lr=0.01))
    frame["gap"] = frame["val/loss"] - 0.1
    found = compare(frame, metric="gap", by="optimizer.lr")
    assert found.lower_is_better is None
    assert found.differences.verdict.tolist() == ["higher"]


def test_several_runs_of_a_seed_count_as_their_mean(tmp_path: Path) -> None:
    runs = a_group(tmp_path, [0.2, 0.4], optimizer__lr=0.1) + a_group(tmp_path, [0.4, 0.8], optimizer__lr=0.2)
    runs += a_group(tmp_path, [0.5, 0.6], optimizer__lr=0.1, model__activation="tanh")
    found = compare(runs, by="model.activation")
    assert found.group("relu").values == pytest.approx((0.3, 0.6))
    assert found.group("relu").sample.n == 2
    assert any("optimizer.lr (0.1, 0.2)" in note for note in found.notes)


def test_the_same_run_counts_once_and_the_latest(tmp_path: Path) -> None:
    old, new = a_run(tmp_path, 0, {"val/loss": 0.7}), a_run(tmp_path, 0, {"val/loss": 0.6})
    found = compare([new, old, *a_group(tmp_path, [0.5], seeds=[1])])
    assert found.groups[0].values == (0.6, 0.5)
    assert any("1 the same as a later run" in note for note in found.notes)


def test_runs_that_did_not_finish_are_left_out_and_told(tmp_path: Path) -> None:
    runs = a_group(tmp_path, [0.2, 0.3, 0.4])
    statuses: list[Status] = ["diverged", "killed", "pruned"]
    runs += [a_run(tmp_path, 7 + place, status=status) for place, status in enumerate(statuses)]
    runs.append(a_run(tmp_path, 11, tags={DUPLICATE_TAG: "3"}))
    found = compare(runs)
    assert found.groups[0].seeds == (0, 1, 2)
    told = " ".join(found.notes)
    assert all(text in told for text in ("1 diverged", "1 killed", "1 pruned", "1 copied", "1 of 4 runs"))


def test_without_any_finished_run_it_is_an_error(tmp_path: Path) -> None:
    run = a_run(tmp_path, 0, status="killed")
    with pytest.raises(UserError, match=f"1 killed.*resume {run.name}"):
        compare([run])
    with pytest.raises(UserError, match="at least one run"):
        compare([])


@pytest.mark.parametrize(
    ("values", "verdict"), [([0.3, 0.3, 0.3], "equal"), ([0.3, 0.31, 0.29], "cannot tell")], ids=["same", "other"]
)
def test_runs_without_any_difference_are_equal(tmp_path: Path, values: list[float], verdict: str) -> None:
    runs = a_group(tmp_path, [0.3] * 3, optimizer__lr=0.1) + a_group(tmp_path, values, optimizer__lr=0.2)
    assert compare(runs).differences.verdict.tolist() == [verdict]


def test_a_margin_says_equal_for_practice(tmp_path: Path) -> None:
    other = [loss + 0.001 + change for loss, change in zip(GOOD, losses(0, 0.0001, 10), strict=True)]
    runs = a_group(tmp_path, GOOD, optimizer__lr=0.1) + a_group(tmp_path, other, optimizer__lr=0.2)
    assert [compare(runs, margin=margin).differences.verdict[0] for margin in (None, 0.01)] == ["lower", "equal"]
    with pytest.raises(UserError):
        compare(runs, margin=-1)


def test_what_is_not_finite_leaves_the_verdict_open(tmp_path: Path) -> None:
    runs = a_group(tmp_path, [0.3, math.nan, 0.4], optimizer__lr=0.1) + a_group(tmp_path, [0.5] * 3, optimizer__lr=0.2)
    found = compare(runs)
    assert found.judged[0].judged.verdict == "cannot tell"
    assert math.isnan(found.groups[0].sample.mean)
    assert "nan" in repr(found)


def test_data_and_splits_that_differ_are_refused(tmp_path: Path) -> None:
    ours = a_group(tmp_path, GOOD[:3], optimizer__lr=0.1)
    split = a_group(tmp_path, GOOD[:3], optimizer__lr=0.2, data__split__seed=1)
    other = {"dataset": {**_dataset(ours[0]), "sha256": "ab" * 32}}
    data = a_group(tmp_path, GOOD[:3], optimizer__lr=0.2, provenance=other)
    with pytest.raises(UserError, match=r"split differently.*data\.split\.seed"):
        compare(ours + split)
    with pytest.raises(UserError, match="different data"):
        compare(ours + data)
    assert any("different data" in note for note in compare(ours + data, metric="seconds").notes)


def test_the_condition_that_chooses_between_files_leaves_one(tmp_path: Path) -> None:
    ours = a_group(tmp_path, GOOD[:3], optimizer__lr=0.1, data__root="/ä b/iris.csv")
    other = {"dataset": {**_dataset(ours[0]), "sha256": "ab" * 32}}
    a_group(tmp_path, GOOD[:2], optimizer__lr=0.2, data__root="/ä b/wine.csv", provenance=other)
    with pytest.raises(UserError, match="different data") as refused:
        compare_names([], tmp_path, by=["optimizer.lr"])
    _, _, remedy = str(refused.value).partition("Choose one: ")
    option, condition = shlex.split(remedy.removesuffix("."))
    assert option == "--where"
    assert compare_names([], tmp_path, by=["optimizer.lr"], where=[condition]).groups[0].values == tuple(GOOD[:3])


def test_losses_that_are_measured_differently_are_refused_and_accuracies_are_not(tmp_path: Path) -> None:
    runs = a_group(tmp_path, GOOD[:3]) + a_group(tmp_path, GOOD[:3], model__loss="half_squared_error")
    with pytest.raises(UserError, match="--metric val/accuracy"):
        compare(runs, metric="val/loss")
    assert len(compare(runs, metric="val/accuracy").groups) == 2


def test_where_the_losses_cannot_be_compared_the_accuracies_are_and_it_is_said(tmp_path: Path) -> None:
    runs = a_group(tmp_path, GOOD[:3]) + a_group(tmp_path, GOOD[:3], model__loss="half_squared_error")
    found = compare(runs)
    assert found.metric == "val/accuracy"
    assert any("model.loss" in note for note in found.notes)


def test_keys_and_metrics_that_are_not_there_are_named_with_those_that_are(tmp_path: Path) -> None:
    runs = a_group(tmp_path, GOOD[:2])
    with pytest.raises(UserError, match=r"optimizer\.lr\b"):
        compare(runs, by="optimizer.lrr")
    with pytest.raises(UserError, match=r"--metric val/accuracy\?.*val/loss"):
        compare(runs, metric="val/acuracy")
    with pytest.raises(UserError, match="seed"):
        compare(runs, by="seed")
    with pytest.raises(UserError, match="list of run directories"):
        compare([3])  # type: ignore[list-item]


def test_lists_are_values_too(tmp_path: Path) -> None:
    runs = a_group(tmp_path, GOOD[:2], model__hidden=[8]) + a_group(tmp_path, BAD[:2], model__hidden=[16, 8])
    assert [group.name for group in compare(runs, by="model.hidden").groups] == ["hidden=[8]", "hidden=[16,8]"]


def test_what_varies_and_what_else_differs_is_said(tmp_path: Path) -> None:
    same = compare(a_group(tmp_path, GOOD[:2])).groups[0].varies
    split = compare(a_group(tmp_path, GOOD[:2], data__split__seed=None)).groups[0].varies
    assert "the split is the same" in same
    assert split.endswith("and split")
    runs = a_group(tmp_path, GOOD[:2], optimizer__lr=0.1, model__activation="tanh")
    runs += a_group(tmp_path, GOOD[:2], optimizer__lr=0.2, model__activation="relu", optimizer__momentum=0.9)
    found = compare(runs, by="model.activation")
    assert any("optimizer.lr (0.2, 0.1)" in note and "optimizer.momentum" in note for note in found.notes)


def test_runs_of_several_codes_are_told(tmp_path: Path) -> None:
    def code(digest: str) -> dict[str, object]:
        return {"code": {"sha256": digest * 32, "nnlab": "0.1.0", "diff": None, "why": None}}

    runs = a_group(tmp_path, GOOD[:2], provenance=code("aa")) + a_group(tmp_path, GOOD[2:4], provenance=code("bb"))
    found = compare(runs)
    assert any("2 versions of the code" in note for note in found.notes)
    assert found.groups[0].values == pytest.approx(((GOOD[0] + GOOD[2]) / 2, (GOOD[1] + GOOD[3]) / 2))


def test_missing_seeds_come_with_the_command_that_runs_them(tmp_path: Path) -> None:
    runs = a_group(tmp_path, [0.30, 0.33, 0.31], optimizer__lr=0.1)
    runs += a_group(tmp_path, [0.32, 0.31, 0.34], optimizer__lr=0.2)
    found = compare(runs)
    more = found.judged[0].judged.more_seeds
    assert more
    assert len(found.commands) == 2
    for command, rate in zip(found.commands, ("0.1", "0.2"), strict=True):
        assert f"seed=range(3,{3 + more})" in command
        assert f"optimizer.lr={rate}" in command


def test_missing_seeds_are_those_that_the_other_group_has(tmp_path: Path) -> None:
    runs = a_group(tmp_path, GOOD, optimizer__lr=0.1) + a_group(tmp_path, [0.3], optimizer__lr=0.2, seeds=[4])
    (command,) = compare(runs).commands
    assert "optimizer.lr=0.2" in command
    assert "seed=0,1,2,3,5,6,7,8,9" in command


def test_of_many_groups_the_best_is_set_beside_the_others(tmp_path: Path) -> None:
    runs = [
        run for k in range(6) for run in a_group(tmp_path, losses(0.3 + k / 20, 0.01, 6, salt=k), model__hidden=[k + 1])
    ]
    found = compare(runs)
    assert len(found.judged) == 15
    assert found.differences.verdict.tolist() == ["lower"] * 15
    text = repr(found)
    assert "hidden=[1], which has the best mean, is better than hidden=[2], hidden=[3]" in " ".join(text.split())
    assert "hidden=[2] - hidden=[3]" not in text
    assert "all 15 pairs" in text


def _dataset(run: Path) -> dict[str, object]:
    from nnlab.runs.stored_run import StoredRun

    return dict(StoredRun.open(run).provenance["dataset"])
