from __future__ import annotations

import io
import math
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from listening import ENDED, SUMMARY, started
from screen import screen

import nnlab.commands.run_bar
import nnlab.commands.run_console
from nnlab.commands.epoch_line import epoch_line
from nnlab.commands.run_console import RunConsole, run_console_for
from nnlab.execution.events import Notice, Warned
from nnlab.training import EpochEnd, Progress, TrainingEnd

METRICS = {
    "train/loss": 0.231,
    "train/accuracy": 0.9312,
    "val/loss": 0.2514,
    "val/accuracy": 0.9267,
    "lr": 0.1,
    "time/epoch_seconds": 0.21,
}
TESTS = Path(__file__).parents[1]
HIDE_CURSOR, SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def a_terminal_with_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nnlab.commands.run_console, "title", lambda event: event.directory.name)
    for name in ("CI", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


def shown_at_last(terminal: Terminal, columns: int) -> list[str]:
    """What is left on the screen, without the empty lines at its end."""
    return "\n".join(screen(terminal.getvalue(), columns)).rstrip().split("\n")


def plain_output_of(epochs: int, last: int | None = None) -> list[str]:
    out = io.StringIO()
    with run_console_for(out, io.StringIO()) as console:
        console.on(started("title", epochs, 1))
        for epoch in range(1, (last or epochs) + 1):
            console.on(Progress(epoch, 1, 1))
            console.on(EpochEnd(epoch, METRICS, False))
        console.on(ENDED)
    return [line for line in out.getvalue().splitlines() if line.startswith("epoch")]


# The line of an epoch


def test_an_epoch_is_one_line_of_fixed_columns() -> None:
    assert epoch_line(3, 15, METRICS) == (
        "epoch  3/15  train loss 0.2310 acc 0.9312  val loss 0.2514 acc 0.9267  lr 0.1         0.21 s"
    )


def test_the_example_in_the_documentation_is_what_is_printed() -> None:
    assert epoch_line(3, 15, METRICS) in (epoch_line.__doc__ or "")


@pytest.mark.parametrize("loss", [0.0, 9.99996, 99.99996, 1234.5678, 123456.0, 3.4e38, math.nan, math.inf])
@pytest.mark.parametrize("lr", [1.0, 0.00991237, 1.2345678e-05])
@pytest.mark.parametrize("seconds", [0.001, 9.999, 1234.5])
def test_columns_stay_in_place_whatever_the_values(loss: float, lr: float, seconds: float) -> None:
    line = epoch_line(3, 15, METRICS | {"train/loss": loss, "val/loss": loss, "lr": lr, "time/epoch_seconds": seconds})
    usual = epoch_line(3, 15, METRICS)
    assert len(line) == len(usual)
    for name in ("acc", "val loss", "lr", " s"):
        assert line.index(name) == usual.index(name)


def test_metrics_that_are_missing_leave_no_column() -> None:
    assert epoch_line(1, 9, {"train/loss": 0.5, "train/accuracy": 1.0}) == ("epoch 1/9  train loss 0.5000 acc 1.0000")


def test_a_count_of_right_rows_comes_after_the_validation_columns_and_in_place() -> None:
    def line(correct: int) -> str:
        return epoch_line(3, 30, METRICS | {"val/accuracy": correct / 10_000, "val/correct": correct})

    assert "val loss 0.2514 acc 0.9531   9531 of 10000 right  lr 0.1 " in line(9531)
    assert len({line(correct).index(" of 10000 right") for correct in (7, 9531, 10_000)}) == 1


@pytest.mark.parametrize("rows", [1, 7, 49, 9999, 12_000, 1_234_567])
def test_of_how_many_rows_is_reported_exactly(rows: int) -> None:
    for correct in {1, rows // 3 or 1, rows - 1 or 1, rows}:
        metrics = {"val/loss": 0.5, "val/accuracy": correct / rows, "val/correct": float(correct)}
        assert epoch_line(1, 9, metrics).endswith(f" {correct} of {rows} right")
    assert epoch_line(1, 9, {"val/accuracy": 0.0, "val/correct": 0.0}).endswith("  0 right")


# Pipes, files and CI


def test_up_to_fifty_epochs_each_has_its_line() -> None:
    assert [int(re.findall(r"\d+", line)[0]) for line in plain_output_of(50)] == list(range(1, 51))


def test_a_long_run_shows_evenly_spaced_epochs_with_the_first_and_the_last() -> None:
    shown = [int(re.findall(r"\d+", line)[0]) for line in plain_output_of(500)]
    assert shown == [1, *range(10, 501, 10)]


def test_a_run_that_stops_early_shows_its_last_epoch_once() -> None:
    shown = [int(re.findall(r"\d+", line)[0]) for line in plain_output_of(500, last=37)]
    assert shown == [1, 10, 20, 30, 37]


def test_a_run_that_stops_early_says_so_after_its_last_line() -> None:
    out = io.StringIO()
    with run_console_for(out, io.StringIO()) as console:
        console.on(started("title", 500, 1, patience=3))
        for epoch in (1, 2, 3, 4):
            console.on(EpochEnd(epoch, METRICS, epoch == 1))
        console.on(TrainingEnd(1, 4, stopped_early=True))
    assert [line[:11] for line in out.getvalue().splitlines()[-2:]] == ["epoch   4/5", "stopped ear"]
    assert "no epoch better than 1 in 3 epochs" in out.getvalue()


def test_a_run_that_fails_shows_the_epoch_before() -> None:
    out = io.StringIO()

    def fail_after_three_epochs() -> None:
        with run_console_for(out, io.StringIO()) as console:
            console.on(started("title", 500, 1))
            for epoch in (1, 2, 3):
                console.on(EpochEnd(epoch, METRICS, True))
            raise FloatingPointError("diverged")

    with pytest.raises(FloatingPointError, match="diverged"):
        fail_after_three_epochs()
    assert out.getvalue().splitlines()[-1].startswith("epoch   3/500")


def test_a_second_run_on_the_same_console_starts_over() -> None:
    out = io.StringIO()
    with run_console_for(out, io.StringIO()) as console:
        for title in ("one", "two"):
            console.on(started(title, 500, 1))
            console.on(EpochEnd(1, METRICS, True))
            console.on(EpochEnd(2, METRICS, True))
    starts = [line[:11] for line in out.getvalue().splitlines()]
    assert starts == ["one", "epoch   1/5", "epoch   2/5", "two", "epoch   1/5", "epoch   2/5"]


def test_a_pipe_gets_no_control_characters_and_the_end_names_the_run() -> None:
    out, errors = io.StringIO(), io.StringIO()
    with run_console_for(out, errors) as console:
        console.on(started("mnist_5k", 1, 2))
        console.on(EpochEnd(1, METRICS, True))
        console.on(Notice("kept the best"))
        console.on(Warned("odd"))
        console.on(ENDED)
    lines = out.getvalue().splitlines()
    assert lines[0] == "mnist_5k"
    assert lines[2:] == [
        "kept the best",
        "",
        *SUMMARY,
    ]
    assert out.getvalue().isascii()
    assert "\x1b" not in out.getvalue()
    assert errors.getvalue() == "warning: odd\n"


def test_a_stream_that_lacks_a_character_gets_a_question_mark() -> None:
    raw = io.BytesIO()
    with run_console_for(io.TextIOWrapper(raw, encoding="ascii"), io.StringIO()) as console:
        console.on(Notice("runs/été"))
        assert raw.getvalue() == b"runs/?t?\n"


def test_a_pipe_does_not_pay_for_rich(tmp_path: Path) -> None:
    script = (
        "import sys\n"
        "from nnlab.batch import compose\n"
        "from nnlab.commands.run_console import run_console_for\n"
        "from nnlab.execution.run import run\n"
        "places = ('tracking.enabled=false', 'tracking.plots=false', 'runs_dir=' + sys.argv[1])\n"
        "job = compose('model=toy', 'data=toy', *places)\n"
        "with run_console_for() as console:\n"
        "    run(job, listeners=[console])\n"
        "assert not any(name.split('.')[0] == 'rich' for name in sys.modules), 'rich was imported'\n"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True, stdout=subprocess.PIPE)


# Terminals


@pytest.mark.parametrize(
    ("name", "value", "live"),
    [
        ("TERM", "xterm", True),
        ("CI", "", True),
        ("CI", "false", True),
        ("CI", "true", False),
        ("CI", "1", False),
        ("NO_COLOR", "1", True),
        ("TERM", "dumb", False),
    ],
)
def test_the_bar_is_for_terminals_that_want_one(
    name: str, value: str, live: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    terminal = Terminal()
    with run_console_for(terminal, io.StringIO()) as console:
        console.on(started("title", 2, 2))
    assert (HIDE_CURSOR in terminal.getvalue()) is live


def test_the_bar_shows_epoch_step_scores_and_the_best_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nnlab.commands.run_bar, "SECONDS_BETWEEN_REFRESHES", 0.0)
    monkeypatch.setenv("COLUMNS", "100")
    terminal = Terminal()
    with RunConsole(terminal, io.StringIO(), live=True) as console:
        console.on(started("title", 12, 960))
        console.on(EpochEnd(1, METRICS, True))
        console.on(Progress(2, 120, 1))
        during = screen(terminal.getvalue(), 100)
    assert during[:2] == ["title", epoch_line(1, 12, METRICS)]
    assert during[2].startswith("epoch  2/12  step 120/960 ")
    assert during[3] == "train loss 0.2310 acc 0.9312  val loss 0.2514 acc 0.9267  best epoch 1"
    assert shown_at_last(terminal, 100) == ["title", epoch_line(1, 12, METRICS)]


@pytest.mark.parametrize("no_color", ["", "1"])
@pytest.mark.parametrize(
    ("columns", "shown"),
    [
        (120, "train loss 0.2310 acc 0.9312  val loss 0.2514 acc 0.9267  lr 0.1         0.21 s"),
        (88, "train loss 0.2310 acc 0.9312  val loss 0.2514 acc 0.9267  lr 0.1"),
        (70, "train loss 0.2310 acc 0.9312  val loss 0.2514 acc 0.9267"),
        (60, "val loss 0.2514 acc 0.9267"),
        (20, "val loss 0.2514 acc 0.9267"),
    ],
)
def test_each_epoch_of_a_run_stays_on_the_screen_with_what_there_is_room_for(
    columns: int, shown: str, no_color: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nnlab.commands.run_bar, "SECONDS_BETWEEN_REFRESHES", 0.0)
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("NO_COLOR", no_color)
    terminal = Terminal()
    with run_console_for(terminal, io.StringIO()) as console:
        console.on(started("title", 5, 2))
        for epoch in range(1, 6):
            for step in (1, 2):
                console.on(Progress(epoch, step, 1))
            console.on(EpochEnd(epoch, METRICS, False))
        console.on(ENDED)
    last = shown_at_last(terminal, 1000)
    assert last[1:6] == [f"epoch {epoch}/5  {shown}" for epoch in range(1, 6)]
    assert last[6:] == ["", *SUMMARY]
    coloured = re.search(r"\x1b\[[0-9;]*(3|4|9|10)[0-8][0-9;]*m", terminal.getvalue())
    if columns > 20:  # else there is no room for a bar
        assert (coloured is None) is bool(no_color)
        assert "━" in terminal.getvalue()


def test_calls_in_the_same_moment_draw_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nnlab.commands.run_bar.time.monotonic", lambda: 1000.0)
    terminal = Terminal()
    with RunConsole(terminal, io.StringIO(), live=True) as console:
        console.on(started("title", 3, 1000))
        drawn = terminal.getvalue()
        for step in range(1, 1001):
            console.on(Progress(1, step, 1))
        assert terminal.getvalue() == drawn
        monkeypatch.setattr("nnlab.commands.run_bar.time.monotonic", lambda: 1000.11)
        console.on(Progress(2, 1, 1))
        assert terminal.getvalue() != drawn


def test_brackets_in_a_message_are_not_markup() -> None:
    terminal = Terminal()
    with RunConsole(terminal, io.StringIO(), live=True) as console:
        console.on(started("title", 3, 10))
        console.on(Notice("model.hidden=[bold]"))
    assert "model.hidden=[bold]" in terminal.getvalue()


def test_warnings_go_to_the_file_that_errors_are_sent_to() -> None:
    terminal, errors = Terminal(), io.StringIO()
    with RunConsole(terminal, errors, live=True) as console:
        console.on(started("title", 3, 10))
        console.on(Warned("odd"))
    assert errors.getvalue() == "warning: odd\n"
    assert "odd" not in terminal.getvalue()


SCRIPT = """
import sys
sys.path.append(TESTS)
from listening import ENDED, started
from nnlab.commands import run_console
from nnlab.execution.events import Warned
from nnlab.training import EpochEnd, Progress
run_console.title = lambda event: event.directory.name
with run_console.run_console_for() as console:
    console.on(started("a run", 5, 10))
    for step in range(10):
        console.on(Progress(1, step, 1))
    console.on(EpochEnd(1, {"train/loss": 0.5, "train/accuracy": 0.75}, True))
    console.on(Warned("odd"))
    print("from a library")
    ENDING
    console.on(ENDED)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are POSIX")
@pytest.mark.parametrize(
    ("end", "status", "tail"),
    [
        ("pass", 0, SUMMARY[-1]),
        ("raise KeyboardInterrupt", -2, "KeyboardInterrupt"),
        ("sys.exit(3)", 3, "from a library"),
        ("1 / 0", 1, "ZeroDivisionError: division by zero"),
    ],
    ids=["finished", "interrupted", "exit", "error"],
)
def test_a_real_terminal_is_left_as_it_was(end: str, status: int, tail: str, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.replace("TESTS", repr(str(TESTS))).replace("ENDING", end))
    returned, output = run_in_terminal(script)
    assert returned == status
    assert output.count(HIDE_CURSOR) == 1
    assert output.rindex(SHOW_CURSOR) > output.index(HIDE_CURSOR)
    left = [line for line in screen(output, 80) if line]
    expected = ["a run", "epoch 1/5  train loss 0.5000 acc 0.7500", "warning: odd", "from a library"]
    assert left[:4] == expected
    assert left[-1] == tail


def run_in_terminal(script: Path) -> tuple[int, str]:
    import pty

    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, str(script)], stdin=follower, stdout=follower, stderr=follower, close_fds=True
    )
    os.close(follower)
    chunks = []
    try:
        while chunk := os.read(leader, 65536):
            chunks.append(chunk)
    except OSError:  # Linux's way to say that the other side has closed.
        pass
    finally:
        os.close(leader)
    return process.wait(timeout=30), b"".join(chunks).decode()
