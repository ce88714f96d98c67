"""The digest of a run's code, and the diff that is kept with it."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from recording import configuration, dataset, start
from test_house import modules_imported
from test_import_order import FILES, PACKAGE, PARTS, module_name, part_of

from nnlab.core.activations import ACTIVATIONS, ReLU
from nnlab.core.optimizers import OPTIMIZERS
from nnlab.runs import code, provenance
from nnlab.runs.code import WITHOUT_NUMBERS, code_now, diff_of, keep_diff, source_files
from nnlab.runs.directory import DIFF
from nnlab.runs.git import GitState
from nnlab.runs.stored_run import StoredRun

CHANGED = GitState("c0ffee", "true", b"a diff\n")


@pytest.fixture
def changed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The source tree is not that of its commit."""
    monkeypatch.setattr(code, "code_in_git", lambda: CHANGED)


def needed_by(module: str) -> set[str]:
    """All modules that a module imports, also by others, wherever in the files."""
    graph = {module_name(path, PACKAGE): list(modules_imported(path)) for path in FILES}
    found, left = set[str](), [module]
    while left:
        if (name := left.pop()) not in found:
            found.add(name)
            left += graph[name]
    return found


@pytest.mark.slow
def test_the_digest_is_of_all_that_a_run_imports_but_pictures_and_the_view() -> None:
    included = {module_name(PACKAGE / name, PACKAGE) for name in source_files()}
    training = needed_by("nnlab.execution.run")
    assert {name.split(".")[1] for name in training - included} == {"plots"}
    computing = needed_by("nnlab.config.build") | needed_by("nnlab.training.trainer")
    assert computing - included == set()
    assert included >= {"nnlab", "nnlab.core.ops", "nnlab.data.splits", "nnlab.execution.training_run", "nnlab.check"}


def test_each_part_is_in_the_digest_or_stands_among_those_that_change_no_number() -> None:
    assert {part_of(PACKAGE / name) for name in source_files()} == {*PARTS, "__init__"} - WITHOUT_NUMBERS
    assert set(PARTS) > WITHOUT_NUMBERS


def test_no_part_that_computes_stands_among_those_that_change_no_number() -> None:
    """Of those that a run imports; what else it imports, the slow test above finds."""
    rooms = {name.partition("/")[0] for name in source_files()}
    assert rooms >= {"core", "data", "models", "training", "config", "runs", "execution", "cpu.py", "check.py"}


def test_the_digest_is_the_same_for_a_copy_elsewhere_and_another_for_one_changed_byte(tmp_path: Path) -> None:
    program = "from nnlab.runs.code import code_now; print(code_now().sha256)"

    def digest(folder: Path) -> str:
        done = subprocess.run([sys.executable, "-c", program], cwd=folder, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    site = tmp_path / "site-packages"
    shutil.copytree(PACKAGE, site / "nnlab", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(PACKAGE.parent / "conf", site / "nnlab/conf")
    assert digest(site) == code_now().sha256
    picture = site / "nnlab/plots/style.py"
    picture.write_bytes(picture.read_bytes() + b"\n")
    assert digest(site) == code_now().sha256
    core = site / "nnlab/core/ops.py"
    core.write_bytes(core.read_bytes() + b"\n")
    assert digest(site) != code_now().sha256


class Mine(ReLU):
    """A component from outside."""


@pytest.fixture
def extended() -> Iterator[None]:
    ACTIVATIONS["mine"] = Mine
    yield
    del ACTIVATIONS["mine"]


def test_components_from_outside_are_in_the_digest(extended: None) -> None:
    with_mine = code_now()
    (mine,) = with_mine.outside
    assert mine.place == "activations.mine"
    assert mine.file == Path(__file__).resolve()
    assert mine.sha256 == hashlib.sha256(Path(__file__).read_bytes()).hexdigest()
    del ACTIVATIONS["mine"]
    without = code_now()
    assert (without.outside, without.sha256 != with_mine.sha256) == ([], True)
    ACTIVATIONS["mine"] = Mine
    assert code_now().sha256 == with_mine.sha256


def test_a_component_without_a_source_file_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    made = type("Made", (OPTIMIZERS["sgd"],), {"__module__": "of_a_session"})
    monkeypatch.setitem(OPTIMIZERS, "made", made)
    now = code_now()
    assert now.outside[0].why
    assert now.why is not None
    assert "optimizers.made" in now.why


def test_what_was_changed_is_kept_with_a_run_unless_that_is_off(tmp_path: Path, changed: None) -> None:
    run = start(tmp_path, code=code_now().facts()).directory.path
    stored = StoredRun.open(run)
    assert stored.provenance["code"]["sha256"] == code_now().sha256
    assert diff_of(stored) == run / DIFF
    assert (run / DIFF).read_bytes() == CHANGED.diff
    off = start(tmp_path).directory.path  # its config says tracking.diff=false
    assert diff_of(StoredRun.open(off)) is None
    assert not (off / DIFF).exists()
    assert "tracking.diff" in StoredRun.open(off).provenance["code"]["why"]


def test_a_run_of_its_commit_has_no_diff(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code, "code_in_git", lambda: GitState("c0ffee", "false"))
    run = start(tmp_path, code=code_now().facts()).directory.path
    assert not (run / DIFF).exists()
    facts = StoredRun.open(run).provenance["code"]
    assert (facts["diff"], facts["why"], diff_of(StoredRun.open(run))) == (None, None, None)


def test_the_diff_of_trials_is_kept_once_for_each_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study, trial = tmp_path / "study", tmp_path / "study/trials/study-0000"
    trial.mkdir(parents=True)
    names = []
    for diff in (b"one\n", b"two\n", b"two\n", b"one\n"):
        state = replace(CHANGED, diff=diff)
        monkeypatch.setattr(code, "code_in_git", lambda state=state: state)
        (study / DIFF).write_bytes(b"one\n")
        names.append(keep_diff(study))
        facts = {"code": code_now().facts() | {"diff": names[-1]}}
        (trial / "provenance.json").write_text(json.dumps(_provenance() | facts))
        (trial / "metrics.jsonl").write_text('{"event": "start", "time": 1}\n')
        found = diff_of(StoredRun.open(trial))
        assert found is not None
        assert found.read_bytes() == diff
    assert names[0] == names[3] == DIFF
    assert names[1] == names[2]
    assert len(list(study.glob("*.diff"))) == 2


def test_a_name_in_a_record_leads_nowhere_else(tmp_path: Path, changed: None) -> None:
    run = start(tmp_path).directory.path
    facts = json.loads((run / "provenance.json").read_text())
    facts["code"]["diff"] = "../../secret"
    (run / "provenance.json").write_text(json.dumps(facts))
    with pytest.raises(ValueError, match="diff"):
        diff_of(StoredRun.open(run))


def test_the_features_of_the_processor_are_those_that_numpy_names() -> None:
    program = "from nnlab.runs.provenance import simd; print(*simd())"
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout.split() == provenance.simd()


def _provenance() -> dict[str, object]:
    return provenance.collect(configuration(), dataset(), ["nnlab.run"])
