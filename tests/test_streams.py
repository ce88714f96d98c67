"""Standard streams that are closed, full or unread, under a command of a few lines and under real ones."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from nnlab.streams import width_of

REPOSITORY = Path(__file__).parents[1]

QUIET, FULL, UNREAD = "closed", "full", "without a reader"
REDIRECTIONS = {
    ">&-": QUIET,
    "2>&-": "",
    ">&- 2>&-": QUIET,
    "<&-": "",
    "<&- >&- 2>&-": QUIET,
    ">/dev/full": FULL,
    "2>/dev/full": "",
    ">/dev/full 2>&1": FULL,
    "1</dev/null": FULL,  # open, but not for writing
    UNREAD: UNREAD,
}
ANSWER = "print('é' * 10)"
WORK = "from nnlab.streams import work_is_kept; work_is_kept(); print('é' * 10)"
ENDINGS = {
    "pass": 0,
    "sys.exit(0)": 0,
    "sys.exit(3)": 3,
    "raise UserError('wrong')": 2,
    "raise RunFailedError('failed')": 1,
    "raise KeyboardInterrupt": 130,
}
PROGRAM = """
import os, subprocess, sys
from nnlab.errors import RunFailedError, UserError
from nnlab.exit_status import exit_status
with exit_status():
    with open("data", "w") as data:  # gets the lowest number that is free
        {speech}
        for stream in (sys.stdout, sys.stderr):
            print("spoken", file=stream)
        subprocess.run(["sh", "-c", "echo child"], stderr=subprocess.DEVNULL)
        data.write("data")
    {ending}
"""

GONE = """
import os, sys
reader, writer = os.pipe()
os.close(reader)
os.dup2(writer, 1)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


def shell(program: list[str], redirection: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    if redirection == UNREAD:  # gone before the command begins, so that no clock decides
        program, redirection = ["-c", GONE, *program], ""
    line = f'set -o pipefail; "$@" {redirection}'
    return subprocess.run(
        ["bash", "-c", line, "bash", sys.executable, *program],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY), "MLFLOW_DISABLE_TELEMETRY": "true"} | variables,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("redirection", REDIRECTIONS)
@pytest.mark.parametrize("speech", [ANSWER, WORK], ids=["answers", "works"])
def test_no_stream_keeps_a_command_from_its_end(redirection: str, speech: str, tmp_path: Path) -> None:
    done = shell(["-c", PROGRAM.format(speech=speech, ending="pass")], redirection, tmp_path)
    is_lost = REDIRECTIONS[redirection] in (FULL, UNREAD)
    assert done.returncode == (1 if is_lost and speech == ANSWER else 0)
    assert (tmp_path / "data").read_text() == "data", "what is printed must land in no file that is opened"
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    is_reported = REDIRECTIONS[redirection] == FULL and "2>" not in redirection
    assert ("warning: standard output" in done.stderr) is is_reported


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("redirection", ["2>&-"])
def test_the_status_is_the_same_where_nobody_hears_the_message(redirection: str, ending: str, tmp_path: Path) -> None:
    done = shell(["-c", PROGRAM.format(speech="pass", ending=ending)], redirection, tmp_path)
    assert (done.returncode, "Traceback" in done.stderr) == (ENDINGS[ending], False)


@pytest.mark.parametrize("buffered", ["", "1"])
def test_a_character_that_the_encoding_lacks_is_spelt_out(buffered: str, tmp_path: Path) -> None:
    program = PROGRAM.format(speech="print('σ', '\\udcff')", ending="raise UserError('σ')")
    done = shell(["-c", program], "", tmp_path, PYTHONIOENCODING="ascii", PYTHONUNBUFFERED=buffered)
    assert (done.returncode, r"\u03c3 \udcff" in done.stdout) == (2, True)
    assert done.stderr.splitlines()[-1] == "?"


@pytest.mark.slow
def test_a_pipe_that_somebody_made_non_blocking_gets_every_byte(tmp_path: Path) -> None:
    program = (
        "import os, sys\nfrom nnlab.exit_status import exit_status\nos.set_blocking(1, False)\n"
        "with exit_status():\n    for _ in range(200): print('x' * 9999)\n"
    )
    done = shell(["-c", program], "| (sleep 0.3; wc -c)", tmp_path)
    assert (done.returncode, done.stdout.strip()) == (0, "2000000")


LIBRARY = """
import numpy as np
from nnlab.batch import compose, run_all
from nnlab.core import Activation, Dense, Sequential

if __name__ == "__main__":
    model = Sequential([Dense(2), Activation("softmax")])
    model.compile(loss="categorical_crossentropy")
    model.fit(np.eye(4), np.array([0, 1, 0, 1]), epochs=2, batch_size=2, verbose=1)
    toy = ["model=toy", "data=toy", "trainer.epochs=2", "tracking.enabled=false", "tracking.plots=false"]
    print(len(run_all([compose(*toy, f"seed={seed}") for seed in (1, 2)], workers=2)), file=open("done", "w"))
"""


@pytest.mark.slow
@pytest.mark.parametrize("redirection", [">&-", "<&- >&- 2>&-", ">/dev/full 2>&1"])
def test_a_script_without_streams_trains_too(redirection: str, tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(LIBRARY)
    done = shell(["script.py"], redirection, tmp_path)
    assert (done.returncode, (tmp_path / "done").read_text()) == (0, "2\n"), done.stderr


TOY = ["model=toy", "data=toy", "trainer.epochs=2", "tracking.enabled=false", "tracking.plots=false"]


@pytest.mark.parametrize(
    "redirection",
    [pytest.param(each, marks=() if each in (">&-", ">/dev/full") else pytest.mark.slow) for each in REDIRECTIONS],
)
def test_a_run_ends_whole_whatever_its_streams(redirection: str, tmp_path: Path) -> None:
    done = shell(["-m", "nnlab.run", "-m", "seed=1,2", *TOY], redirection, tmp_path)
    assert (done.returncode, "Traceback" in done.stderr) == (0, False)
    journals = list(tmp_path.glob("runs/*/metrics.jsonl"))
    ends = [json.loads(journal.read_text().splitlines()[-1]) for journal in journals]
    assert [end["status"] for end in ends] == ["finished", "finished"]
    assert all((journal.parent / "model" / "weights.safetensors").stat().st_size > 0 for journal in journals)


SWEEP = [
    *("data=digits", "data.limit=200", "model.hidden=[4]", "trainer.epochs=1", "tracking.plots=false"),
    *("optimizer.lr=choice(0.1,0.2)", "sweep.trials=2", "sweep.sampler=grid", "sweep.workers=2"),
]


@pytest.mark.slow
@pytest.mark.parametrize("redirection", [">&-", "<&- >&- 2>&-", ">/dev/full 2>&1", UNREAD])
def test_a_study_ends_whole_whatever_its_streams(redirection: str, tmp_path: Path) -> None:
    done = shell(["-m", "nnlab.sweep", *SWEEP], redirection, tmp_path)
    assert (done.returncode, "Traceback" in done.stderr) == (0, False)
    journals = [*tmp_path.glob("runs/*/metrics.jsonl"), *tmp_path.glob("runs/*/trials/*/metrics.jsonl")]
    ends = [json.loads(path.read_text().splitlines()[-1])["status"] for path in journals]
    assert ends == ["finished"] * 3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "redirection"),
    [
        *(("nnlab.run --help", redirection) for redirection in REDIRECTIONS),
        *(("nnlab.run --cfg job", redirection) for redirection in (">&-", ">/dev/full", UNREAD)),
        *(("nnlab.gradcheck model=toy data=toy", redirection) for redirection in (">&-", ">/dev/full", UNREAD)),
    ],
)
def test_a_question_ends_without_a_traceback_and_fails_where_its_answer_is_lost(
    command: str, redirection: str, tmp_path: Path
) -> None:
    done = shell(["-m", *command.split()], redirection, tmp_path)
    assert "Traceback" not in done.stderr
    assert done.returncode == (REDIRECTIONS[redirection] in (FULL, UNREAD))


def test_the_width_is_what_is_asked_for_or_that_of_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    import pty
    import termios

    leader, follower = pty.openpty()
    termios.tcsetwinsize(follower, (24, 77))
    with open(follower, "w", encoding="utf-8") as terminal, open(os.devnull, "w", encoding="utf-8") as file:
        for asked, expected in (("", (77, None)), ("0", (77, None)), ("x", (77, None)), ("60", (60, 60))):
            monkeypatch.setenv("COLUMNS", asked)
            assert (width_of(terminal), width_of(file)) == expected
    os.close(leader)
