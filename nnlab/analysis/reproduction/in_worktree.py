"""Running a recorded run again with the code that it was made with, in a worktree of it, and comparing the two."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nnlab.analysis.reproduction.facts import Fact, blas_of, facts_of
from nnlab.analysis.reproduction.home import bring_home
from nnlab.analysis.reproduction.plan import check_ended, folder_for, store_for
from nnlab.analysis.reproduction.reproduce import Reproduction
from nnlab.analysis.reproduction.setting import Setting, probed, setting_for
from nnlab.analysis.reproduction.there import commands_of, run_there
from nnlab.analysis.reproduction.worktree import Code, code_of
from nnlab.config.places import why_not_writable
from nnlab.errors import UserError
from nnlab.execution.stored_job import destination_of
from nnlab.runs.provenance import packages
from nnlab.runs.stored_run import StoredRun


@dataclass(frozen=True)
class AttemptInWorktree:
    """A run that can be tried again in a worktree of its code. Nothing has been started yet.

    Args:
        stored: the run.
        code: of it.
        facts: what the numbers depend on, as recorded and as it is here, before anything is set; not what the worktree
            decides.
        setting: the environment for the process.
        runs_dir: the folder for the new run, absolute.
        tracking_uri: where in MLflow the new run goes; None keeps it out.
        tolerance: within which numbers count as equal; None takes the one of the config's dtype.
    """

    stored: StoredRun
    code: Code
    facts: tuple[Fact, ...]
    setting: Setting
    runs_dir: Path
    tracking_uri: str | None
    tolerance: float | None

    def execute(self, say: Callable[[str], object]) -> Reproduction:
        """Run it again and compare. The new run is brought into the folder of the runs; the original is as it was.

        Args:
            say: told what is done.

        Raises:
            UserError: if it cannot be tried after all.
            RunFailedError: if the new run cannot be stored.
        """
        with run_there(self.stored, self.code, self.setting.environment(), say) as new:
            done = Reproduction.of(self.stored, new, self.setting, self.tolerance)
            return replace(done, again=bring_home(new, self.stored, self.runs_dir, self.tracking_uri))


def attempt_in_worktree(
    stored: StoredRun,
    *,
    tolerance: float | None = None,
    runs_dir: Path | None = None,
    tracking_uri: str | None = None,
    trusts: bool = False,
) -> AttemptInWorktree:
    """Look at a run that is to be run again with its own code.

    Args:
        stored: the run.
        tolerance: as for `attempt`.
        runs_dir: the folder for the new run; None as for `folder_for`.
        tracking_uri: the address of MLflow in full, which the run has without its password.
        trusts: whether changes that were kept with the run may be run, whoever wrote them.

    Raises:
        UserError: if it cannot be tried.
    """
    check_ended(stored)
    folder = folder_for(stored, runs_dir)
    try:
        commands_of(stored)
        code = code_of(stored, trusts=trusts)
        tracking = stored.config["tracking"]
        given = store_for(stored, folder, tracking_uri)
        uri = destination_of(stored, tracking["uri"], given) if tracking["enabled"] else None
        if why := why_not_writable(folder):
            raise UserError(
                f"the folder for the new run must be writable, but {folder} is not ({why}). "
                "Set NNLAB_RUNS_DIR to another."
            )
    except UserError as error:
        raise UserError(f"{stored.name} cannot be tried: {error}") from error
    recorded = stored.provenance
    here = _here(recorded)
    return AttemptInWorktree(
        stored=stored,
        code=code,
        facts=tuple(fact for fact in facts_of(recorded, here) if fact.here is not None),
        setting=setting_for(recorded, here),
        runs_dir=folder,
        tracking_uri=uri,
        tolerance=tolerance,
    )


def _here(recorded: Mapping[str, Any]) -> dict[str, Any]:
    """What a run would have here, as far as its code does not decide it."""
    threads = blas_of(str(recorded.get("blas", ""))).threads or 1
    arithmetic = dict(probed({}, threads).facts or {})
    return {
        **arithmetic,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": packages(),
    }
