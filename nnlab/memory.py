"""How much memory this process may still take: what is free on the machine, and what the container leaves."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from pathlib import Path

MEMINFO = Path("/proc/meminfo")
OWN_GROUPS = Path("/proc/self/cgroup")
GROUPS = Path("/sys/fs/cgroup")
"""Of containers and of jobs of a batch system, in Linux."""
UNIFIED = ("memory.max", "memory.current", ("active_file", "inactive_file"))
LEGACY = ("memory.limit_in_bytes", "memory.usage_in_bytes", ("total_active_file", "total_inactive_file"))
"""Limit, use, and the pages of files in `memory.stat`, which count as used and make room: cgroup v2 and v1."""


def free_bytes() -> int | None:
    """The least of what the machine, its control groups and `ulimit -v` leave; None where none of them says."""
    known = [*_of_machine(), *_of_groups(), *_of_process()]
    return max(0, min(known)) if known else None


def _of_machine() -> Iterator[int]:
    facts = _table(MEMINFO)
    if "MemAvailable:" in facts:
        yield facts["MemAvailable:"] * 1024


def _of_groups() -> Iterator[int]:
    """What each group leaves that the process is in, up to the root of those that it can see."""
    try:
        lines = OWN_GROUPS.read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for _, controllers, path in (line.split(":", 2) for line in lines if line.count(":") >= 2):
        if controllers == "":
            root, names = GROUPS, UNIFIED
        elif "memory" in controllers.split(","):
            root, names = GROUPS / "memory", LEGACY
        else:
            continue
        # In a container the path may be the host's, of which only the root is mounted.
        group = root / path.lstrip("/")
        while group.is_relative_to(root):
            yield from _left(group, *names)
            group = group.parent


def _left(group: Path, limit: str, use: str, files: tuple[str, ...]) -> Iterator[int]:
    try:
        most, used = (int((group / name).read_text(encoding="ascii")) for name in (limit, use))
    except (OSError, ValueError):  # no such group, or no limit, which cgroup v2 calls "max"
        return
    facts = _table(group / "memory.stat")
    yield most - used + sum(facts.get(name, 0) for name in files)


def _of_process() -> Iterator[int]:
    most, _ = resource.getrlimit(resource.RLIMIT_AS)
    if most != resource.RLIM_INFINITY:
        try:
            pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        except OSError:
            return
        yield most - pages * resource.getpagesize()


def _table(file: Path) -> dict[str, int]:
    """A file of lines that start with a name and a number."""
    try:
        lines = [line.split() for line in file.read_text(encoding="ascii").splitlines()]
    except OSError:
        return {}
    return {words[0]: int(words[1]) for words in lines if len(words) > 1 and words[1].isdecimal()}
