"""An epoch in a line of text."""

from __future__ import annotations

from collections.abc import Mapping


def epoch_line(epoch: int, epochs: int, metrics: Mapping[str, float], width: int | None = None) -> str:
    """One epoch as one line, in fixed columns; metrics that are missing have none.

    Example: `epoch  3/15  train loss 0.2310 acc 0.9312  val loss 0.2514 acc 0.9267  lr 0.1         0.21 s`.

    Args:
        epoch: from 1.
        epochs: the most that there can be.
        metrics: named as in the journal.
        width: the columns of the screen. Where the line is wider, seconds, learning rate, count and the training
            scores are left out, in this order, until it fits. None takes lines of any length.
    """
    columns = {
        "epoch": f"epoch {epoch:>{len(str(epochs))}}/{epochs}",
        "train": _scores("train", metrics),
        "val": _scores("val", metrics),
        "correct": _count(metrics),
        "lr": f"lr {metrics['lr']:<9.4g}" if "lr" in metrics else "",
        "seconds": f"{_fixed(metrics['time/epoch_seconds'], width=5, decimals=2)} s"
        if "time/epoch_seconds" in metrics
        else "",
    }
    dispensable = ["seconds", "lr", "correct", *(["train"] if columns["val"] else [])]
    while width is not None and len(_joined(columns)) > width and dispensable:
        columns.pop(dispensable.pop(0))
    return _joined(columns)


def scores_text(metrics: Mapping[str, float]) -> str:
    """The scores alone."""
    return "  ".join(filter(None, (_scores("train", metrics), _scores("val", metrics), _count(metrics))))


def _joined(columns: Mapping[str, str]) -> str:
    return "  ".join(filter(None, columns.values())).rstrip()


def _scores(split: str, metrics: Mapping[str, float]) -> str:
    labels = {f"{split}/loss": f"{split} loss", f"{split}/accuracy": "acc"}
    shown = (f"{label} {_fixed(metrics[key], width=6, decimals=4)}" for key, label in labels.items() if key in metrics)
    return " ".join(shown)


def _count(metrics: Mapping[str, float]) -> str:
    """How many rows were right, and of how many: that follows from the accuracy, unless none was."""
    if "val/correct" not in metrics:
        return ""
    correct = metrics["val/correct"]
    rows = f"{correct / metrics['val/accuracy']:.0f}" if correct else ""
    return f"{correct:>{len(rows)}.0f} of {rows} right" if rows else "0 right"


def _fixed(value: float, *, width: int, decimals: int) -> str:
    """`value` in `width` characters, with as many of the `decimals` as fit."""
    forms = (f"{value:.{digits}f}" for digits in range(decimals, -1, -1))
    return next((form for form in forms if len(form) <= width), f"{value:.0e}").rjust(width)
