"""The remedy for a value that Hydra or a shell reads otherwise, pasted into a real shell."""

from __future__ import annotations

import subprocess

import pytest

from nnlab.config.jobs import compose_jobs
from nnlab.config.overrides import parsed
from nnlab.config.problems import ConfigError
from nnlab.config.quoting import as_override, to_paste

ZOO = [
    "My=Data, 2024 (final)/x.csv",
    "it's.csv",
    'say "a".csv',
    "both ' and \".csv",
    "a#b",
    "a,b.csv",
    "(x)",
    "a(1)",
    "[x]",
    "{a: b}",
    "a;b|c&d<e>f`g`",
    "$HOME/x",
    "${HOME}/x",
    "\\${seed}",
    "back\\slash",
    "ends in \\",
    "\\'",
    '\\"',
    "!important",
    "*?[a-z]*",
    "100%",
    "-dash",
    "~/home",
    "~",
    "=",
    ",",
    "a b",
    " leading and trailing ",
    "two\nlines",
    "tab\there",
    "Größe/日本.csv",
    "123",
    "1e5",
    "true",
    "null",
    "None",
    "0x10",
    "nan",
    "choice(a,b)",
    "range(1,3)",
    "",
]


TYPED = [
    "My=Data, 2024 (final)",
    "it's",
    "a#b",
    "a,b",
    "[x]",
    "$HOME/x",
    "${HOME}/x",
    "~/home",
    "Größe/日本",
    "123",
    "1e5",
]
"""As people type them, in quotes for the shell alone."""


def through_a_shell(*texts: str) -> list[str]:
    """The arguments that a command gets whose words are pasted behind its name."""
    pasted = f"printf '%s\\0' {' '.join(texts)}"
    done = subprocess.run(["bash", "-c", pasted], capture_output=True, check=True, timeout=20)
    return done.stdout.decode().split("\0")[:-1]


def test_what_is_pasted_arrives_as_it_was_meant() -> None:
    arrived = through_a_shell(*(to_paste("data.root", value) for value in ZOO))
    assert [override.value() for override in parsed(arrived)] == [
        override.value() for override in parsed([as_override("data.root", value) for value in ZOO])
    ]


@pytest.mark.parametrize("value", TYPED, ids=repr)
def test_a_text_that_was_typed_plain_is_told_its_quoted_override_or_taken_as_it_is(value: str) -> None:
    """Through the whole: the message's own remedy, in a shell, composes to the text that was typed."""
    typed = f"tracking.experiment={value}"
    try:
        (job,) = compose_jobs([typed, "data=toy", "model=toy"], multirun=False)
    except ConfigError as error:
        (problem,) = error.problems
        assert problem.key == "tracking.experiment"
        (remedy,) = through_a_shell(problem.nearest.partition(" if it is ")[0])
        (job,) = compose_jobs([remedy, "data=toy", "model=toy"], multirun=False)
        assert job.config.tracking.experiment == value
    else:
        assert job.config.tracking.experiment == value.strip()


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        (["data.root=My=Data, 2024 (final)/x.csv"], "'data.root=\"My=Data, 2024 (final)/x.csv\"'"),
        (["data.root=My Data/x.csv", "data=csv", "more.csv"], None),
        (["data=csv", "data.root=My", "Data/x.csv"], "'data.root=\"My Data/x.csv\"'"),
        (["tracking.experiment=123"], "'tracking.experiment=\"123\"'"),
        (["optimizer.lr=0,5x("], "optimizer.lr=VALUE, which must be a number"),
        (["modle=("], "model=VALUE"),
        (["model=("], "model=mlp"),
        (["lr"], "optimizer.lr=VALUE"),
        ([""], "seed=1"),
        (["=3"], "seed=1"),
        (["a b=3"], "seed=1"),
        (["größe=3"], "seed=1"),
    ],
    ids=repr,
)
def test_the_remedy_of_what_cannot_be_read(arguments: list[str], remedy: str | None) -> None:
    with pytest.raises(ConfigError, match="nothing was started") as caught:
        compose_jobs(arguments, multirun=False)
    if remedy is not None:
        (problem,) = [each for each in caught.value.problems if each.nearest]
        assert problem.nearest == remedy
