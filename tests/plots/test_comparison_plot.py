"""The figure of a comparison: what is drawn are the numbers, and nothing of it lies outside the picture."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from scipy import stats

from nnlab.plots import save
from nnlab.plots.comparison import groups_and_differences
from nnlab.stats import Judged, difference, judge

NAN, INF = float("nan"), float("inf")
RELU, SIGMOID = [0.972, 0.974, 0.971, 0.975, 0.973], [0.951, 0.955, 0.953, 0.956, 0.952]


def by_seed(values: Iterable[float], first: int = 0) -> dict[object, float]:
    return {first + place: float(value) for place, value in enumerate(values)}


def pairs_of(groups: dict[str, dict[object, float]], margin: float | None = None) -> list[tuple[str, str, Judged]]:
    names = [(a, b) for place, a in enumerate(groups) for b in [*groups][place + 1 :]]
    all_of = [
        difference([*groups[a].values()], [*groups[b].values()], paired=groups[a].keys() == groups[b].keys())
        for a, b in names
    ]
    return [(a, b, judged) for (a, b), judged in zip(names, judge(all_of, margin=margin), strict=True)]


def drawn(
    groups: dict[str, dict[object, float]], *, lower_is_better: bool | None = False, margin: float | None = None
) -> Figure:
    values = {name: [*by_seed.values()] for name, by_seed in groups.items()}
    pairs = pairs_of(groups, margin)
    return groups_and_differences("val/accuracy", values, pairs, lower_is_better=lower_is_better, margin=margin)


def lines(axes: Axes, marker: str) -> list[np.ndarray]:
    """What is drawn with a marker along the axis of the metric, from top to bottom."""
    found = [line for line in axes.lines if line.get_marker() == marker]
    return [np.asarray(line.get_xdata()) for line in found]


def labels(axes: Axes) -> list[str]:
    return [label.get_text().replace("\n", " ") for label in axes.get_yticklabels()]


def remarks(axes: Axes) -> list[str]:
    return [text.get_text().replace("\n", " ") for text in axes.texts]


def test_two_groups_and_their_difference_are_drawn_with_their_intervals_and_dots() -> None:
    above, below = drawn({"relu": by_seed(RELU), "sigmoid": by_seed(SIGMOID)}).axes
    assert labels(above) == ["relu", "sigmoid"]
    assert labels(below) == ["relu − sigmoid"]
    for dots, values in zip(lines(above, "o"), (RELU, SIGMOID), strict=True):
        assert sorted(values) == pytest.approx(list(dots))
    for interval, values in zip(lines(above, "|"), (RELU, SIGMOID), strict=True):
        theirs = stats.ttest_1samp(values, 0).confidence_interval(0.95)
        assert list(interval) == pytest.approx([theirs.low, theirs.high])
    (dots,), (interval,) = lines(below, "o"), lines(below, "|")
    differences = np.subtract(RELU, SIGMOID)
    theirs = stats.ttest_1samp(differences, 0).confidence_interval(0.95)
    assert list(dots) == pytest.approx(sorted(differences))
    assert list(interval) == pytest.approx([theirs.low, theirs.high])


def test_only_a_certain_difference_is_in_colour_and_its_verdict_is_in_words_too() -> None:
    groups = {
        "a": by_seed(np.linspace(0.9, 0.91, 8)),
        "b": by_seed([*np.linspace(0.901, 0.91, 7), 0.9]),
        "c": by_seed(np.linspace(0.8, 0.811, 8)),
    }
    below = drawn(groups).axes[1]
    verdicts = [judged.verdict for _, _, judged in pairs_of(groups)]
    assert verdicts == ["cannot tell", "higher", "higher"]
    words = ["cannot tell", "better", "better"]
    assert all(word in remark for word, remark in zip(words, remarks(below), strict=True))
    assert [
        "worse" in remark or "cannot" in remark for remark in remarks(drawn(groups, lower_is_better=True).axes[1])
    ] == [True] * 3
    colours = [to_hex(line.get_color()) for line in below.lines if line.get_marker() == "|"]
    assert colours[0] != colours[1] == colours[2]


def test_groups_of_other_seeds_have_no_dots_of_differences() -> None:
    groups = {"a": by_seed(RELU), "b": by_seed(SIGMOID), "c": by_seed(SIGMOID, first=100)}
    below = drawn(groups).axes[1]
    assert [len(dots) for dots in lines(below, "o")] == [5, 0, 0]
    assert "where dots are shown" in below.get_title(loc="left")


def test_values_that_are_not_finite_are_counted_and_draw_nothing() -> None:
    groups = {"fine": by_seed([0.9, 0.91]), "some": by_seed([0.9, NAN]), "none": by_seed([NAN, INF])}
    above, below = drawn(groups).axes
    assert [len(dots) for dots in lines(above, "o")] == [2, 1, 0]
    assert remarks(above)[1:] == ["1 of 2 not finite", "2 of 2 not finite"]
    assert len(lines(above, "|")) == 1
    assert lines(below, "|") == []
    alone = groups_and_differences("val/loss", {"none": [NAN]}, [], lower_is_better=True)
    assert "no finite values" in remarks(alone.axes[0])


def test_one_group_has_no_lower_half() -> None:
    assert len(groups_and_differences("val/loss", {"a": RELU}, [], lower_is_better=True).axes) == 1


def test_the_margin_is_a_band_around_zero() -> None:
    below = drawn({"a": by_seed(RELU), "b": by_seed(RELU[::-1])}, margin=0.01).axes[1]
    (band,) = below.patches
    assert band.get_path().get_extents(band.get_patch_transform()).intervalx == pytest.approx([-0.01, 0.01])


@pytest.mark.parametrize(("lower_is_better", "best"), [(False, "lr=29"), (True, "lr=0"), (None, "lr=29")])
def test_of_many_pairs_those_with_the_best_group_are_shown(lower_is_better: bool | None, best: str) -> None:
    values = {f"lr={place}": by_seed([0.5 + place / 100, 0.501 + place / 100]) for place in range(30)}
    above, below = drawn(values, lower_is_better=lower_is_better).axes
    assert len(labels(above)) == 30
    assert len(labels(below)) == 29
    assert all(best in label.split(" − ") for label in labels(below))
    assert "29 of 435 pairs" in below.get_title(loc="left")


def test_of_very_many_groups_the_best_are_shown_in_their_order() -> None:
    values = {f"lr={place}": by_seed([place / 100]) for place in range(50)}
    above, _ = drawn(values).axes
    assert labels(above) == [f"lr={place}" for place in range(10, 50)]
    assert "best 40 of 50 groups" in above.get_title(loc="left")


LONG = "optimizer.name=momentum optimizer.nesterov=true model.hidden=[300,100] regularizer.strength="


@pytest.mark.parametrize(
    ("names", "seeds"),
    [
        (["relu", "sigmoid"], 2),
        ([f"optimizer.name={name}" for name in ("sgd", "momentum", "nesterov", "adam", "adamax")], 30),
        ([f"{LONG}{strength}" for strength in (0.1, 0.01, 0.001)], 5),
        (["a" * 400, "b" * 36, "W" * 36], 1),
        (["$x_1$ & <b>", "two\nlines\tand | pipes", "\\frac{a}{b}"], 3),
        ([f"model={place}" for place in range(12)], 1),
    ],
)
def test_nothing_lies_outside_the_picture(names: list[str], seeds: int) -> None:
    random = np.random.default_rng(0)
    figure = drawn({name: by_seed(random.normal(0.9, 0.01, seeds)) for name in names})
    figure.draw_without_rendering()
    box, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
    assert box.x0 >= 0
    assert box.y0 >= 0
    assert box.x1 <= width
    assert box.y1 <= height


def test_long_names_are_told_apart_by_letters_among_the_differences() -> None:
    above, below = drawn({f"{LONG}{strength}": by_seed(RELU) for strength in (0.1, 0.01, 0.001)}).axes
    assert labels(above) == [
        f"{letter}: {LONG}{strength}" for letter, strength in zip("ABC", (0.1, 0.01, 0.001), strict=True)
    ]
    assert labels(below) == ["A − B", "A − C", "B − C"]


def test_both_ends_of_a_very_long_name_are_kept() -> None:
    above, _ = drawn({"first " + "x" * 1000 + " last": by_seed(RELU), "b": by_seed(SIGMOID)}).axes
    assert labels(above)[0].startswith("A: first")
    assert labels(above)[0].endswith("last")


def test_the_same_comparison_gives_the_same_bytes(tmp_path: Path) -> None:
    groups = {"relu": by_seed(RELU), "sigmoid": by_seed(SIGMOID)}
    first, second = (save(drawn(groups), tmp_path / name).read_bytes() for name in ("first.png", "second.png"))
    assert first == second
