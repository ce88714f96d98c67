"""What `python -m nnlab.sweep` makes of its arguments before there is a study."""

from __future__ import annotations

import sys

import pytest

from nnlab.commands.arguments import read_overrides, show_option
from nnlab.errors import UserError
from nnlab.tuning.trial_configs import ROOT


def test_overrides_are_left_as_they_were_typed() -> None:
    typed = ["optimizer.lr=tag(log, interval(0.001, 1))", "sweep=toy", "data.root='a b'"]
    assert read_overrides(typed, root=ROOT) == typed


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--help"], "sweep: mlp, records, sigmoid_mlp, toy"),
        (["--cfg", "job"], "optimizer.lr: tag(log, interval(0.003, 0.3))"),
        (["--cfg", "job", "sweep=toy"], "sampler: grid"),
    ],
)
def test_questions_are_answered_about_a_study_s_config(
    arguments: list[str],
    expected: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "argv", ["nnlab.sweep"])
    assert read_overrides(arguments, root=ROOT) is None
    assert expected in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-m", "optimizer.lr=0.1,0.2"], "takes no -m"),
        (["--config-name=other"], "takes no --config-name"),
    ],
)
def test_what_a_sweep_does_not_do_is_refused(arguments: list[str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        read_overrides(arguments, root=ROOT)


@pytest.mark.parametrize(
    ("arguments", "name", "others"),
    [
        (["--show", "a-study"], "a-study", []),
        (["--show=a-study", "runs_dir=here"], "a-study", ["runs_dir=here"]),
        (["runs_dir=here", "--show", "a-study"], "a-study", ["runs_dir=here"]),
        (["sweep=toy", "--cfg", "job"], None, ["sweep=toy", "--cfg", "job"]),
        (["~sweep.space", "+a=1"], None, ["~sweep.space", "+a=1"]),
    ],
)
def test_show_takes_a_name_and_leaves_the_rest(arguments: list[str], name: str | None, others: list[str]) -> None:
    assert show_option(arguments) == (name, others)


def test_show_without_a_name_is_a_mistake_of_the_command_line() -> None:
    with pytest.raises(UserError, match="--show: expected one argument"):
        show_option(["--show"])


@pytest.mark.parametrize("question", [["--help"], ["--cfg", "job"]])
def test_a_question_with_an_unreadable_override_is_reported_as_any_other(question: list[str]) -> None:
    with pytest.raises(UserError, match="not valid in Hydra's grammar"):
        read_overrides([*question, "optimizer.lr=["], root=ROOT)
