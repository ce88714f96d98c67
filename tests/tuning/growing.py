"""Small studies that run in this process, for others to grow from."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

from nnlab.config.quoting import as_override
from nnlab.execution.events import Notice
from nnlab.tuning.events import StudyEvent
from nnlab.tuning.listener import StudyListener
from nnlab.tuning.planning import make_plan
from nnlab.tuning.resuming import resumed_arguments, resumed_plan
from nnlab.tuning.run_study import run_study
from nnlab.tuning.stored_study import StoredStudy

SMALL = [
    *("data=digits", "data.limit=200", "model.hidden=[6]", "optimizer=sgd", "trainer.batch_size=50"),
    *("trainer.epochs=2", "tracking.enabled=false", "tracking.plots=false", "trainer.test=false"),
    *("sweep.sampler=random", "sweep.pruner=none", "sweep.workers=1", "sweep.first=null"),
]


class Here(Executor):
    """Does each call at once."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


class Notes(StudyListener):
    """What a session says."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def on(self, event: StudyEvent) -> None:
        if isinstance(event, Notice):
            self.lines.append(event.text)


def run_small(runs_dir: Path, name: str, *arguments: str, base: Iterable[str] = SMALL) -> tuple[StoredStudy, list[str]]:
    """A new study, run to its end; and what it said."""
    place = as_override("runs_dir", str(runs_dir))
    plan = make_plan([*base, place, f"sweep.name={name}", *arguments])
    notes = Notes()
    assert run_study(plan, command=["sweep"], listeners=[notes], executor=Here()).status == "finished"
    return StoredStudy.open(name, [place]), notes.lines


def resume_small(runs_dir: Path, name: str, *arguments: str) -> StoredStudy:
    """A study that goes on to its end."""
    place = as_override("runs_dir", str(runs_dir))
    given = [f"sweep.resume={name}", place, *arguments]
    whole, directory = resumed_arguments(given)
    assert directory is not None
    plan = resumed_plan(whole, given, directory)
    assert run_study(plan, command=["sweep"], resume=directory, executor=Here()).status == "finished"
    return StoredStudy.open(name, [place])
