"""A study from its plan to its winner: trials done by workers, everything recorded, the test split touched once."""

from __future__ import annotations

import shutil
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from nnlab.commands.study_console import StudyConsole
from nnlab.data.loading import dataset_of
from nnlab.errors import RunFailedError, TerminatedError
from nnlab.execution.processes import WorkerProcesses
from nnlab.execution.run import sigterm_raises
from nnlab.mlflow_sync.process import MirrorProcess
from nnlab.runs.provenance import collect
from nnlab.runs.recorder import Recorder
from nnlab.runs.tags import KIND_TAG, STUDY_TAG
from nnlab.tuning.manifest import Identity
from nnlab.tuning.new_study import identity_of, new_directory
from nnlab.tuning.plan import Plan
from nnlab.tuning.session import Session, StudyResult, how_to_go_on
from nnlab.tuning.storage import JOURNAL_FILE, check_new_name, open_storage
from nnlab.tuning.study import Study
from nnlab.tuning.tasks import DATA


def run_study(
    plan: Plan,
    *,
    command: Sequence[str],
    console: StudyConsole,
    mirror: MirrorProcess | None,
    begun: Path | None = None,
    executor: Executor | None = None,
) -> StudyResult:
    """Do a study, or what is left of it.

    Args:
        plan: what to search, and how.
        command: the program and its arguments, for the record.
        console: shows the progress.
        mirror: brings study and trials into MLflow; None leaves them in their directories.
        begun: the directory of the study to go on with; None begins a new one.
        executor: does the trials, and must take `plan.workers` calls at a time; None starts processes here. All
            processes need the runs folder and the storage.

    Raises:
        UserError: if the study cannot be begun, or is not what it was.
        RunFailedError: if its storage or its directory fails on the way; it can go on later.
        KeyboardInterrupt: if interrupted twice or terminated; it can go on later.
    """
    config, settings = plan.fixed, plan.settings
    announce = mirror.follow if mirror else None
    dataset = dataset_of(config.data, seed=config.seed)
    fingerprint = plan.fingerprint(dataset.sha256)
    # First of all, so that a wrong address leaves nothing behind.
    elsewhere = open_storage(settings.storage, Path(JOURNAL_FILE)) if settings.storage else None
    if begun is None and elsewhere and settings.name:
        check_new_name(settings.name, elsewhere)
    with sigterm_raises(), _ctrl_c() as presses:
        if begun is None:
            directory = new_directory(plan)
            name = directory.name
            provenance = collect(plan.to_dict(), dataset, command)
            provenance["tags"] = {STUDY_TAG: name, KIND_TAG: "study"}
            recorder = Recorder.open(directory, plan.to_dict(), plan.overrides, provenance, announce)
        else:
            name = begun.name
            Identity.of(begun).check(fingerprint)
            recorder = Recorder.reopen(begun, announce)
        path = recorder.directory.path
        with recorder, console:
            storage = elsewhere or open_storage(None, path / JOURNAL_FILE)
            if begun is None:
                # Before the study itself: from here on it can go on.
                identity_of(plan, name, fingerprint).save(path)
            else:
                for change in Identity.of(path).strangers():
                    console.warning(change)
            study = Study(name, storage, settings, plan.space, config.seed, config.trainer.last_epoch)
            session = Session(plan, study, recorder, console, mirror)
            own = executor or WorkerProcesses(plan.workers)
            try:
                session.run(own, presses)
            except TerminatedError:
                recorder.close("killed", "terminated by the system (SIGTERM)")
                raise
            except (KeyboardInterrupt, RunFailedError):
                console.message(how_to_go_on(name))
                raise
            finally:
                if executor is None:
                    own.shutdown(wait=False)
                shutil.rmtree(path / DATA, ignore_errors=True)
            return session.finish()


@contextmanager
def _ctrl_c() -> Iterator[list[float]]:
    """Count Ctrl-C in the list given: the first is only counted, the second interrupts. Only the main thread can."""
    presses: list[float] = []
    if threading.current_thread() is not threading.main_thread():
        yield presses
        return

    def count(number: int, frame: FrameType | None) -> None:
        presses.append(time.monotonic())
        if len(presses) > 1:
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, count)
    try:
        yield presses
    finally:
        signal.signal(signal.SIGINT, before)
