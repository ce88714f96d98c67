"""How many processors are usable, and how many threads a network is worth."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nnlab import cpu
from nnlab.cpu import cpu_quota, usable_cores, worthwhile_threads


@pytest.mark.parametrize(
    ("text", "quota"), [("max 100000\n", None), ("150000 100000\n", 1.5), ("400000 100000\n", 4.0), ("?", None)]
)
def test_a_containers_quota_is_read(
    text: str, quota: float | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cpu.max").write_text(text, encoding="ascii")
    monkeypatch.setattr(cpu, "CPU_QUOTA", tmp_path / "cpu.max")
    assert cpu_quota() == quota
    assert usable_cores() == min(os.cpu_count() or 1, int(quota or 99))


def test_without_a_container_every_core_may_be_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu, "CPU_QUOTA", tmp_path / "nothing")
    assert cpu_quota() is None
    assert usable_cores() >= 1


@pytest.mark.parametrize(
    ("batch_rows", "widths", "cores", "threads"),
    [
        pytest.param(8, (3, 4, 1), 8, 1, id="the truth table"),
        pytest.param(1, (784, 50, 10), 8, 1, id="one digit at a time"),
        pytest.param(128, (784, 800, 10), 2, 2, id="80 million multiplications for two threads"),
        pytest.param(128, (784, 800, 10), 64, 8, id="and no more than they are worth"),
        pytest.param(60_000, (784, 50, 10), 1, 1, id="one core"),
    ],
)
def test_threads_grow_with_the_largest_product(
    batch_rows: int, widths: tuple[int, ...], cores: int, threads: int
) -> None:
    assert worthwhile_threads(batch_rows, widths, cores) == threads
