"""What memory is free: by files as Linux writes them, by the limit of a process, and in a control group of our own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from nnlab import memory
from nnlab.memory import free_bytes

GIB = 2**30
MEMINFO = "MemTotal:       24737380 kB\nMemFree:        1000 kB\nMemAvailable:   {} kB\nHugePages_Total:       0\n"
LEGACY_ROOT = Path("/sys/fs/cgroup/memory")


@pytest.fixture
def linux(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with 8 GiB free, whose files are in a folder; its process is in no group."""
    (tmp_path / "meminfo").write_text(MEMINFO.format(8 * 2**20))
    (tmp_path / "groups").mkdir()
    monkeypatch.setattr(memory, "MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(memory, "OWN_GROUPS", tmp_path / "cgroup")
    monkeypatch.setattr(memory, "GROUPS", tmp_path / "groups")
    return tmp_path


def group(folder: Path, **files: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)


def test_without_groups_it_is_what_the_kernel_calls_available(linux: Path) -> None:
    assert free_bytes() == 8 * GIB


def test_a_container_of_cgroup_v2_leaves_its_limit_less_what_is_used_and_cannot_be_dropped(linux: Path) -> None:
    (linux / "cgroup").write_text("0::/\n")
    stat = f"anon {GIB}\nactive_file 1000\ninactive_file 500\n"
    group(linux / "groups", memory__max=str(3 * GIB), memory__current=str(GIB + 1500), memory__stat=stat)
    assert free_bytes() == 2 * GIB
    (linux / "groups" / "memory.max").write_text("max\n")
    assert free_bytes() == 8 * GIB


def test_of_nested_groups_the_tightest_counts(linux: Path) -> None:
    (linux / "cgroup").write_text("0::/job/step\n")
    group(linux / "groups" / "job", memory__max=str(GIB), memory__current="0", memory__stat="")
    group(linux / "groups" / "job" / "step", memory__max="max", memory__current="0", memory__stat="")
    assert free_bytes() == GIB


def test_a_container_of_cgroup_v1_sees_only_the_root_of_its_group(linux: Path) -> None:
    (linux / "cgroup").write_text("5:cpu,cpuacct:/docker/abc\n4:memory:/docker/abc\n0::/\n")
    root = linux / "groups" / "memory"
    facts = {"memory__limit_in_bytes": str(2 * GIB), "memory__usage_in_bytes": str(GIB), "memory__stat": ""}
    group(root, **facts)
    assert free_bytes() == GIB
    group(root, **facts | {"memory__limit_in_bytes": "9223372036854771712"})  # what v1 writes for none
    assert free_bytes() == 8 * GIB


def test_more_used_than_allowed_leaves_nothing(linux: Path) -> None:
    (linux / "cgroup").write_text("0::/\n")
    group(linux / "groups", memory__max="1000", memory__current="2000", memory__stat="")
    assert free_bytes() == 0


def test_files_that_are_damaged_or_absent_say_nothing(linux: Path) -> None:
    (linux / "cgroup").write_text("0::/\nnonsense\n")
    group(linux / "groups", memory__max="much", memory__current="", memory__stat="x")
    (linux / "meminfo").unlink()
    assert free_bytes() is None


def test_the_limit_of_a_process_counts() -> None:
    code = (
        "import resource\nfrom nnlab.memory import free_bytes\n"
        "resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))\nprint(free_bytes())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 0 < int(done.stdout) < GIB


@pytest.mark.skipif(not os.access(LEGACY_ROOT, os.W_OK), reason="needs a control group that can be made (cgroup v1)")
def test_a_real_group_is_seen_from_inside() -> None:
    own = LEGACY_ROOT / f"nnlab-test-{os.getpid()}"
    try:
        own.mkdir()
        (own / "memory.limit_in_bytes").write_text(str(256 * 2**20))
    except OSError as error:
        pytest.skip(f"no control group can be made here: {error}")
    try:
        code = (
            f"from pathlib import Path\nimport os\nPath('{own}/cgroup.procs').write_text(str(os.getpid()))\n"
            "from nnlab.memory import free_bytes\nprint(free_bytes())"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert 100 * 2**20 < int(done.stdout) <= 256 * 2**20
    finally:
        own.rmdir()
