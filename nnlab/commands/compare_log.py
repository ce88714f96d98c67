"""`nnlab.compare --log`: the answer as a run of MLflow, beside the runs that were compared."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from nnlab.analysis.comparison.comparison import Comparison
from nnlab.commands.compare_files import figure_of
from nnlab.commands.mlflow_links import open_pages
from nnlab.commands.place_options import add_tracking_uri
from nnlab.config.tracking_uri import resolve_uri, sqlite_path
from nnlab.errors import UserError
from nnlab.paths import expanded
from nnlab.redaction import redacted

QUESTION = ("names", "by", "where", "margin", "alone")
"""The options that say what is asked, beside the metric and the folder of the runs."""


def add_log(parser: argparse.ArgumentParser) -> None:
    """Add `--log`, and where it goes."""
    parser.add_argument(
        "--log", action="store_true", help="also bring tables and figure into MLflow; in the place of those before"
    )
    add_tracking_uri(parser)


def check_log(options: argparse.Namespace) -> None:
    """Refuse an address that MLflow cannot have, before there is anything to log.

    Raises:
        UserError: if the address is wrong.
    """
    if options.log:
        resolve_uri(options.tracking_uri, options.runs_dir)


def log(comparison: Comparison, options: argparse.Namespace, arguments: Sequence[str]) -> list[str]:
    """Bring the answer into MLflow; returns what to tell of it, as lines.

    Args:
        comparison: the answer.
        options: of the command.
        arguments: as they were given.

    Raises:
        RunFailedError: if MLflow does not take it.
        UserError: if the experiment is deleted in MLflow.
    """
    from nnlab.analysis.comparison import exports
    from nnlab.analysis.comparison.json_form import as_json
    from nnlab.analysis.comparison.logged import log_comparison

    files: dict[str, str | bytes] = {
        "comparison.md": exports.as_markdown(comparison),
        "comparison.json": json.dumps(as_json(comparison), indent=2) + "\n",
        "groups.csv": exports.groups_csv(comparison),
        "comparison.png": figure_of(comparison, ".png"),
    }
    if comparison.judged:
        files["differences.csv"] = exports.differences_csv(comparison)
    runs_dir = expanded(options.runs_dir).absolute()
    uri = store_of(comparison, options)
    asked = {name: getattr(options, name) for name in QUESTION}
    logged = log_comparison(
        comparison,
        files,
        uri=uri,
        runs_dir=runs_dir,
        question={**asked, "metric": comparison.metric, "runs_dir": str(runs_dir.resolve())},
        command=[sys.executable, "-m", "nnlab.compare", *arguments],
    )
    instead = " (in the place of the one before)" if logged.replaced else ""
    return [
        f"MLflow run  {logged.run_id} in experiment {logged.experiment!r}{instead}",
        f"view it     {open_pages(redacted(uri))}",
    ]


def store_of(comparison: Comparison, options: argparse.Namespace) -> str:
    """Where to log: as the options say, else where the runs go if it is one place, else the store of the folder."""
    default = resolve_uri(options.tracking_uri, options.runs_dir)
    goes_to = {group.keys.get("tracking.uri") for group in comparison.groups}
    if options.tracking_uri or len(goes_to) != 1 or not isinstance(uri := goes_to.pop(), str):
        return default
    try:
        found = resolve_uri(uri, options.runs_dir)
    except UserError:  # of another time
        return default
    database = sqlite_path(found)
    return found if database is None or database.exists() else default  # it may have been moved with its runs
