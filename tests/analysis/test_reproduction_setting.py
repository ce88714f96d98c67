"""What is set so that a run is computed as it was; what a machine would do is told by a stand-in for its processes."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from nnlab.analysis.reproduction.setting import Probe, Probed, Setting, Variables, probed, setting_for

ALL = ["X86_V2", "X86_V3", "X86_V4"]


def facts(kernel: str, threads: int = 1, simd: list[str] | None = None) -> dict[str, Any]:
    found: dict[str, Any] = {"blas": f"openblas 0.3.31 {kernel} threads={threads}"}
    return found if simd is None else {**found, "simd": simd}


def machine(can: Mapping[str, str], own: str = "SkylakeX") -> Probe:
    """A machine whose OpenBLAS takes the kernels of `can`, each under a name; others kill, or are not known."""

    def probe(variables: Variables, threads: int) -> Probed:
        asked = variables.get("OPENBLAS_CORETYPE")
        kernel = own if asked is None else can.get(asked, own)
        if kernel == "SIGILL":
            return Probed(None, "this processor lacks its instructions (SIGILL)")
        off = (variables.get("NPY_DISABLE_CPU_FEATURES") or "").split()
        return Probed(facts(kernel, threads, [name for name in ALL if name not in off]))

    return probe


def test_nothing_is_set_and_nothing_is_tried_where_all_is_as_it_was() -> None:
    def never(variables: Variables, threads: int) -> Probed:
        raise AssertionError("there is nothing to try")

    assert setting_for(facts("Haswell", 1, ALL), facts("Haswell", 1, ALL), never) == Setting({})


def test_the_recorded_kernel_is_set() -> None:
    found = setting_for(facts("Haswell"), facts("SkylakeX"), machine({"Haswell": "Haswell"}))
    assert (found.variables, found.unmet) == ({"OPENBLAS_CORETYPE": "Haswell"}, ())
    assert "Haswell" in found.told[0]
    assert found.environment()["OPENBLAS_CORETYPE"] == "Haswell"


@pytest.mark.parametrize(
    ("recorded", "can", "why"),
    [
        (facts("SkylakeX"), {"SkylakeX": "SIGILL"}, "SIGILL"),
        (facts("Zen9"), {}, "none of that name"),
        ({"blas": "mkl 2024.2 SkylakeX threads=1"}, {}, "mkl"),
    ],
)
def test_a_kernel_that_cannot_be_had_is_told_and_not_set(
    recorded: dict[str, Any], can: dict[str, str], why: str
) -> None:
    found = setting_for(recorded, facts("Haswell"), machine(can, own="Haswell"))
    assert found.variables == {}
    assert why in found.unmet[0]


def test_features_that_the_run_did_not_use_are_switched_off() -> None:
    found = setting_for(facts("SkylakeX", 1, ALL[:1]), facts("SkylakeX", 1, ALL), machine({}))
    assert (found.variables, found.unmet) == ({"NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4"}, ())


def test_features_that_this_processor_lacks_are_told() -> None:
    found = setting_for(facts("SkylakeX", 1, [*ALL, "AVX512_SPR"]), facts("SkylakeX", 1, ALL), machine({}))
    assert found.variables == {}
    assert "AVX512_SPR" in found.unmet[0]


def test_what_the_user_has_switched_off_is_switched_on_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NPY_DISABLE_CPU_FEATURES", "X86_V4")
    found = setting_for(facts("SkylakeX", 1, ALL), facts("SkylakeX", 1, ALL[:2]), machine({}))
    assert found.variables == {"NPY_DISABLE_CPU_FEATURES": None}
    assert "NPY_DISABLE_CPU_FEATURES" not in found.environment()


def test_a_real_process_computes_with_the_kernel_and_the_threads_that_it_is_told() -> None:
    here = probed({}, 1).blas
    if not here.library.startswith("openblas") or platform.machine() != "x86_64":
        pytest.skip(f"NumPy has {here.library} on {platform.machine()}")
    assert probed({"OPENBLAS_CORETYPE": "Nehalem", "OPENBLAS_NUM_THREADS": "1"}, 3).blas == (here.library, "Nehalem", 3)


def test_a_kernel_that_kills_is_survived_and_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The start of each process of the test's stands in for a processor that lacks a kernel's instructions."""
    (tmp_path / "sitecustomize.py").write_text(
        "import os, signal\n"
        "if os.environ.get('OPENBLAS_CORETYPE') == 'Haswell':\n"
        "    os.kill(os.getpid(), signal.SIGILL)\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    found = setting_for(facts("Haswell"), facts("Nehalem"))
    assert found.variables == {}
    assert "SIGILL" in found.unmet[0]
