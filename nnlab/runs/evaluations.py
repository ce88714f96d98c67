"""How often a data set's test split was evaluated in an experiment, by the runs' journals.

Each evaluation makes the next one worth less. So the count is shown, whatever each run by itself promises.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any

import yaml

from nnlab.errors import UserError
from nnlab.runs import journal
from nnlab.runs.directory import CONFIG, JOURNAL, PROVENANCE, STUDY, run_directories
from nnlab.runs.files import is_file
from nnlab.runs.provenance_form import Provenance
from nnlab.runs.reading import read_bounded, read_stored
from nnlab.runs.tags import REPRODUCES_TAG
from nnlab.typed import OPEN, Fields, MalformedError

TESTED = b'{"event": "test"'
"""The start of a journal line that records an evaluation of the test split."""
REPRODUCES = f'"{REPRODUCES_TAG}": '.encode()
"""Of a run that repeated another, to the same numbers: nobody has learned anything new about the test split."""
_TRACKED = Annotated[
    dict[str, Any], Fields({"tracking": Annotated[dict[str, Any], Fields({"experiment": str}), OPEN]}), OPEN
]


def count_evaluations(runs_dir: Path, experiment: str, data_sha256: str) -> int:
    """How many evaluations of the test split the runs of a folder have recorded, a study's winners among them.

    Args:
        runs_dir: the folder of the runs.
        experiment: MLflow's, of the runs.
        data_sha256: of the data set; how its rows were divided makes no difference.
    """
    # As text: parsing the files would take ten times as long, and there may be thousands of runs.
    of_data = f'"sha256": "{data_sha256}"'.encode()
    section = yaml.safe_dump({"tracking": {"experiment": experiment}}, allow_unicode=True)
    of_experiment = section.removeprefix("tracking:").encode()
    return sum(
        count
        for path in _runs(runs_dir)
        if (count := _tests(path))
        and of_data in (facts := _content(path / PROVENANCE))
        and REPRODUCES not in facts
        and of_experiment in _content(path / CONFIG)
    )


def evaluation_lines(tested: Iterable[Path]) -> Iterator[str]:
    """One line per experiment and data set of these runs, which have evaluated their test splits."""
    places = dict.fromkeys((path.parent, _experiment(path), _digest(path), _data(path)) for path in tested)
    for runs_dir, experiment, digest, name in places:
        count = count_evaluations(runs_dir, experiment, digest)
        times = "once" if count == 1 else f"{count} times"
        yield f"test split     of {name} evaluated {times} so far in experiment {experiment!r}"


def _runs(runs_dir: Path) -> Iterator[Path]:
    """Every run and trial; a study's own journal repeats what its winner's says."""
    for path in run_directories(runs_dir):
        if not is_file(path / STUDY):
            yield path


def _tests(run: Path) -> int:
    return sum(line.startswith(TESTED) for line in _content(run / JOURNAL).splitlines())


def _content(file: Path) -> bytes:
    try:
        return read_bounded(file, journal.LARGEST)
    except (OSError, UserError, MalformedError):  # removed just now, or not nnlab's
        return b""


def _digest(run: Path) -> str:
    return str(_dataset(run).get("sha256"))


def _data(run: Path) -> str:
    return str(_dataset(run).get("name"))


def _dataset(run: Path) -> dict[str, Any]:
    try:
        return dict(read_stored(run / PROVENANCE, Provenance, "")["dataset"])
    except (FileNotFoundError, UserError):  # not nnlab's, or damaged: it cannot be counted
        return {}


def _experiment(run: Path) -> str:
    try:
        return str(read_stored(run / CONFIG, _TRACKED, "")["tracking"]["experiment"])
    except (FileNotFoundError, UserError):  # as above
        return ""
