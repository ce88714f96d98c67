"""Two recorded runs, compared: the numbers are written by hand."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from recording import start

from nnlab.analysis.reproduction.facts import Blas, blas_of, disagreeing, facts_of
from nnlab.analysis.reproduction.verdict import Difference, compare
from nnlab.runs.journal import Status
from nnlab.runs.stored_run import StoredRun

Numbers = Sequence[Mapping[str, float]]
EPOCHS: Numbers = [
    {"train/loss": 0.5, "val/loss": math.nan, "time/epoch_seconds": 1.0},
    {"train/loss": 0.25, "val/loss": 2.0, "time/epoch_seconds": 1.0},
]


def recorded(
    folder: Path,
    epochs: Numbers = EPOCHS,
    *,
    test: Mapping[str, float] | None = None,
    kept: Mapping[str, float] | None = None,
    weights: str | None = "aa",
    tags: Mapping[str, str] | None = None,
    status: Status = "finished",
    dtype: str = "float32",
    kernel: str = "SkylakeX",
) -> StoredRun:
    blas = f"openblas 0.3.31 {kernel} threads=1"
    recorder = start(folder, blas=blas, simd=["X86_V2"])
    path = recorder.directory.path
    config = yaml.safe_load((path / "config.yaml").read_text()) | {"dtype": dtype}
    (path / "config.yaml").write_text(yaml.safe_dump(config))
    for number, metrics in enumerate(epochs, start=1):
        recorder.epoch(number, metrics)
    if test:
        recorder.test(2, test)
    if kept:
        recorder.kept(2, kept)
    recorder.tag({"nnlab.epoch": "2", **({"nnlab.weights_sha256": weights} if weights else {}), **(tags or {})})
    recorder.close(status)
    return StoredRun.open(path)


def changed(epoch: int, **values: float) -> list[dict[str, float]]:
    """The epochs with some metrics of one of them changed; `_` stands for `/`."""
    given = {name.replace("_", "/", 1): value for name, value in values.items()}
    return [{**metrics, **(given if number == epoch else {})} for number, metrics in enumerate(EPOCHS, start=1)]


def test_a_run_that_went_on_with_another_arithmetic_is_equal_within_a_tolerance_and_says_so(tmp_path: Path) -> None:
    other = changed(2, train_loss=0.25 + 1e-8)
    for key, word in (("blas", "equal"), ("python", "different")):
        tags = {"nnlab.machine_changed": f"{key} was a and is b (after epoch 1)"}
        verdict = compare(recorded(tmp_path / key, tags=tags), recorded(tmp_path / key, other))
        assert (verdict.word, verdict.changed) == (word, (tags["nnlab.machine_changed"],))
    tags = {"nnlab.code_changed": "aa after epoch 1"}
    verdict = compare(recorded(tmp_path, tags=tags), recorded(tmp_path, other))
    assert (verdict.word, "aa after epoch 1" in verdict.changed[0]) == ("different", True)


def test_the_same_numbers_and_weights_are_identical_whatever_time_they_took(tmp_path: Path) -> None:
    slower = changed(2, time_epoch_seconds=9.0)
    verdict = compare(recorded(tmp_path), recorded(tmp_path, slower))
    assert (verdict.word, verdict.exit_status, verdict.first, verdict.largest) == ("identical", 0, None, None)
    assert (verdict.epochs, verdict.weights, verdict.tested) == (2, ("aa", "aa"), False)


def test_numbers_within_the_tolerance_are_equal_and_the_largest_difference_is_named(tmp_path: Path) -> None:
    other = changed(1, train_loss=0.5001)
    other[1] = {**other[1], "val/loss": 2.0008}
    runs = recorded(tmp_path), recorded(tmp_path, other, tags={"nnlab.weights_sha256": "bb"}, kernel="Haswell")
    verdict = compare(*runs)
    assert (verdict.word, verdict.exit_status, verdict.in_words) == ("equal", 3, "equal within 0.001")
    assert verdict.first == Difference(1, "train/loss", 0.5, 0.5001)
    assert verdict.largest == Difference(2, "val/loss", 2.0, 2.0008)
    assert verdict.largest.size == pytest.approx(0.0004)  # of 2
    strict = compare(*runs, tolerance=1e-4 / 2)
    assert (strict.word, strict.exit_status, strict.first) == ("different", 1, verdict.first)


def test_the_tolerance_follows_the_dtype(tmp_path: Path) -> None:
    other = changed(1, train_loss=0.5001)
    runs = recorded(tmp_path, dtype="float64"), recorded(tmp_path, other, dtype="float64", kernel="Haswell")
    assert compare(*runs).word == "different"


def test_nothing_is_merely_equal_where_the_arithmetic_is_the_same(tmp_path: Path) -> None:
    runs = recorded(tmp_path), recorded(tmp_path, changed(1, train_loss=0.5 + 1e-12))
    assert (compare(*runs).word, compare(*runs).tolerance) == ("different", 0.0)
    assert compare(*runs, tolerance=1e-9).in_words == "equal within 1e-09"


@pytest.mark.parametrize(
    ("other", "first"),
    [
        ({"epochs": EPOCHS[:1]}, Difference(2, "train/loss", 0.25, None)),
        ({"epochs": [*EPOCHS, {"train/loss": 0.1}]}, Difference(3, "train/loss", None, 0.1)),
        ({"epochs": changed(2, val_loss=math.inf)}, Difference(2, "val/loss", 2.0, math.inf)),
        ({"test": {"test/loss": 1.5}}, Difference(None, "test/loss", 1.0, 1.5)),
        ({"test": None}, Difference(None, "test/loss", 1.0, None)),
        ({"epochs": changed(1, val_loss=2.0)}, Difference(1, "val/loss", math.nan, 2.0)),
        ({"epochs": changed(2, val_loss=math.nan)}, Difference(2, "val/loss", 2.0, math.nan)),
        ({"kept": {"best/epoch": 1.0}}, Difference(None, "best/epoch", 2.0, 1.0)),
        ({"kept": None}, Difference(None, "best/epoch", 2.0, None)),
        ({"tags": {"nnlab.weights_sha256": "bb"}}, None),
        ({"weights": None}, None),
    ],
    ids=[
        *("fewer epochs", "more epochs", "infinite", "test", "not tested", "a number for NaN", "NaN for a number"),
        *("another epoch kept", "none kept", "weights alone", "no weights"),
    ],
)
def test_what_parts_is_named(other: dict[str, Any], first: Difference | None, tmp_path: Path) -> None:
    usual: dict[str, Any] = {"test": {"test/loss": 1.0}, "kept": {"best/epoch": 2.0}}
    verdict = compare(recorded(tmp_path, **usual), recorded(tmp_path, **{**usual, **other}))
    assert (verdict.word, repr(verdict.first)) == ("different", repr(first))  # NaN is as it is written


@pytest.mark.parametrize(
    "other",
    [
        changed(2, val_loss=math.nan),
        changed(1, val_loss=2.0),
        changed(2, val_loss=math.inf),
        EPOCHS[:1],
        [{**EPOCHS[0], "train/loss": 0.5001}, {**EPOCHS[1], "val/loss": 3.0}],
    ],
    ids=["NaN for a number", "a number for NaN", "infinite", "missing", "one near and one far"],
)
def test_no_tolerance_forgives_what_is_missing_not_finite_or_far(other: Numbers, tmp_path: Path) -> None:
    runs = recorded(tmp_path), recorded(tmp_path, other, kernel="Haswell")
    assert compare(*runs).tolerance > 0
    assert (compare(*runs).word, compare(*runs).exit_status) == ("different", 1)
    assert compare(*runs, tolerance=0.3).word == "different"


def test_what_a_later_version_measures_besides_is_no_difference(tmp_path: Path) -> None:
    more = [{**metrics, "train/correct": 3.0} for metrics in EPOCHS]
    assert compare(recorded(tmp_path), recorded(tmp_path, more)).word == "identical"
    assert compare(recorded(tmp_path, more), recorded(tmp_path)).first == Difference(1, "train/correct", 3.0, None)


def test_weights_of_a_step_inside_an_epoch_are_not_compared(tmp_path: Path) -> None:
    cut: dict[str, Any] = {"tags": {"nnlab.epoch": "0", "nnlab.weights_sha256": "bb"}}
    assert compare(recorded(tmp_path, status="interrupted", **cut), recorded(tmp_path)).weights == (None, None)
    assert compare(recorded(tmp_path, status="diverged", **cut), recorded(tmp_path)).word == "different"


def test_facts_say_what_agrees_what_does_not_and_what_is_not_known() -> None:
    then = {"blas": "openblas 0.3.30 Haswell threads=1", "git": {"commit": "c", "dirty": "true"}, "numpy": "2.0.0"}
    now = {**then, "blas": "openblas 0.3.30 SkylakeX threads=2", "simd": ["X86_V2"], "packages": {"hydra-core": "1"}}
    facts = {fact.name: fact.agrees for fact in facts_of(then, now)}
    assert disagreeing(facts_of(then, now)) == ["BLAS kernel", "BLAS threads"]
    assert (facts["NumPy"], facts["BLAS library"]) == (True, True)
    assert [facts[name] for name in ("commit", "CPU features", "hydra-core")] == [None, None, None]
    clean = {"git": {"commit": "c", "dirty": "false"}}
    digest = {**clean, "code": {"sha256": "ab"}}
    assert {fact.name: fact.agrees for fact in facts_of(clean, digest)}["commit"] is True
    assert disagreeing(facts_of(digest, {"code": {"sha256": "cd"}})) == ["code"]


@pytest.mark.parametrize(
    ("text", "blas"),
    [
        ("openblas 0.3.31.188.0 SkylakeX threads=2", Blas("openblas 0.3.31.188.0", "SkylakeX", 2)),
        ("mkl 2024.2 threads=1", Blas("mkl 2024.2", None, 1)),
        ("accelerate", Blas("accelerate", None, None)),
        ("", Blas("", None, None)),
    ],
)
def test_what_was_recorded_of_blas_is_read_back(text: str, blas: Blas) -> None:
    assert blas_of(text) == blas


def test_what_did_not_come_out_again_at_a_resumption_is_passed_on(tmp_path: Path) -> None:
    tags = {"nnlab.differs_from_record": "epoch 1: train/loss was 0.5 and is 0.6"}
    runs = recorded(tmp_path, tags=tags), recorded(tmp_path, changed(2, train_loss=1.0))
    assert compare(*runs).doubt == tags["nnlab.differs_from_record"]
    assert compare(*runs[::-1]).doubt is None
