"""From the names on a command line to the runs that each stands for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nnlab.analysis.comparison.facts import RunFacts
from nnlab.analysis.comparison.folder import Folder, missing_of_group
from nnlab.analysis.comparison.likeness import likeness
from nnlab.errors import UserError
from nnlab.runs.directory import STUDY, TRIALS
from nnlab.runs.files import is_file
from nnlab.runs.resolve import resolve
from nnlab.wording import number_of

GROUP_NAME = re.compile(r"[0-9a-f]{12}")
"""What a group that one command line started is called."""


@dataclass(frozen=True)
class Named:
    """What a name stands for.

    Attributes:
        name: as it was given.
        runs: all of them, whatever their status.
        single: the run itself, if the name is a run's.
        is_whole: whether the runs are one group, even if their configs differ.
        is_selected: whether they were chosen by their values.
        title: what that group is called; "" by what its runs have and others have not.
        notes: what the reader has to know of the choice.
    """

    name: str
    runs: list[RunFacts]
    single: RunFacts | None = None
    is_whole: bool = False
    is_selected: bool = False
    title: str = ""
    notes: tuple[str, ...] = ()


class Names:
    """Looks names up; each folder is read once.

    Args:
        runs_dir: where names are looked up.
        alone: whether a run stands for itself alone.
        everything: whether a study stands for all of its trials' runs, not for its winner's.
    """

    def __init__(self, runs_dir: Path, *, alone: bool = False, everything: bool = False) -> None:
        self.runs_dir = runs_dir
        self._alone = alone
        self._everything = everything
        self._folders: dict[Path, Folder] = {}

    def named(self, name: str) -> Named:
        """What a name stands for: a run and those that differ from it in the seed alone, the runs of a group, a study's
        winner's runs, or, with commas, just the runs that are named.

        Raises:
            UserError: if it names nothing, or several things.
        """
        if "," in name and not Path(name).exists():
            parts = [part.strip() for part in name.split(",") if part.strip()]
            if not parts:
                raise UserError(f"With commas a name stands for runs, but {name!r} names none. Write RUN_ID,RUN_ID.")
            return Named(name, [self._run(part, self._path(part)) for part in dict.fromkeys(parts)], is_whole=True)
        group = self._group(name)
        try:
            path = self._path(name)
        except UserError as error:
            if group:
                return Named(name, group, notes=tuple(missing_of_group(group)))
            raise self._nothing(name, error) from error
        if group:
            raise UserError(
                f"{name!r} names a run and a group of {number_of(len(group), 'run')}. Name the run by its path: {path}."
            )
        if is_file(path / STUDY):
            return self._study(name, path)
        run = self._run(name, path)
        return Named(name, [run] if self._alone else self._alike(run), single=run)

    def everything(self) -> list[RunFacts]:
        """All runs of the folder.

        Raises:
            UserError: if there are none.
        """
        found = self.folder(self.runs_dir).runs
        if not found:
            raise UserError(f"There are no runs in {self.runs_dir}. Choose another folder with --runs-dir.")
        return found

    @property
    def damaged(self) -> list[str]:
        """What could not be read in the folders that were looked through."""
        return [text for folder in self._folders.values() for text in folder.damaged]

    def folder(self, path: Path) -> Folder:
        """The runs of a folder."""
        path = path.absolute()
        if path not in self._folders:
            self._folders[path] = Folder(path)
        return self._folders[path]

    def _path(self, name: str) -> Path:
        return resolve(name, self.runs_dir)

    def _run(self, name: str, path: Path) -> RunFacts:
        from nnlab.runs.stored_run import StoredRun

        if is_file(path / STUDY):
            raise UserError(f"With commas a name stands for runs, but {name!r} is a study. Name it without commas.")
        return RunFacts.of(StoredRun.open(path))

    def _group(self, name: str) -> list[RunFacts]:
        if not GROUP_NAME.fullmatch(name):
            return []
        return self.folder(self.runs_dir).of_group(name)

    def _alike(self, run: RunFacts) -> list[RunFacts]:
        """The run and all that differ from it in the seed alone, of the same code."""
        assert run.runs_dir is not None
        wanted = likeness(run)
        others = [each for each in self.folder(run.runs_dir).runs if each.name != run.name and each.code == run.code]
        return [run, *(each for each in others if likeness(each) == wanted)]

    def _study(self, name: str, path: Path) -> Named:
        trials = path.absolute() / TRIALS
        runs = [
            run
            for run in self.folder(path.absolute().parent).runs
            if run.path is not None and run.path.absolute().parent == trials
        ]
        if not runs:
            raise UserError(f"The study {name} has no runs of trials yet. Compare it when some have ended.")
        if self._everything:
            return Named(name, runs)
        from nnlab.analysis.study_winner import winner_of

        winner = winner_of(path)
        chosen = [run for run in runs if run.name in winner.runs]
        note = f"{name} stands for its winner, trial {winner.number}: {winner.words}."
        return Named(name, chosen, is_whole=True, is_selected=not winner.is_confirmed, title=name, notes=(note,))

    def _nothing(self, name: str, error: UserError) -> UserError:
        if GROUP_NAME.fullmatch(name) is None:
            return error
        groups = dict.fromkeys(run.group for run in self.folder(self.runs_dir).runs if run.group)
        known = f"It has the groups {', '.join(list(groups)[-5:])}" if groups else "It has no groups"
        return UserError(
            f"{name!r} looks like a group that one -m command line started, but {self.runs_dir} has no run of it. "
            f"{known}. Choose another folder with --runs-dir."
        )


def all_runs(named: Sequence[Named]) -> list[RunFacts]:
    """The runs of several names, each once."""
    return list({(run.path, run.name): run for each in named for run in each.runs}.values())
