from __future__ import annotations

import base64
import html
import json
import math
import re
import subprocess
import sys
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread
from optuna.trial import FrozenTrial
from plotly.offline import get_plotlyjs
from trial_samples import make_trial

from nnlab.tuning.report import pictures
from nnlab.tuning.report.pictures import draw_study, history
from nnlab.tuning.report.pictures._page import study_page
from nnlab.tuning.report.pictures._scores import needs_log_axis

LOSS = ("val/loss",)
BOTH = ("val/accuracy", "parameters")


def a_study(count: int, objectives: Sequence[str] = LOSS) -> list[FrozenTrial]:
    """Trials of every kind and with conditional parameters, in which the learning rate alone decides."""
    generator = np.random.default_rng(5)
    trials = []
    for number in range(count):
        optimizer = str(generator.choice(["sgd", "momentum"]))
        params: dict[str, Any] = {"optimizer": optimizer, "optimizer.lr": float(10 ** generator.uniform(-3, 0))}
        if optimizer == "momentum":
            params["optimizer.momentum"] = float(generator.uniform(0.0, 0.99))
        params |= {"trainer.batch_size": int(generator.choice([16, 32])), "model.depth": int(generator.integers(1, 4))}
        params |= {f"model.width.{layer}": int(generator.integers(16, 257)) for layer in range(params["model.depth"])}
        loss = 0.1 + abs(math.log10(params["optimizer.lr"]) + 1.0)
        if objectives == BOTH:
            trials.append(
                make_trial(number, [1 / (1 + loss), 1000.0 * params["model.depth"]], params=params, scores={})
            )
        elif number % 5 == 3:
            trials.append(make_trial(number, [loss], status="pruned", params=params, reports=[2 * loss, loss]))
        elif number % 5 == 4:
            trials.append(make_trial(number, status="diverged", params=params, reports=[loss, math.nan]))
        else:
            trials.append(make_trial(number, [loss], params=params, reports=[3 * loss, 2 * loss, loss]))
    trials.append(make_trial(count, trials[0].values, params=trials[0].params, duplicate_of=0))
    return trials


def names(paths: Sequence[Path]) -> set[str]:
    return {path.name for path in paths}


def drawn(figure: Figure | None) -> Figure:
    assert figure is not None
    return figure


ALWAYS = {"history.png", "study.html"}
REPORTED = {"intermediate_values.png"}


@pytest.mark.parametrize(
    ("trials", "objectives", "expected"),
    [
        (a_study(30), LOSS, ALWAYS | REPORTED),
        (a_study(30, BOTH), BOTH, ALWAYS),
        (a_study(500), LOSS, ALWAYS | REPORTED),
        ([], LOSS, set()),
        ([make_trial(0, status=None)], LOSS, set()),
        ([make_trial(0, [0.5])], LOSS, ALWAYS),
        ([make_trial(0, [0.5, 7.0], scores={})], BOTH, ALWAYS),
        (
            [make_trial(n, [0.5], status="pruned", reports=[0.5]) for n in range(3)],
            LOSS,
            ALWAYS | REPORTED,
        ),
        ([make_trial(n, status="failed", reports=[math.nan]) for n in range(3)], LOSS, ALWAYS),
        ([make_trial(n, [0.5]) for n in range(3)], LOSS, ALWAYS),
        (
            [
                make_trial(0, [1e308], reports=[1e300, 1e308]),
                make_trial(1, [0.0], params={"optimizer.lr": 1.0}, reports=[0.0]),
                make_trial(2, [math.nan], params={"optimizer.lr": 0.5}),
            ],
            LOSS,
            ALWAYS | REPORTED,
        ),
        ([make_trial(n, [0.5], params={}) for n in range(3)], LOSS, ALWAYS),
    ],
    ids=[
        *(
            "every kind",
            "two objectives",
            "500 trials",
            "no trials",
            "running",
            "one trial",
            "one trial, two objectives",
        ),
        *("all pruned", "all failed", "one value each", "absurd values", "no parameters"),
    ],
)
def test_whatever_there_are_facts_for_is_drawn_and_no_more(
    trials: list[FrozenTrial],
    objectives: tuple[str, ...],
    expected: set[str],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    result = draw_study(tmp_path / "plots", trials, objectives)
    assert result.problems == []
    assert names(result.paths) == names(list((tmp_path / "plots").iterdir())) == expected
    for path in result.paths:
        if path.suffix == ".png":
            # Pictures of one colour would be empty.
            assert np.ptp(imread(path)[..., :3]) > 0.5
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
def test_the_same_trials_give_the_same_bytes_in_whatever_order_and_process(tmp_path: Path) -> None:
    first = draw_study(tmp_path / "first", a_study(30), LOSS)
    program = (
        "import sys; from pathlib import Path; sys.path[:0] = sys.argv[2:]\n"
        "from test_pictures import LOSS, a_study, draw_study\n"
        "draw_study(Path(sys.argv[1]), a_study(30)[::-1], LOSS)"
    )
    folders = [str(Path(__file__).parent), str(Path(__file__).parents[1])]
    subprocess.run([sys.executable, "-c", program, str(tmp_path / "second"), *folders], check=True, timeout=60)
    for path in first.paths:
        assert path.read_bytes() == (tmp_path / "second" / path.name).read_bytes(), path.name


def test_a_picture_that_fails_leaves_the_others_and_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> Figure:
        raise ZeroDivisionError("no width")

    monkeypatch.setitem(pictures.PICTURES, "history", broken)
    monkeypatch.setattr("nnlab.tuning.report.pictures._page.visualization.plot_slice", broken)
    result = draw_study(tmp_path, a_study(10), LOSS)
    assert result.problems == [
        "history.png could not be drawn (ZeroDivisionError: no width)",
        "'Slice' of the study's page could not be drawn (ZeroDivisionError: no width)",
    ]
    assert names(result.paths) == {"intermediate_values.png", "study.html"}
    page = (tmp_path / "study.html").read_text(encoding="utf-8")
    assert 'id="slice"' not in page
    assert 'id="history"' in page


# The page


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("page")
    draw_study(folder, a_study(30), LOSS, name="<b>lr & depth</b>")
    return (folder / "study.html").read_text(encoding="utf-8")


def unpacked(page: str) -> list[str]:
    """What the page unpacks in the browser: plotly.js, and the figures."""
    texts = re.findall(r'unpack\("([\w-]+)"\)', page)
    return [zlib.decompress(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))).decode() for text in texts]


def test_the_page_loads_nothing_from_elsewhere(page: str) -> None:
    outside_scripts = re.sub(r"(?s)<script.*?</script>", "", page)
    assert re.findall(r"<(?:script|link|img|iframe)[^>]*(?:src|href)=", page) == []
    assert re.findall(r"https?://", outside_scripts) == []
    library, _ = unpacked(page)
    assert library == get_plotlyjs()


@pytest.mark.slow
def test_the_page_fits_into_an_address_as_mlflow_shows_it() -> None:
    # Chromium takes addresses of 2 MiB; MLflow writes an HTML artifact into one, quoted.
    page, problems = study_page(a_study(300), LOSS, "x" * 80)
    assert page is not None
    assert problems == []
    assert len(quote(page, safe="~()*!'")) < 2 * 1024 * 1024


def test_no_figure_of_the_page_offers_to_send_itself_to_a_server(page: str) -> None:
    figures = json.loads(unpacked(page)[1])
    assert [figure["place"] for figure in figures] == re.findall(r'<div id="(figure-[^"]+)"', page)
    assert len(figures) == 5
    for figure in figures:
        assert "sendChartToCloud" in figure["config"]["modeBarButtonsToRemove"]


def test_each_figure_of_the_page_has_a_heading_and_an_anchor_that_is_linked(page: str) -> None:
    anchors = ["history", "importance", "slice", "parallel-coordinates", "intermediate-values"]
    assert re.findall(r'<section id="([^"]+)">', page) == anchors
    assert re.findall(r'<a href="#([^"]+)">', page) == anchors
    assert [page.count(f'<div id="figure-{anchor}"') for anchor in anchors] == [1] * 5


def test_the_page_shows_the_leaderboard_and_quotes_the_name(page: str) -> None:
    assert "<h1>Study &lt;b&gt;lr &amp; depth&lt;/b&gt;</h1>" in page
    assert html.escape("rank  trial") in page


def figure_of(page: str, anchor: str) -> dict[str, Any]:
    """A figure as plotly gets it."""
    return next(each for each in json.loads(unpacked(page)[1]) if each["place"] == f"figure-{anchor}")


def importances(page: str, anchor: str) -> dict[str, float]:
    (bars,) = figure_of(page, anchor)["data"]
    return dict(zip(bars["y"], bars["x"], strict=True))


@pytest.mark.slow
def test_what_alone_decides_is_the_most_important() -> None:
    page, _ = study_page(a_study(200), LOSS, "study")
    assert page is not None
    found = importances(page, "importance")
    assert max(found, key=lambda key: found[key]) == "optimizer.lr"
    assert found["optimizer.lr"] > 0.5
    assert {"optimizer.momentum", "model.width.2"} < found.keys()


@pytest.mark.slow
def test_each_of_two_objectives_has_its_own_figures() -> None:
    page, _ = study_page(a_study(200, BOTH), BOTH, "study")
    assert page is not None
    anchors = re.findall(r'<section id="([^"]+)">', page)
    assert anchors[0] == "pareto-front"
    assert {"history-1", "history-2", "slice-1", "slice-2"} < set(anchors)
    # The accuracy is to be high, the parameters few: learning rate and depth alone decide over them.
    for place, key in ((1, "optimizer.lr"), (2, "model.depth")):
        found = importances(page, f"importance-{place}")
        assert max(found, key=lambda key: found[key]) == key


# Single pictures


def test_the_history_marks_each_kind_of_trial_and_steps_down_to_the_best() -> None:
    trials = [
        make_trial(0, [0.5]),
        make_trial(1, [0.3], status="pruned"),
        make_trial(2, [0.4]),
        make_trial(3, status="killed"),
        make_trial(4, [0.5], duplicate_of=0),
        make_trial(5, [0.45]),
    ]
    (axes,) = drawn(history(trials, LOSS)).axes
    lines = {str(line.get_label()): np.column_stack(line.get_data()).tolist() for line in axes.lines}
    assert lines == {
        "complete": [[0, 0.5], [2, 0.4], [5, 0.45]],
        "duplicate": [[4, 0.5]],
        "pruned": [[1, 0.3]],
        "failed": [[3, 0]],
        "best so far": [[0, 0.5], [2, 0.4], [5, 0.4]],
    }


# Scores


@pytest.mark.parametrize(
    ("values", "is_log"), [([0.1, 0.9], False), ([0.1, 2.0], True), ([0.0, 9.0], False), ([-1.0, 50.0], False)]
)
def test_positive_scores_of_very_different_size_get_a_logarithmic_axis(values: list[float], is_log: bool) -> None:
    assert needs_log_axis(values) is is_log


def test_importing_the_package_of_the_tables_needs_no_drawing_library() -> None:
    program = (
        "import sys, nnlab.tuning.report.leaderboard, nnlab.tuning.report.trials_table, nnlab.commands.study_console\n"
        "print([name for name in ('matplotlib', 'plotly', 'rich') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert result.stdout == "[]\n"
