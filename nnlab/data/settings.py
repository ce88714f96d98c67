"""The keys of the `data` config group, with their rules."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

from nnlab.check import Checked, OneOf, Range
from nnlab.data.csv_header import Header
from nnlab.data.csv_index import Index
from nnlab.data.csv_parsing import Decimal
from nnlab.data.csv_text import DELIMITERS
from nnlab.data.limits import MAX_GIGABYTES
from nnlab.data.sources import SOURCES

Strategy = Literal["tail", "random", "stratified"]


@dataclass(frozen=True)
class SplitSettings(Checked):
    """How rows become a training, a validation and a test split.

    Args:
        strategy: `tail` holds out the last rows in source order, as Keras does; `random` and `stratified`
            shuffle the rows first, and `stratified` keeps the proportions of the classes.
        validation: the fraction held out for validation, of all rows that the source has for training.
            Ignored where the source has a validation split of its own.
        test: the same for the test split. Ignored where the source has one, unless `pooled`.
        pooled: merge the source's own splits into one table of rows before splitting.
        seed: the seed of the shuffle; None follows the seed of the run.
    """

    strategy: Strategy = "stratified"
    validation: Annotated[float, Range(ge=0, lt=1)] = 0.15
    test: Annotated[float, Range(ge=0, lt=1)] = 0.2
    pooled: bool = False
    seed: Annotated[int, Range(ge=0)] | None = 0


@dataclass(frozen=True)
class DataSettings(Checked):
    """Which rows to train on, and in which form.

    Args:
        name: the source.
        root: the folder or file of the sources `idx`, `csv` and `npz`; relative to the current folder.
        limit: keep only this many rows of the training split: the first, or, if it is stratified, the first of
            each class in proportion; None keeps all.
        scale: `unit` brings the pixels of images into [0, 1] (bytes / 255, `digits` / 16); a table stays as it
            is, whatever its numbers. `none` leaves images as they are, too.
        standardize: then subtract each feature's mean over the training split and divide by its standard
            deviation. A feature that is the same in all training rows is not divided.
        label_column: the column of `csv` files that holds the label, counted from 0; -1 is the last.
        header: whether the first line of `csv` files names the columns; `auto` looks at the first lines, and asks
            where it could be either.
        delimiter: what separates the cells of `csv` files; `space` is any run of spaces and tabs.
        decimal: the decimal mark of `csv` files; `auto` reads the comma as one where no number has a point.
        index: what to do with a column of `csv` files that numbers or names the rows, as pandas writes one:
            `drop` drops it, `keep` makes it a feature, `auto` refuses the file.
        max_gigabytes: what reading one file may take in memory at most, copies included; never more than is free. It
            changes no number, only what is refused.
        split: how rows become splits.
    """

    name: Annotated[str, OneOf(SOURCES)]
    root: str | None = None
    limit: Annotated[int, Range(ge=1)] | None = None
    scale: Literal["unit", "none"] = "unit"
    standardize: bool = False
    label_column: int = 0
    header: Header = "auto"
    delimiter: Annotated[str, OneOf(DELIMITERS)] | Literal["auto"] = "auto"
    decimal: Decimal = "auto"
    index: Index = "auto"
    max_gigabytes: Annotated[float, Range(gt=0)] = MAX_GIGABYTES
    split: SplitSettings = field(default_factory=SplitSettings)
