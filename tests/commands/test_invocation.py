"""What a message tells people to type: it works where they are, in a checkout or with nnlab installed."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import nnlab
from nnlab.commands import invocation
from nnlab.commands.invocation import python, typed
from nnlab.commands.mlflow_links import open_pages
from nnlab.config.tracking_uri import sqlite_uri

REPOSITORY = Path(__file__).parents[2]


def test_make_is_for_the_top_of_a_checkout_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(REPOSITORY)
    assert typed("ui") == "make ui"
    monkeypatch.chdir(REPOSITORY / "tests")
    assert typed("ui") == f"{python()} -m nnlab.ui"
    (tmp_path / "Makefile").touch()  # somebody else's
    monkeypatch.chdir(tmp_path)
    assert typed("ui") == f"{python()} -m nnlab.ui"
    monkeypatch.setattr(invocation, "CHECKOUT", tmp_path / "site-packages")
    assert typed("run") == f"{python()} -m nnlab.run"


def test_a_folder_that_was_removed_has_no_makefile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()
    assert typed("ui").endswith(" -m nnlab.ui")


def test_python_is_named_so_that_the_shell_finds_this_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in ("", str(Path(sys.executable).parent), "/usr/bin:/bin"):
        monkeypatch.setenv("PATH", path)
        found = subprocess.run(
            ["/bin/sh", "-c", f"{python()} -c 'import nnlab; print(nnlab.__file__)'"],
            env=os.environ | {"PYTHONPATH": str(REPOSITORY)}, capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert found.stdout.strip() == nnlab.__file__
    monkeypatch.setattr(sys, "executable", "/a b/python")
    assert shlex.split(python()) == ["/a b/python"]


def test_the_pages_of_another_store_are_asked_for_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.delenv("NNLAB_RUNS_DIR", raising=False)
    usual, other = (sqlite_uri(tmp_path / folder / "mlflow.db") for folder in ("runs", "it's there"))
    assert shlex.split(open_pages(usual).split(", or: ")[0])[1:] == ["-m", "nnlab.ui"]
    assert shlex.split(open_pages(other).split(", or: ")[0])[1:] == ["-m", "nnlab.ui", "--tracking-uri", other]
    monkeypatch.setenv("MLFLOW_TRACKING_URI", other)
    assert shlex.split(open_pages(other).split(", or: ")[0])[1:] == ["-m", "nnlab.ui"]
    assert open_pages("http://127.0.0.1:5000") == "http://127.0.0.1:5000"


def test_no_message_of_the_package_says_make_by_itself() -> None:
    """In a wheel there is no Makefile; only `nnlab.commands.invocation` may speak of one."""
    targets = re.findall(r"^([a-z-]+):.*##", (REPOSITORY / "Makefile").read_text(), re.MULTILINE)
    says_make = re.compile(rf"\bmake ({'|'.join(targets)})\b")
    found = {
        path.name: line
        for path in (REPOSITORY / "nnlab").rglob("*.py")
        if path.name != "invocation.py"
        for line in path.read_text().splitlines()
        if says_make.search(line)
    }
    assert found == {}


@pytest.mark.slow
def test_in_a_wheel_each_message_names_a_command_that_works(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path / "dist")],
        cwd=REPOSITORY, check=True, capture_output=True,
    )  # fmt: skip
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    folder = tmp_path / "work"
    folder.mkdir()
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("NNLAB_", "MLFLOW_"))}
    environment = inherited | {"PYTHONPATH": str(tmp_path / "site"), "MLFLOW_DISABLE_TELEMETRY": "true"}

    def shell(command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
        )

    asked = shell(f"{python()} -m nnlab.ui")
    told = re.search(r"Start a run first \((.*)\), or", asked.stderr)
    assert told, asked.stderr
    assert "make" not in asked.stderr
    run = shell(f"{told[1]} model=toy data=toy trainer.epochs=2")
    assert run.returncode == 0, run.stderr
    assert "make" not in run.stdout
    pages = re.search(r"^view it +(.*), or: (.*)$", run.stdout, re.MULTILINE)
    assert pages, run.stdout
    assert "usage: nnlab.ui" in shell(f"{pages[1]} --help").stdout
    assert "--backend-store-uri" in shell(f"{shlex.join(shlex.split(pages[2])[:4])} --help").stdout
    doctor = shell(f"{python()} -m nnlab.doctor")
    assert (doctor.returncode, "make" in doctor.stdout) == (0, False)
