"""What `compare` says of what varies, from runs and from the frames of `results`, and of seeds that are missing."""

from __future__ import annotations

from pathlib import Path

from runs_to_compare import a_group, a_run, losses

from nnlab.analysis import compare
from nnlab.results import results

GOOD, BAD = losses(0.3, 0.01, 10), losses(0.4, 0.01, 10, salt=1)


def test_a_null_of_a_frame_is_a_value_whatever_pandas_makes_of_it(tmp_path: Path) -> None:
    runs = a_group(tmp_path, GOOD[:3], trainer__clip_norm=None, data__split__seed=None)
    runs += a_group(tmp_path, BAD[:3], trainer__clip_norm=1.0, data__split__seed=None)
    expected = compare(runs, by="trainer.clip_norm")
    assert [group.name for group in expected.groups] == ["clip_norm=1", "clip_norm=null"]
    frame = results(runs)  # None beside 1.0 is NaN
    for each in (frame, frame.convert_dtypes(), frame.astype({"seed": float})):
        found = compare(each, by="trainer.clip_norm")
        assert found.differences.to_dict() == expected.differences.to_dict()
        assert [group.seeds for group in found.groups] == [(0, 1, 2), (0, 1, 2)]
        assert [group.varies for group in found.groups] == [group.varies for group in expected.groups]


def test_what_a_frame_does_not_say_of_its_splits_is_not_said(tmp_path: Path) -> None:
    frame = results(a_group(tmp_path, GOOD[:2]))[["seed", "val/loss"]]
    assert compare(frame, metric="val/loss").groups[0].varies == "initialization and order of the rows"


def test_runs_of_one_seed_do_not_vary_what_a_seed_decides(tmp_path: Path) -> None:
    runs = [a_run(tmp_path, 3, optimizer__lr=lr) for lr in (0.1, 0.2)]
    (group,) = compare(runs, by="model.activation", pair="optimizer.lr").groups
    assert group.varies == "optimizer.lr; the split is the same"


def test_seeds_that_would_be_too_many_are_said_under_the_same_assumption(tmp_path: Path) -> None:
    runs = a_group(tmp_path, [0.3, 0.4, 0.5], optimizer__lr=0.1) + a_group(tmp_path, [0.4, 0.5, 0.3], optimizer__lr=0.2)
    said = " ".join(repr(compare(runs)).split())
    assert "cannot tell: more than 10,000 more seeds are needed (for a power of 80 %, if the difference" in said
