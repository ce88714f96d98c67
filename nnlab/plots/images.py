"""The images that a network sees, and those that it misclassifies."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from nnlab.core.rows import Array
from nnlab.plots.style import (
    GREY,
    SMALL,
    finite_range,
    look,
    new_page,
    short,
)

SAMPLES = 9
MISTAKES = 12

# Inches.
TILE = 1.5
HEADING = 0.35


@look()
def sample_grid(images: Array, labels: Array, class_names: Sequence[str], *, title: str = "Samples") -> Figure:
    """Show up to nine images in three rows of three, each with the name of its class.

    Args:
        images: (n, height, width), any numeric dtype; the first nine are shown.
        labels: (n,) their classes, integers.
        class_names: the name of each class.
        title: what the picture is of.
    """
    captions = [short(class_names[label], 18) for label in labels[:SAMPLES]]
    return _tiles(images[:SAMPLES], captions, rows=3, columns=3, width=1.7, title=title)


def most_confident_mistakes(true: Array, predicted: Array, probability: Array, limit: int = MISTAKES) -> Array:
    """Find the wrong predictions, the most confident first.

    Args:
        true: (n,) the classes, integers.
        predicted: (n,) the predicted classes.
        probability: (n,) the output for `predicted`; NaN counts as the lowest.
        limit: how many at most.

    Returns:
        Positions, at most `limit`; ties stay in the order of the data.
    """
    wrong = np.flatnonzero(true != predicted)
    return wrong[np.argsort(-probability[wrong], kind="stable")][:limit]


@look()
def worst_mistakes(
    images: Array,
    true: Array,
    predicted: Array,
    probability: Array,
    class_names: Sequence[str],
    *,
    title: str = "Most confident mistakes",
) -> Figure:
    """Show wrong predictions in the order given; "no mistakes" if there are none.

    Args:
        images: (n, height, width), any numeric dtype; the first twelve are shown.
        true: (n,) the classes, integers.
        predicted: (n,) the predicted classes.
        probability: (n,) the output for `predicted`, 0 to 1.
        class_names: the name of each class.
        title: what the picture is of.
    """
    if len(images) == 0:
        figure, page = new_page(4.0, 2.0)
        figure.suptitle(title)
        page.text(2.0, 1.1, "no mistakes", ha="center", va="center", color=GREY, fontsize=14)
        return figure
    captions = [
        f"true {short(class_names[label], 18)}\npredicted {short(class_names[prediction], 12)} ({share:.1%})"
        for label, prediction, share in zip(true[:MISTAKES], predicted, probability, strict=False)
    ]
    return _tiles(images[:MISTAKES], captions, rows=3, columns=4, width=2.1, title=title)


def _tiles(images: Array, captions: Sequence[str], *, rows: int, columns: int, width: float, title: str) -> Figure:
    """Images on a grid, each `width` inches with its caption above, on one grey scale with the lowest black."""
    rows = min(rows, -(-len(images) // columns))
    caption_height = 0.12 + 0.14 * (captions[0].count("\n") + 1)
    pitch = caption_height + TILE
    figure, page = new_page(width * columns, HEADING + pitch * rows + 0.1)
    figure.suptitle(title, x=0.5, y=1 - 0.1 / figure.get_figheight())
    darkest, lightest = finite_range(images)
    tall, wide = TILE * np.array(images.shape[1:]) / max(images.shape[1:])
    for position, (image, caption) in enumerate(zip(images, captions, strict=True)):
        row, column = divmod(position, columns)
        centre, top = (column + 0.5) * width, HEADING + row * pitch + caption_height
        page.text(centre, top - 0.04, caption, ha="center", va="bottom", fontsize=SMALL)
        page.imshow(
            image,
            extent=(centre - wide / 2, centre + wide / 2, top + tall, top),
            aspect="auto",
            cmap="gray",
            vmin=darkest,
            vmax=lightest,
            interpolation="nearest",
        )
    return figure
