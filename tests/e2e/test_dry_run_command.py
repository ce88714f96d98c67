"""`--dry-run` as people meet it: what it answers, and that nothing is left of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from commands import OVERRIDES, in_process
from studies import SMALL

NAMED = ["sweep.name=study", "sweep.workers=1"]


@pytest.mark.parametrize(
    ("program", "arguments", "words"),
    [
        (
            "nnlab.sweep",
            [*SMALL, *NAMED, "sweep.seeds=2"],
            [
                "at most 6 trials",
                "at most 12 runs",
                "optimizer.lr   0.003 to 0.3 on a log scale",
                "only with model.depth 2",
                "infinitely many",
                "610 parameters, 592 multiplications a row",  # 64 x 8 + 8 x 10, and 18 biases
                "the first 2 trials",
                "from trial 2 on, mixed learns",
            ],
        ),
        ("nnlab.run", OVERRIDES, ["1 run", "1,810 parameters, 1,776 multiplications a row", "evaluated at the end"]),
        pytest.param(
            "nnlab.run",
            ["-m", *OVERRIDES[:2], "seed=range(6)", "optimizer=sgd,adam"],
            ["12 runs, one after another", "all have 1,810 parameters", "and 2 runs more", "test split left alone"],
            marks=pytest.mark.slow,
        ),
    ],
)
def test_it_says_what_would_be_done_and_leaves_nothing(
    program: str, arguments: list[str], words: list[str], tmp_path: Path
) -> None:
    done = in_process(*arguments, "--dry-run", folder=tmp_path, program=program)
    assert done.returncode == 0, done.stderr
    assert [text for text in words if text not in done.stdout] == [], done.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("program", "arguments", "words"),
    [
        ("nnlab.run", ["optimizer.lr=-1"], ["must be above 0"]),
        ("nnlab.sweep", ["sweep.trials=0"], ["must be at least 1"]),
        ("nnlab.sweep", ["--show", "study"], ["Leave one out"]),
        ("nnlab.sweep", ["sweep.resume=study"], ["has none named 'study'"]),
    ],
)
def test_what_would_be_refused_is_refused(program: str, arguments: list[str], words: list[str], tmp_path: Path) -> None:
    done = in_process(*arguments, "--dry-run", folder=tmp_path, program=program)
    assert (done.returncode, done.stdout) == (2, "")
    assert [text for text in words if text not in done.stderr] == [], done.stderr
    assert list(tmp_path.iterdir()) == []
