"""The installed packages against what nnlab needs."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Iterator
from importlib import metadata

from packaging.requirements import Requirement

from nnlab.doctor.finding import Finding

SHOWN = ("numpy", "mlflow", "optuna", "hydra-core")


def versions() -> Iterator[Finding]:
    """Whether each package is there in a version that nnlab works with."""
    needed = metadata.requires("nnlab") or []
    wrong = list(unmet(needed, metadata.version))
    shown = ", ".join(f"{name} {metadata.version(name)}" for name in SHOWN)
    fact = f"Python {platform.python_version()}, {shown}"
    if wrong:
        yield Finding("versions", "problem", f"{fact}; {'; '.join(wrong)}", "make setup installs what is tested")
    else:
        yield Finding("versions", "good", f"{fact}; all {len(needed)} requirements are met")


def unmet(needed: Iterable[str], version_of: Callable[[str], str]) -> Iterator[str]:
    """What is wrong with the packages that are needed, in words.

    Args:
        needed: requirements, as a package's metadata has them.
        version_of: the installed version of a package; raises `PackageNotFoundError` if there is none.
    """
    for requirement in map(Requirement, needed):
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            version = version_of(requirement.name)
        except metadata.PackageNotFoundError:
            yield f"{requirement.name} is missing"
            continue
        if not requirement.specifier.contains(version, prereleases=True):
            yield f"{requirement.name} {version} is not {requirement.specifier}"
