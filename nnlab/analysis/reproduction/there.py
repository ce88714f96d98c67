"""A run's recorded command, run again in a worktree of its code, with a runs folder of its own."""

from __future__ import annotations

import json
import shlex
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from nnlab.analysis.reproduction.guarded import Guarded, guarded_folder
from nnlab.analysis.reproduction.plan import stopped_after
from nnlab.analysis.reproduction.worktree import Code, check_out
from nnlab.config.leaves import WITHOUT_EFFECT, leaves, without
from nnlab.config.quoting import as_override
from nnlab.errors import UserError
from nnlab.execution.resume import resume_command
from nnlab.paths import importing_from
from nnlab.runs.directory import run_directories
from nnlab.runs.files import read_bytes
from nnlab.runs.stored_run import StoredRun

CODE, RUNS, SAID = "code", "runs", "said.txt"

SHORT = 16
"""Characters of a digest that are told."""

PLACES = ("runs_dir", "tracking")
"""Keys and groups that say where things are kept: left out of the recorded command."""

# In the worktree's own words, so that it is the digest that a run there would record.
PROBE = """
import json, nnlab
try:
    from nnlab.runs.code import code_now
except ImportError:
    code_now = None
print(json.dumps([nnlab.__file__, code_now and code_now().sha256]))
"""


@contextmanager
def run_there(
    stored: StoredRun, code: Code, environment: Mapping[str, str], say: Callable[[str], object]
) -> Iterator[StoredRun]:
    """Run a run's recorded command again with the code that it was made with; the new run is there in the block.

    Nothing is left afterwards, nor if this process is killed.

    Args:
        stored: the run.
        code: of it, see `code_of`.
        environment: that NumPy must find when it starts.
        say: told what is done.

    Raises:
        UserError: if it cannot be tried, with what is missing.
    """
    commands = commands_of(stored)
    with guarded_folder("worktree") as guarded:
        folder = guarded.folder
        for name in (CODE, RUNS):
            (folder / name).mkdir()
        changes = "" if code.diff is None else " and its uncommitted changes"
        say(f"commit {code.commit[:12]}{changes}, checked out in {folder / CODE}")
        package = check_out(code, folder / CODE)
        environment = _environment(package, folder / RUNS, environment)
        _check_that_it_is_the_code(stored, code, package, guarded, environment)
        if code.sha256 is not None:
            say(f"the code is the recorded one, SHA-256 {code.sha256[:SHORT]}")
        for command in commands:
            with (folder / SAID).open("ab") as said:
                guarded.run([sys.executable, "-P", "-m", *command], environment, said, said)
        new = _new_run(stored, folder)
        _check_that_it_is_the_run(stored, new)
        yield new


def commands_of(stored: StoredRun) -> list[list[str]]:
    """The modules of nnlab, with their arguments, that do a run again: the run, then its extensions.

    Raises:
        UserError: if there are none.
    """
    last, known = stopped_after(stored), dict(leaves(stored.config))
    fixed = {
        "tracking.enabled": False,
        "tracking.plots": False,
        "trainer.test": bool(stored.test),
        "trainer.threads": known["trainer.threads"],
    }
    if last is not None:
        if stored.extensions or not last:
            what = "was stopped while it was extended" if stored.extensions else "has recorded no epoch"
            raise UserError(
                f"A run is reproduced by what it has recorded, but {stored.name} {what} ({stored.status_now}). "
                f"Go on with it first: {resume_command(stored.path)}"
            )
        fixed["trainer.stop_after"] = last
    fixed = {key: value for key, value in fixed.items() if key in known}
    kept = [text for text in stored.overrides if not _is_set_here(text, fixed)]
    run = ["nnlab.run", *kept, *(as_override(key, value) for key, value in fixed.items())]
    longer = [["nnlab.resume", "--last", "--epochs", str(epochs)] for _, epochs in stored.extensions]
    return [run, *longer]


def _is_set_here(override: str, fixed: Mapping[str, object]) -> bool:
    key = override.partition("=")[0].lstrip("+~")
    return key in fixed or any(key == name or key.startswith(f"{name}.") for name in PLACES)


def _environment(package: Path, runs_dir: Path, variables: Mapping[str, str]) -> dict[str, str]:
    """That of a process which imports nnlab from `package`, and from nowhere else, and keeps runs in `runs_dir`."""
    kept = {name: value for name, value in variables.items() if name != "MLFLOW_TRACKING_URI"}
    return importing_from(package, kept) | {"PYTHONDONTWRITEBYTECODE": "1", "NNLAB_RUNS_DIR": str(runs_dir)}


def _check_that_it_is_the_code(
    stored: StoredRun, code: Code, package: Path, guarded: Guarded, environment: Mapping[str, str]
) -> None:
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        status = guarded.run([sys.executable, "-P", "-c", PROBE], environment, out, errors)
        for file in (out, errors):
            file.seek(0)
        answer, said = (file.read().decode(errors="replace") for file in (out, errors))
    if status:
        raise UserError(
            f"The code of {stored.name}, commit {code.commit}, cannot be imported here: {_last_words(said)} "
            f"Install what it needs: see requirements.txt in {stored.path}."
        )
    place, digest = json.loads(answer)
    if not Path(place).is_relative_to(package):
        raise UserError(
            f"The code of {stored.name} must be imported from its worktree, but Python takes nnlab from {place}. "
            "Install nnlab in another way (pip install --editable), or take it out of Python's start-up files."
        )
    if code.sha256 is not None and digest is not None and digest != code.sha256:
        raise UserError(
            f"--worktree needs all of a run's code, but commit {code.commit} "
            f"{'alone' if code.diff is None else 'with the changes that were kept'} is other code than {stored.name} "
            f"was made with: its SHA-256 is {digest}, and was {code.sha256}. "
            f"{(stored.provenance.get('code') or {}).get('why') or 'Changed files that git ignores are not kept'}: "
            "if they were committed since, check that commit out and leave --worktree out."
        )


def _new_run(stored: StoredRun, folder: Path) -> StoredRun:
    found = list(run_directories(folder / RUNS))
    if len(found) != 1 or not (new := StoredRun.open(found[0])).has_ended:
        raise UserError(
            f"The command of {stored.name} does not run with the code that it was made with: "
            f"{_last_words(read_bytes(folder / SAID).decode(errors='replace'))} The command is: "
            f"{shlex.join(commands_of(stored)[0])}"
        )
    return new


def _check_that_it_is_the_run(stored: StoredRun, new: StoredRun) -> None:
    now, then = new.provenance["dataset"]["sha256"], stored.provenance["dataset"]["sha256"]
    if now != then:
        raise UserError(
            f"A run is reproduced with the data that it was made with, but {stored.provenance['dataset']['name']} has "
            f"changed since: its SHA-256 was {then} and is {now}. Restore the data."
        )
    both = [dict(leaves(without(run.config, (*WITHOUT_EFFECT, "trainer.stop_after")))) for run in (stored, new)]
    if both[0] != both[1]:
        keys = sorted(key for key in {**both[0], **both[1]} if both[0].get(key) != both[1].get(key))
        raise UserError(
            f"The command of {stored.name} must give the config that it gave, but these keys are others now: "
            f"{', '.join(keys)}. What its command refers to outside the config, such as a variable of the environment, "
            "has changed: restore it."
        )


def _last_words(said: str) -> str:
    """The last line that a program has said."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return "".join(sign for sign in (lines or ["it says nothing."])[-1][:500] if sign.isprintable())
