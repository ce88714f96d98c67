"""What keeps the house in order, beside the rank of each room (`test_import_order`)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

from test_import_order import FILES, PACKAGE, imports, module_name, part_of

MOST_LINES = 250


def modules_imported(path: Path) -> Iterator[str]:
    """The modules of nnlab that a file imports, wherever in the file."""
    known = {module_name(file, PACKAGE) for file in FILES}
    names = set(imports(path, PACKAGE))
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    yield from names & known - {module_name(path, PACKAGE)}


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = {module_name(path, PACKAGE): list(modules_imported(path)) for path in FILES}
    assert len(list(TopologicalSorter(graph).static_order())) == len(FILES)  # a circle raises CycleError
    assert sum(map(len, graph.values())) > 500


def test_no_file_is_longer_than_a_person_reads_at_once() -> None:
    root = PACKAGE.parent
    beside = [path for folder in ("experiments", "benchmarks", "faults") for path in (root / folder).rglob("*.py")]
    assert len(beside) > 60
    assert [path for path in [*FILES, *beside] if len(path.read_text(encoding="utf-8").splitlines()) > MOST_LINES] == []


def test_what_works_knows_of_no_screen() -> None:
    working = [path for path in FILES if part_of(path) in ("execution", "tuning", "batch")]
    assert len(working) > 30
    assert [path for path in working if "Console" in path.read_text(encoding="utf-8")] == []


def test_a_home_folder_is_asked_for_where_it_may_be_missing() -> None:
    asking = [path for path in FILES if "expanduser(" in path.read_text(encoding="utf-8")]
    assert asking == [PACKAGE / "paths.py"]


def test_events_of_a_journal_are_told_apart_only_where_journals_are_read() -> None:
    readers = {path for path in FILES if '["event"]' in path.read_text(encoding="utf-8")}
    sent = PACKAGE / "mlflow_sync" / "contents.py"
    assert sent in readers
    assert {part_of(path) for path in readers - {sent}} == {"runs"}
