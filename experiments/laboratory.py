"""From the command line to the laboratory, with everything that is wrong told before anything starts."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence

from experiments.digits import differences
from experiments.lab import QUICK_SEEDS, SEEDS, Lab
from experiments.registry import STUDIES
from experiments.study import Study
from nnlab.batch import compose
from nnlab.check import closest
from nnlab.config.quoting import as_override
from nnlab.cpu import usable_cores
from nnlab.data import read_source
from nnlab.data.loading import dataset_of
from nnlab.errors import UserError
from nnlab.runs.provenance import blas, packages

NAMES = {"mnist": "full MNIST", "mnist_5k": "mnist_5k, 5,000 digits of MNIST, NOT the full MNIST"}
OWN_FILES = ("idx", "csv", "npz")


def studies_of(names: Sequence[str] | None) -> list[Study]:
    """The studies by name, in the order of the table; all if none is named.

    Raises:
        UserError: if there is no such study.
    """
    for name in names or ():
        if name not in STUDIES:
            near = closest(name, STUDIES)
            hint = f" Did you mean {near}?" if near else ""
            raise UserError(f"--only must name a study, one of {', '.join(STUDIES)}, but got {name}.{hint}")
    return [study for name, study in STUDIES.items() if not names or name in names]


def laboratory(given: argparse.Namespace) -> Lab:
    """The setting that the command line asks for.

    Raises:
        UserError: if something about it is wrong, or the data are not there.
    """
    seeds = given.seeds if given.seeds is not None else QUICK_SEEDS if given.quick else SEEDS
    for option, number in (("--seeds", seeds), ("--workers", given.workers or 1)):
        if number < 1:
            raise UserError(f"{option} must be at least 1, but got {number}.")
    if (given.root is None) == (given.data in OWN_FILES):
        raise UserError(
            f"--root belongs to --data {', '.join(OWN_FILES)}, but got --data {given.data} "
            f"{'with' if given.root else 'without'} --root. Give both, as in --data idx --root FOLDER."
        )
    lab = Lab(
        data=(f"data={given.data}", *([as_override("data.root", given.root)] if given.root else [])),
        data_name=NAMES.get(given.data, f"the digits of {given.root}"),
        seeds=seeds,
        is_quick=given.quick,
        workers=given.workers or usable_cores(),
        runs_dir=given.runs_dir or os.environ.get("NNLAB_RUNS_DIR") or "runs",
        tracking_uri=given.tracking_uri,
        is_sorted_by_class=given.data == "mnist_5k",
    )
    try:
        compose(*lab.data, *lab.places)
    except UserError as error:
        if given.data != "mnist":
            raise
        raise UserError(
            f"{error}\nThe studies are about the full MNIST. Without it: --data idx --root FOLDER reads its four files "
            "from a folder, and --data mnist_5k does the studies on the 5,000 digits that come along, which the "
            "table then says in its title."
        ) from error
    return lab


def described(lab: Lab) -> list[str]:
    """Facts on the data and the machine, for the head of the report."""
    config = compose(*lab.data, *lab.places).config
    dataset = dataset_of(config.data, seed=0)
    rows = len(dataset.train) + len(dataset.validation)
    return [
        f"data: {dataset.name}, {rows:,} rows for training and validation, {len(dataset.test):,} for the test; "
        f"sha256 {dataset.sha256[:16]}",
        *differences(read_source(config.data)),
        f"seeds: 0 to {lab.seeds - 1} for every claim, which was decided before the runs",
        f"NumPy {packages()['numpy']}, {blas()}",
    ]
