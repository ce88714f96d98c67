"""Another user of a shared runs folder plants links and worse: one's files are neither changed nor published."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

from faults.promise import BrokenPromiseError, Promise, Work
from faults.users import ANOTHER, ONESELF, command

SECRET = "something-private-8a1f"
NAMES = (
    "metrics.jsonl", "mlflow.json", "mlflow.lock", "lock", "config.yaml", "overrides.yaml", "provenance.json",
    "requirements.txt", "history.csv", "profile.csv", "error.txt", "study.json", "study.log", "trials.csv", "model",
    "model/architecture.json", "model/weights.safetensors", "predictions.safetensors", "plots",
    "plots/learning_curves.png", "checkpoints", "trials", "data",
)  # fmt: skip
SWEEP = ("model=toy", "data=toy", "trainer.epochs=2", "trainer.batch_size=8", "optimizer.lr=0.1,0.2", "sweep.trials=2")
OWN_NAME = ("hard link", ONESELF)
"""A second name of a file of one's own is read as any file, and shown to oneself: copies by `cp -al` have them."""
TOY = ("model=toy", "data=toy", "trainer.epochs=2", "tracking.plots=false")


Kind = Callable[[Path, Path], None]
PLANTED: dict[str, Kind] = {
    "link": lambda path, private: path.symlink_to(private),
    "dangling link": lambda path, private: path.symlink_to(private.with_name(f"new-{path.name}")),
    "link to a folder": lambda path, private: path.symlink_to(private.parent),
    "hard link": lambda path, private: path.hardlink_to(private),
    "pipe": lambda path, private: os.mkfifo(path),
    "device": lambda path, private: os.mknod(path, 0o20666, os.makedev(1, 5)),  # /dev/zero, which never ends
    "folder": lambda path, private: path.mkdir(),
}


def plant(work: Work) -> str:
    """Plant one thing per round, then start each command once as the user whose files they point to."""
    runs_dir, home = _places(work.folder)
    private = home / "private"
    private.write_text(SECRET)
    os.chmod(private, 0o600)
    os.chown(private, ONESELF, ONESELF)
    setting = {"NNLAB_RUNS_DIR": str(runs_dir)}

    def nnlab(module: str, *arguments: str) -> str:
        try:
            done = command(module, arguments, user=ONESELF, folder=home, settings=setting)
        except subprocess.TimeoutExpired:
            raise BrokenPromiseError(f"{module} {' '.join(arguments)} hung") from None
        if "Traceback" in done.stdout:
            raise BrokenPromiseError(f"{module} {' '.join(arguments)}: {done.stdout[-900:]}")
        return done.stdout

    nnlab("nnlab.run", *TOY, "tracking.enabled=false")
    (run,) = (path for path in runs_dir.iterdir() if path.name.endswith(tuple("0123456789abcdef")))
    (run / "mlflow.json").write_text(_to_be_sent(runs_dir))
    os.chown(run / "mlflow.json", ONESELF, ONESELF)
    every = [case for case in itertools.product(NAMES, PLANTED, (ONESELF, ANOTHER)) if case[1:] != OWN_NAME]
    chosen = work.random.sample(every, work.rounds)
    planted = [_planted(run, number, private, *case) for number, case in enumerate(chosen)]
    before = {path: path.stat() for path in (private, home)}

    said = [nnlab("nnlab.run", *TOY)]
    said += [nnlab("nnlab.sync"), nnlab("nnlab.sync", "--to", f"sqlite:///{home.parent}/copy/mlflow.db")]
    said += [
        nnlab("nnlab.sweep", *TOY, "optimizer.lr=0.1,0.2", "trainer.batch_size=8", "sweep.trials=2", "sweep.name=s")
    ]
    for name in work.random.sample(planted, max(1, work.rounds // 40)):
        said += [nnlab("nnlab.diff", run.name, name), nnlab("nnlab.resume", name)]
        said += [nnlab("nnlab.sweep", "--show", name), nnlab("nnlab.sweep", f"sweep.resume={name}")]
        said += [nnlab("nnlab.sweep", *SWEEP, f"sweep.name={name}")]
    _check(private, home, before, said, [runs_dir, home.parent / "copy"])
    return f"{work.rounds} things planted, in directories of another and of one's own: nothing changed or published"


def _places(folder: Path) -> tuple[Path, Path]:
    """A runs folder of everybody and a home of one user's own."""
    os.chmod(folder, 0o755)
    runs_dir, home, copy = (folder / name for name in ("runs", "home", "copy"))
    for path, mode in ((runs_dir, 0o1777), (home, 0o755), (copy, 0o755)):
        path.mkdir()
        os.chmod(path, mode)
    for path in (home, copy):
        os.chown(path, ONESELF, ONESELF)
    return runs_dir, home


def _to_be_sent(runs_dir: Path) -> str:
    uri = f"sqlite:///{runs_dir}/mlflow.db"
    return (
        f'{{"tracking_uri": "{uri}", "experiment_id": null, "run_id": null, "may_exist": true, "is_described": false, '
        '"offset": 0, "is_closed": false, "is_deleted": false, "problem": null}'
    )


def _planted(run: Path, number: int, private: Path, name: str, kind: str, owner: int) -> str:
    """A copy of a run with one of its files replaced; it belongs to `owner`."""
    copy = run.with_name(f"planted-{number}-{kind}".replace(" ", "-"))
    shutil.copytree(run, copy)
    path = copy / name
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    path.parent.mkdir(exist_ok=True)
    PLANTED[kind](path, private)
    for each in _all(copy):
        if not (each == path and kind == "hard link"):  # the file itself, which stays its owner's
            os.lchown(each, owner, owner)
    os.lchown(path, *((ONESELF, ONESELF) if kind == "hard link" else (ANOTHER, ANOTHER)))
    return copy.name


def _all(folder: Path) -> Iterator[Path]:
    yield folder
    for place, folders, files in os.walk(folder):
        yield from (Path(place, name) for name in [*folders, *files])


def _check(
    private: Path, home: Path, before: dict[Path, os.stat_result], said: list[str], published: list[Path]
) -> None:
    found = private.stat()
    if private.read_text() != SECRET or (found.st_mode, found.st_uid) != (
        before[private].st_mode,
        before[private].st_uid,
    ):
        raise BrokenPromiseError(f"the private file was changed: {private.read_bytes()[:80]!r}")
    created = sorted(path.name for path in home.iterdir() if path != private)
    if created:
        raise BrokenPromiseError(f"made through a link: {', '.join(created)}")
    if any(SECRET in text for text in said):
        (text, *_) = (text for text in said if SECRET in text)
        raise BrokenPromiseError(f"a command printed the private file: {text[-900:]}")
    for folder in published:
        for path in _all(folder):
            is_copy = path.is_file() and not path.is_symlink() and path.stat().st_nlink == 1
            if is_copy and SECRET.encode() in path.read_bytes():
                raise BrokenPromiseError(f"the private file was copied into {path}")


PROMISES = (
    Promise(
        name="foreign-links",
        promise="In a shared runs folder no command follows a link, opens a pipe or a device, or writes into or "
        "publishes a directory of another user.",
        fault="links of every kind, pipes, devices and folders in the place of each file of a run directory, in those "
        "of another user and in one's own; then run, sweep, sync, diff and resume",
        rounds=len(NAMES) * (2 * len(PLANTED) - 1),
        sample=24,
        do=plant,
    ),
)
