"""What ends a search besides a number of trials, through the real command: killed, resumed, extended."""

from __future__ import annotations

from pathlib import Path

import pytest
from commands import events
from going import going
from studies import NEVER_PRUNED, NO_PLOTS, SPACE, UNTRACKED, Study, study_in, sweep

from nnlab.runs.search_time import SearchTime
from nnlab.runs.tags import ENDED_BY_TAG

pytestmark = pytest.mark.slow

# Trials of some tenths of a second.
STUDY = [
    *("data=digits", "trainer.epochs=40", "trainer.batch_size=32", UNTRACKED, NO_PLOTS, NEVER_PRUNED, *SPACE),
    *("sweep.sampler_options.startup_trials=2", "sweep.workers=2", "sweep.name=study"),
]
PATIENT = [*STUDY, "sweep.patience=5", "sweep.deterministic=true"]


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Study:
    folder = tmp_path_factory.mktemp("calm")
    assert sweep(*PATIENT, folder=folder).returncode == 0
    return study_in(folder)


def test_a_study_killed_midway_ends_at_the_same_trial(calm: Study, tmp_path: Path) -> None:
    for overrides, count in ((PATIENT, 2), (["sweep.resume=study"], 2)):
        with going(*overrides, folder=tmp_path) as study:
            study.read_trials(count)
            study.process.kill()
            study.processes_left()
    assert sweep("sweep.resume=study", folder=tmp_path).returncode == 0
    assert study_in(tmp_path).facts == calm.facts
    assert ended_by(study_in(tmp_path)) == "sweep.patience=5"


def test_the_time_counts_over_a_kill_and_what_runs_when_it_is_over_comes_to_its_end(tmp_path: Path) -> None:
    with going(*STUDY, "sweep.seconds=10", folder=tmp_path) as going_on:
        going_on.read_trials(3)
        going_on.process.kill()
        going_on.processes_left()
    ended = sweep("sweep.resume=study", folder=tmp_path)
    assert ended.returncode == 0, ended.stderr
    study = study_in(tmp_path)
    assert set(study.states) == {"COMPLETE"}
    assert ended_by(study) == "sweep.seconds=10"
    assert "winner " in ended.stdout

    again = sweep("sweep.resume=study", folder=tmp_path)  # uses up nothing, and tries nothing
    assert again.returncode == 0
    used = SearchTime.of(study.directory / "metrics.jsonl").before
    assert used >= 10
    assert study_in(tmp_path).facts == study.facts
    (remedy,) = [line.partition("To go on: ")[2] for line in again.stdout.splitlines() if "To go on: " in line]
    command, *overrides = remedy.removeprefix("python -m nnlab.").split()
    assert command == "sweep"
    assert sweep(*overrides, "sweep.until=10", folder=tmp_path).returncode == 0  # reached already
    assert ended_by(study_in(tmp_path)) == "sweep.until=10"


def ended_by(study: Study) -> str:
    tags: dict[str, str] = {}
    for event in events(study.directory):
        tags |= event.get("tags", {})
    return tags[ENDED_BY_TAG]
