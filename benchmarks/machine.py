"""The machine, and the environment of the processes that are measured."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

from nnlab.cpu import usable_cores

_BLAS = (
    "from nnlab.runs.provenance import blas, packages\n"
    "print(blas(), *(f'{name} {version}' for name, version in packages().items()), sep=', ')"
)


def environment() -> dict[str, str]:
    """Of every process that is measured: OpenBLAS chooses the kernel of this processor by itself."""
    return {key: value for key, value in os.environ.items() if key != "OPENBLAS_CORETYPE"}


def described_machine() -> str:
    """Cores, processor, BLAS and versions, as what is measured finds them."""
    found = subprocess.run(
        [sys.executable, "-c", _BLAS], env=environment(), capture_output=True, text=True, check=True
    ).stdout
    set_here = os.environ.get("OPENBLAS_CORETYPE")
    kernel = f"was {set_here} here, and is taken away from what is measured" if set_here else "not set"
    return "\n".join(
        [
            f"machine            {usable_cores()} cores, {_processor()}, {platform.platform()}",
            f"Python             {platform.python_version()}",
            f"BLAS and packages  {found.strip()}",
            f"OPENBLAS_CORETYPE  {kernel}",
        ]
    )


def load() -> str:
    """How busy the machine has been for a minute, all its processes counted."""
    return f"{os.getloadavg()[0]:.1f}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "processor unknown"
    )
