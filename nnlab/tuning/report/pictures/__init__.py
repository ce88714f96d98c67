"""The pictures of a study: Optuna's own figures on one page, and as PNGs the two that show what those leave out.

`history.png` also has the pruned, failed and repeated trials, `intermediate_values.png` the failed ones and the best.

Importing this takes as long as matplotlib does (about half a second): import it after a study has ended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure
from optuna.trial import FrozenTrial

from nnlab.machine import raise_if_disk
from nnlab.plots.style import save
from nnlab.runs.files import write_atomically
from nnlab.tuning.confirm.results import Confirmation
from nnlab.tuning.report.pictures._history import history as history
from nnlab.tuning.report.pictures._intermediate import intermediate_values as intermediate_values
from nnlab.tuning.report.pictures._page import study_page as study_page

Picture = Callable[[Sequence[FrozenTrial], Sequence[str]], Figure | None]

PICTURES: dict[str, Picture] = {
    "history": history,
    "intermediate_values": intermediate_values,
}
PAGE = "study.html"


@dataclass(frozen=True)
class Drawn:
    """The files that were written, and a message for each picture that could not be drawn."""

    paths: list[Path]
    problems: list[str]


def draw_study(
    folder: Path,
    trials: Sequence[FrozenTrial],
    objectives: Sequence[str],
    *,
    name: str = "study",
    confirmation: Confirmation | None = None,
) -> Drawn:
    """Write `history.png`, `intermediate_values.png` and the page `study.html`.

    Without a trial that has ended nothing is written, without reported values no `intermediate_values.png`. A picture
    that fails does not affect the others. The same arguments give the same bytes.

    Args:
        folder: for the pictures; created if it does not exist.
        trials: those of the study, in any order and state.
        objectives: their names, one or two.
        name: the study's, for the heading of the page.
        confirmation: for its table.

    Raises:
        MachineError: if the disk cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    trials = sorted(trials, key=lambda trial: trial.number)
    drawn = Drawn([], [])
    for title, picture in PICTURES.items():
        with _others_continue(f"{title}.png", drawn):
            figure = picture(trials, objectives)
            if figure is not None:
                drawn.paths.append(save(figure, folder / f"{title}.png", write_atomically))
    with _others_continue(PAGE, drawn):
        page, problems = study_page(trials, objectives, name, confirmation)
        drawn.problems.extend(problems)
        if page is not None:
            write_atomically(folder / PAGE, page)
            drawn.paths.append(folder / PAGE)
    return drawn


@contextmanager
def _others_continue(name: str, drawn: Drawn) -> Iterator[None]:
    """Turn whatever a plotting library raises into a message: the study itself is done."""
    try:
        yield
    except Exception as error:
        raise_if_disk(error)
        drawn.problems.append(f"{name} could not be drawn ({type(error).__name__}: {error})")
