"""The command line of `python -m nnlab.sweep` as people meet it: what it refuses, what it prints, what it says."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest
from commands import in_process, started
from studies import SMALL, UNTRACKED, Kept, snapshot, study_in, sweep

DIGITS = ["data=digits", UNTRACKED]
# What is given, and words of the answer. Beside a study of the name `study`, and a file of the name `file`.
REFUSALS: dict[str, tuple[list[str], list[str]]] = {
    "an empty space": (
        [*DIGITS, "optimizer.lr=0.1", "trainer.batch_size=32", "model.hidden=[8]"],
        ["sweep.space: is empty"],
    ),
    "an unknown key": (
        [*DIGITS, "optimizer.lrr=interval(0.1, 1)"],
        ["optimizer.lrr=interval(0.1, 1): is not a key", "Nearest valid: optimizer.lr."],
    ),
    "an unknown sampler": ([*DIGITS, "sweep.sampler=tpee"], ["must be one of", "Nearest valid: sweep.sampler=tpe."]),
    "two objectives and a pruner": (
        [*DIGITS, "sweep.objective=[val/accuracy, parameters]"],
        ["sweep.pruner=median: cannot prune with two objectives", "sweep.pruner=none"],
    ),
    "a sampler that needs numbers": (
        [*DIGITS, "sweep.sampler=cmaes", "model.hidden=[8]", "model.activation=relu,tanh"],
        ["sweep.sampler=cmaes: needs numbers, but model.activation", "sweep.sampler=tpe"],
    ),
    "a name that is taken": (
        [*DIGITS, "sweep.name=study"],
        ["must be free", "sweep.resume=study"],
    ),
    "a study that is not there": (["sweep.resume=studdy", UNTRACKED], ["has none named 'studdy'", "There are: study"]),
    "going on with other epochs": (
        ["sweep.resume=study", "trainer.epochs=5", UNTRACKED],
        ["trainer.epochs: 4 in the study, 5 now", "nothing was started"],
    ),
    "going on with another space": (
        ["sweep.resume=study", "optimizer.lr=interval(0.1, 0.2)", UNTRACKED],
        ["sweep.space.optimizer.lr: tag(log, interval(0.003, 0.3)) in the study, interval(0.1, 0.2) now"],
    ),
    "going on with other data": (
        ["sweep.resume=study", "data.limit=1000", UNTRACKED],
        ["data.limit: null in the study, 1000 now", "nothing was started"],
    ),
    "going on under another name": (
        ["sweep.resume=study", "sweep.name=other", UNTRACKED],
        ["sweep.name=other", "leave one of"],
    ),
    "a file where the runs should be": ([*DIGITS, "runs_dir=file"], ["must be writable", "runs_dir=FOLDER"]),
    "a folder that cannot be written": ([*DIGITS, "runs_dir=/proc/nowhere"], ["must be writable", "NNLAB_RUNS_DIR"]),
    "what a study sets by itself": ([*DIGITS, "trainer.monitor=val/loss"], ["follows sweep.objective"]),
    "Hydra's multirun": (["-m", *DIGITS], ["takes no -m"]),
    "showing a study that is not there": (["--show", "studdy"], ["has none named 'studdy'"]),
}


@pytest.fixture(scope="module")
def beside(studies: Mapping[str, Kept], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which the commands of `REFUSALS` are given."""
    folder = tmp_path_factory.mktemp("refused")
    shutil.copytree(studies["one worker"].study.directory, folder / "runs" / "study")
    (folder / "file").touch()
    return folder


@pytest.mark.parametrize("what", REFUSALS)
def test_it_is_refused_with_2_and_a_message_and_leaves_everything_as_it_was(what: str, beside: Path) -> None:
    overrides, words = REFUSALS[what]
    before = snapshot(beside)
    process = in_process(*overrides, folder=beside, program="nnlab.sweep")
    assert process.returncode == 2
    assert process.stdout == ""
    for word in words:
        assert word in process.stderr
    assert "Traceback" not in process.stderr
    assert snapshot(beside) == before


def test_the_directory_of_a_run_is_no_place_for_a_study(studies: Mapping[str, Kept], tmp_path: Path) -> None:
    run = studies["one worker"].study.runs[0]
    shutil.copytree(run, tmp_path / "runs" / "run")
    before = snapshot(tmp_path)
    finished = in_process(*SMALL, "sweep.name=run", folder=tmp_path, program="nnlab.sweep")
    assert finished.returncode == 2
    assert "must be free" in finished.stderr
    assert snapshot(tmp_path) == before


def test_help_and_cfg_speak_of_the_sweep_and_start_nothing(tmp_path: Path) -> None:
    for arguments, expected in [(["--help"], "sweep: mlp, records"), (["--cfg", "job"], "sampler: mixed")]:
        finished = in_process(*arguments, folder=tmp_path, program="nnlab.sweep")
        assert finished.returncode == 0
        assert expected in finished.stdout
        assert finished.stderr == ""
    assert list(tmp_path.iterdir()) == []


def test_show_prints_the_leaderboard_again(studies: Mapping[str, Kept]) -> None:
    kept = studies["one worker"]
    folder = kept.study.directory.parent.parent
    before = snapshot(folder)
    shown = in_process("--show", "study", folder=folder, program="nnlab.sweep")
    assert shown.returncode == 0, shown.stderr
    board = kept.process.stdout[kept.process.stdout.index("rank") :].partition("\n\nwinner")[0]
    assert board in shown.stdout
    assert f"finished, test/loss {_number_after('test/loss', kept.process.stdout)}" in shown.stdout
    assert snapshot(folder) == before


def test_a_study_ends_with_what_was_chosen_and_what_it_is_worth(studies: Mapping[str, Kept]) -> None:
    kept = studies["one worker"]
    best = min((t for t in kept.study.trials if t.state.name == "COMPLETE"), key=lambda trial: trial.values)
    assert (
        f"winner           trial {best.number}, the best of 6 on validation: val/loss {best.values[0]:.4f}"
        in kept.process.stdout
    )
    assert 0 < float(_number_after("test/accuracy", kept.process.stdout)) <= 1
    assert f"study directory  {kept.study.directory}" in kept.process.stdout


def test_a_study_leaves_the_test_split_alone_where_it_is_told_to(tmp_path: Path) -> None:
    options = ["trainer.test=false", "sweep.trials=2", "sweep.workers=1", "sweep.name=study"]
    done = sweep(*SMALL, *options, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "trainer.test=false" in done.stdout
    journals = list((tmp_path / "runs" / "study").rglob("metrics.jsonl"))
    assert len(journals) == 3
    assert not [path for path in journals if '"event": "test"' in path.read_text(encoding="utf-8")]


def test_a_pipe_gets_plain_lines(studies: Mapping[str, Kept]) -> None:
    for kept in studies.values():
        assert "\x1b" not in kept.process.stdout
        assert "\r" not in kept.process.stdout


@pytest.mark.slow
def test_a_closed_pipe_does_not_lose_the_study(tmp_path: Path) -> None:
    """`nnlab.sweep ... | head -1` closes the pipe when the study has hardly begun."""
    with started(*SMALL, folder=tmp_path, program="nnlab.sweep") as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr is not None
        errors = process.stderr.read()
        assert process.wait(120) == 0
    assert errors == ""
    assert study_in(tmp_path).finished == 6
    assert len(study_in(tmp_path).table) == 6


def _number_after(name: str, text: str) -> str:
    """The number that follows the last mention of `name`."""
    return text.rpartition(f"\n{name} ")[2].split()[0]
