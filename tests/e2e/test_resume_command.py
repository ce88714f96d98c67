"""`python -m nnlab.resume` in real processes, after real kills."""

from __future__ import annotations

import shutil
import signal
import sys
import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest
from commands import REPOSITORY, events, in_process, nnlab, run_directories, started, wait_for

from faults.facts import facts_of

if not sys.platform.startswith("linux"):
    pytest.skip("looks at processes through /proc", allow_module_level=True)

EPOCHS = 600  # several seconds: a test that looks late, on a busy machine, must not find the run at its end
RUN = [
    *("data=digits", "model.hidden=[16]", "model.dropout=0.2", "optimizer=adam", "trainer.batch_size=4"),
    *(f"trainer.epochs={EPOCHS}", "trainer.checkpoint_seconds=0.05", "tracking.plots=false"),
]
UNTRACKED = "tracking.enabled=false"
MNIST = REPOSITORY.parent / "shared" / "data" / "mnist"


def only_run(folder: Path) -> Path:
    (path,) = run_directories(folder / "runs")
    return path


def trains(folder: Path, epochs: int = 3) -> bool:
    journals = [path for path in (folder / "runs").glob("*/metrics.jsonl") if path.stat().st_size]
    return bool(journals) and sum(each["event"] == "epoch" for each in events(journals[0].parent)) >= epochs


def checkpoints(folder: Path) -> set[Path]:
    return set(folder.glob("runs/*/checkpoints/*.safetensors"))


def has_others(folder: Path, known: set[Path]) -> bool:
    return bool(checkpoints(folder) - known)


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory, template_store: Path) -> Path:
    """The folder of a run that was killed, resumed, killed again, and resumed to its end, tracked by MLflow."""
    folder = tmp_path_factory.mktemp("killed")
    (folder / "runs").mkdir()
    shutil.copy(template_store, folder / "runs" / "mlflow.db")
    with started(*RUN, folder=folder) as process:
        wait_for(lambda: trains(folder))
        process.send_signal(signal.SIGKILL)
        assert process.wait(60) == -signal.SIGKILL
    before = len([each for each in events(only_run(folder)) if each["event"] == "epoch"])
    with started(only_run(folder).name, folder=folder, program="nnlab.resume") as process:
        wait_for(lambda: trains(folder, before + 3))
        process.send_signal(signal.SIGKILL)
        assert process.wait(60) == -signal.SIGKILL
    done = nnlab("--last", folder=folder, program="nnlab.resume")
    assert done.returncode == 0, done.stderr
    assert "goes on at epoch " in done.stdout
    assert only_run(folder).name in done.stdout
    return folder


@pytest.mark.slow
def test_a_run_killed_twice_ends_as_if_it_had_not_been(killed: Path, tmp_path: Path) -> None:
    assert nnlab(*RUN, UNTRACKED, folder=tmp_path).returncode == 0
    assert facts_of(only_run(killed)) == facts_of(only_run(tmp_path))


@pytest.mark.slow
def test_mlflow_has_one_run_with_each_point_once(killed: Path) -> None:
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{killed / 'runs' / 'mlflow.db'}")
    (run,) = client.search_runs([each.experiment_id for each in client.search_experiments()])
    assert (run.info.status, run.data.tags["nnlab.status"]) == ("FINISHED", "finished")
    for name in ("train/loss", "val/loss", "lr"):
        assert [each.step for each in client.get_metric_history(run.info.run_id, name)] == list(range(1, EPOCHS + 1))
    for name in ("test/loss", "best/val/loss"):
        assert len(client.get_metric_history(run.info.run_id, name)) == 1


@pytest.mark.slow
def test_a_finished_run_is_extended_by_the_newest_of_its_kind(killed: Path) -> None:
    refused = in_process("--last", folder=killed, program="nnlab.resume")
    assert (refused.returncode, refused.stdout) == (2, "")
    extended = nnlab("--last", "--epochs", str(EPOCHS + 5), folder=killed, program="nnlab.resume")
    assert extended.returncode == 0, extended.stderr
    assert f"after epoch {EPOCHS}, to {EPOCHS + 5} epochs" in extended.stdout
    assert f"epoch {EPOCHS + 5}/{EPOCHS + 5}" in extended.stdout


@pytest.mark.parametrize(
    ("arguments", "fact"),
    [
        (["nothing"], "has no run 'nothing'"),
        (["--last"], "--last needs a run or study that was stopped"),
        ([], "give its RUN_ID, or --last"),
        (["x", "--last"], "give its RUN_ID, or --last"),
    ],
)
def test_what_cannot_be_resumed_is_refused(arguments: list[str], fact: str, tmp_path: Path) -> None:
    refused = in_process(*arguments, folder=tmp_path, program="nnlab.resume")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert fact in refused.stderr


@pytest.mark.slow
def test_a_study_is_resumed_by_the_same_command(tmp_path: Path) -> None:
    study = [
        *("data=digits", "trainer.epochs=30", "optimizer.lr=choice(0.01,0.03,0.1,0.3)", "sweep.trials=4"),
        *("sweep.sampler=random", "sweep.pruner=none", "sweep.workers=1", "sweep.name=a-study"),
        *("tracking.plots=false", UNTRACKED),
    ]
    with started(*study, folder=tmp_path, program="nnlab.sweep") as process:
        wait_for(lambda: list((tmp_path / "runs" / "a-study" / "trials").glob("*/metrics.jsonl")))
        process.send_signal(signal.SIGKILL)
        process.wait(60)
    refused = in_process("a-study", "--epochs", "9", folder=tmp_path, program="nnlab.resume")
    assert refused.returncode == 2
    assert "sweep.trials=N" in refused.stderr
    done = nnlab("--last", folder=tmp_path, program="nnlab.resume")
    assert done.returncode == 0, done.stderr
    assert "the newest is a-study" in done.stdout
    assert "winner " in done.stdout


def test_ctrl_c_on_one_of_several_keeps_it_and_starts_no_other(tmp_path: Path) -> None:
    several = ["-m", *RUN, "seed=0,1,2", "trainer.epochs=100000", UNTRACKED]
    with started(*several, folder=tmp_path) as process:
        wait_for(lambda: trains(tmp_path))
        process.send_signal(signal.SIGINT)
        out, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    path = only_run(tmp_path)
    assert (path / "model" / "weights.safetensors").exists()
    assert f"python -m nnlab.resume {path.name}" in out
    assert "runs 2 to 3 of 3 were not started" in out
    assert errors.splitlines()[-1] == "interrupted"


@pytest.mark.slow
@pytest.mark.skipif(not MNIST.exists(), reason="needs MNIST's files in ../shared/data/mnist")
def test_full_mnist_killed_twice_in_its_first_epoch_goes_on_to_the_same_bytes(tmp_path: Path) -> None:
    run = [
        *("data=idx", f"data.root={MNIST}", "model.hidden=[300]", "model.dropout=0.2", "optimizer=adam"),
        *("trainer.batch_size=8", "trainer.epochs=2", "trainer.checkpoint_seconds=0.3", "tracking.plots=false"),
    ]
    killed, calm = tmp_path / "killed", tmp_path / "calm"
    killed.mkdir()
    calm.mkdir()
    with ExitStack() as stack:
        undisturbed = stack.enter_context(started(*run, UNTRACKED, folder=calm))
        arguments, program = [*run, UNTRACKED], "nnlab.run"
        for _ in range(2):
            with started(*arguments, folder=killed, program=program) as process:
                wait_for(partial(has_others, killed, checkpoints(killed)))
                time.sleep(0.2)
                process.send_signal(signal.SIGKILL)
                process.wait(60)
            path = only_run(killed)
            assert not [each for each in events(path) if each["event"] == "epoch"], "not inside the first epoch"
            arguments, program = [path.name], "nnlab.resume"
        done = nnlab(path.name, folder=killed, program="nnlab.resume")
        assert done.returncode == 0, done.stderr
        assert "goes on at epoch 1, step " in done.stdout
        undisturbed.communicate(timeout=300)
        assert undisturbed.returncode == 0
    assert facts_of(path) == facts_of(only_run(calm))
