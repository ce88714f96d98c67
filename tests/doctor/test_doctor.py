"""The doctor: what it says of machines that are made up, and of this one."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nnlab.doctor import storage
from nnlab.doctor.arithmetic import copies, exactness, kernel, others_at_work, processors, thread_variables
from nnlab.doctor.command import table
from nnlab.doctor.finding import Finding
from nnlab.doctor.storage import disk, store
from nnlab.doctor.versions import requirements

AVX512, AVX2 = frozenset({"avx2", "avx512f"}), frozenset({"avx2"})


def library(architecture: str, place: str = "numpy.libs") -> dict[str, Any]:
    path = f"/lib/{place}/libopenblas.so"
    return {"internal_api": "openblas", "version": "0.3.31", "architecture": architecture, "filepath": path}


@pytest.mark.parametrize(
    ("used", "flags", "chosen", "verdict", "said"),
    [
        pytest.param("SkylakeX", AVX512, None, "good", "", id="the best there is"),
        pytest.param("Haswell", AVX2, None, "good", "", id="the best that the processor can do"),
        pytest.param("Zen", AVX2, None, "good", "", id="AMD's"),
        pytest.param("Haswell", AVX512, "Haswell", "note", "unset OPENBLAS_CORETYPE", id="held back"),
        pytest.param("Haswell", AVX512, None, "note", "update NumPy", id="a BLAS that is too old"),
        pytest.param("Prescott", AVX2, None, "note", "update NumPy", id="a BLAS that is far too old"),
        pytest.param("SkylakeX", AVX512, "SkylakeX", "note", "OPENBLAS_CORETYPE=SkylakeX", id="chosen, and right"),
        pytest.param("neoversen1", frozenset(), None, "good", "", id="a processor that is not known"),
    ],
)
def test_the_kernel_is_held_against_the_processor(
    used: str, flags: frozenset[str], chosen: str | None, verdict: str, said: str
) -> None:
    finding = kernel([library(used)], flags, chosen)
    assert (finding.verdict, used in finding.fact) == (verdict, True)
    assert said in finding.remedy


def test_numpys_library_is_the_one_that_counts() -> None:
    both = [library("Haswell", "scipy.libs"), library("SkylakeX")]
    assert kernel(both, AVX512, None).verdict == "good"
    assert "2 in a process" in copies(both).fact
    assert copies(both).verdict == "note"
    assert copies(both[1:]).verdict == "good"


def test_more_threads_than_cores_are_reported() -> None:
    found = list(thread_variables({"OMP_NUM_THREADS": "8", "OPENBLAS_NUM_THREADS": "2", "MKL_NUM_THREADS": "x"}, 2))
    assert [finding.verdict for finding in found] == ["note", "note", "note"]
    assert "unset OMP_NUM_THREADS" in found[0].remedy
    assert list(thread_variables({}, 2)) == []


def test_part_of_a_processor_and_a_busy_machine_are_notes_since_they_make_no_result_wrong() -> None:
    assert processors(8, 1, 0.5).verdict == "note"
    assert "2 of 8 usable, quota 2; so sweep.workers=2" in processors(8, 2, 2.0).fact
    assert others_at_work(1.9, 2).verdict == "note"
    assert others_at_work(0.9, 2).verdict == "good"


def test_a_slow_disk_and_a_full_one_are_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [finding.verdict for finding in disk(tmp_path / "not" / "there")] == ["good", "good"]
    assert list(tmp_path.iterdir()) == [], "it cleans up behind itself"
    monkeypatch.setattr(storage, "_write_times", lambda folder: [50.0, 60.0, 5000.0])
    monkeypatch.setattr("shutil.disk_usage", lambda folder: type("Usage", (), {"free": 5e8})())
    slow, full = disk(tmp_path)
    assert (slow.verdict, full.verdict) == ("note", "note")
    assert slow.fact.startswith("60.0 ms"), "the median, whatever one write met"


def test_the_store_is_looked_at_and_left_as_it_is(
    tmp_path: Path, template_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "first run creates it" in store(tmp_path, None).fact
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "mlflow.db").write_bytes(template_store.read_bytes())
    assert store(tmp_path, None).verdict == "good"
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as database, database:
        database.execute("UPDATE alembic_version SET version_num = 'ffffffffffff'")
    newer = store(tmp_path, None)
    assert (newer.verdict, "is newer" in newer.fact) == ("problem", True)
    assert newer.remedy.startswith("Use the newer MLflow")
    folder = store(tmp_path, "./mlruns")
    assert (folder.verdict, "'./mlruns'" in folder.fact) == ("problem", True)
    assert "sqlite:///" in folder.remedy
    secret = store(tmp_path, "postgresql://me:s3cret@127.0.0.1/mlflow")
    assert (secret.verdict, "s3cret" in secret.fact) == ("note", False)


NEEDED = [
    *("numpy>=2.3", "mlflow>=3.17", "optuna>=5.0", 'pywin32>=1; sys_platform == "win32"'),
    *('torch==2.13.0; extra == "bench"', 'jax>=0.10; extra == "bench"', 'nnlab[bench]; extra == "dev"'),
    *("pytest>=9; extra == 'dev'", 'colorama; extra == "dev" and sys_platform == "win32"'),
]


@pytest.mark.parametrize(
    ("installed", "needs", "extras"),
    [
        pytest.param(
            {"numpy": "2.4", "mlflow": "3.17.2", "optuna": "5.0"},
            ("good", "3 of 3 requirements are met", ""),
            ("good", "0 of 3 requirements of the extras are met; not installed: jax, pytest, torch", ""),
            id="without extras",
        ),
        pytest.param(
            {"numpy": "2.1.0", "mlflow": "3.17.2", "torch": "2.12", "pytest": "9.1"},
            ("problem", "1 of 3 requirements are met; numpy 2.1.0 is not >=2.3; not installed: optuna", "numpy>=2.3"),
            (
                "note",
                "1 of 3 requirements of the extras are met; torch 2.12 is not ==2.13.0; not installed: jax",
                "tor",
            ),
            id="wrong ones",
        ),
    ],
)
def test_every_requirement_is_counted(
    installed: dict[str, str], needs: tuple[str, str, str], extras: tuple[str, str, str]
) -> None:
    for finding, (verdict, fact, remedy) in zip(
        requirements(NEEDED, found_in(installed)), (needs, extras), strict=True
    ):
        assert (finding.verdict, finding.fact) == (verdict, fact)
        assert remedy in finding.remedy


def test_a_product_that_is_wrong_in_one_entry_is_a_problem() -> None:
    def wrong(x: np.ndarray, w: np.ndarray, out: np.ndarray) -> None:
        np.dot(x, w, out=out)
        out[5, 7] += 1

    assert exactness(1, np.dot).verdict == "good"
    found = exactness(1, wrong)
    assert (found.verdict, "1 of 38400 entries are wrong" in found.fact) == ("problem", True)


def found_in(installed: dict[str, str]) -> Callable[[str], str]:
    def version(name: str) -> str:
        if name not in installed:
            raise metadata.PackageNotFoundError(name)
        return installed[name]

    return version


def test_the_table_has_one_row_per_finding_and_its_remedy_below() -> None:
    text = table([Finding("disk", "good", "0.2 ms"), Finding("other work", "problem", "load 4", "wait")])
    assert [line.split() for line in text.splitlines()] == [
        ["ok", "disk", "0.2", "ms"],
        ["PROBLEM", "other", "work", "load", "4"],
        ["->", "wait"],
    ]


def test_the_command_says_the_same_as_a_table_and_as_json(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "nnlab.doctor", "--json", "--runs-dir", str(tmp_path / "runs")],
        cwd=Path(__file__).resolve().parents[2], capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    findings = {finding["name"]: finding for finding in json.loads(done.stdout)}
    assert {"BLAS kernel", "copies of BLAS", "processors", "disk", "MLflow store", "versions", "requirements"} <= set(
        findings
    )
    assert done.returncode == 0, "nothing of this machine makes results wrong"
    assert not any(finding["verdict"] == "problem" for finding in findings.values())
    assert findings["exactness of products"]["verdict"] == "good"
    assert re.match(r"(\d+) of \1 requirements", findings["requirements"]["fact"])
    assert list(tmp_path.iterdir()) == []
