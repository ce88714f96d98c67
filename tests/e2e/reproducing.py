"""`nnlab.reproduce` as a stranger gives it, and a repository of nnlab to change code in."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from commands import REPOSITORY, nnlab

UNTRACKED = "tracking.enabled=false"
QUICK = ["data=digits", "model.hidden=[16]", "trainer.epochs=4", "trainer.batch_size=64"]


@dataclass(frozen=True)
class Said:
    """The answer of the command.

    Attributes:
        status: its exit status.
        answer: its JSON.
        errors: on standard error.
    """

    status: int
    answer: dict[str, Any]
    errors: str

    @property
    def word(self) -> str:
        """The verdict."""
        return str(self.answer["verdict"])


def reproduce(*arguments: str, folder: Path, **variables: str) -> Said:
    done = nnlab(*arguments, "--json", folder=folder, program="nnlab.reproduce", **variables)
    return Said(done.returncode, json.loads(done.stdout) if done.stdout else {}, done.stderr)


def git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "init.defaultBranch=main"]
    done = subprocess.run(["git", "-C", str(folder), *who, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def repository(folder: Path) -> Path:
    """A repository with nnlab as it is here, and one commit."""
    root = folder / "a clone"
    root.mkdir()
    for name in ("nnlab", "conf"):
        shutil.copytree(REPOSITORY / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    (root / ".gitignore").write_text("__pycache__\n")
    git(root, "init", "-q")
    git(root, "add", ".")
    git(root, "commit", "-qm", "as it is")
    return root


def alter(root: Path, file: str, before: str, after: str) -> None:
    """Change one place in the code of a repository."""
    path = root / "nnlab" / file
    text = path.read_text(encoding="utf-8")
    assert text.count(before) >= 1, f"{file} has no {before!r}"
    path.write_text(text.replace(before, after, 1), encoding="utf-8")
