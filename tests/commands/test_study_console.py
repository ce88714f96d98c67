from __future__ import annotations

import io
import re
import subprocess
import sys
from pathlib import Path

import pytest
from listening_to_studies import STARTED, STUDY_ENDED
from optuna.trial import FrozenTrial
from screen import screen
from trial_samples import make_trial

import nnlab.commands.study_console
import nnlab.commands.study_table
from nnlab.commands.study_console import StudyConsole, study_console_for
from nnlab.commands.study_table import best_text, counts_text
from nnlab.execution.events import Notice, Warned
from nnlab.tuning.events import StandingNow, TrialEnded, TrialEpoch, TrialStarted
from nnlab.tuning.report.leaderboard import leaderboard
from nnlab.tuning.report.standing import Standing
from nnlab.tuning.report.trial_line import trial_line

LOSS = ("val/loss",)
TESTS = Path(__file__).parents[1]
HIDE_CURSOR, SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def a_terminal_with_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nnlab.commands.study_console, "title", lambda event: event.name)
    for name in ("CI", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr(nnlab.commands.study_table, "SECONDS_BETWEEN_REFRESHES", 0.0)


def standing(*trials: FrozenTrial, objectives: tuple[str, ...] = LOSS) -> Standing:
    return Standing.of(trials, objectives, total=30, elapsed=30.0)


def seen(terminal: Terminal) -> str:
    """What was written, without the sequences that move, colour and erase."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", terminal.getvalue())


# The line of a trial

FIRST = make_trial(0, [0.25])
KINDS = {
    "the best so far": (
        FIRST,
        " 1/30  trial  0  finished  val/loss 0.2500  best   3 epochs     1.5 s  lr=0.1 batch_size=32",
    ),
    "not the best": (
        make_trial(1, [0.5], epochs=1, seconds=123.45),
        " 2/30  trial  1  finished  val/loss 0.5000         1 epoch    123.5 s  lr=0.1 batch_size=32",
    ),
    "pruned": (
        make_trial(1, [0.5], status="pruned"),
        " 2/30  trial  1  pruned    val/loss 0.5000         3 epochs     1.5 s  lr=0.1 batch_size=32",
    ),
    "duplicate": (
        make_trial(1, [0.25], duplicate_of=0),
        " 2/30  trial  1  finished  val/loss 0.2500        same as trial 0      lr=0.1 batch_size=32",
    ),
    "diverged": (
        make_trial(1, status="diverged", reason="the loss is nan\nin epoch 2"),
        " 1/30  trial  1  diverged  the loss is nan in epoch 2  lr=0.1 batch_size=32",
    ),
    "killed": (
        make_trial(1, status="killed", reason="signal 9", params={"model.depth": 1, "model.width.0": 64}),
        " 1/30  trial  1  killed    signal 9  hidden=[64]",
    ),
}


@pytest.mark.parametrize(("trial", "line"), KINDS.values(), ids=KINDS)
def test_a_trial_is_one_line_of_fixed_columns(trial: FrozenTrial, line: str) -> None:
    before = () if trial is FIRST else (FIRST,)
    assert trial_line(trial, standing(*before, trial)) == line


def test_the_example_in_the_documentation_is_what_is_printed() -> None:
    trials = [make_trial(number, [1.0]) for number in range(6)]
    best = make_trial(8, [0.0421], seconds=1.2)
    assert trial_line(best, standing(*trials, best)) in (trial_line.__doc__ or "")


def test_two_objectives_are_both_shown() -> None:
    objectives = ("val/accuracy", "parameters")
    trial = make_trial(0, [0.9, 12345.0], scores={})
    now = standing(trial, objectives=objectives)
    assert "  val/accuracy 0.9000  parameters 12,345  best  " in trial_line(trial, now)
    assert best_text(now) == "best  val/accuracy 0.9000  parameters 12,345  trial 0"


def test_counts_and_rate_are_in_words() -> None:
    trials = [make_trial(0, [0.5]), make_trial(1, [0.4], status="pruned"), make_trial(2, status="failed")]
    now = standing(*trials, make_trial(3, status=None))
    assert counts_text(now) == "1 complete  1 pruned  1 failed  1 running  4.0 trials/min"
    assert counts_text(standing()) == "0 complete  0 pruned  0 failed  0 running"
    assert best_text(standing()) == "no complete trial yet"


# Pipes, files and CI


def test_a_pipe_gets_one_line_per_ended_trial_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS")
    out, errors = io.StringIO(), io.StringIO()
    with study_console_for(out, errors) as console:
        console.on(STARTED)
        console.on(TrialStarted(0, {"optimizer.lr": 0.1}))
        console.on(TrialEpoch(0, 1, {"val/loss": 0.5}))
        console.on(StandingNow(standing()))
        console.on(TrialEnded(FIRST, standing(FIRST)))
        console.on(Notice("resumed"))
        console.on(Warned("odd"))
        console.on(STUDY_ENDED)
    line = KINDS["the best so far"][1]
    end = f"{leaderboard([FIRST], LOSS, encoding=None)}\n\nstudy directory  runs/a-study"
    assert out.getvalue() == f"a study\n{line}\nresumed\n\n{end}\n"
    assert errors.getvalue() == "warning: odd\n"


def test_a_pipe_that_lacks_a_character_gets_a_question_mark() -> None:
    raw = io.BytesIO()
    with study_console_for(io.TextIOWrapper(raw, encoding="ascii"), io.StringIO()) as console:
        console.on(Notice("runs/été"))
        assert raw.getvalue() == b"runs/?t?\n"


def test_a_closed_pipe_does_not_end_the_study() -> None:
    program = (
        "import sys\n"
        f"sys.path.append({str(TESTS)!r})\n"
        "from listening_to_studies import STARTED, STUDY_ENDED\n"
        "from nnlab.commands.study_console import study_console_for\n"
        "from nnlab.execution.events import Notice\n"
        "with study_console_for() as console:\n"
        "    console.on(STARTED)\n"
        "    sys.stdin.readline()\n"
        "    for number in range(1000): console.on(Notice('line' * 100))\n"
        "    console.on(STUDY_ENDED)\n"
        "print('went on', file=sys.stderr)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline() == "a study\n"
    process.stdout.close()
    process.stdin.write("\n")
    process.stdin.close()
    assert process.stderr.read() == "went on\n"
    process.stderr.close()
    assert process.wait(timeout=30) == 0


# Terminals


@pytest.mark.parametrize(
    ("name", "value", "live"),
    [("TERM", "xterm", True), ("CI", "true", False), ("TERM", "dumb", False), ("NO_COLOR", "1", True)],
)
def test_the_table_is_for_terminals_that_want_one(
    name: str, value: str, live: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    terminal = Terminal()
    with study_console_for(terminal, io.StringIO()) as console:
        console.on(STARTED)
    assert (HIDE_CURSOR in terminal.getvalue()) is live


def test_the_table_shows_the_standing_and_the_running_trials() -> None:
    terminal = Terminal()
    trials = [FIRST, make_trial(1, [0.5], status="pruned"), make_trial(2, status=None), make_trial(3, status=None)]
    with StudyConsole(terminal, io.StringIO(), live=True) as console:
        console.on(STARTED)
        console.on(TrialStarted(2, {"optimizer.lr": 0.25, "model.hidden": [64, 32]}))
        console.on(TrialStarted(3, {"optimizer.lr": 0.5, "model.hidden": [16]}))
        console.on(TrialEpoch(2, 4, {"val/loss": 0.125}))
        console.on(StandingNow(standing(*trials)))
    lines = seen(terminal).splitlines()
    assert lines[0] == "a study"
    assert re.fullmatch(r"2/30 ━+╸?━+ 7:00 left", lines[1].strip())
    assert [line.rstrip() for line in lines[2:6]] == [
        "1 complete  1 pruned  0 failed  2 running  4.0 trials/min",
        "best  val/loss 0.2500  trial 0",
        "trial 2  epoch 4  val/loss 0.1250  hidden=[64,32] lr=0.25",
        "trial 3  starting  hidden=[16] lr=0.5",
    ]


def test_a_trial_that_ended_leaves_the_table_and_stays_above_it() -> None:
    terminal = Terminal()
    with StudyConsole(terminal, io.StringIO(), live=True) as console:
        console.on(STARTED)
        console.on(TrialStarted(0, {"optimizer.lr": 0.1}))
        console.on(StandingNow(standing(make_trial(0, status=None))))
        console.on(TrialEnded(FIRST, standing(FIRST)))
    written = seen(terminal)
    line = KINDS["the best so far"][1]
    assert written.count(line) == 1
    assert "trial 0  starting" in written[: written.index(line)]
    assert "trial 0  starting" not in written[written.index(line) + len(line) :].split("left")[-1]


FIVE = {"optimizer.lr": 0.031234567, "trainer.batch_size": 128, "model.depth": 3}
FIVE |= {f"model.width.{layer}": 256 for layer in range(3)}


@pytest.mark.parametrize("columns", [120, 100, 80, 60, 40, 30])
@pytest.mark.parametrize("live", [True, False])
def test_the_values_of_every_trial_are_on_the_screen_whatever_its_width(
    columns: int, live: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    terminal = Terminal()
    trials = [
        make_trial(27, [0.4213], params=FIVE),
        make_trial(28, [0.5], params=FIVE, status="pruned"),
        make_trial(29, [0.4213], params=FIVE, duplicate_of=27),
        make_trial(30, params=FIVE, status="diverged", reason="the loss of epoch 2 is nan, so that nothing is left"),
    ]
    with StudyConsole(terminal, io.StringIO(), live=live) as console:
        console.on(STARTED)
        for trial in trials:
            console.on(TrialEnded(trial, standing(*trials)))
    lines = screen(terminal.getvalue(), 1000)[1:]
    assert max(map(len, lines)) <= columns
    text = " ".join(" ".join(lines).split())
    assert text.count("hidden=[256,256,256] lr=0.03123 batch_size=128") == 4
    assert text.count("0.4213") == 2
    assert text.count("0.5000") == 1
    assert "the loss of epoch 2 is nan, so that nothing is left" in text
    for word in ("best", "pruned", "diverged", "same"):
        assert word in text
    if columns == 80:
        assert [line[:14] for line in lines[:3]] == [" 3/30 trial 27", " 3/30 trial 28", " 3/30 trial 29"]
        assert len({line.index("hidden") for line in lines[:3]}) == 1, "a line each, in columns"


def test_a_running_trial_shows_its_values_on_a_narrow_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    terminal = Terminal()
    with StudyConsole(terminal, io.StringIO(), live=True) as console:
        console.on(STARTED)
        console.on(TrialStarted(12, {"optimizer.lr": 0.03123, "model.hidden": [64, 32], "trainer.batch_size": 32}))
        console.on(TrialEpoch(12, 4, {"val/loss": 0.125}))
        console.on(StandingNow(standing()))
    assert "12 epoch 4 0.1250 hidden=[64,32] lr=0.03123 batch_size=32" in seen(terminal)


@pytest.mark.parametrize("columns", ["1", "7", "20"])
def test_the_narrowest_terminal_breaks_nothing(columns: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    terminal = Terminal()
    with StudyConsole(terminal, io.StringIO(), live=True) as console:
        console.on(STARTED)
        console.on(TrialStarted(1, {"optimizer.lr": 0.1}))
        console.on(TrialEnded(FIRST, standing(FIRST)))
        console.on(StandingNow(standing(FIRST)))
        console.on(STUDY_ENDED)
    assert terminal.getvalue().endswith("a-study\n")


def test_of_many_workers_the_trials_that_started_last_are_shown() -> None:
    terminal = Terminal()
    with StudyConsole(terminal, io.StringIO(), live=True) as console:
        console.on(STARTED)
        for number in range(20):
            console.on(TrialStarted(number, {}))
        console.on(StandingNow(standing()))
    assert {int(number) for number in re.findall(r"trial (\d+)  starting", seen(terminal))} == set(range(12, 20))


def test_ticks_in_the_same_moment_draw_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nnlab.commands.study_table, "SECONDS_BETWEEN_REFRESHES", 0.25)
    monkeypatch.setattr("nnlab.commands.study_table.time.monotonic", lambda: 1000.0)
    terminal = Terminal()
    with StudyConsole(terminal, io.StringIO(), live=True) as console:
        console.on(STARTED)
        console.on(StandingNow(standing()))
        drawn = terminal.getvalue()
        for _ in range(100):
            console.on(StandingNow(standing(FIRST)))
        assert terminal.getvalue() == drawn
        monkeypatch.setattr("nnlab.commands.study_table.time.monotonic", lambda: 1000.26)
        console.on(StandingNow(standing(FIRST)))
        assert terminal.getvalue() != drawn


def test_brackets_are_not_markup_and_warnings_go_where_errors_are_sent() -> None:
    terminal, errors = Terminal(), io.StringIO()
    with StudyConsole(terminal, errors, live=True) as console:
        console.on(STARTED)
        console.on(Notice("optimizer=[bold]"))
        console.on(Warned("odd"))
    assert "optimizer=[bold]" in terminal.getvalue()
    assert "odd" not in terminal.getvalue()
    assert errors.getvalue() == "warning: odd\n"


def test_an_interrupt_leaves_the_terminal_as_it_was() -> None:
    terminal = Terminal()

    def interrupted() -> None:
        with StudyConsole(terminal, io.StringIO(), live=True) as console:
            console.on(STARTED)
            console.on(StandingNow(standing()))
            raise KeyboardInterrupt("Ctrl-C")

    with pytest.raises(KeyboardInterrupt, match="Ctrl-C"):
        interrupted()
    written = terminal.getvalue()
    assert written.count(HIDE_CURSOR) == 1
    assert written.rindex(SHOW_CURSOR) > written.index(HIDE_CURSOR)
