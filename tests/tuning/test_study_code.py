"""A study knows its code: it is said when that has changed, and trials of several codes are told apart."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import asdict, replace
from importlib import metadata
from pathlib import Path

import pytest
from optuna.trial import FrozenTrial
from trial_samples import make_trial

from nnlab.runs import code
from nnlab.tuning.manifest import FILE, Manifest, StudyCode, versions
from nnlab.tuning.report.leaderboard import leaderboard
from nnlab.tuning.report.trials_table import trials_table
from nnlab.tuning.trials import OUTCOME, Outcome

ONE, OTHER = "1" * 64, "2" * 64


def manifest(of: StudyCode | None) -> Manifest:
    return Manifest("s", [], None, {"sweep.objective": "val/loss"}, versions(), of)


def of_code(trial: FrozenTrial, *digests: str) -> FrozenTrial:
    outcome = Outcome.of(trial)
    assert outcome is not None
    trial.set_user_attr(OUTCOME, replace(outcome, code=list(digests)).to_dict())
    return trial


def test_a_study_under_its_own_code_has_nothing_to_say(tmp_path: Path) -> None:
    assert manifest(StudyCode.now()).changed_code(tmp_path) == []
    assert manifest(None).changed_code(tmp_path) == []  # of an earlier version


def test_other_code_is_said_with_what_brings_the_studys_own_back(tmp_path: Path) -> None:
    other = replace(StudyCode.now(), runs=ONE, proposals=ONE, commit="c0ffee" * 6 + "c0ff", dirty="true")
    (line,) = manifest(other).changed_code(tmp_path)
    assert ONE[:7] in line
    assert f"git -C {code.PACKAGE.parent} checkout {other.commit}" in line
    (proposals,) = manifest(replace(StudyCode.now(), proposals=ONE)).changed_code(tmp_path)
    assert "checkout" not in proposals


def test_the_code_is_read_back_and_may_be_missing(tmp_path: Path) -> None:
    manifest(StudyCode.now()).save(tmp_path)
    assert Manifest.read(tmp_path) == manifest(StudyCode.now())
    old = asdict(manifest(None))
    del old["code"]
    (tmp_path / FILE).write_text(json.dumps(old))
    assert Manifest.read(tmp_path).code is None


def test_what_proposes_is_recorded_with_its_version() -> None:
    assert {name: versions()[name] for name in ("optuna", "cmaes", "scipy")} == {
        name: metadata.version(name) for name in ("optuna", "cmaes", "scipy")
    }


def test_what_proposes_trials_is_in_the_digest_of_a_study(monkeypatch: pytest.MonkeyPatch) -> None:
    before = code.study_code_sha256()
    known = code.file_sha256
    monkeypatch.setattr(code, "file_sha256", lambda name: b"" if name == "tuning/search/samplers.py" else known(name))
    assert code.study_code_sha256() != before


def test_trials_of_several_codes_are_told_apart() -> None:
    trials = [of_code(make_trial(0, [0.3]), ONE), of_code(make_trial(1, [0.2]), OTHER), make_trial(2, [0.1])]
    trials.append(of_code(make_trial(3, [0.4]), ONE, OTHER))
    lines = leaderboard(trials, ["val/loss"]).splitlines()
    assert lines[0].split()[:3] == ["rank", "trial", "code"]
    shown = {int(line.split()[1]): line for line in lines[1:5]}
    assert ONE[:7] in shown[0]
    assert OTHER[:7] not in shown[0]
    assert OTHER[:7] in shown[1]
    assert f"{ONE[:7]} {OTHER[:7]}" in shown[3]
    assert ONE[:7] in lines[-1]
    assert OTHER[:7] in lines[-1]
    narrow = leaderboard(trials, ["val/loss"], width=40)
    assert ONE[:7] in narrow.splitlines()[3]
    rows = list(csv.DictReader(io.StringIO(trials_table(trials, ["val/loss"]))))
    assert [row["code"] for row in rows] == [ONE, OTHER, "", f"{ONE} {OTHER}"]


def test_of_one_code_nothing_is_said() -> None:
    trials = [of_code(make_trial(0, [0.3]), ONE), make_trial(1, [0.2])]
    assert "code" not in leaderboard(trials, ["val/loss"])
