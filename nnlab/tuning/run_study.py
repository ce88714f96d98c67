"""A study from its plan to its winner: workers run trials, everything is recorded, the test split is evaluated once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import Executor
from contextlib import nullcontext, suppress
from pathlib import Path

from nnlab.errors import MachineError, RunFailedError, TerminatedError, UserError
from nnlab.execution.events import Notice, Warned
from nnlab.execution.listener import Listeners
from nnlab.execution.processes import running_workers
from nnlab.execution.signals import ctrl_c_counted, termination_raises
from nnlab.runs.directory import DATA
from nnlab.runs.files import remove
from nnlab.runs.journal import Status
from nnlab.runs.leftovers import clear_leftovers
from nnlab.runs.provenance import collect
from nnlab.runs.recorder import Announce, Recorder
from nnlab.runs.tags import KIND_TAG, STUDY_TAG
from nnlab.tuning.beginning import NOTHING, beginning_of
from nnlab.tuning.events import StudyEvent, StudyLeft
from nnlab.tuning.growth.keeping import keep_trials
from nnlab.tuning.limits import check_executor
from nnlab.tuning.listener import StudyListener
from nnlab.tuning.manifest import Manifest
from nnlab.tuning.new_study import manifest_of, new_directory
from nnlab.tuning.plan import Plan
from nnlab.tuning.race.session import study_of_plan
from nnlab.tuning.search.guess import check_guesses
from nnlab.tuning.session import Session
from nnlab.tuning.storage import JOURNAL_FILE, check_new_name, open_storage
from nnlab.tuning.study_result import StudyResult


def run_study(
    plan: Plan,
    *,
    command: Sequence[str],
    listeners: Iterable[StudyListener] = (),
    announce: Announce | None = None,
    resume: Path | None = None,
    executor: Executor | None = None,
) -> StudyResult:
    """Execute a study, or the rest of it.

    Args:
        plan: what to search, and how.
        command: the program and its arguments, for the record.
        listeners: get the events; one that raises gets no more of them, and the study continues.
        announce: called with the directory of the study and of each run, once they exist, to sync them into MLflow;
            None does not.
        resume: the directory of the study to resume; None starts a new one.
        executor: runs the trials, and must take `plan.workers` calls at a time; None starts processes here. All
            processes need the runs folder and the storage.

    Raises:
        UserError: if the study cannot be started, or differs from the one to resume.
        RunFailedError: if its storage or its directory fails; the study can be resumed.
        KeyboardInterrupt: if interrupted twice or terminated; the study can be resumed.
    """
    config, settings = plan.fixed, plan.settings
    heard = Listeners[StudyEvent](listeners)
    check_executor(settings, executor)
    fingerprint = plan.fingerprint(plan.dataset.sha256)
    # First of all, so that a wrong address or name leaves nothing behind.
    beginning = beginning_of(plan) if resume is None else NOTHING
    elsewhere = open_storage(settings.storage, Path(JOURNAL_FILE)) if settings.storage else None
    if resume is None and elsewhere and settings.name:
        check_new_name(settings.name, elsewhere)
    with termination_raises(), ctrl_c_counted() as presses:
        clear_leftovers(Path(config.runs_dir))
        if resume is None:
            directory = new_directory(plan)
            name = directory.name
            provenance = collect(plan.to_dict(), plan.dataset, command)
            provenance["tags"] = {STUDY_TAG: name, KIND_TAG: "study"}
            recorder = Recorder.open(directory, plan.to_dict(), plan.overrides, provenance, announce)
        else:
            name, manifest = resume.name, Manifest.read(resume)
            manifest.check(fingerprint)
            check_guesses(manifest.guesses, plan.space)
            other_code = manifest.changed_code(resume)
            if config.strict and other_code:
                raise UserError(f"strict=true resumes a study only under its own code, but {other_code[0]}")
            recorder = Recorder.reopen(resume, announce)
        path = recorder.directory.path
        with recorder:
            storage = elsewhere or open_storage(None, path / JOURNAL_FILE)
            if resume is None:
                # Before the study itself: from here on it can be resumed.
                manifest = manifest_of(plan, name, fingerprint, beginning)
                manifest.save(path)
            else:
                for change in [*other_code, *manifest.changed_versions()]:
                    heard.on(Warned(change))
                if (lasting := manifest.with_lasting(plan.lasting_overrides)) != manifest:
                    lasting.save(path)
            for line in (*plan.notes, *beginning.notes):
                heard.on(Notice(line))
            offset = 0
            if manifest.growth is not None:
                offset = manifest.growth.offset
                keep_trials(manifest.growth, plan, storage, path, announce)
            study = study_of_plan(plan, name, storage, manifest.guesses, offset)
            session = Session(plan, study, recorder, heard, announce, presses)
            try:
                with nullcontext(executor) if executor else running_workers(plan.workers) as crew:
                    session.run(crew)
                _clear_data(path)  # first: a disk that is full gets room for the end
                return session.finish()
            except (KeyboardInterrupt, RunFailedError) as error:
                if isinstance(error, TerminatedError):
                    _close(recorder, "killed", str(error))
                elif isinstance(error, KeyboardInterrupt):
                    _close(recorder, "interrupted", "interrupted by the user")
                heard.on(StudyLeft(path))
                raise
            finally:
                _clear_data(path)


def _clear_data(study: Path) -> None:
    with suppress(OSError):
        remove(study / DATA)


def _close(recorder: Recorder, status: Status, reason: str) -> None:
    """A disk that is full may have no room for the end: then the next session writes it."""
    with suppress(MachineError):
        recorder.close(status, reason)
