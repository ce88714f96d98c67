"""Facts on the data and the machine, for the head of a report; among them whether MNIST is the published one."""

from __future__ import annotations

import hashlib

import numpy as np

from experiments.lab import Lab
from nnlab.batch import compose
from nnlab.data import read_source
from nnlab.data.loading import dataset_of
from nnlab.data.source import Source
from nnlab.runs.provenance import blas, packages

TRAINING_LABELS = "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13"
"""SHA-256 of the 60,000 labels of MNIST's training digits, one byte each."""


def described(lab: Lab) -> list[str]:
    """The data, the seeds, the versions and the BLAS, one line each."""
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


def differences(source: Source) -> list[str]:
    """What a copy of MNIST has lost; nothing for other data.

    One copy in circulation went through a format without the value 1: its training images have no pixel of value 1,
    while MNIST's training and test images have pixels of every value.
    """
    train, test = source.parts["train"], source.parts.get("test")
    if test is None or hashlib.sha256(train.y.astype(np.uint8).tobytes()).hexdigest() != TRAINING_LABELS:
        return []
    in_training, in_test = (float(np.mean(table.x == 1)) for table in (train, test))
    if in_training > 0 or in_test == 0:
        return []
    return [
        "not the published files: in this copy of MNIST pixels of value 1 are 0 in all training images (of the test "
        f"images' pixels {in_test:.2%} are 1)"
    ]
