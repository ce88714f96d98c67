"""The options that say where runs and MLflow's store are, of the commands that take no config."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from nnlab.runs.resolve import default_runs_dir


def add_runs_dir(parser: argparse.ArgumentParser) -> None:
    """Add `--runs-dir`, a path."""
    text = "the folder of the runs (default: NNLAB_RUNS_DIR, or runs)"
    parser.add_argument("--runs-dir", type=Path, default=default_runs_dir(), help=text)


def add_tracking_uri(parser: argparse.ArgumentParser) -> None:
    """Add `--tracking-uri`; None means the SQLite file in the folder of the runs."""
    text = "MLflow's tracking URI (default: MLFLOW_TRACKING_URI, or SQLite)"
    parser.add_argument("--tracking-uri", default=os.environ.get("MLFLOW_TRACKING_URI"), help=text)
