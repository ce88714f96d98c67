"""What all pictures share: the same look on every machine, and the same bytes for the same data."""

from __future__ import annotations

import functools
import io
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from nnlab.core.rows import Array

# Okabe and Ito's colours: they stay apart for colour-blind readers. https://jfly.uni-koeln.de/color/
BLUE, VERMILLION = "#0072B2", "#D55E00"
GREY, PALE = "#666666", "#EDEDED"

Write = Callable[[Path, bytes], object]
"""Writes a file."""

DPI = 120
METADATA = {
    ".png": {"Software": None},
    ".svg": {"Creator": None, "Date": None},
    ".pdf": {"Creator": None, "Producer": None, "CreationDate": None},
}
"""What is left out of a picture: software versions and dates."""
SMALL = 8.0
look = functools.partial(
    style.context,
    [
        "default",
        {
            "font.size": 9.0,
            "axes.titlesize": 10.0,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.edgecolor": GREY,
            "grid.color": PALE,
            "legend.frameon": False,
            # Class names come from the user's files: a dollar sign in one is no formula.
            "text.parse_math": False,
            "svg.hashsalt": "nnlab",
            "pdf.fonttype": 42,
        },
    ],
)


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of `width` by `height` inches, without pyplot and its global state."""
    figure = Figure(figsize=(width, height), dpi=DPI, layout=ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.08))
    FigureCanvasAgg(figure)
    return figure


def new_page(width: float, height: float) -> tuple[Figure, Axes]:
    """A figure of one axes all over, in inches from the upper left corner.

    For pictures of many tiles, of which each would be a slow axes of its own.
    """
    figure = Figure(figsize=(width, height), dpi=DPI)
    FigureCanvasAgg(figure)
    page = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    page.set_axis_off()
    page.set_xlim(0.0, width)
    page.set_ylim(height, 0.0)
    return figure, page


def save(figure: Figure, path: Path, write: Write = Path.write_bytes) -> Path:
    """Write `figure` as a PNG that names no software version and no date; returns `path`."""
    write(path, drawn(figure, ".png"))
    return path


def drawn(figure: Figure, ending: str) -> bytes:
    """`figure` as the content of a file with this ending, a key of `METADATA`; the same bytes whenever."""
    picture = io.BytesIO()
    with look(), warnings.catch_warnings():
        # A class name in a script that the font lacks shows boxes: no reason to warn or to stop a run.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure.savefig(picture, format=ending[1:], metadata=METADATA[ending])
    return picture.getvalue()


def short(name: str, limit: int) -> str:
    """`name`, on one line, cut to `limit` characters with an ellipsis."""
    line = " ".join(name.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def without_frame(axes: Axes) -> None:
    """Take the ticks and the frame from `axes`: what is left is the picture."""
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)


def finite_range(values: Array) -> tuple[float, float]:
    """The smallest and the largest finite value; (0, 1) if there is none."""
    finite = values[np.isfinite(values)]
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
