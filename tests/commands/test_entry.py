"""How a command starts and ends, whatever it does: on programs made up for the purpose."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

BOTH = pytest.mark.parametrize("options", ["", "has_workers=True"])


def started(
    folder: Path, body: str, options: str, *arguments: str, closed: str = ""
) -> subprocess.CompletedProcess[str]:
    """Start a command whose module has this source."""
    (folder / "a_command.py").write_text(body)
    program = f"from nnlab.commands.entry import start\nstart('a_command', {options})"
    (folder / "program.py").write_text(program)
    line = f'exec "$0" program.py "$@" {closed}'
    return subprocess.run(
        ["sh", "-c", line, sys.executable, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@BOTH
@pytest.mark.parametrize(
    ("end", "status", "said"),
    [
        ("return len(arguments)", 2, ""),
        ("return 0", 0, ""),
        ("raise UserError('Say it so: a=1.')", 2, "Say it so: a=1.\n"),
        ("raise RunFailedError('no room')", 1, "no room\n"),
        ("raise KeyboardInterrupt", 130, "interrupted\n"),
    ],
)
def test_it_ends_with_what_main_says(tmp_path: Path, end: str, status: int, said: str, options: str) -> None:
    body = f"from nnlab.errors import *\ndef main(arguments):\n    print(arguments)\n    {end}\n"
    done = started(tmp_path, body, options, "a", "b=c d")
    assert (done.returncode, done.stdout, done.stderr) == (status, "['a', 'b=c d']\n", said)


@BOTH
def test_streams_are_harmless_before_the_command_is_imported(tmp_path: Path, options: str) -> None:
    body = "import sys\nprint('x' * 99999)\nsys.stdout.flush()\ndef main(arguments):\n    return 0\n"
    done = started(tmp_path, body, options, closed=">&-")
    assert (done.returncode, done.stderr) == (0, "")


@BOTH
def test_ctrl_c_during_an_import_that_swallows_it_ends_the_command_all_the_same(tmp_path: Path, options: str) -> None:
    body = (
        "import os, signal\n"
        "try:\n    os.kill(os.getpid(), signal.SIGINT)\nexcept BaseException:\n    pass\n"
        "def main(arguments):\n    print('went on')\n    return 0\n"
    )
    done = started(tmp_path, body, options)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "interrupted\n")


def test_a_command_that_syncs_is_given_a_process_that_is_ended_with_it(tmp_path: Path) -> None:
    body = "def main(arguments, early):\n    print(early.pid if early else None)\n    return 0\n"
    done = started(tmp_path, body, "syncs=True", "seed=1")
    assert done.returncode == 0, done.stderr
    assert not Path(f"/proc/{int(done.stdout)}").exists()
    assert started(tmp_path, body, "syncs=True", "--help").stdout == "None\n"
