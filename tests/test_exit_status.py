"""How a process ends: at once, but with all that Python itself would have done first."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

START = "import atexit, sys\nfrom nnlab.exit_status import end_after\natexit.register(print, 'cleared up')\n"


def ended(command: str) -> subprocess.CompletedProcess[str]:
    code = f"{START}def command():\n    print('said')\n    {command}\nend_after(command)\n"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)


@pytest.mark.parametrize("command", ["pass", "sys.exit()", "sys.exit(2)", "sys.exit('a reason')", "raise KeyError(1)"])
def test_status_output_and_clearing_up_are_those_of_python(command: str) -> None:
    process = ended(command)
    code = f"{START}def command():\n    print('said')\n    {command}\ncommand()\n"
    python = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert process.stdout == python.stdout == "said\ncleared up\n"
    assert process.returncode == python.returncode
    assert process.stderr.splitlines()[-1:] == python.stderr.splitlines()[-1:]


def test_a_reader_who_has_gone_is_no_traceback() -> None:
    buffered = {key: value for key, value in os.environ.items() if key != "PYTHONUNBUFFERED"}
    code = "from nnlab.exit_status import end_after\nend_after(lambda: print('x'))"
    pipe = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=buffered
    )
    assert pipe.stdout is not None
    pipe.stdout.close()  # before Python has even started
    pipe.stdout = None
    assert pipe.communicate(timeout=60) == (None, "")  # type: ignore[comparison-overlap]
    assert pipe.returncode == 1
