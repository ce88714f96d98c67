"""What a run's numbers depend on, as it was recorded and as it is here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

Provenance = Mapping[str, Any]


@dataclass(frozen=True)
class Fact:
    """One thing that the bits of a run may depend on.

    Args:
        name: of it, for people.
        recorded: as it was when the run was recorded; None if that was not recorded.
        here: as it is in another run, or would be in one that starts now; None if that is not known.
    """

    name: str
    recorded: str | None
    here: str | None

    @property
    def agrees(self) -> bool | None:
        """Whether both are the same; None if one of them is not known."""
        return None if self.recorded is None or self.here is None else self.recorded == self.here


class Blas(NamedTuple):
    """The BLAS of a provenance: its library with the version, kernel and threads, as far as they are known."""

    library: str
    kernel: str | None
    threads: int | None


def blas_of(text: str) -> Blas:
    """What `nnlab.runs.provenance.blas` wrote, in its parts."""
    words = text.split()
    threads = words.pop().removeprefix("threads=") if words and words[-1].startswith("threads=") else ""
    kernel = words.pop() if len(words) > 2 else None
    return Blas(" ".join(words), kernel, int(threads) if threads.isdecimal() else None)


def facts_of(recorded: Provenance, here: Provenance) -> tuple[Fact, ...]:
    """What two provenances say, in the order in which a person asks: what was computed, with what, on what."""
    return tuple(_facts(recorded, here))


def disagreeing(facts: tuple[Fact, ...]) -> list[str]:
    """The names of what is not the same."""
    return [fact.name for fact in facts if fact.agrees is False]


def _facts(recorded: Provenance, here: Provenance) -> Iterator[Fact]:
    yield _code(recorded, here)
    yield Fact("configuration", recorded.get("config_sha256"), here.get("config_sha256"))
    yield Fact("data", *(_within(each, "dataset", "sha256") for each in (recorded, here)))
    yield Fact("NumPy", recorded.get("numpy"), here.get("numpy"))
    blas = [blas_of(str(each.get("blas", ""))) for each in (recorded, here)]
    yield Fact("BLAS library", *(each.library or None for each in blas))
    yield Fact("BLAS kernel", *(each.kernel for each in blas))
    yield Fact("BLAS threads", *(None if each.threads is None else str(each.threads) for each in blas))
    yield Fact("CPU features", *(_features(each) for each in (recorded, here)))
    yield Fact("Python", recorded.get("python"), here.get("python"))
    yield Fact("platform", recorded.get("platform"), here.get("platform"))
    versions = [dict(each.get("packages") or {}) for each in (recorded, here)]
    for name in {**versions[0], **versions[1]}:
        if name != "numpy":
            yield Fact(name, *(each.get(name) for each in versions))


def _code(recorded: Provenance, here: Provenance) -> Fact:
    """The digest of all code that can change a number; the commit alone, where that was not recorded."""
    digests = [_within(each, "code", "sha256") for each in (recorded, here)]
    if None not in digests:
        return Fact("code", *digests)
    return Fact("commit", *(_commit(each) for each in (recorded, here)))


def _commit(provenance: Provenance) -> str | None:
    """The commit, if it says what the code was: nothing had been changed since."""
    git = provenance.get("git") or {}
    return f"commit {git['commit']}" if git.get("dirty") == "false" else None


def _features(provenance: Provenance) -> str | None:
    found = provenance.get("simd")
    return None if found is None else " ".join(found)


def _within(provenance: Provenance, group: str, name: str) -> str | None:
    found = (provenance.get(group) or {}).get(name)
    return None if found is None else str(found)
