"""Files under a run directory are opened by `nnlab.runs.files` and `nnlab.runs.opening` alone: the source says so."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest
from test_import_order import FILES, PACKAGE, part_of

WORKING = ("runs", "mlflow_sync", "execution", "tuning", "analysis", "commands", "doctor")
"""The rooms that know run directories; those before them get a function that writes or reads."""

OF_PATHS = {"read_text", "read_bytes", "write_text", "write_bytes", "touch", "rename", "unlink", "rmdir"}
OF_OS = {"open", "remove", "unlink", "rename", "replace", "link", "symlink", "truncate", "mkdir", "makedirs"}

OF_SHUTIL = {"rmtree", "move", "copy", "copy2", "copyfile", "copytree"}

OTHERS = {
    "runs/files.py": "the one place",
    "runs/opening.py": "the one place",
    "runs/code.py": "nnlab's own source files, for their digest",
    "runs/git_conversions.py": "the source",
    "runs/git_diff.py": "git's index, for a copy in a new folder of the system's",
    "runs/outside.py": "the source files of components from outside",
    "runs/scratch.py": "what killed processes left among the system's temporary files",
    "mlflow_sync/artifacts.py": "the copy that is sent, in a new folder of the system's",
    "mlflow_sync/store.py": "MLflow's store and its draft, beside the run directories",
    "analysis/reproduction/guard.py": "a temporary folder of the system's",
    "analysis/reproduction/there.py": "what a process says, in a temporary folder",
    "analysis/reproduction/worktree.py": "a repository of git's, in a temporary folder",
    "doctor/arithmetic.py": "/proc/cpuinfo",
    "execution/strict.py": "what pip has noted of a package",
    "execution/worker.py": "/proc/self",
    "execution/worker_memory.py": "/proc",
    "tuning/pause.py": "the null device",
    "tuning/search/searchable.py": "conf/",
}
"""Files that open something themselves, and what."""


def openings(tree: ast.AST) -> Iterator[str]:
    """Every call in a source that opens, writes or removes a file by its path."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Name) and node.func.id == "open":
            yield "open"
        elif isinstance(node.func, ast.Attribute):
            owner = node.func.value.id if isinstance(node.func.value, ast.Name) else ""
            name = node.func.attr
            modes = [each for each in node.args if isinstance(each, ast.Constant) and isinstance(each.value, str)]
            if (
                (name in OF_PATHS and owner != "os")
                or (owner == "os" and name in OF_OS)
                or (owner == "shutil" and name in OF_SHUTIL)
                or (name == "open" and modes and len(modes) == len(node.args))
            ):
                yield f"{owner}.{name}"


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("open(path)", ["open"]),
        ("(run / 'lock').open('rb')", [".open"]),
        ("path.read_text(encoding='utf-8')", ["path.read_text"]),
        ("(run / name).write_bytes(data)", [".write_bytes"]),
        ("os.open(path, os.O_RDONLY)", ["os.open"]),
        ("shutil.rmtree(path)", ["shutil.rmtree"]),
        ("StoredRun.open(path)\nread_text(path)\nself._bar.open()\nshutil.disk_usage(path)", []),
    ],
)
def test_an_opening_is_found_in_each_form(source: str, found: list[str]) -> None:
    assert list(openings(ast.parse(source))) == found


def test_run_directories_are_opened_in_one_place() -> None:
    elsewhere = {
        path.relative_to(PACKAGE).as_posix(): found
        for path in FILES
        if part_of(path) in WORKING and (found := list(openings(ast.parse(path.read_text(encoding="utf-8")))))
    }
    assert {place: found for place, found in elsewhere.items() if place not in OTHERS} == {}
    assert elsewhere.keys() >= {"runs/files.py", "runs/opening.py"}
