"""The same study again, bit for bit: at once, in step, and after a kill."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from going import going
from studies import STUDIES, Kept, study_in, sweep

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("kind", ["one worker", "in step"])
def test_the_same_command_gives_the_same_trials(kind: str, studies_again: Mapping[str, Kept]) -> None:
    once, again = studies_again[kind].study, studies_again[f"{kind} again"].study
    assert once.facts == again.facts


def test_each_trial_has_a_seed_of_its_own(studies_again: Mapping[str, Kept]) -> None:
    for kept in studies_again.values():
        seeds = [seed for trial in kept.study.trials for seed in trial.user_attrs["asked"]["seeds"]]
        assert len(seeds) == len(set(seeds))


def test_a_study_that_was_killed_continues_as_if_nothing_had_been(studies: Mapping[str, Kept], tmp_path: Path) -> None:
    with going(*STUDIES["one worker"], folder=tmp_path) as study:
        study.read_trials(2)
        study.process.kill()
        assert study.processes_left() == []
    assert study_in(tmp_path).finished < 6
    resumed = sweep("sweep.resume=study", folder=tmp_path)
    assert resumed.returncode == 0, resumed.stderr
    assert study_in(tmp_path).facts == studies["one worker"].study.facts
