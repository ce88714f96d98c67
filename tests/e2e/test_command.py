"""The command line of `python -m nnlab.run` as people meet it: what it prints, where it writes, how it ends."""

from __future__ import annotations

import os
import sys
import zipfile
from pathlib import Path
from subprocess import PIPE
from subprocess import run as run_process

import pytest
from commands import (
    COMMAND,
    REPOSITORY,
    environment,
    event,
    events,
    in_process,
    nnlab,
    run_directories,
    weights_sha256,
)

UNTRACKED = "tracking.enabled=false"
SMALL = ["data=digits", "model.hidden=[8]", "trainer.epochs=2", "tracking.plots=false", UNTRACKED]


def test_help_and_cfg_print_and_start_nothing(tmp_path: Path) -> None:
    for arguments, expected in [
        (["--help"], "schedule: constant, cosine, exponential, step, time_decay"),
        (["--cfg", "job"], "batch_size: 32"),
    ]:
        finished = in_process(*arguments, folder=tmp_path)
        assert finished.returncode == 0
        assert expected in finished.stdout
        assert finished.stderr == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["optimizer.lrr=0.1", "model=mpl"], "has 2 problems; nothing was started"),
        (["optimizer=null"], "optimizer=null: must be one of"),
        (["optimizer.lr=["], "not valid in Hydra's grammar"),
        (["data=idx", "data.root=gone"], "No such file or directory"),
        (["tracking.uri=./mlruns"], "MLflow no longer keeps runs in plain folders"),
        (["runs_dir=/proc/nowhere", "seed=-1", *SMALL], "runs_dir=FOLDER or NNLAB_RUNS_DIR"),
        (["--no-such-option"], "unrecognized arguments: --no-such-option"),
        (["--config-name=other"], "it takes no --config-name"),
        (["-m", "optimizer.lr=-1,0.1,-2"], "has 2 problems; nothing was started"),
        (["optimizer.lr=interval(0.1,0.3)", "-m"], "infinitely many values"),
        (["--cfg", "job", "-m"], "Leave one of them out"),
        (["--experimental-rerun=x.pickle"], "it takes no --experimental-rerun"),
        (["--resolve", *SMALL], "Add --cfg job"),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, list) else "",
)
def test_wrong_input_ends_with_2_and_a_message_before_anything_is_made(
    overrides: list[str], message: str, tmp_path: Path
) -> None:
    finished = in_process(*overrides, folder=tmp_path)
    assert finished.returncode == 2
    assert message in finished.stderr
    assert "Traceback" not in finished.stderr
    assert "HYDRA_FULL_ERROR" not in finished.stderr
    assert finished.stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_a_process_ends_with_2_and_a_message_before_anything_is_made(tmp_path: Path) -> None:
    finished = nnlab("optimizer.lrr=0.1", "model=mpl", folder=tmp_path)
    assert (finished.returncode, finished.stdout) == (2, "")
    assert "has 2 problems; nothing was started" in finished.stderr
    assert "Traceback" not in finished.stderr
    assert list(tmp_path.iterdir()) == []


def test_untracked_runs_make_no_store_and_another_seed_makes_other_weights(tmp_path: Path) -> None:
    finished = nnlab("-m", *SMALL, "seed=0,1,0", folder=tmp_path)
    assert finished.returncode == 0, finished.stderr
    first, second, third = (weights_sha256(run) for run in run_directories(tmp_path / "runs"))
    assert first == third != second
    assert not [path for path in tmp_path.rglob("*") if "mlflow" in path.name or path.name == "mirror.log"]
    assert "MLflow" not in finished.stdout


def test_the_runs_folder_is_taken_from_the_option_then_the_environment_then_the_current_folder(
    tmp_path: Path,
) -> None:
    current = tmp_path / "current"
    current.mkdir()
    variable = str(tmp_path / "by variable")
    assert nnlab(*SMALL, folder=current, NNLAB_RUNS_DIR=variable).returncode == 0
    assert nnlab(*SMALL, "runs_dir='by option'", folder=current, NNLAB_RUNS_DIR=variable).returncode == 0
    assert nnlab(*SMALL, folder=current).returncode == 0
    assert [len(run_directories(tmp_path / "by variable"))] == [1]
    assert sorted(path.name for path in current.iterdir()) == ["by option", "runs"]


def test_the_toy_net_classifies_all_eight_rows(tmp_path: Path) -> None:
    finished = nnlab("model=toy", "data=toy", UNTRACKED, "tracking.plots=false", folder=tmp_path)
    assert finished.returncode == 0, finished.stderr
    (run,) = run_directories(tmp_path / "runs")
    assert event(run, "test")["metrics"]["test/accuracy"] == 1.0
    assert event(run, "start")
    assert len([each for each in events(run) if each["event"] == "epoch"]) == 500


def test_composed_jobs_reads_the_arguments_it_is_given_not_the_processs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from nnlab.commands.arguments import composed_jobs

    monkeypatch.setattr(sys, "argv", ["another-program", "seed=9"])
    (job,) = composed_jobs(["seed=5", UNTRACKED])
    assert job.config.seed == 5
    assert job.overrides == ["seed=5", UNTRACKED]


def test_a_job_has_absolute_paths_whatever_was_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from nnlab.commands.arguments import composed_jobs

    monkeypatch.delenv("NNLAB_RUNS_DIR", raising=False)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    arguments = ["runs_dir=here", "data=digits"]
    monkeypatch.setattr(sys, "argv", ["nnlab.run", *arguments])
    (job,) = composed_jobs(arguments)
    assert job.config.runs_dir == str(tmp_path / "here")
    assert job.config.tracking.uri == f"sqlite:///{tmp_path / 'here' / 'mlflow.db'}"


@pytest.mark.slow
def test_mnist_files_train_through_the_published_preset(tmp_path: Path) -> None:
    mnist = REPOSITORY.parent / "shared" / "data" / "mnist"
    if not mnist.is_dir():
        pytest.skip("needs MNIST's files in ../shared/data/mnist")
    finished = nnlab(
        "experiment=keras_mlp",
        "trainer.epochs=1",
        "data=idx",
        f"data.root={os.path.relpath(mnist, tmp_path)}",
        UNTRACKED,
        "tracking.plots=false",
        folder=tmp_path,
    )
    assert finished.returncode == 0, finished.stderr
    (run,) = run_directories(tmp_path / "runs")
    # Published: .9272 on the validation split after the first epoch; another order of the rows gives or takes a bit.
    assert event(run, "epoch")["metrics"]["val/accuracy"] == pytest.approx(0.9272, abs=0.01)
    assert event(run, "test")["metrics"]["test/accuracy"] == pytest.approx(0.925, abs=0.015)


@pytest.mark.slow
def test_mnist_5k_reaches_091_in_fifteen_epochs(tmp_path: Path) -> None:
    finished = nnlab("data=mnist_5k", "trainer.epochs=15", UNTRACKED, folder=tmp_path)
    assert finished.returncode == 0, finished.stderr
    (run,) = run_directories(tmp_path / "runs")
    assert event(run, "test")["metrics"]["test/accuracy"] >= 0.91


@pytest.mark.slow
def test_an_installed_wheel_works_from_another_folder(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path / "dist")]
    run_process([*build, str(REPOSITORY)], check=True, capture_output=True)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    installed = tmp_path / "installed"
    with zipfile.ZipFile(wheel) as archive:
        assert "nnlab/conf/config.yaml" in archive.namelist()
        assert not [name for name in archive.namelist() if name.startswith(("tests/", "conf/"))]
        archive.extractall(installed)
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    variables = environment() | {"PYTHONPATH": str(installed)}
    finished = run_process(
        [*COMMAND, *SMALL[:-1]], cwd=folder, env=variables, capture_output=True, text=True, check=False
    )
    assert finished.returncode == 0, finished.stderr
    assert "MLflow run" in finished.stdout
    where = [sys.executable, "-c", "import nnlab.config.jobs as c; print(c.conf_dir())"]
    found = run_process(where, cwd=folder, env=variables, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == str(installed / "nnlab" / "conf")


@pytest.mark.slow
def test_help_that_is_not_read_to_its_end_ends_without_a_word(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = run_process(
        [*COMMAND, "--help"], stdout=writer, stderr=PIPE, env=environment(), cwd=tmp_path, text=True, timeout=60
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, "")
