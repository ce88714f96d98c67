"""Each part of nnlab imports only from parts before it.

The imports are read from the source, also those inside functions, which a start of the program would not show.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import nnlab

PACKAGE = Path(nnlab.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))

PARTS = [
    *(
        "errors",
        "machine",
        "redaction",
        "streams",
        "exit_status",
        "interrupts",
        "plain",
        "check",
        "typed_values",
        "typed",
        "json_text",
        "cpu",
        "memory",
        "paths",
        "table",
        "wording",
    ),
    *(
        "core",
        "data",
        "models",
        "training",
        "stats",
        "plots",
        "config",
        "runs",
        "mlflow_sync",
        "execution",
        "tuning",
        "analysis",
    ),
    *("commands", "doctor"),
    *("batch", "results", "run", "resume", "sync", "sweep", "gradcheck", "ui", "diff", "compare", "reproduce"),
]
"""In the order of import: the ground, the rooms, and the names that people use."""

HEAVY = {"hydra", "omegaconf", "mlflow", "optuna"}
"""What configures, tracks and searches: nothing that computes may need it."""


def rank(module: str) -> int:
    """The place of `nnlab.<part>...` in the order; the bare package is below everything."""
    names = module.split(".")
    return PARTS.index(names[1]) if len(names) > 1 else -1


def module_name(path: Path, root: Path) -> str:
    parts = ["nnlab", *path.relative_to(root).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path, root: Path) -> Iterator[str]:
    """Every module that a file imports, wherever in the file, by its full name."""
    package = module_name(path, root).split(".")
    if path.name != "__init__.py":
        package = package[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names if base == "nnlab")
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in ("import_module", "__import__"):
                yield str(node.args[0].value)


def backward_edges(path: Path, root: Path) -> list[str]:
    own = module_name(path, root)
    return [
        f"{own} imports {name}"
        for name in imports(path, root)
        if name.split(".")[0] == "nnlab" and rank(name) > rank(own)
    ]


def foreign(path: Path) -> set[str]:
    """The packages that a file imports from outside nnlab and the standard library."""
    tops = {name.split(".")[0] for name in imports(path, PACKAGE)}
    return tops - {"nnlab"} - sys.stdlib_module_names


def part_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def test_every_module_has_a_rank() -> None:
    assert {part_of(path) for path in FILES} - {"__init__"} == set(PARTS)


def test_no_file_imports_from_a_part_after_its_own() -> None:
    assert [edge for path in FILES for edge in backward_edges(path, PACKAGE)] == []


CORE = [path for path in FILES if part_of(path) in ("core", "check", "plain", "errors", "redaction", "streams")]
COMPUTING = [path for path in FILES if part_of(path) in ("core", "data", "training")]


def test_there_are_files_to_read() -> None:
    assert len(CORE) > 15
    assert {part_of(path) for path in COMPUTING} == {"core", "data", "training"}


def test_the_core_stands_on_numpy_alone() -> None:
    assert {package for path in CORE for package in foreign(path)} == {"numpy"}


def test_nothing_that_computes_knows_of_hydra_mlflow_or_optuna() -> None:
    assert [path for path in COMPUTING if foreign(path) & HEAVY] == []


def test_importing_what_computes_loads_none_of_the_slow_packages() -> None:
    slow = [*sorted(HEAVY), "pandas", "sklearn", "matplotlib", "torch"]
    program = (
        "import json, sys, nnlab.core, nnlab.data, nnlab.training\n"
        f"print(json.dumps([name for name in {slow} if name in sys.modules]))"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert json.loads(result.stdout) == []


@pytest.mark.parametrize(
    ("place", "source", "edges"),
    [
        ("core/graph.py", "from nnlab.data import idx", ["nnlab.core.graph imports nnlab.data"]),
        ("core/graph.py", "def f():\n    import nnlab.run", ["nnlab.core.graph imports nnlab.run"]),
        ("core/graph.py", "from nnlab import runs", ["nnlab.core.graph imports nnlab.runs"]),
        ("data/idx.py", "from ..training import trainer", ["nnlab.data.idx imports nnlab.training"]),
        ("data/__init__.py", "from ..config.schema import Config", ["nnlab.data imports nnlab.config.schema"]),
        ("errors.py", "from . import core", ["nnlab.errors imports nnlab.core"]),
        ("core/a.py", "import_module('nnlab.sweep')", ["nnlab.core.a imports nnlab.sweep"]),
        ("__init__.py", "from nnlab.core import Network", ["nnlab imports nnlab.core"]),
        ("runs/view.py", "from nnlab.core.graph import Graph\nfrom .journal import Journal\nimport numpy", []),
        ("run.py", "from nnlab import errors\nfrom nnlab.execution.run import run\nimport nnlab.tuning.study", []),
    ],
)
def test_a_backward_edge_is_found_wherever_it_hides(tmp_path: Path, place: str, source: str, edges: list[str]) -> None:
    path = tmp_path / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source)
    assert backward_edges(path, tmp_path) == edges
