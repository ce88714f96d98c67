"""Which runs are to be reproduced: one by its RUN_ID, a study's winner or all of it, or every run of a folder.

A run is read from its directory; where that is gone, from MLflow.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from nnlab.analysis.reproduction.from_mlflow import as_directory
from nnlab.analysis.reproduction.in_mlflow import MlflowRun, connected, run_by_id, runs_named, runs_of_study
from nnlab.analysis.study_winner import winner_of
from nnlab.config.tracking_uri import resolve_uri
from nnlab.errors import UserError
from nnlab.mlflow_sync.places import local_path
from nnlab.runs.directory import STUDY, TRIALS, run_directories
from nnlab.runs.files import is_file
from nnlab.runs.owners import is_own
from nnlab.runs.resolve import MLFLOW_ID, SHOWN, resolve, runs_dir_option, study_command
from nnlab.runs.stored_run import StoredRun
from nnlab.runs.tags import BEST_TRIAL_TAG, KIND_TAG, REPRODUCES_TAG, TRIAL_TAG, WINNER_RUNS_TAG

Tags = Mapping[str, str]


@dataclass(frozen=True)
class Source:
    """A run that is to be reproduced.

    Attributes:
        name: that its directory has or had.
        opened: its record, there in the block.
        is_own: whether nobody but this user could have written it.
        tag: sets its tags in MLflow, where its directory is gone; None where it is there to be tagged.
    """

    name: str
    opened: Callable[[], AbstractContextManager[StoredRun]]
    is_own: bool
    tag: Callable[[Tags], object] | None = None

    @property
    def name_alone(self) -> str | None:
        """The name of a run that has no directory; None if it has one."""
        return None if self.tag is None else self.name


@dataclass(frozen=True)
class Places:
    """Where runs are looked for.

    Attributes:
        runs_dir: the folder of the runs.
        tracking_uri: of MLflow, as given; None is the SQLite file in the folder.
    """

    runs_dir: Path
    tracking_uri: str | None

    @property
    def uri(self) -> str:
        """Of MLflow, resolved."""
        return resolve_uri(self.tracking_uri, self.runs_dir.absolute())


def one_run(run_id: str, places: Places) -> Source:
    """The run that a RUN_ID names.

    Raises:
        UserError: if it names none here nor in MLflow, or a study.
    """
    try:
        path = resolve(run_id, places.runs_dir)
    except UserError as error:
        found = _in_mlflow(run_id, places, error)
        if found.run.data.tags.get(KIND_TAG) == "study":
            raise _is_a_study(found.name, places) from None
        return _of_mlflow(found)
    if is_file(path / STUDY):
        raise _is_a_study(path.name, places)
    return _of_directory(path)


def of_study(name: str, places: Places, *, all_runs: bool) -> list[Source]:
    """The runs of a study's winner, one for each of its seeds, or all of the study's.

    Raises:
        UserError: if there is no such study, here nor in MLflow, or it has no winner.
    """
    try:
        path = resolve(name, places.runs_dir)
    except UserError:
        return _of_study_in_mlflow(name, places, all_runs=all_runs)
    if not is_file(path / STUDY):
        raise UserError(f"--study takes the name of a study, but {name} is a run. Leave --study out.")
    runs = [each for each in run_directories(path / TRIALS, of_others=True) if REPRODUCES_TAG not in _tags_of(each)]
    if not runs:
        raise UserError(
            f"A study is reproduced by its trials, but {path.name} has none. Resume it first: {study_command(path)}"
        )
    if not all_runs:
        winner = winner_of(path).runs
        runs = [each for each in runs if each.name in winner]
    return [_of_directory(each) for each in runs]


def all_of_folder(places: Places) -> list[Source]:
    """Every run of the folder, trials too, by name, which begins with the time; not those that reproduce others.

    Raises:
        UserError: if there is none.
    """
    found = [
        path
        for path in run_directories(places.runs_dir, of_others=True)
        if not is_file(path / STUDY) and REPRODUCES_TAG not in _tags_of(path)
    ]
    if not found:
        raise UserError(f"--all needs runs, but {places.runs_dir} has none. Choose another folder with --runs-dir.")
    return [_of_directory(path) for path in sorted(found, key=lambda path: path.name)]


def _of_directory(path: Path) -> Source:
    return Source(path.absolute().name, lambda: nullcontext(StoredRun.open(path)), _is_own(path))


def _is_own(path: Path) -> bool:
    """Whether a run directory is this user's; of a trial its study's too, which keeps the code of all trials."""
    path = path.absolute()
    return is_own(path) and (path.parent.name != TRIALS or is_own(path.parent.parent))


def _of_mlflow(found: MlflowRun) -> Source:
    @contextmanager
    def opened() -> Iterator[StoredRun]:
        with as_directory(found) as stored:
            yield stored

    files = local_path(found.run.info.artifact_uri)
    return Source(found.name, opened, files is not None and is_own(files), found.tag)


def _in_mlflow(run_id: str, places: Places, not_here: UserError) -> MlflowRun:
    """The run or study of MLflow that a name or an id means.

    Raises:
        UserError: if there is none.
    """
    try:
        client = connected(places.uri, places.runs_dir)
        if MLFLOW_ID.fullmatch(run_id):
            return run_by_id(client, run_id, places.uri)
        found = runs_named(client, run_id, places.uri)
    except UserError as error:
        raise UserError(f"{not_here} {error}") from None
    if len(found) > 1:
        ids = ", ".join(each.run_id for each in found)
        raise UserError(f"A RUN_ID must name one run, but in MLflow {run_id!r} names {len(found)}. Give an id: {ids}.")
    if not found:
        raise UserError(f"{not_here} MLflow has none either.")
    return found[0]


def _of_study_in_mlflow(name: str, places: Places, *, all_runs: bool) -> list[Source]:
    studies = [path.name for path in run_directories(places.runs_dir, of_others=True) if is_file(path / STUDY)]
    there = (
        f"There {'is' if len(studies) == 1 else 'are'}: {', '.join(studies[:SHOWN])}"
        if studies
        else "It has no studies: choose another folder with --runs-dir"
    )
    not_here = UserError(f"--study takes the name of a study, but {places.runs_dir} has none named {name!r}. {there}.")
    study = _in_mlflow(name, places, not_here)
    tags = study.run.data.tags
    if tags.get(KIND_TAG) != "study":
        raise UserError(f"--study takes the name of a study, but {name} is a run. Leave --study out.")
    runs = [run for run in runs_of_study(study.client, study) if REPRODUCES_TAG not in run.run.data.tags]
    if not all_runs:
        winner = tags.get(BEST_TRIAL_TAG)
        if winner is None:
            raise UserError(
                f"MLflow knows the winner of a study once that was tested, but not that of {name}. "
                "Reproduce all of its runs with --all, or one by its MLflow id."
            )
        names = tags.get(WINNER_RUNS_TAG, "").split()  # studies of earlier versions have none
        runs = [run for run in runs if (run.name in names if names else run.run.data.tags.get(TRIAL_TAG) == winner)]
    if not runs:
        raise UserError(f"A study is reproduced by its trials, but MLflow has none of {name}.")
    return [_of_mlflow(run) for run in runs]


def _tags_of(path: Path) -> Tags:
    """The tags of a run; none of one that is damaged, which is said when its turn comes."""
    try:
        run = StoredRun.open(path)
        return {**run.provenance.get("tags", {}), **run.tags}
    except UserError:
        return {}


def _is_a_study(name: str, places: Places) -> UserError:
    command = ["python", "-m", "nnlab.reproduce", "--study", name, *runs_dir_option(places.runs_dir)]
    return UserError(f"What is run again are runs, but {name} is a study. Reproduce its winner: {shlex.join(command)}")
