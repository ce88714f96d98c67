"""Whether the installed packages are those that nnlab needs."""

from __future__ import annotations

import platform
import re
import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata

from packaging.requirements import Requirement

from nnlab.commands.invocation import CHECKOUT, is_in_checkout, python
from nnlab.doctor.finding import Finding

SHOWN = ("numpy", "mlflow", "optuna", "hydra-core")
PACKAGE = "nnlab"
EXTRA = re.compile(r"extra == ['\"]([^'\"]+)")


@dataclass(frozen=True)
class Comparison:
    """What comparing requirements with the installed packages found.

    Attributes:
        met: those that an installed package meets.
        wrong: those that an installed package does not meet.
        missing: those whose package is not installed.
    """

    met: list[Requirement]
    wrong: list[Requirement]
    missing: list[Requirement]


def versions() -> Iterator[Finding]:
    """Whether each package is installed in a version that nnlab works with."""
    shown = ", ".join(f"{name} {_version(name)}" for name in SHOWN)
    yield Finding("versions", "good", f"Python {platform.python_version()}, {shown}")
    try:
        needed = metadata.requires(PACKAGE) or []
    except metadata.PackageNotFoundError:
        fact = "not checked: nnlab itself is not installed, and its metadata would list them"
        yield Finding("requirements", "note", fact, f"{python()} -m pip install {shlex.quote(str(CHECKOUT))}")
        return
    yield from requirements(needed, metadata.version)


def requirements(needed: Sequence[str], version_of: Callable[[str], str]) -> Iterator[Finding]:
    """Every requirement, those of the extras included: how many are met, and what is wrong with the others.

    Args:
        needed: requirements, as a package's metadata has them.
        version_of: the installed version of a package; raises `PackageNotFoundError` if there is none.
    """
    parsed = [Requirement(text) for text in needed]
    always = [each for each in parsed if each.marker is None or each.marker.evaluate({"extra": ""})]
    extras = [each for each in parsed if each not in always and _is_of_an_extra(each)]
    # An extra that asks for another extra of ours asks for nothing that is not in this list itself.
    extras = [each for each in extras if each.name != PACKAGE]

    compared = compare(always, version_of)
    unmet = [*compared.wrong, *compared.missing]
    name, count = "requirements", f"{len(compared.met)} of {len(always)} requirements are met"
    if unmet:
        yield Finding(name, "problem", f"{count}; {_unmet(compared, version_of)}", _pip(unmet))
    else:
        yield Finding(name, "good", count)
    if extras:
        compared = compare(extras, version_of)
        fact = f"{len(compared.met)} of {len(extras)} requirements of the extras are met"
        missed = _unmet(compared, version_of)
        yield Finding(
            "extras",
            "note" if compared.wrong else "good",
            f"{fact}; {missed}" if missed else fact,
            _pip(compared.wrong) if compared.wrong else "",
        )


def compare(requirements: Sequence[Requirement], version_of: Callable[[str], str]) -> Comparison:
    """Compare each requirement with the installed package."""
    compared = Comparison([], [], [])
    for requirement in requirements:
        try:
            version = version_of(requirement.name)
        except metadata.PackageNotFoundError:
            compared.missing.append(requirement)
            continue
        is_met = requirement.specifier.contains(version, prereleases=True)
        (compared.met if is_met else compared.wrong).append(requirement)
    return compared


def _unmet(compared: Comparison, version_of: Callable[[str], str]) -> str:
    wrong = [f"{each.name} {version_of(each.name)} is not {each.specifier}" for each in compared.wrong]
    names = ", ".join(sorted(each.name for each in compared.missing))
    return "; ".join([*wrong, *([f"not installed: {names}"] if names else [])])


def _is_of_an_extra(requirement: Requirement) -> bool:
    """Whether an extra asks for it on this system: some belong to others alone."""
    names = EXTRA.findall(str(requirement.marker))
    return requirement.marker is not None and any(requirement.marker.evaluate({"extra": name}) for name in names)


def _pip(requirements: Sequence[Requirement]) -> str:
    wanted = " ".join(shlex.quote(f"{each.name}{each.specifier}") for each in requirements)
    tested = " --constraint constraints.txt" if is_in_checkout() else ""
    return f"{python()} -m pip install{tested} {wanted}"


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"
