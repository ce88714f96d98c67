"""What the units of the first layer respond to."""

from __future__ import annotations

import math

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure

from nnlab.core.rows import Array
from nnlab.plots.style import look, new_figure, without_frame

UNITS = 100
# One extreme weight would leave all others pale, so the scale ends below it.
SCALE_QUANTILE = 0.998


@look()
def first_layer_weights(weights: Array, image_shape: tuple[int, int]) -> Figure:
    """Show the incoming weights of each unit as an image, on one colour scale, symmetric around zero.

    Args:
        weights: (features, units); the first 100 units are shown, row by row.
        image_shape: (height, width) with height x width = features.
    """
    units = weights.shape[1]
    shown = min(units, UNITS)
    height, width = image_shape
    columns = math.ceil(math.sqrt(shown))
    rows = -(-shown // columns)

    # One mosaic, a gap between tiles: a hundred axes would take seconds.
    gap = max(1, round(0.06 * max(height, width)))
    mosaic = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap), np.nan)
    for unit in range(shown):
        top, left = unit // columns * (height + gap), unit % columns * (width + gap)
        mosaic[top : top + height, left : left + width] = weights[:, unit].reshape(image_shape)

    magnitudes = np.abs(weights[:, :shown])
    finite = magnitudes[np.isfinite(magnitudes)]
    limit = float(np.quantile(finite, SCALE_QUANTILE)) if finite.size else 0.0
    limit = limit or 1.0
    tall = float(np.clip(6.0 * mosaic.shape[0] / mosaic.shape[1], 2.0, 9.0))
    figure = new_figure(7.2, tall + 0.5)
    axes = figure.subplots()
    image = axes.imshow(
        mosaic,
        cmap=colormaps["RdBu_r"].with_extremes(bad="white"),
        vmin=-limit,
        vmax=limit,
        interpolation="nearest",
    )
    beyond = bool(finite.size and finite.max() > limit)
    figure.colorbar(image, ax=axes, label="weight", aspect=30, extend="both" if beyond else "neither")
    without_frame(axes)
    axes.set_title(f"First-layer weights, units 1 to {shown} of {units:,}", loc="left")
    return figure
