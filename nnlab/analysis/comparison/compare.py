"""From runs to the answer: groups, one value a seed, and every pair of groups judged as one family."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

from nnlab.analysis.comparison.comparison import Comparison, Group, JudgedPair
from nnlab.analysis.comparison.counting import counted, with_metric
from nnlab.analysis.comparison.facts import RunFacts, check_frame_or_runs
from nnlab.analysis.comparison.likeness import SEED, differing
from nnlab.analysis.comparison.metrics import lower_is_better, metric_of
from nnlab.analysis.comparison.next_runs import commands
from nnlab.analysis.comparison.parts import Part, alike, by_keys, named
from nnlab.analysis.comparison.sameness import code_notes, rows_notes, unlike_losses
from nnlab.analysis.comparison.variation import elsewhere_notes, varies
from nnlab.analysis.comparison.where import check_key
from nnlab.errors import UserError
from nnlab.wording import number_of

if TYPE_CHECKING:
    import pandas as pd

    from nnlab.runs.stored_run import StoredRun
    from nnlab.stats import Difference, McNemar


def compare(
    frame_or_runs: pd.DataFrame | Iterable[StoredRun | Path | str],
    *,
    by: str | Sequence[str] | None = None,
    metric: str | None = None,
    pair: str | None = SEED,
    margin: float | None = None,
) -> Comparison:
    """Compare groups of runs by a metric of the weights that each kept.

    A seed is the unit: a group has one value for each, the mean of its runs with that seed. Only runs that finished
    count, and of those with the same config, data, code and seed the latest.

    Args:
        frame_or_runs: what `nnlab.results.results` returns, or run directories, as `run_all` returns them.
        by: the key or keys whose values make the groups; None puts runs together that differ in nothing but the seed.
        metric: None is the `trainer.monitor` that all have in common; the accuracy, where that is a loss that they
            measure in different ways.
        pair: the key whose values are the units, and are paired where two groups share them; None pairs nothing.
        margin: within which two groups are equal for practice, in the metric's unit.

    Raises:
        UserError: if there is no run that finished, no run has the metric or a key, or the metric was measured on
            different rows.
    """
    runs = check_frame_or_runs(frame_or_runs)
    if not runs:
        raise UserError("`compare` needs at least one run, but was given none.")
    keys = [by] if isinstance(by, str) else list(by or ())
    parts = by_keys(runs, keys) if keys else alike(runs)
    return comparison(parts, by=keys, metric=metric, pair=pair, margin=margin)


def comparison(
    parts: Sequence[Part],
    *,
    by: Sequence[str] = (),
    metric: str | None = None,
    pair: str | None = SEED,
    margin: float | None = None,
    notes: Iterable[str] = (),
) -> Comparison:
    """Compare parts of runs; arguments and errors as of `compare`.

    Args:
        parts: what is to be compared.
        by: the keys that made them, if any did.
        metric: as above.
        pair: as above.
        margin: as above.
        notes: to come first.
    """
    from nnlab.stats import judge

    parts = named(parts)
    notes = [*notes, *(note for part in parts for note in part.notes)]
    every = [run for part in parts for run in part.runs]
    counting, left_out = counted(parts)
    metric, instead = _metric([run for part in counting for run in part.runs] or every, counting, metric)
    parts, lacking = with_metric(counting, metric)
    notes += [*instead, *left_out, *lacking]
    notes += rows_notes(parts, metric, by=bool(by))
    notes += code_notes(parts)
    if metric.startswith("test/") and len(parts) > 1:
        notes.append("What is chosen by the test split has no unbiased test score any more: choose by validation.")
    notes += elsewhere_notes(parts, told=by)
    unit, of_seeds = _unit_key(pair, every)
    groups = [_group(part, metric, unit) for part in parts]
    pairs = list(combinations(groups, 2))
    differences = [_difference(a, b, is_paired=pair is not None and unit is not None) for a, b in pairs]
    judged = judge([each for each, _ in differences], margin=margin)
    rows, of_rows = _mcnemar(parts, metric)
    notes += [*of_seeds, *(note for _, of_pair in differences for note in of_pair), *of_rows]
    found = Comparison(
        metric=metric,
        lower_is_better=lower_is_better(metric),
        groups=groups,
        judged=[JudgedPair(a.name, b.name, each) for (a, b), each in zip(pairs, judged, strict=True)],
        notes=notes,
        margin=margin,
        mcnemar=rows,
    )
    return replace(found, commands=commands(parts, found))


def _metric(runs: Sequence[RunFacts], parts: Sequence[Part], asked: str | None) -> tuple[str, list[str]]:
    """The metric to compare, and what is to be said of it: of losses that cannot be compared the accuracy, unless it
    was asked for the loss.

    Raises:
        UserError: as `compare`.
    """
    metric = metric_of(runs, asked)
    unlike = unlike_losses(parts, metric)
    if unlike is None:
        return metric, []
    other = metric.replace("loss", "accuracy")
    if asked is None and all(other in run.metrics for run in runs):
        return other, [f"{metric}, by which the runs chose their weights, measures different things: {unlike}."]
    raise UserError(
        f"A loss can be compared only between runs that measure the same, but {unlike}. Compare another metric: "
        f"--metric {other}."
    )


def _unit_key(pair: str | None, runs: Sequence[RunFacts]) -> tuple[str | None, list[str]]:
    """The key whose values are the units, None if each run is one; and what is to be said of that."""
    unit = pair or SEED
    if unit == SEED and not any(SEED in run.keys for run in runs):
        return None, ["The runs have no seed: each counts by itself, and none are paired."]
    check_key(unit, runs)
    return unit, []


def _group(part: Part, metric: str, unit: str | None) -> Group:
    from nnlab.stats import Sample

    values: dict[int | str, list[float]] = {}
    for place, run in enumerate(part.runs):
        values.setdefault(place if unit is None else _unit(run, unit), []).append(run.metrics[metric])
    seeds = sorted(values, key=lambda seed: (isinstance(seed, str), seed))
    means = tuple(Sample(tuple(values[seed])).mean for seed in seeds)
    common = {key: value for key, value in part.runs[0].keys.items() if key not in (*differing(part.runs), SEED)}
    return Group(
        name=part.name,
        seeds=tuple(seeds),
        values=means,
        sample=Sample(means),
        runs=tuple(run.name for run in part.runs),
        asked=part.asked,
        varies=varies(part.runs),
        keys=common,
    )


def _unit(run: RunFacts, unit: str) -> int | str:
    value = run.keys.get(unit, "none")
    return value if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _difference(a: Group, b: Group, *, is_paired: bool) -> tuple[Difference, list[str]]:
    """Paired by the seeds that both have, if these are at least half of those that the smaller group has; and what is
    to be said of that."""
    from nnlab.stats import difference

    notes: list[str] = []
    others_seeds = set(b.seeds)
    shared = [seed for seed in a.seeds if seed in others_seeds]
    fewest = min(len(a.seeds), len(b.seeds))
    if not is_paired or not shared or 2 * len(shared) < fewest or (len(shared) < 2 <= fewest):
        if shared and is_paired:
            notes.append(f"{a.name} and {b.name} share too few seeds ({len(shared)}), so they are not paired.")
        return difference(a.values, b.values, paired=False), notes
    if left := len(a.seeds) + len(b.seeds) - 2 * len(shared):
        others = "value counts in its" if left == 1 else "values count in their"
        seeds = "one seed" if len(shared) == 1 else number_of(len(shared), "seed")
        notes.append(
            f"{a.name} and {b.name} are paired by the {seeds} that both have; {left} other {others} own "
            "group's mean alone."
        )
    first, second = dict(zip(a.seeds, a.values, strict=True)), dict(zip(b.seeds, b.values, strict=True))
    return difference([first[seed] for seed in shared], [second[seed] for seed in shared], paired=True), notes


def _mcnemar(parts: Sequence[Part], metric: str) -> tuple[McNemar | None, list[str]]:
    """Of two single runs, by what they have stored; and why not."""
    if len(parts) != 2 or any(len(part.runs) != 1 for part in parts):
        return None, []
    from nnlab.analysis.comparison.predicted import row_by_row

    return row_by_row(parts[0].runs[0], parts[1].runs[0], metric)
