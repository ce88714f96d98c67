"""What a comparison needs to know of a run: read once from its directory, or from a row of a frame."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from nnlab.analysis.results import scores
from nnlab.config.leaves import leaves
from nnlab.errors import UserError
from nnlab.plain import plain, shown
from nnlab.runs.directory import TRIALS
from nnlab.runs.stored_run import StoredRun
from nnlab.runs.tags import CONFIRMS_TAG, DUPLICATE_TAG, EXTENDED_TAG, REPRODUCES_TAG, TRIAL_TAG

if TYPE_CHECKING:
    import pandas as pd

UNKNOWN = "unknown"
_SEED = "seed"
REPEATING = {"reproduction": REPRODUCES_TAG, "duplicate": DUPLICATE_TAG}
"""The tags of what repeats another run: it is no further sample."""
BESIDE = ("directory", "status", "epoch", "seconds", "weights_sha256", "extended")
"""The columns of `nnlab.results.results` that are neither a key of the config nor a metric."""


@dataclass(frozen=True)
class RunFacts:
    """A run as a comparison sees it.

    Attributes:
        name: of its directory.
        path: its directory; None for a row of a frame that names none.
        status: as it is now.
        started_at: milliseconds since 1970.
        keys: the config by full key, as training ended; lists are tuples.
        metrics: what `nnlab.analysis.results.scores` says.
        overrides: what was set on its command line.
        data: the SHA-256 of the data set, before it was split.
        data_name: what the data set is called.
        code: the SHA-256 of the code that computed it; of an older run its commit; "unknown" if nothing is known.
        group: the name of the runs that its command line started together.
        place: in that group, from 1.
        group_size: of that group.
        extended: how it was extended, if it was.
        trial: the number of its trial, if it is one.
        confirms: whether it confirms one of a study's best trials with a fresh seed.
        repeats: "reproduction" or "duplicate", if it repeats another run: it is no further sample.
    """

    name: str
    path: Path | None
    status: str
    keys: Mapping[str, Any]
    metrics: Mapping[str, float]
    started_at: int = 0
    overrides: tuple[str, ...] = ()
    data: str = UNKNOWN
    data_name: str = UNKNOWN
    code: str = UNKNOWN
    group: str | None = None
    place: int = 0
    group_size: int = 0
    extended: str | None = None
    trial: str | None = None
    confirms: bool = False
    repeats: str | None = None

    @classmethod
    def of(cls, run: StoredRun) -> Self:
        """The facts of a run.

        Raises:
            UserError: if one of its files is damaged.
        """
        group = run.provenance.get("group", {})
        provenance, tags = run.provenance, {**run.provenance.get("tags", {}), **run.tags}
        return cls(
            name=run.name,
            path=run.path,
            status=run.status_now,
            keys={key: tuple(value) if isinstance(value, list) else value for key, value in leaves(run.final_config)},
            metrics=scores(run),
            started_at=run.started_at,
            overrides=tuple(run.overrides),
            data=provenance["dataset"]["sha256"],
            data_name=provenance["dataset"]["name"],
            code=provenance.get("code", {}).get("sha256") or f"commit {provenance['git']['commit']}",
            group=group.get("name"),
            place=group.get("place", 0),
            group_size=group.get("size", 0),
            extended=tags.get(EXTENDED_TAG),
            trial=tags.get(TRIAL_TAG),
            confirms=CONFIRMS_TAG in tags,
            repeats=next((word for word, tag in REPEATING.items() if tag in tags), None),
        )

    @property
    def seed(self) -> int | str:
        """The seed; "none" of a row of a frame that has none."""
        seed = self.keys.get("seed", "none")
        return seed if isinstance(seed, int) else str(seed)

    @property
    def runs_dir(self) -> Path | None:
        """The folder of the runs that it is in, also of a trial."""
        if self.path is None:
            return None
        folder = self.path.absolute().parent
        return folder.parent.parent if folder.name == TRIALS else folder


def facts_of_frame(frame: pd.DataFrame) -> list[RunFacts]:
    """The rows of a frame as `nnlab.results.results` makes it, which may have been given further columns.

    What a run's directory says beside its row (the data, the code) is read where the directory is still there.

    Raises:
        UserError: if such a run is damaged.
    """
    found = []
    for place, row in enumerate(frame.to_dict("records")):
        given = {str(name): plain(value) for name, value in row.items()}
        base = _at(given.get("directory")) or RunFacts(f"row {place}", None, "finished", {}, {})
        values = {
            name: None if _is_missing(value) else _seed(value) if name == _SEED else value
            for name, value in given.items()
            if not _is_missing(value) or _is_null(name, value, base)
        }
        numbers = {
            name: float(value)
            for name, value in values.items()
            if isinstance(value, int | float) and not isinstance(value, bool)
        }
        keys = {name: value for name, value in values.items() if name not in BESIDE and "/" not in name}
        found.append(replace(base, status=str(values.get("status", base.status)), keys=keys, metrics=numbers))
    return found


def facts_of_runs(runs: Iterable[StoredRun | Path | str]) -> list[RunFacts]:
    """The facts of runs, by their directories or names.

    Raises:
        UserError: if there is no such run, or it is damaged.
    """
    return [RunFacts.of(run if isinstance(run, StoredRun) else StoredRun.open(run)) for run in runs]


def _at(directory: Any) -> RunFacts | None:
    if not isinstance(directory, str | Path):
        return None
    run = StoredRun.at(Path(directory))
    return None if run is None else RunFacts.of(run)


def _is_missing(value: Any) -> bool:
    import pandas as pd

    return value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and value != value)


def _is_null(name: str, value: Any, run: RunFacts) -> bool:
    """Whether what is missing is a null of the config: pandas writes NaN for it beside numbers."""
    return name != _SEED and (value is None or run.keys.get(name, "") is None)


def _seed(value: Any) -> Any:
    """A seed as a whole number, where pandas made it a float."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def check_frame_or_runs(given: Any) -> list[RunFacts]:
    """The runs that `nnlab.analysis.compare` was given.

    Raises:
        UserError: if these are no runs.
    """
    if hasattr(given, "to_dict") and hasattr(given, "columns"):
        return facts_of_frame(given)
    if isinstance(given, str | Path | StoredRun):
        given = [given]
    items = list(given) if isinstance(given, Iterable) else [given]
    if wrong := [item for item in items if not isinstance(item, str | Path | StoredRun)]:
        raise UserError(
            "`compare` takes a frame of nnlab.results.results or a list of run directories, but got "
            f"{shown(wrong[0])}. Give what run_all returns, or results(...) of it."
        )
    return facts_of_runs(items)
