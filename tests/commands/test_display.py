"""A console that fails: lines are lost, the work is not."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable

import pytest
from listening import ENDED, started
from listening_to_studies import STARTED, STUDY_ENDED
from screen import screen
from test_run_console import METRICS, Terminal, a_terminal_with_colours  # noqa: F401
from trial_samples import make_trial

import nnlab.commands.run_bar
import nnlab.commands.study_table
from nnlab.commands.epoch_line import epoch_line
from nnlab.commands.run_console import RunConsole, run_console_for
from nnlab.commands.study_console import StudyConsole, study_console_for
from nnlab.execution.events import Notice, Warned
from nnlab.training import EpochEnd, Progress
from nnlab.tuning.events import TrialEnded, TrialEpoch, TrialStarted
from nnlab.tuning.report.standing import Standing


class Broken(Terminal):
    """Refuses to be written to from some call on."""

    def __init__(self, error: Exception, after: int) -> None:
        super().__init__()
        self.error, self.after = error, after

    def write(self, text: str, /) -> int:
        self.after -= 1
        if self.after < 0:
            raise self.error
        return super().write(text)


@pytest.mark.parametrize("after", [0, 1, 3, 10, 20])
@pytest.mark.parametrize("live", [True, False])
@pytest.mark.parametrize(
    "error", [OSError(28, "No space left"), BrokenPipeError(32, "gone"), ValueError("closed"), RuntimeError("odd")]
)
def test_a_stream_that_fails_at_any_moment_costs_lines_and_nothing_else(
    error: Exception, live: bool, after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nnlab.commands.run_bar, "SECONDS_BETWEEN_REFRESHES", 0.0)
    errors = io.StringIO()
    with RunConsole(Broken(error, after), errors, live=live) as console:
        for title in ("one", "two"):
            console.on(started(title, 3, 2))
            for epoch in (1, 2, 3):
                console.on(Progress(epoch, 1, 1))
                console.on(EpochEnd(epoch, METRICS, True))
            console.on(Notice("on the way"))
            console.on(Warned("odd"))
            console.on(ENDED)
    assert errors.getvalue().count("warning: odd\n") == 2
    assert errors.getvalue().count("can no longer be shown") <= 1


def test_a_picture_that_fails_gives_way_to_lines_and_says_so_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object) -> None:
        raise ZeroDivisionError("no columns")

    monkeypatch.setattr(nnlab.commands.run_bar.RunBar, "move", fail)
    monkeypatch.setenv("COLUMNS", "120")
    terminal, errors = Terminal(), io.StringIO()
    with RunConsole(terminal, errors, live=True) as console:
        for title in ("one", "two"):
            console.on(started(title, 2, 1))
            console.on(Progress(1, 1, 1))
            console.on(EpochEnd(1, METRICS, True))
    assert screen(terminal.getvalue(), 120)[:-1] == ["one", epoch_line(1, 2, METRICS), "two", epoch_line(1, 2, METRICS)]
    assert errors.getvalue().count("\n") == 1
    assert "ZeroDivisionError: no columns" in errors.getvalue()


def test_ctrl_c_is_no_failure_of_the_display(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*arguments: object) -> None:
        raise KeyboardInterrupt("Ctrl-C")

    monkeypatch.setattr(nnlab.commands.run_bar.RunBar, "open", interrupt)
    with RunConsole(Terminal(), io.StringIO(), live=True) as console, pytest.raises(KeyboardInterrupt, match="Ctrl-C"):
        console.on(started("title", 1, 1))


@pytest.mark.parametrize("after", [0, 1, 3, 10, 20])
@pytest.mark.parametrize("live", [True, False])
def test_a_study_continues_when_its_stream_fails(live: bool, after: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nnlab.commands.study_table, "SECONDS_BETWEEN_REFRESHES", 0.0)
    errors = io.StringIO()
    with StudyConsole(Broken(OSError(5, "I/O error"), after), errors, live=live) as console:
        console.on(STARTED)
        for number in range(3):
            trial = make_trial(number, [0.5])
            console.on(TrialStarted(number, {"optimizer.lr": 0.1}))
            console.on(TrialEpoch(number, 1, {"val/loss": 0.5}))
            console.on(TrialEnded(trial, Standing.of([trial], ("val/loss",), total=3, elapsed=1.0)))
        console.on(Notice("on the way"))
        console.on(STUDY_ENDED)
    assert errors.getvalue().count("warning") <= 1


def test_a_trial_that_cannot_be_put_into_words_ends_no_study(monkeypatch: pytest.MonkeyPatch) -> None:
    out, errors = io.StringIO(), io.StringIO()
    with StudyConsole(out, errors, live=False) as console:
        trial = make_trial(0, [0.5])
        trial.user_attrs.clear()
        console.on(TrialEnded(trial, Standing.of([], ("val/loss",), total=3, elapsed=1.0)))
        console.on(STUDY_ENDED)
    assert out.getvalue().endswith("\n\nstudy directory  runs/a-study\n")
    assert out.getvalue().startswith("\nrank ")
    assert errors.getvalue().startswith("warning: ")


@pytest.mark.parametrize("console", [run_console_for, study_console_for])
def test_without_streams_there_is_a_quiet_console(
    console: Callable[[], RunConsole | StudyConsole], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    with console() as quiet:
        quiet.on(Notice("nobody hears it"))
        quiet.on(Warned("nor that"))
