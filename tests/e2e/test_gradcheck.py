"""`python -m nnlab.gradcheck`: a table for any composed model, and exit status 1 where a gradient is off."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from commands import environment

from nnlab.commands import gradcheck
from nnlab.core.gradient_check import ParameterCheck
from nnlab.core.learner import Learner
from nnlab.core.step_check import StepCheck


@pytest.mark.slow
def test_the_command_prints_a_line_for_each_parameter(tmp_path: Path) -> None:
    overrides = ["data=digits", "model.hidden=[6]", "model.activation=tanh", "regularizer=l1", "model.dropout=0.2"]
    overrides += ["optimizer=adam", "schedule=cosine", "trainer.clip_norm=0.5"]
    command = [sys.executable, "-m", "nnlab.gradcheck", *overrides]
    done = subprocess.run(command, env=environment(), cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    gradients, steps = (block.splitlines() for block in done.stdout.split("\n\n"))
    assert gradients[0].split() == ["parameter", "entries", "checked", "relative", "error"]
    names = [line.split()[0] for line in gradients[1:]]
    assert names == ["dense_1.weight", "dense_1.bias", "dense_2.weight", "dense_2.bias"]
    assert steps[0].split() == ["training", "compared", "relative", "error"]
    parts = [line.split("  ")[0] for line in steps[1:]]
    assert parts == [
        f"{part}, {dtype}, batches of {rows}"
        for dtype in ("float64", "float32")
        for rows in (3, 1)
        for part in ("losses", "gradients", "steps", "epochs")
    ]
    assert all(line.endswith("ok") for line in (*gradients[1:], *steps[1:]))
    assert list(tmp_path.iterdir()) == []


def test_a_gradient_that_is_off_ends_the_command_with_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = [ParameterCheck("dense_1.weight", (2, 4), 0.5), ParameterCheck("dense_1.bias", (2, 2), 1e-9)]
    right = [StepCheck("steps", 3, 1e-9, 1e-8)]
    monkeypatch.setattr(gradcheck, "check_config", lambda config: wrong)
    monkeypatch.setattr(gradcheck, "check_training", lambda config: right)
    assert gradcheck.main(["model=toy", "data=toy"]) == 1
    _, weight, bias, _, _, steps = capsys.readouterr().out.splitlines()
    assert weight.endswith("WRONG")
    assert bias.endswith("ok")
    assert steps.endswith("ok")


def test_a_rate_that_is_doubled_ends_the_command_with_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    right = Learner.update
    monkeypatch.setattr(Learner, "update", lambda self, lr: right(self, 2.0 * lr))
    assert gradcheck.main(["data=digits", "model.hidden=[4]", "optimizer=adam"]) == 1
    wrong = [line.split(",")[0] for line in capsys.readouterr().out.splitlines() if line.endswith("WRONG")]
    assert wrong == 4 * ["steps"]
