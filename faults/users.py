"""Commands of users other than the one who does the damage: by uids without a name, as containers have them."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

from faults.promise import NotHereError
from faults.trial import ROOT

ONESELF, ANOTHER = 65_532, 65_531
SECONDS = 240.0


def interpreter() -> tuple[str, str]:
    """A Python that any user may start, and the search path by which it finds what this one has.

    Raises:
        NotHereError: if there is none, or this process may not become another user.
    """
    if os.geteuid() != 0:
        raise NotHereError("only root can act as two users")
    places = os.pathsep.join([str(ROOT), sysconfig.get_paths()["purelib"]])
    for program in (sys.executable, f"/usr/bin/python3.{sys.version_info.minor}"):
        asked = [program, "-c", "import numpy, safetensors"]
        try:
            done = subprocess.run(asked, env={"PYTHONPATH": places}, user=ONESELF, group=ONESELF, extra_groups=[],
                                  cwd="/", capture_output=True, timeout=SECONDS)  # fmt: skip
        except OSError:
            continue
        if done.returncode == 0:
            return program, places
    raise NotHereError("no Python that another user may start")


def command(
    module: str, arguments: Sequence[str], *, user: int, folder: Path, settings: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """A command of nnlab that `user` starts, without a home folder; what it prints is in `stdout`.

    Args:
        module: such as "nnlab.run".
        arguments: of it.
        user: their uid.
        folder: the current one.
        settings: further variables of the environment.

    Raises:
        NotHereError: as `interpreter` does.
        subprocess.TimeoutExpired: if it does not end.
    """
    program, places = interpreter()
    environment = {
        "PATH": os.defpath,
        "PYTHONPATH": places,
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
        **(settings or {}),
    }
    return subprocess.run(
        [program, "-m", module, *arguments],
        cwd=folder, env=environment, user=user, group=user, extra_groups=[], umask=0o022,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=SECONDS,
    )  # fmt: skip
