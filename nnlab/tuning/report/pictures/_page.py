"""All of Optuna's own figures of a study, interactive (plotly), on one page that needs no network."""

from __future__ import annotations

import html
import json
import warnings
from collections.abc import Callable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from functools import partial
from math import isfinite
from string import Template
from typing import Any

from optuna import Study, visualization
from optuna.trial import FrozenTrial, TrialState
from plotly.graph_objects import Figure
from plotly.offline import get_plotlyjs

from nnlab.tuning.confirm.results import Confirmation
from nnlab.tuning.report.leaderboard import leaderboard
from nnlab.tuning.report.pictures._packing import UNPACK, packed
from nnlab.tuning.report.pictures._scores import drawable_ranking, is_drawable, needs_log_axis
from nnlab.tuning.report.ranking import cost, in_memory_study, quiet_optuna
from nnlab.tuning.report.trial_facts import natural_order
from nnlab.wording import number_of

PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>$title</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; color: #222; max-width: 1080px; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin: 2.5rem 0 0.3rem; } p { margin: 0 0 0.5rem; color: #555; }
nav a { margin-right: 1.2em; } section { overflow-x: auto; }
pre { font-size: 12px; line-height: 1.45; overflow-x: auto; }
a { color: #0072b2; }
</style>
</head>
<body>
<h1>$title</h1>
<nav>$links</nav>
<pre>$table</pre>
$sections
<script>
$unpack
const show = async () => {
  const library = document.createElement("script");
  library.textContent = await unpack("$library");
  document.head.append(library);
  for (const figure of JSON.parse(await unpack("$figures"))) {
    Plotly.newPlot(figure.place, figure.data, figure.layout, figure.config);
  }
};
show();
</script>
</body>
</html>
""")
SECTION = Template(
    '<section id="$anchor">\n<h2>$heading</h2>\n<p>$note</p>\n<div id="figure-$anchor"></div>\n</section>'
)
# PED-ANOVA compares the best tenth with all trials; with fewer than five in it, its authors call it unstable.
ENOUGH_TRIALS = 50
# Without the button that sends a figure to plotly's own servers.
CONFIG = {"displaylogo": False, "responsive": True, "modeBarButtonsToRemove": ["sendChartToCloud"]}
LINK = Template('<a href="#$anchor">$heading</a>')
LOOK = {
    "template": "simple_white",
    "title": None,
    "height": 460,
    "margin": {"l": 70, "r": 30, "t": 40, "b": 60},
    "font": {"family": "system-ui, sans-serif", "size": 12},
}


def study_page(
    trials: Sequence[FrozenTrial], objectives: Sequence[str], name: str, confirmation: Confirmation | None = None
) -> tuple[str | None, list[str]]:
    """The page, or None if no trial has ended; and a message for each figure that could not be drawn.

    Args:
        trials: all of the study, by number.
        objectives: their names, one or two.
        name: of the study.
        confirmation: for the table.
    """
    if not any(trial.state.is_finished() for trial in trials):
        return None, []
    links, sections, figures, problems = [], [], [], []
    for section in _sections(trials, objectives):
        try:
            with warnings.catch_warnings(), quiet_optuna():
                warnings.simplefilter("ignore")  # that functions are experimental, and trials few
                figure = section.draw()
            figure.update_layout(LOOK)
            drawn = json.loads(figure.to_json())
        except Exception as error:  # whatever a plotting library raises, the other figures are wanted
            problems.append(
                f"{section.heading!r} of the study's page could not be drawn ({type(error).__name__}: {error})"
            )
            continue
        words = {"anchor": section.anchor, "heading": html.escape(section.heading), "note": html.escape(section.note)}
        links.append(LINK.substitute(words))
        sections.append(SECTION.substitute(words))
        figures.append({"place": f"figure-{section.anchor}", "config": CONFIG, **drawn})
    page = PAGE.substitute(
        title=html.escape(f"Study {name}"),
        unpack=UNPACK,
        library=packed(get_plotlyjs()),
        figures=packed(json.dumps(figures)),
        links="\n".join(links),
        table=html.escape(leaderboard(trials, objectives, confirmation=confirmation)),
        sections="\n".join(sections),
    )
    return page, problems


@dataclass(frozen=True)
class _Section:
    """A figure of the page: its anchor, heading, a note to the reader, and how it is drawn."""

    anchor: str
    heading: str
    note: str
    draw: Callable[[], Figure]


def _sections(trials: Sequence[FrozenTrial], objectives: Sequence[str]) -> Iterator[_Section]:
    """The figures that there are trials for."""
    # Optuna shows the numbers of the study that it is given, so duplicates and failed trials stay in it.
    study = in_memory_study([_storable(trial) for trial in trials], objectives)
    candidates = drawable_ranking(trials, objectives)
    if candidates and len(objectives) == 2:
        note = "Red: trials that no other trial beats in both objectives."
        yield _Section("pareto-front", "Pareto front", note, partial(_pareto, study, objectives, candidates))
    for place, objective in enumerate(objectives if candidates else ()):
        of, tail = (f", {objective}", f"-{place + 1}") if len(objectives) == 2 else ("", "")
        axis = _Axis(objective, None if len(objectives) == 1 else place, _is_log(candidates, place))
        note = "The complete trials" + (", and the best value so far." if len(objectives) == 1 else ".")
        yield _Section(f"history{tail}", f"History{of}", note, partial(_history, study, axis))
        if _varies(candidates):
            note = (
                "The share of each parameter in reaching the best tenth of the trials (conditional PED-ANOVA, "
                f"arXiv:2601.20800), from {number_of(len(candidates), 'trial')}"
                + ("." if len(candidates) >= ENOUGH_TRIALS else f": a rough estimate below {ENOUGH_TRIALS}.")
            )
            draw = partial(_importance, in_memory_study(candidates, objectives), objectives, place)
            yield _Section(f"importance{tail}", f"Importance{of}", note, draw)
        note = "A trial appears in the panels of the parameters that it has."
        yield _Section(f"slice{tail}", f"Slice{of}", note, partial(_slice, study, axis))
    if candidates:
        note = "A trial that lacks a conditional parameter passes through None."
        yield _Section("parallel-coordinates", "Parallel coordinates", note, partial(_parallel, study, objectives))
    ended = [trial for trial in trials if trial.state in (TrialState.COMPLETE, TrialState.PRUNED)]
    if reported := [value for trial in ended for value in trial.intermediate_values.values() if is_drawable(value)]:
        note = "The values that each trial reported; those of pruned trials end early."
        draw = partial(_intermediate, study, objectives[0], needs_log_axis(reported))
        yield _Section("intermediate-values", "Intermediate values", note, draw)


def _searched_keys(trials: Sequence[FrozenTrial]) -> list[str]:
    """Every parameter that any of the trials has."""
    return natural_order(key for trial in trials for key in trial.params)


def _varies(trials: Sequence[FrozenTrial]) -> bool:
    """Whether any parameter has several values among the trials."""
    return any(
        len({trial.params[key] for trial in trials if key in trial.params}) > 1 for key in _searched_keys(trials)
    )


def _storable(trial: FrozenTrial) -> FrozenTrial:
    """The trial, or if it is complete without being finite, which Optuna refuses, a failed one in its place."""
    if trial.state != TrialState.COMPLETE or all(isfinite(value) for value in trial.values):
        return trial
    failed = copy(trial)
    failed.state, failed.values = TrialState.FAIL, None
    return failed


@dataclass(frozen=True)
class _Axis:
    """An objective as Optuna's functions want it named, and whether it is drawn by magnitude."""

    name: str
    place: int | None
    is_log: bool

    def arguments(self) -> dict[str, Any]:
        place = self.place
        target = {} if place is None else {"target": lambda trial: trial.values[place]}
        return {"target_name": self.name, **target}

    def apply(self, figure: Figure) -> Figure:
        return figure.update_yaxes(type="log") if self.is_log else figure


def _is_log(candidates: Sequence[FrozenTrial], place: int) -> bool:
    return needs_log_axis([trial.values[place] for trial in candidates])


def _history(study: Study, axis: _Axis) -> Figure:
    return axis.apply(visualization.plot_optimization_history(study, **axis.arguments()))


def _importance(study: Study, objectives: Sequence[str], place: int) -> Figure:
    return visualization.plot_param_importances(
        study,
        params=_searched_keys(study.trials),
        target=lambda trial: cost(objectives[place], trial.values[place]),
        target_name=objectives[place],
    )


def _slice(study: Study, axis: _Axis) -> Figure:
    return axis.apply(visualization.plot_slice(study, **axis.arguments()))


def _parallel(study: Study, objectives: Sequence[str]) -> Figure:
    if len(objectives) == 1:
        return visualization.plot_parallel_coordinate(study, target_name=objectives[0])
    study.set_metric_names(list(objectives))
    return visualization.plot_parallel_coordinate(study)


def _intermediate(study: Study, objective: str, is_log: bool) -> Figure:
    figure = visualization.plot_intermediate_values(study)
    return figure.update_yaxes(title=objective, **({"type": "log"} if is_log else {}))


def _pareto(study: Study, objectives: Sequence[str], candidates: Sequence[FrozenTrial]) -> Figure:
    figure = visualization.plot_pareto_front(study, target_names=list(objectives))
    if _is_log(candidates, 0):
        figure.update_xaxes(type="log")
    return figure.update_yaxes(type="log") if _is_log(candidates, 1) else figure
