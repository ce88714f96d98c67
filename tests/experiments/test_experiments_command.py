"""`python -m experiments` as a user starts it."""

from __future__ import annotations

import csv
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from experiments.__main__ import experiments as command
from experiments.registry import EXPERIMENTS
from nnlab.errors import UserError

ROOT = Path(__file__).resolve().parents[2]


def experiments(*arguments: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("NNLAB_", "MLFLOW_"))}
    environment |= {"PYTHONPATH": str(ROOT), "MLFLOW_DISABLE_TELEMETRY": "true"} | variables
    command = [sys.executable, "-m", "experiments", *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=600, check=False
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--only", "momentun"], "but got momentun. Did you mean momentum?"),
        (["--data", "idx"], "but got --data idx without --root"),
        (["--root", "somewhere"], "but got --data mnist with --root"),
        (["--data", "idx", "--root", "nowhere"], "nowhere"),
        (["--data", "mnist_5k", "--seeds", "0"], "--seeds must be at least 1, but got 0"),
        (["--data", "mnist_5k", "--workers", "-1"], "--workers must be at least 1, but got -1"),
    ],
)
def test_a_wrong_argument_gets_one_message_and_leaves_nothing(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=re.escape(message)):
        command(arguments)
    assert list(tmp_path.iterdir()) == []


def test_without_the_full_mnist_the_command_says_what_else_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NNLAB_DATA_DIR", str(tmp_path / "cache"))
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with pytest.raises(UserError) as refused:
        command(["--only", "momentum"])
    assert "--data mnist_5k" in str(refused.value)
    assert "--data idx --root FOLDER" in str(refused.value)
    assert capsys.readouterr().out == ""


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], Path]:
    folder = tmp_path_factory.mktemp("quick")
    return experiments("--quick", "--data", "mnist_5k", folder=folder), folder


@pytest.mark.slow
def test_quick_does_every_experiment_and_leaves_the_repository_alone(
    quick: tuple[subprocess.CompletedProcess[str], Path],
) -> None:
    done, folder = quick
    assert done.returncode == 0, done.stderr
    report = folder / "runs" / "experiments"
    text = (report / "RESULTS.md").read_text(encoding="utf-8")
    assert "NOT the full MNIST" in text.splitlines()[0]
    assert "QUICK" in text.splitlines()[0]
    for experiment in EXPERIMENTS.values():
        assert f"## [{experiment.title}]({experiment.name}/README.md)" in text
        assert (experiment.folder / "README.md").exists()
        assert list((report / experiment.name).glob("*.png")), experiment.name


@pytest.mark.slow
def test_the_claims_of_toy_and_miniflow_hold_in_quick(quick: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    _, folder = quick
    with (folder / "runs" / "experiments" / "results.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["reproduced"] for row in rows} <= {"yes", "spread", "no"}
    assert {row["seeds"] for row in rows} == {"2"}, "as many seeds for each claim"
    assert all(float(row["mean"]) == float(row["mean"]) and row["command"].startswith("python -m") for row in rows)
    held = [row["claim"] for row in rows if row["reproduced"] == "yes"]
    assert any("truth table" in claim for claim in held)
    assert any("miniflow" in row["command"] and row["reproduced"] == "yes" for row in rows)
