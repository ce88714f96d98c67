"""A run directory from somebody with bad intentions: each file says what would run code where readers let it."""

from __future__ import annotations

import hashlib
import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from commands import nnlab
from recording import record

from nnlab.errors import UserError
from nnlab.runs.stored_run import StoredRun


class Payload:
    """Makes the file `mark` when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self._mark = mark

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return open, (str(self._mark), "w")


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    return tmp_path / "code has run"


def test_the_payload_works(mark: Path) -> None:
    pickle.loads(pickle.dumps(Payload(mark))).close()
    assert mark.exists()


def yaml_payload(mark: Path) -> str:
    return f'a: !!python/object/apply:builtins.open ["{mark}", "w"]\n'


def target_payload(mark: Path) -> str:
    return json.dumps({"_target_": "builtins.open", "_args_": [str(mark), "w"], "py/reduce": ["builtins.open"]})


def test_commands_over_such_files_end_with_one_message_and_run_nothing(mark: Path, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    sound = record(runs)
    for name, payload in {
        "config.yaml": yaml_payload(mark),
        "provenance.json": target_payload(mark),
        "metrics.jsonl": target_payload(mark) + "\n",
    }.items():
        poisoned = record(runs)
        (poisoned / name).write_text(payload)
        done = nnlab(str(sound), str(poisoned), folder=tmp_path, program="nnlab.diff")
        assert (done.returncode, done.stdout) == (2, "")
        (line,) = done.stderr.splitlines()
        assert f"{name} in {poisoned} is damaged" in line
    assert not mark.exists()


def test_a_config_that_names_a_target_is_a_text_and_nothing_more(mark: Path, tmp_path: Path) -> None:
    sound, poisoned = record(tmp_path / "runs"), record(tmp_path / "runs")
    with (poisoned / "config.yaml").open("a") as file:
        file.write(f"callback:\n  _target_: builtins.open\n  _args_: [{mark}, w]\n")
    done = nnlab(str(sound), str(poisoned), folder=tmp_path, program="nnlab.diff")
    assert done.returncode == 0
    assert "builtins.open" in done.stdout
    assert not mark.exists()


def test_overrides_and_models_run_nothing(mark: Path, tmp_path: Path) -> None:
    path = record(tmp_path)
    (path / "overrides.yaml").write_text("- " + yaml_payload(mark)[3:])
    with pytest.raises(UserError, match=r"overrides\.yaml"):
        _ = StoredRun.open(path).overrides
    weights = pickle.dumps(Payload(mark))
    (path / "model" / "weights.safetensors").write_bytes(weights)
    architecture = path / "model" / "architecture.json"
    fields = json.loads(architecture.read_text())
    fields["weights"]["sha256"] = hashlib.sha256(weights).hexdigest()
    architecture.write_text(json.dumps(fields))
    with pytest.raises(UserError, match="do not make a network"):
        StoredRun.open(path).model()
    assert not mark.exists()


def test_data_with_pickled_arrays_is_refused(mark: Path, tmp_path: Path) -> None:
    objects = np.array([Payload(mark)] * 4, dtype=object)
    np.savez(tmp_path / "data.npz", x=objects, y=np.arange(4))
    done = nnlab("data=npz", f"data.root={tmp_path / 'data.npz'}", "tracking.enabled=false", folder=tmp_path)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert not mark.exists()
