"""What `-m` ends with where it had several seeds: the table of its groups, and the command that shows it again."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from nnlab.config.job import Job
from nnlab.errors import UserError
from nnlab.runs.resolve import runs_dir_option


def group_table(jobs: Sequence[Job], width: int | None) -> str:
    """The runs of one command line as groups that differ in more than their seeds, compared, as text.

    What cannot be compared is no reason to fail: the runs are kept, and the text says why.

    Args:
        jobs: of a group, all run.
        width: of the screen in columns; None where lines may be of any length.
    """
    assert jobs[0].group is not None
    name, folders = jobs[0].group["name"], list(dict.fromkeys(Path(job.config.runs_dir) for job in jobs))
    try:
        table = _table(name, folders, width)
    except UserError as error:
        table = f"no table of their means: {error}"
    except Exception as error:
        table = f"no table of their means ({type(error).__name__}: {error})"
    if len(folders) > 1:
        return table
    return f"{table}\n\nagain with  {shlex.join(['python', '-m', 'nnlab.compare', name, *runs_dir_option(folders[0])])}"


def _table(name: str, folders: Sequence[Path], width: int | None) -> str:
    from nnlab.analysis.comparison.compare import comparison
    from nnlab.analysis.comparison.facts import RunFacts
    from nnlab.analysis.comparison.folder import missing_of_group
    from nnlab.analysis.comparison.parts import alike
    from nnlab.analysis.comparison.text import as_text
    from nnlab.runs.groups import runs_of_group

    runs = [RunFacts.of(run) for run in runs_of_group(name, folders)]
    return as_text(comparison(alike(runs), notes=missing_of_group(runs)), width)
