"""How a run's record is opened: a new one, or that of a run that was stopped and now goes on."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nnlab.config.job import Job
from nnlab.config.schema import Config, as_dict
from nnlab.errors import UserError
from nnlab.execution.result import Membership
from nnlab.runs.code import diff_of, how_to_return, keep_diff
from nnlab.runs.directory import RunDirectory
from nnlab.runs.journal_reader import JournalReader
from nnlab.runs.recorder import Announce, Recorder
from nnlab.runs.stored_run import StoredRun
from nnlab.runs.tags import CODE_CHANGED_TAG, MACHINE_CHANGED_TAG

ENVIRONMENT = ("git", "code", "numpy", "blas", "simd", "python", "platform", "packages")
"""What else than config and data decides the bits of a result, in a run's provenance."""

SINCE_RECORDED = ("code", "simd")
"""Of these, what the records of earlier versions lack."""
BESIDE_THE_DIGEST = ("code nnlab", "code diff", "code why")

Provenance = Mapping[str, Any]


@dataclass(frozen=True)
class Opened:
    """The open record of a run.

    Args:
        recorder: of the run.
        past: all that counts of what it has recorded before; empty for a new run.
        goes_on: whether this is a run that was stopped.
        changes: what has changed since it was started that may change the bits of its result, in words.
    """

    recorder: Recorder
    past: JournalReader
    goes_on: bool = False
    changes: Sequence[str] = ()


Opening = Callable[[Provenance], Opened]
"""Opens a run's record, once its data is loaded; gets the provenance of the run as it would start now."""


def new_run(config: Config, job: Job, announce: Announce | None, tags: Mapping[str, str] | None = None) -> Opening:
    """A record in a directory of its own, with tags besides those of every run."""

    def opened(provenance: Provenance) -> Opened:
        facts = provenance if job.group is None else {**provenance, "group": dict(job.group)}
        facts = facts if tags is None else {**facts, "tags": dict(tags)}
        directory = RunDirectory.create(Path(config.runs_dir), f"{config.model.name}-{config.data.name}")
        return _new(directory, config, job, facts, announce)

    return opened


def member_run(config: Config, job: Job, announce: Announce | None, member: Membership) -> Opening:
    """The record of a study's run. One that was stopped goes on, if it was the same in all that decides its bits."""

    def opened(provenance: Provenance) -> Opened:
        facts = {
            **provenance,
            "tags": dict(member.tags),
            "parent": os.path.relpath(member.study, member.path),
            "name": member.name,
        }
        study = StoredRun.at(member.study)
        if config.strict and study is not None:  # a worker that was started later may have loaded other code
            then, now = ((each.get("code") or {}).get("sha256") for each in (study.provenance, facts))
            if then not in (None, now):
                raise UserError(_not_as_it_was(study, [f"code sha256 was {then} and is {now}"]))
        directory = RunDirectory.claim(member.path)
        if facts["code"]["diff"]:
            facts["code"] = {**facts["code"], "diff": keep_diff(member.study)}
        if _can_go_on(member.path, facts):
            return _going_on(directory, announce)
        return _new(directory, config, job, facts, announce)

    return opened


def stopped_run(
    path: Path,
    announce: Announce | None,
    epochs: int | None,
    check: Callable[[StoredRun], object],
    *,
    is_strict: bool = False,
) -> Opening:
    """The record of the run in the directory `path`, which goes on; extended to `epochs`, unless they are None.

    `check` raises if it is not to go on. It is called with the run locked: a command that went on with it at the same
    moment may have ended it since it was looked at. A strict run does not go on if anything has changed.
    """

    def opened(provenance: Provenance) -> Opened:
        directory = RunDirectory.claim(path)
        try:
            stored = StoredRun.open(path)
            check(stored)
            found = changes(stored.provenance, provenance)
            if is_strict and found:
                raise UserError(_not_as_it_was(stored, found))
        except BaseException:
            directory.release()
            raise
        opened = replace(_going_on(directory, announce, epochs), changes=found)
        if (note := _of_other_code(stored, provenance)) is not None:
            opened.recorder.tag({CODE_CHANGED_TAG: note})
        if (note := _of_another_machine(stored, found)) is not None:
            opened.recorder.tag({MACHINE_CHANGED_TAG: note})
        return opened

    return opened


def is_same_run(earlier: Provenance, now: Provenance) -> bool:
    """Whether two runs have the same config and the same data."""
    return all(earlier.get(key) == now.get(key) for key in ("config_sha256", "dataset"))


def changes(earlier: Provenance, now: Provenance) -> list[str]:
    """What has changed since a run was started that may change the bits of its result, in words."""
    pairs = {key: (earlier.get(key), now.get(key)) for key in _comparable(earlier, now)}
    for key, (before, after) in [*pairs.items()]:
        if isinstance(before, dict) and isinstance(after, dict):
            del pairs[key]
            pairs |= {f"{key} {name}": (before.get(name), after.get(name)) for name in {**before, **after}}
    pairs = {key: pair for key, pair in pairs.items() if key not in BESIDE_THE_DIGEST}
    return [f"{key} was {before} and is {after}" for key, (before, after) in pairs.items() if before != after]


def _comparable(earlier: Provenance, now: Provenance) -> list[str]:
    """The keys of what both runs know: records of earlier versions lack some. A commit may change no code."""
    known = [key for key in ENVIRONMENT if key not in SINCE_RECORDED or (key in earlier and key in now)]
    return [key for key in known if key != "git" or "code" not in known]


def _not_as_it_was(stored: StoredRun, found: Sequence[str]) -> str:
    back = how_to_return(stored.provenance["git"]["commit"], diff_of(stored))
    return (
        f"strict=true goes on only as the run was started, but of {stored.name}: {'; '.join(found)}. "
        f"For its code: {back}. Or start another run: {shlex.join(stored.provenance['command'])}"
    )


def _of_other_code(stored: StoredRun, now: Provenance) -> str | None:
    """The tag of a run that goes on under other code than before; None if it does not, or that is not known."""
    first = stored.provenance.get("code")
    if first is None:
        return None
    earlier = stored.tags.get(CODE_CHANGED_TAG, "")
    last = earlier.rpartition("; ")[2].partition(" ")[0] or first["sha256"]
    if now["code"]["sha256"] == last:
        return None
    name = f", {keep_diff(stored.path)}" if now["code"]["diff"] else ""
    note = f"{now['code']['sha256']} after epoch {stored.last_epoch} (commit {now['git']['commit']}{name})"
    return f"{earlier}; {note}" if earlier else note


def _of_another_machine(stored: StoredRun, found: Sequence[str]) -> str | None:
    """The tag of a run that goes on with other arithmetic or versions; None if it does not, or says so already."""
    others = [text for text in found if not text.startswith("code ")]
    earlier = stored.tags.get(MACHINE_CHANGED_TAG, "")
    note = f"{'; '.join(others)} (after epoch {stored.last_epoch})"
    if not others or note in earlier:
        return None
    return f"{earlier}; {note}" if earlier else note


def _new(
    directory: RunDirectory, config: Config, job: Job, provenance: Provenance, announce: Announce | None
) -> Opened:
    recorder = Recorder.open(directory, as_dict(config), job.overrides, provenance, announce)
    return Opened(recorder, JournalReader(directory.journal_path))


def _going_on(directory: RunDirectory, announce: Announce | None, epochs: int | None = None) -> Opened:
    past = JournalReader(directory.journal_path)
    try:
        past.update()
    except BaseException:
        directory.release()
        raise
    recorder = Recorder.go_on(directory, announce, epochs)
    past.update()  # an extension, too
    return Opened(recorder, past, goes_on=True)


def _can_go_on(path: Path, provenance: Provenance) -> bool:
    """Whether a stopped run is in the directory that is the same, to the bit: else a trial starts anew."""
    try:
        stored = StoredRun.at(path)
        if stored is None or stored.is_over:
            return False
        return is_same_run(stored.provenance, provenance) and not changes(stored.provenance, provenance)
    except UserError:  # damaged
        return False
