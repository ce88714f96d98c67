# mypy: disable-error-code="arg-type"
from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image
from sklearn.metrics import confusion_matrix as counts_by_scikit_learn

from nnlab import plots
from nnlab.core.rows import Array, Rows, Scaling
from nnlab.data.dataset import Dataset
from nnlab.plots import run_pictures

DIGITS = tuple("0123456789")
GARMENTS = (
    *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
    *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
)
NAN, INF = float("nan"), float("inf")


def history_of(train: Sequence[float], val: Sequence[float] | None = None) -> list[Mapping[str, float]]:
    rows: list[Mapping[str, float]] = []
    for index, loss in enumerate(train):
        row = {"epoch": index + 1, "train/loss": loss, "train/accuracy": 0.5, "lr": 0.1}
        if val is not None:
            row |= {"val/loss": val[index], "val/accuracy": 0.4}
        rows.append(row)
    return rows


def image_dataset(n: int = 40, shape: tuple[int, int] = (5, 4), scaling: Scaling | None = None) -> Dataset:
    scaling = scaling or Scaling()
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (n, shape[0] * shape[1]), dtype=np.uint8)
    y = np.repeat(np.arange(10), n // 10)
    half = n // 2
    return Dataset(
        name="dots",
        train=Rows(x, y, np.arange(half), scaling),
        validation=Rows(x, y, np.arange(0), scaling),
        test=Rows(x, y, np.arange(half, n), scaling),
        class_names=DIGITS,
        image_shape=shape,
        sha256="0" * 64,
    )


TRUTH = np.array([1, 0, 1, 0, 0, 0, 1, 1])


def truth_table() -> Dataset:
    inputs = np.array([[1, 0, 0], [0, 1, 0], [1, 1, 0], [0, 0, 0], [1, 0, 1], [0, 0, 1], [1, 1, 1], [0, 1, 1]])
    rows = Rows.whole(inputs.astype(np.uint8), TRUTH)
    return Dataset("toy", rows, rows, rows, ("0", "1"), None, "0" * 64)


def draw(folder: Path, dataset: Dataset, **changes: object) -> dict[str, Path]:
    outputs = np.eye(10)[(dataset.test.targets() + 1) % 10] if dataset.image_shape else TRUTH[:, None] * 0.9
    facts: dict[str, object] = {
        "history": history_of([0.9, 0.5, 0.4], [1.0, 0.6, 0.7]),
        "best_epoch": 2,
        "dataset": dataset,
        "outputs": outputs,
        "shown": dataset.test,
        "shown_name": "test",
        "first_weights": np.linspace(-1, 1, dataset.features * 6).reshape(dataset.features, 6),
    }
    return {path.stem: path for path in plots.draw_all(folder, **(facts | changes))}


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> dict[str, Figure]:
    """What `draw_all` draws, instead of files."""
    drawn: dict[str, Figure] = {}

    def keep(figure: Figure, path: Path, write: object) -> Path:
        drawn[path.stem] = figure
        return path

    monkeypatch.setattr(run_pictures, "save", keep)
    return drawn


def visible_texts(figure: Figure) -> list[Text]:
    figure.draw_without_rendering()
    found = figure.findobj(lambda artist: isinstance(artist, Text) and artist.get_visible())
    return [text for text in found if isinstance(text, Text) and text.get_text()]


def assert_nothing_is_cut_off(figure: Figure) -> None:
    figure.draw_without_rendering()
    drawn, page = figure.get_tightbbox(), figure.bbox_inches
    assert drawn.x0 >= 0, drawn
    assert drawn.y0 >= 0, drawn
    assert drawn.x1 <= page.width, drawn
    assert drawn.y1 <= page.height, drawn


def captions_of(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].texts]


def assert_captions_are_apart(figure: Figure) -> None:
    figure.draw_without_rendering()
    captions = figure.axes[0].texts
    boxes = [caption.get_window_extent() for caption in captions]
    for index, box in enumerate(boxes):
        assert box.count_overlaps(boxes[index + 1 :]) == 0, captions[index].get_text()


# All of them


def test_images_get_five_pictures(tmp_path: Path) -> None:
    paths = draw(tmp_path / "new" / "plots", image_dataset())
    assert sorted(paths) == [
        "confusion_matrix",
        "first_layer_weights",
        "learning_curves",
        "sample_grid",
        "worst_mistakes",
    ]
    for path in paths.values():
        with Image.open(path) as image:
            assert image.format == "PNG"
            assert min(image.size) > 200


def test_rows_that_are_not_images_get_curves_and_confusion_alone(tmp_path: Path) -> None:
    assert sorted(draw(tmp_path, truth_table())) == ["confusion_matrix", "learning_curves"]


def test_what_is_missing_is_left_out(tmp_path: Path) -> None:
    dataset = image_dataset()
    paths = draw(
        tmp_path,
        dataset,
        history=[],
        outputs=np.empty((0, 10)),
        shown=dataset.test.first(0),
        first_weights=None,
    )
    assert sorted(paths) == ["sample_grid"]


def test_weights_of_another_width_than_the_image_are_left_out(tmp_path: Path) -> None:
    assert "first_layer_weights" not in draw(tmp_path, image_dataset(), first_weights=np.ones((7, 3)))


def test_the_same_run_gives_the_same_bytes_whatever_the_matplotlibrc(tmp_path: Path) -> None:
    first = draw(tmp_path / "first", image_dataset())
    with matplotlib.rc_context({"font.size": 30, "axes.grid": True, "savefig.dpi": 30, "image.cmap": "jet"}):
        second = draw(tmp_path / "second", image_dataset())
    for name in first:
        assert first[name].read_bytes() == second[name].read_bytes(), name


def test_pictures_name_no_software_and_no_date(tmp_path: Path) -> None:
    for path in draw(tmp_path, image_dataset()).values():
        with Image.open(path) as image:
            assert set(image.info) <= {"dpi"}


def test_drawing_leaves_the_style_of_others_alone(tmp_path: Path) -> None:
    before = dict(matplotlib.rcParams)
    draw(tmp_path, image_dataset())
    assert dict(matplotlib.rcParams) == before


def test_pyplot_with_its_global_state_is_never_imported() -> None:
    script = (
        "import sys, numpy\n"
        "from nnlab import plots\n"
        "plots.first_layer_weights(numpy.ones((4, 2)), (2, 2)).draw_without_rendering()\n"
        "assert 'matplotlib.pyplot' not in sys.modules, 'pyplot was imported'\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_pixels_are_shown_as_stored_not_as_scaled(tmp_path: Path, figures: dict[str, Figure]) -> None:
    dataset = image_dataset(scaling=Scaling(scale=-1 / 255, offset=7.0))
    draw(tmp_path, dataset)
    first = figures["sample_grid"].axes[0].images[0].get_array()
    np.testing.assert_array_equal(first, dataset.train.x[0].reshape(5, 4))


def test_samples_come_from_the_whole_of_a_split_sorted_by_class(tmp_path: Path, figures: dict[str, Figure]) -> None:
    draw(tmp_path, image_dataset())  # Its training split: four zeros, four ones, ... four fours.
    shown = captions_of(figures["sample_grid"])
    assert len(shown) == 9
    assert set(shown) == {"0", "1", "2", "3", "4"}


@pytest.mark.parametrize(("p", "wrong"), [(0.58, 1), (0.5, 0)], ids=["above", "at"])
def test_one_output_says_the_second_class_above_a_half(
    p: float, wrong: int, tmp_path: Path, figures: dict[str, Figure]
) -> None:
    outputs = np.array([0.94, 0.06, 0.98, 0.02, p, 0.03, 0.98, 0.95])[:, None]  # Row 5 is false.
    draw(tmp_path, truth_table(), outputs=outputs)
    assert f"{wrong} of 8 wrong" in figures["confusion_matrix"].axes[0].get_title(loc="left")


def test_one_output_gives_the_probability_of_what_it_says(tmp_path: Path, figures: dict[str, Figure]) -> None:
    x = np.zeros((2, 4), np.uint8)
    rows = Rows.whole(x, np.array([1, 0]))
    dataset = Dataset("pair", rows, rows, rows, ("no", "yes"), (2, 2), "0" * 64)
    draw(tmp_path, dataset, outputs=np.array([[0.25], [0.625]]), first_weights=None)
    assert captions_of(figures["worst_mistakes"]) == [
        "true yes\npredicted no (75.0%)",
        "true no\npredicted yes (62.5%)",
    ]


# Learning curves


def test_curves_are_the_history_with_the_best_epoch_marked() -> None:
    loss, accuracy = plots.learning_curves(history_of([0.9, 0.5, 0.4], [1.0, 0.6, 0.7]), best_epoch=2).axes
    train, validation, best = loss.lines
    np.testing.assert_array_equal(train.get_xydata(), [[1, 0.9], [2, 0.5], [3, 0.4]])
    np.testing.assert_array_equal(validation.get_ydata(), [1.0, 0.6, 0.7])
    assert list(best.get_xdata()) == [2, 2]
    assert [line.get_label() for line in loss.lines] == ["training", "validation", "best epoch (2)"]
    np.testing.assert_array_equal(accuracy.lines[1].get_ydata(), [0.4, 0.4, 0.4])
    assert [(axes.get_xlabel(), axes.get_ylabel()) for axes in (loss, accuracy)] == [
        ("epoch", "loss"),
        ("epoch", "accuracy"),
    ]


def test_without_validation_there_is_one_curve() -> None:
    loss, _ = plots.learning_curves(history_of([0.9, 0.5])).axes
    assert [line.get_label() for line in loss.lines] == ["training"]


@pytest.mark.parametrize(
    "losses",
    [[0.5], [NAN], [2.0, INF, NAN], [2.0, 1.7e308, -1.7e308], [2.0] * 400],
    ids=["one epoch", "nothing finite", "diverged", "overflowing", "many epochs"],
)
def test_curves_of_any_history_can_be_drawn(losses: list[float], tmp_path: Path) -> None:
    figure = plots.learning_curves(history_of(losses, losses), best_epoch=1)
    assert plots.save(figure, tmp_path / "curves.png").stat().st_size > 1000


def test_values_that_are_not_finite_leave_a_gap_and_keep_their_epoch_on_the_axis() -> None:
    loss, _ = plots.learning_curves(history_of([2.0, 3.0, INF, NAN])).axes
    np.testing.assert_array_equal(loss.lines[0].get_ydata(), [2.0, 3.0, NAN, NAN])
    assert loss.get_xlim()[1] > 4


def test_a_history_without_finite_values_says_so() -> None:
    texts = [text.get_text() for text in visible_texts(plots.learning_curves(history_of([NAN, NAN])))]
    assert "no finite values" in texts


# Confusion matrix


def test_cells_hold_the_counts_of_scikit_learn() -> None:
    rng = np.random.default_rng(1)
    true, predicted = rng.integers(0, 10, 300), rng.integers(0, 10, 300)
    figure = plots.confusion_matrix(true, predicted, DIGITS)
    written = np.zeros((10, 10), int)
    for text in figure.axes[0].texts:
        column, row = text.get_position()
        written[int(row), int(column)] = int(text.get_text())
    np.testing.assert_array_equal(written, counts_by_scikit_learn(true, predicted))


def test_colour_shows_errors_and_never_the_diagonal() -> None:
    true = np.array([0] * 50 + [1] * 50)
    predicted = np.array([0] * 49 + [1] * 51)
    figure = plots.confusion_matrix(true, predicted, ("cat", "dog"), title="Pets")
    image = figure.axes[0].images[0]
    red, green, blue, _ = image.to_rgba(image.get_array())[0, 0]
    assert red == green == blue
    assert to_hex(image.to_rgba(image.get_array())[0, 1]) != to_hex(image.to_rgba(image.get_array())[1, 0])
    assert figure.axes[0].get_title(loc="left") == "Pets\n1 of 100 wrong (1.0%)"
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["cat", "dog"]


def test_fifty_classes_have_a_colour_bar_instead_of_numbers() -> None:
    labels = np.arange(50)
    figure = plots.confusion_matrix(labels, np.roll(labels, 1), [f"class {label}" for label in labels])
    assert not figure.axes[0].texts
    assert figure.axes[1].get_ylabel() == "errors (rows of the data)"
    assert len(figure.axes[0].get_yticklabels()) == 50


def test_more_classes_are_named_in_part() -> None:
    figure = plots.confusion_matrix(np.arange(120), np.arange(120), [str(label) for label in range(120)])
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == [
        str(label) for label in range(0, 120, 3)
    ]


@pytest.mark.parametrize("name", ["$a_{$", "cost $5$", "字", "two\nlines"])
def test_any_text_can_name_a_class(name: str, tmp_path: Path) -> None:
    figure = plots.confusion_matrix(TRUTH, TRUTH, ("plain", name))
    assert plots.save(figure, tmp_path / "confusion.png").stat().st_size > 1000


# Images


def test_mistakes_are_ranked_by_confidence_with_ties_in_order_and_nan_last() -> None:
    true = np.array([0, 1, 2, 3, 4, 5])
    predicted = np.array([0, 0, 0, 0, 0, 0])
    probability = np.array([1.0, 0.7, NAN, 0.9, 0.7, 0.8])
    assert plots.most_confident_mistakes(true, predicted, probability, 5).tolist() == [3, 5, 1, 4, 2]
    assert plots.most_confident_mistakes(true, predicted, probability, 2).tolist() == [3, 5]


def test_a_mistake_says_what_is_true_what_was_predicted_and_how_surely() -> None:
    figure = plots.worst_mistakes(
        np.zeros((2, 4, 4)), np.array([5, 9]), np.array([9, 7]), np.array([0.987, 0.5]), GARMENTS
    )
    assert captions_of(figure) == [
        "true Sandal\npredicted Ankle boot (98.7%)",
        "true Ankle boot\npredicted Sneaker (50.0%)",
    ]


def test_a_net_without_mistakes_gets_a_picture_that_says_so(tmp_path: Path, figures: dict[str, Figure]) -> None:
    dataset = image_dataset()
    draw(tmp_path, dataset, outputs=np.eye(10)[dataset.test.targets()])
    assert "no mistakes" in [text.get_text() for text in visible_texts(figures["worst_mistakes"])]


# First-layer weights


def test_each_tile_is_a_unit_on_one_symmetric_scale() -> None:
    weights = np.arange(-10.0, 8.0).reshape(6, 3)
    figure = plots.first_layer_weights(weights, (2, 3))
    image = figure.axes[0].images[0]
    mosaic = np.ma.filled(image.get_array(), NAN)
    np.testing.assert_array_equal(mosaic[:2, :3], weights[:, 0].reshape(2, 3))
    np.testing.assert_array_equal(mosaic[:2, 4:], weights[:, 1].reshape(2, 3))
    np.testing.assert_array_equal(mosaic[3:, :3], weights[:, 2].reshape(2, 3))
    assert np.isnan(mosaic[2]).all()
    assert np.isnan(mosaic[3:, 4:]).all()
    low, high = image.get_clim()
    assert low == -high
    assert 9.5 < high <= 10
    assert figure.axes[1].get_ylabel() == "weight"


def test_a_hundred_units_are_shown_of_more() -> None:
    figure = plots.first_layer_weights(np.ones((4, 300)), (2, 2))
    assert figure.axes[0].get_title(loc="left") == "First-layer weights, units 1 to 100 of 300"
    assert np.isfinite(np.ma.filled(figure.axes[0].images[0].get_array(), NAN)).sum() == 400


@pytest.mark.parametrize(
    "weights",
    [np.zeros((4, 3)), np.full((4, 3), NAN), np.array([[1.0], [INF], [NAN], [-1.0]])],
    ids=["zeros", "nan", "mixed"],
)
def test_weights_of_a_net_that_failed_can_be_drawn(weights: Array, tmp_path: Path) -> None:
    path = plots.save(plots.first_layer_weights(weights, (2, 2)), tmp_path / "weights.png")
    assert path.stat().st_size > 1000


# Layout


def test_no_text_runs_off_the_page() -> None:
    rng = np.random.default_rng(2)
    images, labels = rng.random((12, 8, 8)), np.arange(12) % 10
    many = [f"a rather long class name {label}" for label in range(50)]
    for figure in (
        plots.learning_curves(history_of([0.9, 0.5], [1.0, 0.6]), best_epoch=1),
        plots.confusion_matrix(labels, labels[::-1], GARMENTS, title="Confusion matrix, fashion_mnist, test split"),
        plots.confusion_matrix(TRUTH, TRUTH, ("0", "1"), title="Confusion matrix, toy, test split"),
        plots.confusion_matrix(np.arange(50), np.arange(50), many),
        plots.sample_grid(images, labels, many),
        plots.worst_mistakes(images, labels, np.full(12, 9), np.ones(12), GARMENTS),
        plots.worst_mistakes(images[:0], labels[:0], labels[:0], np.ones(0), GARMENTS),
        plots.first_layer_weights(rng.normal(size=(64, 30)), (8, 8)),
    ):
        assert_nothing_is_cut_off(figure)


def test_captions_do_not_run_into_each_other() -> None:
    images, labels, long = np.zeros((12, 8, 8)), np.arange(12) % 10, ["ANKLE BOOT WITH LACES"] * 10
    for names in (GARMENTS, long):
        assert_captions_are_apart(plots.sample_grid(images, labels, names))
        assert_captions_are_apart(plots.worst_mistakes(images, labels, labels, np.ones(12), names))
