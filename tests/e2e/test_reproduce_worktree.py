"""`--worktree`: a run is repeated with the code that it was made with, whatever it is now; nothing is left behind."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import nnlab, processes_in, run_directories, started, wait_for, weights_sha256
from reproducing import QUICK, UNTRACKED, alter, git, repository, reproduce

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks at processes through /proc"),
]
HE = ("core/initializers.py", "math.sqrt(2.0 / fans(shape)[0])")
FOR_A_WHILE = ["data=digits", "model.hidden=[16]", "trainer.batch_size=4", "trainer.epochs=60", UNTRACKED]


class Clone:
    """A repository of nnlab whose code changes, and the folder of its runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = repository(folder)
        self.places = {"PYTHONPATH": str(self.root), "TMPDIR": str(folder / "tmp")}
        (folder / "tmp").mkdir()

    def run(self, *overrides: str, program: str = "nnlab.run") -> Path:
        known = set(run_directories(self.folder / "runs"))
        done = nnlab(*overrides, folder=self.folder, program=program, **self.places)
        assert done.returncode == 0, done.stderr
        (path,) = set(run_directories(self.folder / "runs")) - known
        return path

    def move_on(self) -> None:
        """The changes are put aside, another commit is made, and others are begun."""
        git(self.root, "checkout", "-q", ".")
        git(self.root, "clean", "-fdq")
        alter(self.root, *HE, "math.sqrt(3.0 / fans(shape)[0])")
        git(self.root, "commit", "-qam", "another constant")
        alter(self.root, "core/optimizers.py", "momentum: Decay = 0.9", "momentum: Decay = 0.5")

    def traces(self) -> dict[str, bytes]:
        """Every file of the repository and its work tree, but for what Python keeps."""
        files = (path for path in sorted(self.root.rglob("*")) if path.is_file() and "__pycache__" not in path.parts)
        return {str(path): path.read_bytes() for path in files}

    def left(self) -> list[str]:
        """What lies among the temporary files."""
        return os.listdir(self.folder / "tmp")


@pytest.fixture
def clone(tmp_path: Path) -> Iterator[Clone]:
    yield Clone(tmp_path)
    for pid in processes_in(tmp_path / "tmp"):
        os.kill(pid, signal.SIGKILL)


def test_another_commit_with_changes_that_were_not_committed_is_identical(clone: Clone) -> None:
    alter(clone.root, *HE, "math.sqrt(2.5 / fans(shape)[0]) * WIDER")
    alter(clone.root, "core/initializers.py", "import math", "import math\n\nfrom nnlab.core.wider import WIDER")
    (clone.root / "nnlab" / "core" / "wider.py").write_text("WIDER = 1.25\n")
    run = clone.run(*QUICK, "optimizer=momentum", UNTRACKED)
    digest = weights_sha256(run)
    clone.move_on()
    before = clone.traces()
    here = reproduce(run.name, folder=clone.folder, **clone.places)
    assert (here.status, here.word) == (1, "different")
    said = reproduce("--worktree", run.name, folder=clone.folder, **clone.places)
    assert (said.status, said.word) == (0, "identical"), said.errors
    again = Path(said.answer["again"])
    assert again.parent == run.parent
    assert said.answer["weights"] == [digest, weights_sha256(again)] == [digest, digest]
    assert all(fact["agrees"] for fact in said.answer["facts"])
    assert json.loads((again / "provenance.json").read_text())["tags"]["nnlab.reproduces"] == run.name
    assert (clone.traces(), clone.left()) == (before, [])
    assert "worktree" not in " ".join(path.read_text() for path in again.glob("*.yaml"))


def test_a_trial_and_a_run_that_was_trained_for_longer_are_identical(clone: Clone) -> None:
    alter(clone.root, *HE, "math.sqrt(2.5 / fans(shape)[0])")
    run = clone.run(*QUICK, "trainer.threads=auto", UNTRACKED)
    assert nnlab(run.name, "--epochs", "6", folder=clone.folder, program="nnlab.resume", **clone.places).returncode == 0
    space = ["optimizer.lr=choice(0.03, 0.1, 0.3)", "sweep.trials=4", "sweep.workers=2", "sweep.name=study"]
    clone.run(*QUICK, *space, "sweep.pruner_options.startup_trials=1", UNTRACKED, program="nnlab.sweep")
    clone.move_on()
    longer = reproduce("--worktree", run.name, folder=clone.folder, **clone.places)
    assert (longer.status, longer.word, longer.answer["epochs"]) == (0, "identical", 6), longer.errors
    study = reproduce("--worktree", "--study", "study", "--all", folder=clone.folder, **clone.places)
    assert (study.status, study.word) == (0, "identical"), study.errors
    assert len(study.answer["runs"]) == len(run_directories(clone.folder / "runs" / "study" / "trials"))
    assert clone.left() == []


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_nothing_is_left_of_one_that_is_stopped(clone: Clone, sent: signal.Signals) -> None:
    run = clone.run(*FOR_A_WHILE)
    journal = (run / "metrics.jsonl").read_bytes()
    before, runs = clone.traces(), set(run_directories(run.parent))
    temporary = clone.folder / "tmp"
    with started("--worktree", run.name, folder=clone.folder, program="nnlab.reproduce", **clone.places) as process:
        wait_for(lambda: any(temporary.glob("*/content/runs/*/metrics.jsonl")))
        if sent == signal.SIGINT:
            os.killpg(process.pid, sent)  # as a terminal does
        else:
            process.send_signal(sent)
        process.wait(60)
    assert process.returncode == (-signal.SIGKILL if sent == signal.SIGKILL else 130)
    wait_for(lambda: not processes_in(temporary) and clone.left() == [])
    assert clone.traces() == before
    assert set(run_directories(run.parent)) == runs
    assert (run / "metrics.jsonl").read_bytes() == journal


def test_what_is_missing_is_said(clone: Clone) -> None:
    alter(clone.root, *HE, "math.sqrt(2.5 / fans(shape)[0])")
    whole, without = clone.run(*QUICK, UNTRACKED), clone.run(*QUICK, UNTRACKED, "tracking.diff=false")
    clone.move_on()
    (whole / "code.diff").rename(clone.folder / "kept.diff")
    texts = {"the diff is gone": reproduce("--worktree", whole.name, folder=clone.folder, **clone.places)}
    shutil.copy(clone.folder / "kept.diff", whole / "code.diff")
    text = (whole / "code.diff").read_text().replace("2.5", "2.6")
    (whole / "code.diff").write_text(text)
    texts["the diff is another"] = reproduce("--worktree", whole.name, folder=clone.folder, **clone.places)
    (whole / "code.diff").write_text("nothing that git knows\n")
    texts["the diff is none"] = reproduce("--worktree", whole.name, folder=clone.folder, **clone.places)
    texts["no diff was kept"] = reproduce("--worktree", without.name, folder=clone.folder, **clone.places)
    shutil.rmtree(clone.root / ".git")
    texts["no repository"] = reproduce(
        "--worktree", without.name, folder=clone.folder, **clone.places, GIT_CEILING_DIRECTORIES=str(clone.folder)
    )
    assert {what: (said.status, said.word) for what, said in texts.items()} == dict.fromkeys(
        texts, (2, "cannot be tried")
    )
    assert "code.diff" in texts["the diff is gone"].errors
    assert "SHA-256" in texts["the diff is another"].errors
    assert "tracking.diff=false" in texts["no diff was kept"].errors
    assert clone.left() == []


def test_the_changes_of_a_run_of_somebody_else_are_not_run_unasked(clone: Clone, template_store: Path) -> None:
    alter(clone.root, *HE, "math.sqrt(2.5 / fans(shape)[0])")
    (clone.folder / "runs").mkdir()
    shutil.copy(template_store, clone.folder / "runs" / "mlflow.db")
    run = clone.run(*QUICK, "tracking.plots=false")
    clone.move_on()
    shutil.rmtree(run)
    said = reproduce("--worktree", run.name, folder=clone.folder, **clone.places)  # MLflow's files are this user's
    assert (said.status, said.word) == (0, "identical"), said.errors
    if os.geteuid() != 0:
        pytest.skip("only root can give files to another user")
    for path in (clone.folder / "runs" / "artifacts").rglob("*"):
        os.chown(path, 12345, 12345)
    said = reproduce("--worktree", run.name, folder=clone.folder, **clone.places)
    assert (said.status, said.word) == (2, "cannot be tried")
    assert "--trust" in said.errors
    trusted = reproduce("--worktree", "--trust", run.name, folder=clone.folder, **clone.places)
    assert (trusted.status, trusted.word) == (0, "identical"), trusted.errors
