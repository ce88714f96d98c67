"""Runs and studies know their code: real processes of a checkout that changes between them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from commands import REPOSITORY, environment

from nnlab.runs.code import diff_of
from nnlab.runs.stored_run import StoredRun
from nnlab.runs.tags import CODE_CHANGED_TAG

pytestmark = pytest.mark.slow

TOY = ["data=toy", "model=toy", "tracking.enabled=false", "tracking.plots=false"]
DIGEST = "from nnlab.runs.code import code_now; print(code_now().sha256)"


class Checkout:
    """A copy of nnlab's source in a repository of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("nnlab", "conf"):
            shutil.copytree(REPOSITORY / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        (folder / ".gitignore").write_text("__pycache__/\n")
        self.git("init", "-q")
        self.git("add", "-A")
        self.git("commit", "-qm", "one")

    def git(self, *arguments: str) -> str:
        who = ["-c", "user.name=n", "-c", "user.email=n@example.org"]
        return subprocess.check_output(["git", "-C", str(self.folder), *who, *arguments], text=True)

    def change(self, text: str) -> None:
        with (self.folder / "nnlab/core/ops.py").open("a") as file:
            file.write(f"{text}\n")

    def python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        places = environment(PYTHONPATH=str(self.folder))
        do = [sys.executable, *arguments]
        return subprocess.run(do, cwd=self.folder, env=places, capture_output=True, text=True, timeout=120, check=False)

    def digest(self) -> str:
        return self.python("-c", DIGEST).stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path / "checkout")


def runs_in(folder: Path) -> list[StoredRun]:
    return [StoredRun.open(path) for path in sorted(folder.iterdir()) if (path / "metrics.jsonl").exists()]


def test_commit_and_diff_of_a_run_give_its_code_back(checkout: Checkout, tmp_path: Path) -> None:
    checkout.change("# changed, and not committed")
    (checkout.folder / "nnlab/new.py").write_text("NEW = 1\n")
    runs_dir = tmp_path / "runs"
    done = checkout.python("-m", "nnlab.run", *TOY, "strict=true", f"runs_dir={runs_dir}")
    assert done.returncode == 0, done.stderr
    (run,) = runs_in(runs_dir)
    facts = run.provenance
    assert (facts["code"]["sha256"], facts["code"]["why"]) == (checkout.digest(), None)
    diff = diff_of(run)
    assert diff is not None
    checkout.git("worktree", "add", "-q", "--detach", str(tmp_path / "again"), facts["git"]["commit"])
    subprocess.run(["git", "apply", str(diff)], cwd=tmp_path / "again", check=True)
    again = subprocess.run(
        [sys.executable, "-c", DIGEST],
        cwd=tmp_path / "again",
        env=environment(PYTHONPATH=str(tmp_path / "again")),
        capture_output=True,
        text=True,
        check=True,
    )
    assert again.stdout.strip() == facts["code"]["sha256"]


def test_a_run_that_goes_on_under_other_code_says_so_and_a_strict_one_does_not(
    checkout: Checkout, tmp_path: Path
) -> None:
    for strict in ("false", "true"):
        command = ["-m", "nnlab.run", *TOY, f"strict={strict}", f"runs_dir={tmp_path / strict}", "trainer.epochs=2"]
        assert checkout.python(*command).returncode == 0
    (plain,), (strict_run,) = runs_in(tmp_path / "false"), runs_in(tmp_path / "true")
    for run in (plain, strict_run):  # as if it had been killed inside its second epoch
        lines = (run.path / "metrics.jsonl").read_text().splitlines(keepends=True)
        end = next(place for place, line in enumerate(lines) if json.loads(line).get("epoch") == 1)
        (run.path / "metrics.jsonl").write_text("".join(lines[: end + 1]))
    first = checkout.digest()
    checkout.change("# other code")
    other = checkout.digest()
    went_on = checkout.python("-m", "nnlab.resume", str(plain.path))
    assert went_on.returncode == 0, went_on.stderr
    tag = StoredRun.open(plain.path).tags[CODE_CHANGED_TAG]
    assert tag.split()[0] == other
    (diff,) = plain.path.glob("code-*.diff")
    assert diff.name in tag
    assert plain.provenance["code"]["sha256"] == first
    refused = checkout.python("-m", "nnlab.resume", str(strict_run.path))
    assert refused.returncode == 2
    assert list(StoredRun.open(strict_run.path).epochs) == [1]  # nothing was trained
    assert not (strict_run.path / "code.diff").exists()
    remedy = refused.stderr.partition("For its code: ")[2].partition(". Or start")[0]
    who = {f"GIT_{role}_{fact}": "n@example.org" for role in ("AUTHOR", "COMMITTER") for fact in ("NAME", "EMAIL")}
    subprocess.run(["bash", "-euc", remedy], env={**os.environ, **who}, check=True)
    assert checkout.digest() == first
    assert checkout.python("-m", "nnlab.resume", str(strict_run.path)).returncode == 0


def test_a_study_under_other_code_says_so_before_anything_runs(checkout: Checkout, tmp_path: Path) -> None:
    command = ["-m", "nnlab.sweep", "sweep=toy", *TOY, f"runs_dir={tmp_path}", "sweep.workers=2", "trainer.epochs=2"]
    assert checkout.python(*command, "sweep.name=s", "sweep.trials=3").returncode == 0
    first = checkout.digest()
    checkout.change("# other code")
    other = checkout.digest()
    refused = checkout.python(*command, "sweep.resume=s", "sweep.trials=6", "strict=true")
    assert refused.returncode == 2
    went_on = checkout.python(*command, "sweep.resume=s", "sweep.trials=6")
    assert went_on.returncode == 0, went_on.stderr
    assert first[:7] in went_on.stderr
    shown = checkout.python("-m", "nnlab.sweep", "--show", "s", f"runs_dir={tmp_path}").stdout
    assert first[:7] in shown
    assert other[:7] in shown
    diffs = [*(tmp_path / "s").glob("code*.diff")]
    assert len(diffs) == 1
    trials = runs_in(tmp_path / "s/trials")
    assert {run.provenance["code"]["sha256"] for run in trials} == {first, other}
    of_other = [run for run in trials if run.provenance["code"]["sha256"] == other]
    assert {diff_of(run) for run in of_other} == set(diffs)
