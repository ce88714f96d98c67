"""What `provenance.json` holds, as types."""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired, TypedDict

from nnlab.check import Matches, Range
from nnlab.runs.directory import DIFFS
from nnlab.typed import FILLED, PATH

Count = Annotated[int, Range(ge=0)]


class Rows(TypedDict):
    """The numbers of rows."""

    train: Count
    validation: Count
    test: Count


class DatasetFacts(TypedDict):
    """Of the data set: the sizes of its splits, and the SHA-256 of all that is in it."""

    name: str
    sha256: str
    features: Annotated[int, Range(ge=1)]
    dtype: str
    classes: list[str]
    rows: Rows


class GitFacts(TypedDict):
    """Of the code, see `nnlab.runs.git`."""

    commit: str
    dirty: Literal["true", "false", "unknown"]


class CodeForm(TypedDict):
    """Of the code, see `nnlab.runs.code`.

    `sha256` is of all that can change a number, `nnlab` the version, `diff` the name of the file with what was changed
    since the commit (null if nothing, or it was not kept), and `why` says why commit and diff are not all of the code.
    """

    sha256: str
    nnlab: str
    diff: Annotated[str, Matches(DIFFS, "the name of a diff")] | None
    why: str | None


class GroupFacts(TypedDict):
    """Of a run that one command line started with others, see `nnlab.runs.groups`.

    `name` is the group's, random; `place` counts from 1; `line` is the SHA-256 of what all its runs are, the same
    for the same command line.
    """

    name: str
    place: Annotated[int, Range(ge=1)]
    size: Annotated[int, Range(ge=1)]
    line: str


class Provenance(TypedDict):
    """What `provenance.json` holds; nothing else may stand in it.

    `tags` go to MLflow. A trial has a `parent`, the path of its study's run directory (absolute, or from the trial's
    own), and a `name`, its run's in MLflow.
    """

    config_sha256: str
    seed: Any
    command: Annotated[list[str], FILLED]
    user: str
    dataset: DatasetFacts
    git: GitFacts
    code: NotRequired[CodeForm]
    numpy: str
    blas: str
    simd: NotRequired[list[str]]
    python: str
    platform: str
    packages: dict[str, str]
    tags: NotRequired[dict[str, str]]
    parent: NotRequired[Annotated[str, PATH]]
    name: NotRequired[str]
    group: NotRequired[GroupFacts]
