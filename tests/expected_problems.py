"""What a problem of a config has to say, whatever its sentence is."""

from __future__ import annotations

from dataclasses import dataclass

from nnlab.config.problems import ConfigProblem


@dataclass(frozen=True, eq=False)
class ExpectedProblem:
    """Equals every problem with these facts, whatever its sentence.

    Args:
        what: the key with its value, as they are shown.
        nearest: the nearest valid choice.
        facts: what the rule contains.
    """

    what: str
    nearest: str
    facts: tuple[str, ...]

    def __eq__(self, problem: object) -> bool:
        return (
            isinstance(problem, ConfigProblem)
            and str(problem).startswith(f"{self.what}: ")
            and problem.nearest == self.nearest
            and all(fact in problem.rule for fact in self.facts)
        )

    __hash__ = None  # type: ignore[assignment]


def says(what: str, nearest: str = "", *facts: str) -> ExpectedProblem:
    """A problem with these facts, whatever its sentence."""
    return ExpectedProblem(what, nearest, facts)
