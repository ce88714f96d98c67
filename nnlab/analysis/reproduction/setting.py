"""What has to be set before NumPy starts, so that a run is computed as it was: BLAS kernel, threads, CPU features.

Each setting is tried in a process of its own first: a kernel whose instructions the processor lacks would crash a run.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from nnlab.analysis.reproduction.facts import Blas, blas_of
from nnlab.paths import importing_from
from nnlab.runs.code import PACKAGE

KERNEL = "OPENBLAS_CORETYPE"
DISABLED, ENABLED = "NPY_DISABLE_CPU_FEATURES", "NPY_ENABLE_CPU_FEATURES"
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")
SECONDS = 120.0
"""That a probe may take, on a machine that is busy."""

Variables = Mapping[str, str | None]
"""What is set in the environment, and what is removed from it (None)."""


@dataclass(frozen=True)
class Setting:
    """The environment for a run, as far as it can be made as it was.

    Args:
        variables: what is set and removed.
        told: each setting in words.
        unmet: what cannot be made as it was, and why, in words.
    """

    variables: Variables
    told: tuple[str, ...] = ()
    unmet: tuple[str, ...] = ()

    def environment(self) -> dict[str, str]:
        """The environment of this process, with the setting."""
        return with_variables(self.variables)


@dataclass(frozen=True)
class Probed:
    """What a process computed with in an environment.

    Args:
        facts: a provenance of its arithmetic; None if it died.
        died: how, in words.
    """

    facts: Mapping[str, Any] | None
    died: str = ""

    @property
    def blas(self) -> Blas:
        """Of the facts."""
        return blas_of(str((self.facts or {}).get("blas", "")))


Probe = Callable[[Variables, int], Probed]


def with_variables(variables: Variables) -> dict[str, str]:
    """The environment of this process with some variables set, and others removed."""
    kept = {name: value for name, value in os.environ.items() if name not in variables}
    return kept | {name: value for name, value in variables.items() if value is not None}


def setting_for(recorded: Mapping[str, Any], here: Mapping[str, Any], probe: Probe | None = None) -> Setting:
    """What to set, so that a run that starts now is computed as the one that was recorded.

    Args:
        recorded: the provenance of the run.
        here: of one that would start now, in the environment as it is.
        probe: tries an environment, on so many threads; by default in a process of its own.
    """
    probe = probe or probed
    was, now = blas_of(str(recorded.get("blas", ""))), blas_of(str(here.get("blas", "")))
    threads = was.threads or 1
    variables: dict[str, str | None] = {}
    told, unmet = [], []
    if was.kernel is not None and was.kernel != now.kernel:
        why = _why_no_kernel(was, now, probe, threads)
        if why:
            unmet.append(f"BLAS kernel {was.kernel}: {why}")
        else:
            variables[KERNEL] = was.kernel
            told.append(f"{KERNEL}={was.kernel}: the kernel of the recorded run; here it would be {now.kernel}")
    if "simd" in recorded and recorded["simd"] != here.get("simd"):
        _set_features(list(recorded["simd"]), variables, told, unmet, probe, threads)
    if was.threads is not None and was.threads != now.threads:
        wanted = {**variables, **dict.fromkeys(THREADS, str(was.threads))}
        if probe(wanted, threads).blas.threads == was.threads:
            variables |= wanted
            told.append(f"{THREADS[0]}={was.threads}: the threads of the recorded run")
        else:
            unmet.append(f"{was.threads} BLAS threads: this BLAS does not take so many here")
    return Setting(variables, tuple(told), tuple(unmet))


def probed(variables: Variables, threads: int) -> Probed:
    """What a process computes with in the environment of this one, with some variables set."""
    environment = importing_from(PACKAGE.parent, with_variables(variables))
    command = [sys.executable, "-P", "-W", "ignore", "-m", "nnlab.analysis.reproduction.probe", str(threads)]
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False, cwd=os.sep
        )
        if done.returncode == 0:
            return Probed(json.loads(done.stdout))
    except (subprocess.TimeoutExpired, OSError, ValueError) as error:
        return Probed(None, f"trying it failed ({type(error).__name__})")
    if done.returncode == -signal.SIGILL:
        return Probed(None, "this processor lacks its instructions (SIGILL)")
    last = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
    return Probed(None, f"a process that uses it dies ({last[:200]})")


def _why_no_kernel(was: Blas, now: Blas, probe: Probe, threads: int) -> str:
    """Why the kernel cannot be had; empty if it can."""
    names = [each.library.split(" ")[0] for each in (was, now)]
    if names[0] != names[1]:
        return f"it is one of {names[0]}, and NumPy has {names[1]} here"
    if names[0] != "openblas":
        return f"{names[0]} lets nobody choose"
    tried = probe({KERNEL: was.kernel}, threads)
    if tried.facts is None:
        return tried.died
    if tried.blas.kernel != was.kernel:
        return f"this OpenBLAS has none of that name, and takes {tried.blas.kernel}"
    return ""


def _set_features(
    recorded: list[str],
    variables: dict[str, str | None],
    told: list[str],
    unmet: list[str],
    probe: Probe,
    threads: int,
) -> None:
    """Switch off what NumPy's loops would use here and did not use then."""
    free: dict[str, str | None] = {DISABLED: None, ENABLED: None}
    all_here = list((probe({**variables, **free}, threads).facts or {}).get("simd", []))
    if missing := [name for name in recorded if name not in all_here]:
        unmet.append(f"CPU features {' '.join(missing)}: this processor, or this NumPy, has not got them")
    extra = [name for name in all_here if name not in recorded]
    wanted = {**variables, **free, DISABLED: " ".join(extra) or None}
    tried = probe(wanted, threads)
    if [name for name in (tried.facts or {}).get("simd", []) if name not in recorded]:
        unmet.append(f"CPU features {' '.join(recorded)}: the others cannot be switched off here")
        return
    if tried.facts is None:
        unmet.append(f"CPU features {' '.join(recorded)}: {tried.died}")
        return
    variables |= {name: value for name, value in wanted.items() if value is not None or name in os.environ}
    if extra:
        told.append(f"{DISABLED}='{' '.join(extra)}': NumPy's loops did not use them in the recorded run")
    elif any(name in os.environ for name in free):
        told.append(f"{DISABLED} and {ENABLED} removed: the recorded run had neither")
