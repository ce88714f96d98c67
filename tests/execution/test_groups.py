"""The same command line, or the same call, takes up what it had left unfinished; a finished one starts anew."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from stopping import at_epoch, stopped

from nnlab.batch import compose, run_all, run_each
from nnlab.config.job import Job
from nnlab.execution import groups
from nnlab.execution.recorded import recorded_result
from nnlab.execution.resume import resume, resumption
from nnlab.execution.run import run
from nnlab.runs.directory import JOURNAL
from nnlab.runs.groups import group_left
from nnlab.runs.stored_run import StoredRun
from nnlab.runs.tags import WEIGHTS_TAG

pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy is deprecated")

SMALL = ("data=digits", "model.hidden=[8]", "trainer.epochs=2", "tracking.enabled=false", "tracking.plots=false")


def jobs(folder: Path, *overrides: str, count: int = 3) -> list[Job]:
    return [compose(*SMALL, f"runs_dir='{folder}'", *overrides, f"seed={seed}") for seed in range(count)]


def digests(directories: list[Path]) -> list[str]:
    return [StoredRun.open(path).tags[WEIGHTS_TAG] for path in directories]


def left_after_one(asked: list[Job]) -> Path:
    """The first of the runs, ended; the others were not started."""
    with closing(run_each(asked, workers=1)) as ended:
        place, directory = next(ended)
    assert place == 0
    return directory


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return [run(job).weights_sha256 for job in jobs(tmp_path_factory.mktemp("alone"))]


def test_what_has_ended_is_not_run_again(
    tmp_path: Path, expected: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    first = left_after_one(jobs(tmp_path))
    before = len(list(tmp_path.glob("*/metrics.jsonl")))
    directories = run_all(jobs(tmp_path), workers=1)
    assert directories[0] == first
    assert digests(directories) == expected
    assert len(list(tmp_path.glob("*/metrics.jsonl"))) == 3, f"{before} were there before"
    assert "1 had ended" in capsys.readouterr().err


@pytest.mark.slow
def test_a_group_that_is_complete_starts_anew(tmp_path: Path) -> None:
    once = run_all(jobs(tmp_path, count=2), workers=1)
    again = run_all(jobs(tmp_path, count=2), workers=1)
    assert not set(once) & set(again)
    assert digests(once) == digests(again)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "options"),
    [((), {"fresh": True}), (("optimizer.lr=0.02",), {}), (("tracking.experiment=another",), {})],
    ids=["fresh", "another config", "another experiment"],
)
def test_others_start_anew(tmp_path: Path, change: tuple[str, ...], options: dict[str, bool]) -> None:
    first = left_after_one(jobs(tmp_path))
    assert first not in run_all(jobs(tmp_path, *change), workers=1, **options)


@pytest.mark.slow
@pytest.mark.parametrize("knows_its_digest", [True, False], ids=["another digest", "an earlier version"])
def test_runs_of_other_code_are_left_alone(tmp_path: Path, knows_its_digest: bool) -> None:
    first = left_after_one(jobs(tmp_path))
    file = first / "provenance.json"
    facts = json.loads(file.read_text(encoding="utf-8"))
    if knows_its_digest:
        facts["code"]["sha256"] = "0" * 64
    else:
        del facts["code"]
        facts["git"]["commit"] = "0" * 40
    file.write_text(json.dumps(facts), encoding="utf-8")
    assert first not in run_all(jobs(tmp_path), workers=1)


def test_a_run_that_was_extended_is_another_and_is_run_anew(tmp_path: Path, expected: list[str]) -> None:
    first = left_after_one(jobs(tmp_path))
    resume(first, epochs=3)
    directories = run_all(jobs(tmp_path), workers=1)
    assert directories[0] != first
    assert digests(directories) == expected


def test_a_run_that_another_process_has_gone_on_with_is_taken_from_its_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = stopped(jobs(tmp_path)[0], at_epoch(1))
    seen = resumption(path)
    ended = resume(path)
    monkeypatch.setattr(groups, "resumption", lambda earlier: seen)
    looks = iter([None])  # at first it has not ended
    monkeypatch.setattr(groups, "recorded_result", lambda *of: next(looks, recorded_result(*of)))
    before = (path / JOURNAL).read_bytes()
    result = groups.execute_in_group(seen.job, path)
    assert (result.directory, result.weights_sha256) == (path, ended.weights_sha256)
    assert (path / JOURNAL).read_bytes() == before


def test_a_provenance_that_is_nested_too_deeply_is_passed_over(tmp_path: Path) -> None:
    """The line of its group stands in it, and so it is read."""
    facts = left_after_one(jobs(tmp_path)) / "provenance.json"
    line = json.loads(facts.read_text(encoding="utf-8"))["group"]["line"]
    facts.write_text("[" * 10_000 + line, encoding="utf-8")
    assert group_left(line, [tmp_path]) is None


@pytest.mark.slow
def test_a_damaged_run_is_run_anew(tmp_path: Path, expected: list[str]) -> None:
    first = left_after_one(jobs(tmp_path))
    (first / "model" / "weights.safetensors").write_bytes(b"damaged")
    directories = run_all(jobs(tmp_path), workers=1)
    assert directories[0] != first
    assert digests(directories) == expected


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_command_line_that_was_stopped_ends_as_if_it_had_not_been(tmp_path: Path, number: signal.Signals) -> None:
    overrides = [*SMALL, "trainer.epochs=600", "trainer.checkpoint_seconds=0.1", "seed=0,1,2"]
    command = [sys.executable, "-m", "nnlab.run", "-m", *overrides]

    def complete(folder: Path) -> str:
        environment = {**os.environ, "NNLAB_RUNS_DIR": str(folder)}
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    complete(tmp_path / "whole")
    with subprocess.Popen(
        command, env={**os.environ, "NNLAB_RUNS_DIR": str(tmp_path / "cut")}, stdout=subprocess.DEVNULL
    ) as going:
        deadline = time.monotonic() + 120
        while len(journals := sorted((tmp_path / "cut").glob("*/metrics.jsonl"))) < 2 or (
            journals[1].read_bytes().count(b'"epoch"') < 5
        ):
            assert time.monotonic() < deadline
            assert going.poll() is None
            time.sleep(0.01)
        going.send_signal(number)
    assert "1 goes on, 1 start" in complete(tmp_path / "cut")
    whole, cut = (sorted(folder.glob("*/metrics.jsonl")) for folder in (tmp_path / "whole", tmp_path / "cut"))
    assert len(cut) == 3
    assert sorted(digests([path.parent for path in whole])) == sorted(digests([path.parent for path in cut]))
