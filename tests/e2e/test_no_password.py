"""Passwords in addresses are in no file of the runs folder and in no output, however the address is written."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest
from commands import environment

SECRET = "s3cr3t"
TOY = ("model=toy", "data=toy", "trainer.epochs=2", "trainer.batch_size=8", "tracking.plots=false")


def refused() -> int:
    """A port of 127.0.0.1 on which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def said(module: str, *arguments: str, folder: Path, **variables: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=folder,
        env=environment(NNLAB_RUNS_DIR=str(folder / "runs"), **variables),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
    )
    return done.stdout + done.stderr


def holding(folder: Path) -> list[str]:
    """The files in which the password is."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [str(path.relative_to(folder)) for path in files if SECRET.encode() in path.read_bytes()]


@pytest.mark.slow
@pytest.mark.parametrize(
    "address",
    [
        f"http://me:a {SECRET}@127.0.0.1:PORT",
        f"http://{SECRET}@127.0.0.1:PORT/?token={SECRET}",
        f"postgresql+psycopg://nn:x/{SECRET}@127.0.0.1:PORT/db?sslpassword={SECRET}",
    ],
)
def test_a_run_and_a_study_keep_the_passwords_of_their_stores(address: str, tmp_path: Path) -> None:
    uri = address.replace("PORT", str(refused()))
    output = said("nnlab.run", *TOY, f"tracking.uri='{uri}'", folder=tmp_path)
    output += said("nnlab.run", *TOY, folder=tmp_path, MLFLOW_TRACKING_URI=uri)
    assert len(list((tmp_path / "runs").glob("*/metrics.jsonl"))) == 2
    output += said("nnlab.sync", folder=tmp_path, MLFLOW_TRACKING_URI=uri)
    storage = f"postgresql+psycopg://nn:y@z {SECRET}@127.0.0.1:{refused()}/db"
    for tracking in (f"tracking.uri='{uri}'", "tracking.enabled=false"):
        study = ["optimizer.lr=0.1,0.2", "sweep.trials=2", "sweep.workers=1", tracking]
        output += said("nnlab.sweep", *TOY, *study, folder=tmp_path)
        output += said("nnlab.sweep", *TOY, *study, f"sweep.storage='{storage}'", folder=tmp_path)
    assert SECRET not in output
    assert holding(tmp_path) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [
        ("nnlab.run", *TOY, f"tracking.uri=postgresql:/nn:{SECRET}@host"),
        ("nnlab.run", *TOY, f"tracking.uri=postgresql://nn:a,{SECRET}@host"),
        ("nnlab.run", *TOY, f"tracking.uri=postgresql://nn:a({SECRET}@host"),
        ("nnlab.run", *TOY, f"traking.uri=postgresql://nn:{SECRET}@host"),
        ("nnlab.run", *TOY, f"tracking.uri={SECRET}@host"),
        ("nnlab.sweep", *TOY, "optimizer.lr=0.1,0.2", f"sweep.storage=postgresql://nn:a@b{SECRET}@host"),
        ("nnlab.sweep", *TOY, "optimizer.lr=0.1,0.2", f"sweep.storage=postgresql://nn:{SECRET}"),
        ("nnlab.ui", "--tracking-uri", f"http://me:{SECRET}@127.0.0.1:9"),
        ("nnlab.doctor", "--json"),
    ],
)
def test_a_mistaken_address_is_refused_without_its_password(arguments: tuple[str, ...], tmp_path: Path) -> None:
    module, *others = arguments
    variables = {"MLFLOW_TRACKING_URI": f"postgresql:/nn:{SECRET}@host"} if module == "nnlab.doctor" else {}
    output = said(module, *others, folder=tmp_path, **variables)
    assert output
    assert "Traceback" not in output
    assert SECRET not in output
    assert holding(tmp_path) == []
