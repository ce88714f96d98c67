"""CSV files for the tests: Kaggle's form, and how they are written and read."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pandas as pd

from nnlab.data import Dataset, DataSettings, SplitSettings, load
from nnlab.data.csv_columns import CsvFile
from nnlab.data.csv_files import read_csv

KAGGLE = "label,pixel0,pixel1,pixel2,pixel3\n1,0,255,3,4\n0,9,8,7,6\n1,0,0,0,0\n0,1,2,3,4\n"
NO_SPLIT = SplitSettings(validation=0, test=0, strategy="tail")


def write(folder: Path, contents: str | bytes, name: str = "data.csv") -> Path:
    file = folder / name
    file.write_bytes(contents.encode() if isinstance(contents, str) else contents)
    return file


def load_csv(path: Path, **settings: Any) -> Dataset:
    return load(DataSettings(name="csv", root=str(path), split=NO_SPLIT, **settings))


def read(path: Path, **settings: Any) -> CsvFile:
    return read_csv(path, DataSettings(name="csv", **settings))


def as_pandas_reads(path: Path, **options: Any) -> pd.DataFrame:
    with warnings.catch_warnings():  # the exact reading is pandas' default from its version 4 on
        warnings.filterwarnings("ignore", message=".*float_precision")
        return pd.read_csv(path, float_precision="round_trip", **options)  # type: ignore[no-any-return]
