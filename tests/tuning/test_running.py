"""The runs of trials that are under way, seen from outside."""

from __future__ import annotations

from pathlib import Path

from nnlab.runs.directory import JOURNAL
from nnlab.tuning.running import RunningTrials


def test_a_trial_may_be_killed_before_its_run_has_started(tmp_path: Path) -> None:
    announced: list[Path] = []
    running = RunningTrials(["val/loss"], announced.append)
    missing, empty, begun = (tmp_path / name for name in ("missing", "empty", "begun"))
    empty.mkdir()
    (empty / "lock").touch()  # as `RunDirectory` makes it, before the journal
    begun.mkdir()
    (begun / JOURNAL).touch()
    running.add(0, [missing, empty, begun])
    assert list(running.news()) == []
    running.end(0)
    assert announced == []
    assert not (empty / JOURNAL).exists()
    assert (begun / JOURNAL).read_bytes() == b""
