"""Whatever stands on a command line: checked configs, an answer, or an error that says what to do. Nothing else."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from command_lines import command_line

from nnlab.commands.arguments import composed_jobs, read_overrides, show_option
from nnlab.config import multirun
from nnlab.config.problems import ConfigError, ConfigProblem
from nnlab.errors import UserError
from nnlab.tuning.planning import make_plan
from nnlab.tuning.resuming import resumed_arguments
from nnlab.tuning.search.settings import study_rules
from nnlab.tuning.stored_study import StoredStudy


def what_a_run_makes_of(line: list[str]) -> bool:
    """Whether there is something to train."""
    return bool(composed_jobs(line))


def what_a_sweep_makes_of(line: list[str]) -> bool:
    name, others = show_option(line)
    overrides = read_overrides(others, root="study", rules=study_rules())
    if overrides is None:
        return False
    if name is not None:
        return bool(StoredStudy.open(name, overrides).report(encoding="utf-8"))
    whole, _ = resumed_arguments(overrides)
    return bool(make_plan(whole))


def fault(reader: Callable[[list[str]], bool], line: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """What must not happen; empty if it does not."""
    problems: Sequence[ConfigProblem] = ()
    try:
        is_something = reader(line)
    except ConfigError as error:
        problems, is_something = error.problems, bool(error.problems)
    except UserError as error:
        is_something = bool(str(error))
    except SystemExit as end:
        is_something = not end.code
    except BaseException as error:
        return f"raises {error!r}"
    said = capsys.readouterr()
    if said.err:
        return f"says {said.err}"
    without_remedy = [problem for problem in problems if problem.key == "command line" and not problem.nearest]
    if without_remedy:
        return f"has no remedy: {without_remedy[0]}"
    return "" if is_something or said.out else "is passed over in silence"


def faults(seeds: range, capsys: pytest.CaptureFixture[str]) -> list[str]:
    found = []
    for seed in seeds:
        dice = random.Random(seed)
        line = command_line(dice)
        reader = dice.choice([what_a_run_makes_of, what_a_run_makes_of, what_a_sweep_makes_of])
        if wrong := fault(reader, line, capsys):
            found.append(f"{line} {wrong}")
    return found


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["nnlab"])
    monkeypatch.setattr(multirun, "MOST_JOBS", 12)  # composing takes its time


@pytest.mark.usefixtures("here")
def test_a_command_line_is_checked_answered_or_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert faults(range(20), capsys) == []


@pytest.mark.slow
@pytest.mark.usefixtures("here")
def test_any_of_many_command_lines_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert faults(range(20, 800), capsys) == []
