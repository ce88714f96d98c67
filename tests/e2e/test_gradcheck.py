"""`python -m nnlab.gradcheck`: a table for any composed model, and exit status 1 where a gradient is off."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from commands import environment

from nnlab import gradcheck
from nnlab.core.gradient_check import ParameterCheck


def test_the_command_prints_a_line_for_each_parameter(tmp_path: Path) -> None:
    overrides = ["data=digits", "model.hidden=[6]", "model.activation=tanh", "regularizer=l1", "model.dropout=0.2"]
    command = [sys.executable, "-m", "nnlab.gradcheck", *overrides]
    done = subprocess.run(command, env=environment(), cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    header, *lines = done.stdout.splitlines()
    assert header.split() == ["parameter", "entries", "checked", "relative", "error"]
    assert [line.split()[0] for line in lines] == ["dense_1.weight", "dense_1.bias", "dense_2.weight", "dense_2.bias"]
    assert all(line.endswith("ok") for line in lines)
    assert list(tmp_path.iterdir()) == []


def test_a_gradient_that_is_off_ends_the_command_with_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = [ParameterCheck("dense_1.weight", (2, 4), 0.5), ParameterCheck("dense_1.bias", (2, 2), 1e-9)]
    monkeypatch.setattr(gradcheck, "check_config", lambda config: wrong)
    monkeypatch.setattr(sys, "argv", ["gradcheck", "model=toy", "data=toy"])
    with pytest.raises(SystemExit, match="1"):
        gradcheck.main()
    weight, bias = capsys.readouterr().out.splitlines()[1:]
    assert weight.endswith("WRONG")
    assert bias.endswith("ok")
