"""Several commands at the same moment, and an executor of one's own."""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
from commands import Done, environment, events
from going import going
from studies import NO_PLOTS, SMALL, UNTRACKED, Study, study_in

pytestmark = pytest.mark.slow


def test_of_two_commands_with_one_name_one_runs_and_the_other_says_why_not(tmp_path: Path) -> None:
    drawn = [override for override in SMALL if override != NO_PLOTS]
    with ExitStack() as stack:
        both = [
            stack.enter_context(going(*drawn, "sweep.workers=1", "sweep.name=study", folder=tmp_path)) for _ in range(2)
        ]
        ended = [study.end() for study in both]
    refused, ran = sorted(range(2), key=lambda place: -both[place].process.returncode)
    assert [both[place].process.returncode for place in (refused, ran)] == [2, 0]
    out, errors = ended[refused]
    assert out == ""
    assert "must be free" in errors or "still being recorded" in errors
    study = Study(tmp_path / "runs" / "study")
    assert study.finished == len(study.trials) == 6
    kinds = [each["event"] for each in events(study.directory)]
    assert (kinds.count("start"), kinds.count("end")) == (1, 1)
    assert {"history.png", "study.html"} <= {path.name for path in (study.directory / "plots").iterdir()}


def test_two_studies_at_once_in_a_folder_without_a_store_both_come_out_whole(tmp_path: Path) -> None:
    tracked = [override for override in SMALL if override != UNTRACKED]
    with ExitStack() as stack:
        both = [
            stack.enter_context(going(*tracked, "sweep.workers=1", f"sweep.name={name}", folder=tmp_path))
            for name in ("one", "other")
        ]
        ended = [study.end() for study in both]
    for study, (_, errors) in zip(both, ended, strict=True):
        assert study.process.returncode == 0, errors
        # The second may have to wait for the first to make the store.
        assert [line for line in errors.splitlines() if not line.startswith("waiting for MLflow")] == []
    runs_dir = tmp_path / "runs"
    done = Done(subprocess.CompletedProcess([], 0), tmp_path, runs_dir, runs_dir / "mlflow.db")
    for name in ("one", "other"):
        assert Study(runs_dir / name).finished == 6
        runs = [run for run in done.runs if run.data.tags["nnlab.study"] == name]
        assert sorted(run.data.tags.get("nnlab.trial", "") for run in runs) == ["", *map(str, range(6))]
        assert {run.info.status for run in runs} == {"FINISHED"}


SCRIPT = """
import sys
from concurrent.futures import ProcessPoolExecutor

from nnlab.tuning.run_study import run_study
from nnlab.tuning.planning import make_plan

if __name__ == "__main__":
    with ProcessPoolExecutor(2) as executor:
        result = run_study(make_plan(sys.argv[1:]), command=sys.argv, executor=executor)
        # It is the caller's, and goes on working.
        assert executor.submit(abs, -1).result() == 1
    print(result.status)
"""


def test_another_executor_does_the_trials_too(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT, encoding="utf-8")
    finished = subprocess.run(
        [sys.executable, "script.py", *SMALL, "sweep.workers=2"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.splitlines()[-1] == "finished"
    study = study_in(tmp_path)
    assert study.finished == len(study.trials) == 6
