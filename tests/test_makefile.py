"""`make` on machines that lack what it needs: a message that says what, and nothing half-made."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
TOOLS = ("sh", "test", "echo", "touch", "awk", "rm")

pytestmark = pytest.mark.skipif(not shutil.which("make"), reason="needs make")

OLD = '#!/bin/sh\ncase "$2" in *version_info*) exit 1;; *platform*) echo 3.8.10;; esac\n'
WITHOUT_VENV = '#!/bin/sh\ncase "$2" in *ensurepip*) exit 1;; esac\n'
BROKEN = "#!/bin/sh\nexit 127\n"


def make(folder: Path, python: str | None, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`make` in a copy of the repository's top, where `python3` is what is given, or is not there."""
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(REPOSITORY / name, folder)
    programs = folder / "bin"
    programs.mkdir(exist_ok=True)
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found
        (programs / tool).symlink_to(found)
    if python is not None:
        (programs / "python3").write_text(python)
        (programs / "python3").chmod(0o755)
    program = shutil.which("make")
    assert program
    return subprocess.run(
        [program, *arguments], cwd=folder, env={"PATH": str(programs)}, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("python", "arguments", "facts"),
    [
        pytest.param(None, ["run"], ("no Python on the PATH", "make setup PYTHON="), id="none"),
        pytest.param(None, ["run", "PYTHON=/nope"], ("/nope does not start", "make setup PYTHON="), id="named wrongly"),
        pytest.param(BROKEN, ["test"], ("does not start", "make setup PYTHON="), id="broken"),
        pytest.param(OLD, ["sweep"], ("is 3.8.10", "Python 3.11 or newer"), id="old"),
        pytest.param(WITHOUT_VENV, ["ui"], ("lacks what makes one", "apt install python3-venv"), id="without venv"),
    ],
)
def test_what_is_lacking_is_put_into_words(
    python: str | None, arguments: list[str], facts: tuple[str, str], tmp_path: Path
) -> None:
    done = make(tmp_path, python, *arguments)
    assert done.returncode == 2
    assert all(fact in done.stderr for fact in facts), done.stderr
    assert not (tmp_path / ".venv").exists()


def test_a_venv_whose_python_is_gone_is_reported(tmp_path: Path) -> None:
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").symlink_to(tmp_path / "gone")
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(REPOSITORY / name, tmp_path)
    (tmp_path / ".venv" / ".ready-dev").touch()
    os.utime(tmp_path / ".venv" / ".ready-dev", (2**31, 2**31))
    done = make(tmp_path, None, "run")
    assert (done.returncode, "make clean" in done.stderr) == (2, True)


def test_help_needs_no_python(tmp_path: Path) -> None:
    done = make(tmp_path, None)
    assert (done.returncode, "make sweep" in done.stdout) == (0, True)
