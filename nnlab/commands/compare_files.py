"""The files that `nnlab.compare` writes: tables and a figure, each whole or not at all."""

from __future__ import annotations

import argparse
import os
import shlex
from pathlib import Path

from nnlab.analysis.comparison.comparison import Comparison
from nnlab.errors import RunFailedError, UserError
from nnlab.paths import expanded

TABLES = {"csv": "all digits; differences go to FILE-differences", "markdown": "as shown here", "latex": "for booktabs"}
FIGURES = (".png", ".svg", ".pdf")


def add_files(parser: argparse.ArgumentParser) -> None:
    """Add `--csv`, `--markdown`, `--latex` and `--figure`."""
    for kind, what in TABLES.items():
        parser.add_argument(f"--{kind}", metavar="FILE", help=f"also write the tables there: {what}")
    endings = ", ".join(FIGURES)
    parser.add_argument("--figure", metavar="FILE", help=f"also draw intervals, seeds and differences there: {endings}")


def files_of(options: argparse.Namespace) -> dict[str, Path]:
    """Where to write, by the kinds that were asked for; checked before there is anything to write.

    Raises:
        UserError: if a file cannot be there, or two are the same.
    """
    given = {kind: getattr(options, kind) for kind in (*TABLES, "figure")}
    files = {kind: _place(kind, name) for kind, name in given.items() if name is not None}
    if "figure" in files and files["figure"].suffix.lower() not in FIGURES:
        raise UserError(
            f"A figure's name ends in {', '.join(FIGURES[:-1])} or {FIGURES[-1]}, which says its format, but got "
            f"--figure {given['figure']}. Use --figure {shlex.quote(str(Path(given['figure']).with_suffix('.png')))}"
        )
    if "csv" in files:
        files["differences"] = files["csv"].with_name(f"{files['csv'].stem}-differences{files['csv'].suffix}")
    if len({*files.values()}) < len(files):
        raise UserError("Each table and figure needs a file of its own, but two of them have the same. Rename one.")
    return files


def _place(kind: str, name: str) -> Path:
    """The plain file that a name means, through links; it need not exist."""
    path = Path(os.path.realpath(expanded(name)))
    if os.path.exists(path) and not os.path.isfile(path):
        raise UserError(f"--{kind} takes the name of a plain file, but {name!r} is none. Give it another name.")
    if not os.path.isdir(path.parent):
        raise UserError(
            f"The folder of a file must exist, but that of --{kind} {name} does not. Make it: "
            f"mkdir -p {shlex.quote(str(path.parent))}"
        )
    if not os.access(path.parent, os.W_OK):
        raise UserError(f"--{kind} {name} must be in a folder that you may write, but {path.parent} is none.")
    return path


def write_files(comparison: Comparison, files: dict[str, Path]) -> list[Path]:
    """Write what was asked for; returns what was written.

    Everything is made before the first of it is written.

    Raises:
        RunFailedError: if a folder cannot be written, or the disk is full.
    """
    from nnlab.analysis.comparison import exports
    from nnlab.runs.files import write_atomically

    contents: dict[str, str | bytes] = {}
    if "csv" in files:
        contents["csv"] = exports.groups_csv(comparison)
        if comparison.judged:
            contents["differences"] = exports.differences_csv(comparison)
    if "markdown" in files:
        contents["markdown"] = exports.as_markdown(comparison)
    if "latex" in files:
        contents["latex"] = exports.as_latex(comparison)
    if "figure" in files:
        contents["figure"] = figure_of(comparison, files["figure"].suffix.lower())
    for kind, content in contents.items():
        try:
            write_atomically(files[kind], content)
        except RunFailedError as error:
            reason = getattr(error.__cause__, "strerror", None) or error.__cause__
            raise RunFailedError(
                f"--{kind} must be written, but writing {files[kind]} failed ({reason}). Free some space, or name a "
                "file elsewhere."
            ) from error
    return [files[kind] for kind in contents]


def figure_of(comparison: Comparison, ending: str) -> bytes:
    """The figure as the content of a file whose name has this ending."""
    from nnlab.plots.comparison import groups_and_differences
    from nnlab.plots.style import drawn

    figure = groups_and_differences(
        comparison.metric,
        {group.name: group.values for group in comparison.groups},
        comparison.judged,
        lower_is_better=comparison.lower_is_better,
        margin=comparison.margin,
    )
    return drawn(figure, ending)
