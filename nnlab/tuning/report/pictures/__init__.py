"""The pictures of a study: one function each, from trials to a matplotlib `Figure`, and `draw_study` for all of them.

Importing this takes as long as matplotlib does (about half a second): import it where a study has ended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure
from optuna.trial import FrozenTrial

from nnlab.plots.style import save
from nnlab.runs.files import write_atomically
from nnlab.tuning.report.pictures._history import history as history
from nnlab.tuning.report.pictures._importance import importance as importance
from nnlab.tuning.report.pictures._intermediate import intermediate_values as intermediate_values
from nnlab.tuning.report.pictures._page import study_page as study_page
from nnlab.tuning.report.pictures._parallel import parallel_coordinates as parallel_coordinates
from nnlab.tuning.report.pictures._pareto import pareto as pareto
from nnlab.tuning.report.pictures._slice import slices as slices

Picture = Callable[[Sequence[FrozenTrial], Sequence[str]], Figure | None]

PICTURES: dict[str, Picture] = {
    "history": history,
    "importance": importance,
    "slice": slices,
    "parallel_coordinates": parallel_coordinates,
    "intermediate_values": intermediate_values,
    "pareto": pareto,
}
PAGE = "study.html"


@dataclass(frozen=True)
class Drawn:
    """What came of drawing: the files written, and in words what could not be drawn."""

    paths: list[Path]
    problems: list[str]


def draw_study(folder: Path, trials: Sequence[FrozenTrial], objectives: Sequence[str], *, name: str = "study") -> Drawn:
    """Write every picture that the trials have the facts for as a PNG, and all together as the page `study.html`.

    No complete trial: no importance, slice, parallel coordinates and Pareto front. No reports: no intermediate values.
    One objective: no Pareto front. No trial that has ended: nothing. A picture that fails leaves the others alone.
    The same arguments give the same bytes.

    Args:
        folder: where the pictures go; made if absent.
        trials: of the study, in any order and state.
        objectives: their names, one or two.
        name: of the study, for the page's heading.
    """
    folder.mkdir(parents=True, exist_ok=True)
    trials = sorted(trials, key=lambda trial: trial.number)
    drawn = Drawn([], [])
    for title, picture in PICTURES.items():
        with _others_go_on(f"{title}.png", drawn):
            figure = picture(trials, objectives)
            if figure is not None:
                drawn.paths.append(save(figure, folder / f"{title}.png"))
    with _others_go_on(PAGE, drawn):
        page, problems = study_page(trials, objectives, name)
        drawn.problems.extend(problems)
        if page is not None:
            write_atomically(folder / PAGE, page)
            drawn.paths.append(folder / PAGE)
    return drawn


@contextmanager
def _others_go_on(name: str, drawn: Drawn) -> Iterator[None]:
    """Make a problem in words of whatever a drawing library trips over: the study itself is done."""
    try:
        yield
    except Exception as error:
        drawn.problems.append(f"{name} could not be drawn ({type(error).__name__}: {error})")
