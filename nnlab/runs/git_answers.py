"""One question to git, and its answer. Nothing is written into a repository, and no lock of it is taken."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

SECONDS = 10.0
"""That git may take for one question: a repository may be on a slow disk."""

OF_A_REPOSITORY = (
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX"),
    *("GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_NAMESPACE", "GIT_GRAFT_FILE", "GIT_SHALLOW_FILE", "GIT_EXTERNAL_DIFF"),
    *("GIT_DIFF_OPTS", "GIT_LITERAL_PATHSPECS", "GIT_GLOB_PATHSPECS", "GIT_NOGLOB_PATHSPECS", "GIT_ICASE_PATHSPECS"),
    *("GIT_CONFIG", "GIT_CONFIG_PARAMETERS", "GIT_CONFIG_COUNT"),
)
"""Variables that are meant for another repository, where a hook of it has started this process."""

SETTINGS = ("core.fsmonitor=false", "core.hooksPath=/dev/null", "core.quotePath=true", "diff.orderFile=/dev/null")


class GitError(Exception):
    """Git does not answer; the message says why, and continues "the commit is not known: "."""


def git_answer(
    folder: Path,
    *arguments: str,
    index: Path | None = None,
    text: bytes = b"",
    seconds: float = SECONDS,
    objects: tuple[Path, Path] | None = None,
) -> bytes:
    """What git answers.

    Args:
        folder: in which it is asked.
        arguments: of git.
        index: to use instead of the repository's.
        text: for its standard input.
        seconds: that it may take.
        objects: the folder that new objects go to, and that of the repository's own.

    Raises:
        GitError: if it does not.
    """
    environment = {name: value for name, value in os.environ.items() if name not in OF_A_REPOSITORY}
    # The lock is optional: looking must not get in the way of somebody's commit.
    environment |= {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1", "LC_ALL": "C"}
    environment["GIT_NO_REPLACE_OBJECTS"] = "1"  # a clone has the commit, and not what it is shown as here
    if index is not None:
        environment["GIT_INDEX_FILE"] = str(index)
    if objects is not None:  # new ones go there, and not into the repository
        environment["GIT_OBJECT_DIRECTORY"] = str(objects[0])
        environment["GIT_ALTERNATE_OBJECT_DIRECTORIES"] = str(objects[1])
    settings = [part for setting in SETTINGS for part in ("-c", setting)]
    command = ["git", "-C", str(folder), *settings, *arguments]
    try:
        asked = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            process_group=0,  # Ctrl-C is not meant for it
        )
        with asked:
            try:
                answer, said = asked.communicate(text, timeout=seconds)
            except BaseException:
                with suppress(ProcessLookupError):
                    os.killpg(asked.pid, signal.SIGKILL)  # with the filters that it has started
                raise
    except FileNotFoundError:
        raise GitError("git is not installed") from None
    except subprocess.TimeoutExpired:
        raise GitError(f"git {arguments[0]} took more than {seconds:g} s") from None
    except (OSError, ValueError) as error:
        raise GitError(f"git cannot be asked: {error}") from None
    if asked.returncode:
        lines = os.fsdecode(said).strip().splitlines() or [f"git {arguments[0]} failed"]
        raise GitError(lines[0].removeprefix("fatal: "))
    return answer
