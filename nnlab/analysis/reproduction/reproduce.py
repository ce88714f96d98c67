"""Running a recorded run again, in a process of its own, and comparing the two."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from threadpoolctl import threadpool_limits

from nnlab.analysis.reproduction.facts import Fact, facts_of
from nnlab.analysis.reproduction.plan import plan_of
from nnlab.analysis.reproduction.process import Order, executed
from nnlab.analysis.reproduction.setting import Setting, setting_for
from nnlab.analysis.reproduction.verdict import Verdict, compare
from nnlab.config.schema import as_dict
from nnlab.data.loading import forget
from nnlab.errors import RunFailedError, UserError
from nnlab.runs.late_note import note_later
from nnlab.runs.provenance import collect
from nnlab.runs.stored_run import StoredRun
from nnlab.runs.tags import REPRODUCED_TAG

CONFIGURATION = "configuration"


@dataclass(frozen=True)
class Reproduction:
    """A run that was run again.

    Args:
        original: its directory.
        again: the directory of the new run.
        facts: what the numbers depend on, as recorded and as the new run had it.
        setting: the environment that was set.
        verdict: of comparing the two.
    """

    original: Path
    again: Path
    facts: tuple[Fact, ...]
    setting: Setting
    verdict: Verdict

    @classmethod
    def of(cls, original: StoredRun, new: StoredRun, setting: Setting, tolerance: float | None) -> Self:
        """Compare a run with the new one, which had the environment `setting`."""
        facts = facts_of(original.provenance, new.provenance)
        return cls(
            original=original.path,
            again=new.path,
            facts=tuple(fact for fact in facts if fact.name != CONFIGURATION),  # of what it came to have, see `Plan`
            setting=setting,
            verdict=compare(original, new, tolerance),
        )


@dataclass(frozen=True)
class Attempt:
    """A run that can be tried again. Nothing has been started yet.

    Args:
        order: what the process is told.
        facts: what the numbers depend on, as recorded and as it is here, before anything is set.
        setting: the environment for the process.
    """

    order: Order
    facts: tuple[Fact, ...]
    setting: Setting

    def execute(self, stdout: int | None = None) -> Reproduction:
        """Run it again and compare; the verdict is noted on the original.

        Args:
            stdout: the descriptor to which the new run is shown; None is that of this process.

        Raises:
            UserError: if it cannot be tried after all.
            RunFailedError: if the new run fails, or its process dies.
            KeyboardInterrupt: if interrupted or terminated; the new run is closed as such.
        """
        again = executed(self.order, self.setting.environment(), stdout)
        original, new = StoredRun.open(self.order.run), StoredRun.open(again)
        return Reproduction.of(original, new, self.setting, self.order.tolerance)


def attempt(
    stored: StoredRun,
    *,
    tolerance: float | None = None,
    runs_dir: Path | None = None,
    tracking_uri: str | None = None,
    data_root: Path | None = None,
) -> Attempt:
    """Look at a run that is to be run again: what agrees, and what has to be set.

    Args:
        stored: the run.
        tolerance: within which numbers count as equal, see `Difference.size`; None takes `default_tolerance`.
        runs_dir: the folder for the new run; None is that of the original.
        tracking_uri: the address of MLflow in full, which the run has without its password.
        data_root: where its data is now; None is where it was.

    Raises:
        UserError: if it cannot be tried.
    """
    plan = plan_of(stored, runs_dir=runs_dir, tracking_uri=tracking_uri, data_root=data_root)
    config, recorded = plan.job.config, stored.provenance
    with threadpool_limits(int(config.trainer.threads)):
        here = collect(as_dict(config), plan.job.load(), plan.job.command)
    plan = dataclasses.replace(plan, job=dataclasses.replace(plan.job, dataset=None))
    forget()
    here["config_sha256"] = recorded["config_sha256"]  # the plan has checked that; it may stop sooner
    order = Order(
        run=stored.path.absolute(),
        runs_dir=Path(config.runs_dir),
        tracking_uri=config.tracking.destination,
        data_root=None if data_root is None else data_root.absolute(),
        tolerance=tolerance,
    )
    return Attempt(order, facts_of(recorded, here), setting_for(recorded, here))


def reproduce(
    stored: StoredRun,
    *,
    tolerance: float | None = None,
    runs_dir: Path | None = None,
    tracking_uri: str | None = None,
    data_root: Path | None = None,
) -> Reproduction:
    """Run a recorded run again, with kernel, threads and CPU features as they were, and compare the two.

    Arguments are those of `attempt`, errors those of `attempt` and `Attempt.execute`.
    """
    return attempt(
        stored, tolerance=tolerance, runs_dir=runs_dir, tracking_uri=tracking_uri, data_root=data_root
    ).execute()


def verdict_text(verdict: Verdict, again: Path) -> str:
    """What the tag of an original says: the verdict, by which run, and when."""
    return f"{verdict.in_words}, by {again.name}, {time.strftime('%Y-%m-%d')}"


def note_verdict(original: Path, again: Path, verdict: Verdict, warn: Callable[[str], object]) -> bool:
    """Tag the original with the verdict; it is left as it is otherwise. Returns whether that could be done.

    Args:
        original: its directory.
        again: that of the new run.
        verdict: of comparing them.
        warn: told why it could not.
    """
    try:
        note_later(original, {REPRODUCED_TAG: verdict_text(verdict, again)})
    except (UserError, RunFailedError, OSError) as error:
        warn(f"the verdict is not noted on {original.name}: {error}")
        return False
    return True
