"""The options that say where runs and MLflow's store are, of the commands that take no config."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from nnlab.errors import UserError
from nnlab.paths import expanded
from nnlab.runs.resolve import default_runs_dir


def _folder(text: str) -> Path:
    try:
        return expanded(text)
    except UserError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def add_runs_dir(parser: argparse.ArgumentParser) -> None:
    """Add `--runs-dir`, a path."""
    text = "the folder of the runs (default: NNLAB_RUNS_DIR, or runs)"
    parser.add_argument("--runs-dir", type=_folder, default=default_runs_dir(), help=text)


def add_tracking_uri(parser: argparse.ArgumentParser) -> None:
    """Add `--tracking-uri`; None means the SQLite file in the folder of the runs."""
    text = "MLflow's tracking URI (default: MLFLOW_TRACKING_URI, or SQLite)"
    parser.add_argument("--tracking-uri", default=os.environ.get("MLFLOW_TRACKING_URI"), help=text)
