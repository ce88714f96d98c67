"""Runs that one command line, or one call of `run_all`, has started together: those of it that there are already.

Each run of a group says in its provenance (`GroupFacts`) which group it belongs to, in which place, and what the whole
group is. So the same command line, given again, finds what it had left unfinished.
"""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from nnlab.errors import UserError
from nnlab.runs.code import code_now
from nnlab.runs.directory import PROVENANCE, run_directories
from nnlab.runs.provenance import packages
from nnlab.runs.reading import LARGEST, read_bounded
from nnlab.runs.stored_run import StoredRun
from nnlab.typed import MalformedError


def group_left(line: str, runs_dirs: Iterable[Path]) -> tuple[str, dict[int, StoredRun]] | None:
    """The name and the runs, by their places from 1, of the latest group of a command line, if it was left unfinished.

    None also where one of its runs is being recorded at this moment, and where other code or other versions started it:
    its runs would not be those that are missing.

    Args:
        line: what the group is, see `GroupFacts`.
        runs_dirs: the folders to look in.
    """
    groups: dict[str, dict[int, StoredRun]] = {}
    for run, facts in _runs_with(line, runs_dirs):
        if facts["group"]["line"] == line and _is_of_this_code(facts):
            groups.setdefault(facts["group"]["name"], {})[facts["group"]["place"]] = run
    if not groups:
        return None
    name, runs = max(groups.items(), key=lambda group: max(run.started_at for run in group[1].values()))
    size = next(iter(runs.values())).provenance["group"]["size"]
    if any(run.is_alive for run in runs.values()) or sum(run.is_over for run in runs.values()) == size:
        return None
    return name, runs


def run_of_group(name: str, place: int, runs_dir: Path) -> Path | None:
    """The directory of a group's run in one place, if it was started; the latest, if it was started several times.
    One that was extended is another run by now."""
    found = [
        run
        for run, facts in _runs_with(name, [runs_dir])
        if (facts["group"]["name"], facts["group"]["place"]) == (name, place) and not run.extensions
    ]
    return max(found, key=lambda run: run.started_at).path if found else None


def runs_of_group(name: str, runs_dirs: Iterable[Path]) -> list[StoredRun]:
    """The runs of a group by its name, in the order of their places; those that are damaged are left out."""
    found = [
        (facts["group"]["place"], run) for run, facts in _runs_with(name, runs_dirs) if facts["group"]["name"] == name
    ]
    return [run for _, run in sorted(found, key=lambda each: each[0])]


def _runs_with(text: str, runs_dirs: Iterable[Path]) -> Iterable[tuple[StoredRun, Mapping[str, Any]]]:
    """The runs of groups whose provenance has a text in it; parsing that of thousands of runs would take a second."""
    for runs_dir in runs_dirs:
        for path in run_directories(runs_dir):
            try:
                if text.encode() not in read_bounded(path / PROVENANCE, LARGEST):
                    continue
                run = StoredRun.open(path)
                facts = run.provenance
            except (OSError, UserError, MalformedError):  # damaged: as if it were not there
                continue
            if "group" in facts:
                yield run, facts


def _is_of_this_code(facts: Mapping[str, Any]) -> bool:
    code = code_now()
    is_same = facts["code"]["sha256"] == code.sha256 if "code" in facts else facts["git"]["commit"] == code.git.commit
    return bool(is_same and (facts["packages"], facts["python"]) == (packages(), platform.python_version()))
