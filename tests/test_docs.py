"""What the documents say of commands, groups and calls is what there is: each is tried, or read from `conf/`."""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nnlab.batch
from nnlab.commands.arguments import composed_jobs
from nnlab.config.problems import ConfigError
from nnlab.execution.many import run_all
from nnlab.tuning.planning import make_plan
from nnlab.tuning.search.pruners import PRUNERS
from nnlab.tuning.search.samplers import SAMPLERS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = [
    path for folder in ("", "docs/**/", "experiments/**/", "benchmarks/") for path in sorted(ROOT.glob(f"{folder}*.md"))
]
SNIPPETS = re.findall(r"^```python\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
SMALL = (
    "data=digits",
    "data.limit=50",
    "model.hidden=[4]",
    "trainer.epochs=1",
    "tracking.enabled=false",
    "tracking.plots=false",
)


def rows(first_head: str) -> list[list[str]]:
    """The cells of the table of README whose first column has this heading."""
    (table,) = re.findall(rf"^\| {first_head} \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", README, re.MULTILINE)
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table.splitlines()]


def names(text: str) -> list[str]:
    """What stands in backticks alone and could be a name: `l2`, but not `schedule.warmup`."""
    return re.findall(r"`(\w+)`", text)


def blocks() -> list[str]:
    """README's indented lines, each continued one as a whole."""
    text = README.replace("\\\n", " ")
    return [line.strip() for line in text.splitlines() if line.startswith("    ")]


# Commands


@pytest.mark.slow
def test_every_command_answers_help_with_status_0() -> None:
    modules = sorted(set(re.findall(r"python -m ([\w.]+)", README)))
    assert {"nnlab.run", "nnlab.sweep", "experiments"} < set(modules)
    # One process imports what they share, and each command is a fork of it.
    program = """
import os, runpy, sys
import nnlab.commands.arguments
for module in sys.argv[1:]:
    if os.fork() == 0:
        sys.argv = [module, "--help"]
        runpy.run_module(module, run_name="__main__", alter_sys=True)
        sys.exit()
    print(module, os.waitstatus_to_exitcode(os.wait()[1]), flush=True)
"""
    command = [sys.executable, "-c", program, *modules]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    statuses = dict(line.split() for line in done.stdout.splitlines() if re.fullmatch(r"[\w.]+ -?\d+", line))
    assert statuses == dict.fromkeys(modules, "0"), done.stderr


def test_every_make_target_that_is_named_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    text = README + (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = set(re.findall(r"(?:`|^    )make ([a-z-]+)", text, re.MULTILINE))
    (several,) = (cells[0] for cells in rows("command") if "`make run`" in cells[0])
    assert named | set(names(several)) <= targets
    assert len(named) >= 6


def test_every_command_line_composes(tmp_path: Path) -> None:
    runs = [line for line in blocks() if line.startswith("python -m nnlab.run ")]
    sweeps = [line for line in blocks() if line.startswith("python -m nnlab.sweep ")]
    assert len(runs) >= 3
    assert len(sweeps) >= 1
    places = [f"runs_dir={tmp_path / 'runs'}", "tracking.enabled=false"]
    for line in runs:
        embedded = line.replace("data=idx data.root=FOLDER", "data=mnist_5k data.split.strategy=stratified")
        assert composed_jobs([*shlex.split(embedded)[3:], *places])
    for line in sweeps:
        assert make_plan([*shlex.split(line)[3:], *places])


def test_the_message_for_bad_input_is_the_one_shown() -> None:
    command, shown = re.search(r"^    \$ python -m nnlab\.run (.*)\n((?:    .*\n)+)", README, re.MULTILINE).groups()  # type: ignore[union-attr]
    with pytest.raises(ConfigError) as error:
        composed_jobs(shlex.split(command))
    assert str(error.value).splitlines() == [line[4:] for line in shown.splitlines()]


# Groups and choices


def test_the_groups_and_choices_are_those_of_conf() -> None:
    found = {names(group)[0]: set(names(choices)) for group, choices in rows("group")}
    folders = {folder for folder in (ROOT / "conf").iterdir() if folder.is_dir() and folder.name != "sweep"}
    assert found == {folder.name: {file.stem for file in folder.glob("*.yaml")} for folder in folders}


def test_the_presets_samplers_and_pruners_of_a_sweep_are_all_named() -> None:
    (presets,) = re.findall(r"`conf/sweep/` has presets \(`sweep=(.*?)\)", README)
    assert set(names(f"`{presets}")) == {file.stem for file in (ROOT / "conf" / "sweep").glob("*.yaml")}
    (samplers,) = re.findall(r"samplers (.*?);", README, re.DOTALL)
    (pruners,) = re.findall(r"pruners (.*?);", README, re.DOTALL)
    assert set(names(samplers)) == set(SAMPLERS)
    assert set(names(pruners)) == set(PRUNERS)


# Python


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What a snippet finds: rows `x` and `y`, and an nnlab whose runs are small, in this process and kept elsewhere."""
    compose = nnlab.batch.compose
    monkeypatch.setattr(nnlab.batch, "compose", lambda *overrides: compose(*overrides, *SMALL, f"runs_dir={tmp_path}"))
    monkeypatch.setattr(nnlab.batch, "run_all", lambda jobs: run_all(jobs, workers=1))
    random = np.random.default_rng(0)
    return {"__name__": "__main__", "x": random.random((100, 20)), "y": np.eye(10)[random.integers(10, size=100)]}


@pytest.mark.parametrize("snippet", [text for text in SNIPPETS if "Client(" not in text])
def test_a_snippet_runs(snippet: str, small: dict[str, Any]) -> None:
    exec(compile(snippet.replace("range(5)", "range(1)"), "README.md", "exec"), small)


def test_the_snippets_that_need_a_cluster_import_what_there_is() -> None:
    # tests/e2e/test_sweep_dask.py runs their lines with a scheduler and two workers.
    imports = [each for text in SNIPPETS if "Client(" in text for each in ast.parse(text).body if is_import(each)]
    assert imports
    exec(compile(ast.Module(imports, []), "README.md", "exec"), {})


def is_import(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Import | ast.ImportFrom)


# Documents


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(document: Path) -> None:
    text = re.sub(r"(?ms)^```.*?^```$", "", document.read_text(encoding="utf-8"))
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
        assert re.match(r"[a-z]+:", target) or (document.parent / target).exists(), target


def test_each_word_of_the_glossary_has_one_meaning() -> None:
    text = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    words = [word for cell in re.findall(r"^\| ([^|]+) \| ", text, re.MULTILINE) for word in cell.split(", ")]
    meant = [word for word in words if word != "word"]
    assert len(meant) == len(set(meant)) > 25
