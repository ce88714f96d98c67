"""Real worker processes: what one of them meets concerns nobody else."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, Future
from pathlib import Path

import pytest
from working import (
    hold_memory,
    kill_oneself,
    lives,
    process_id,
    square,
    took_memory,
    until,
    wait_for_file,
    wait_for_file_deaf,
)

from nnlab.errors import MachineError
from nnlab.execution.processes import WorkerDiedError, WorkerProcesses

SECONDS = 60
REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def workers() -> Iterator[WorkerProcesses]:
    with WorkerProcesses(2) as pool:
        yield pool


def test_a_killed_worker_costs_its_own_call_alone(workers: WorkerProcesses, tmp_path: Path) -> None:
    other = workers.submit(wait_for_file, tmp_path / "begun", tmp_path / "wanted")
    until(tmp_path / "begun")
    for _ in range(2):
        with pytest.raises(BrokenExecutor, match="terminated abruptly"):
            workers.submit(kill_oneself).result(SECONDS)
    assert workers.submit(square, 7).result(SECONDS) == 49
    assert not other.done()
    (tmp_path / "wanted").write_text("here", encoding="ascii")
    assert other.result(SECONDS) == "here"


def test_a_worker_that_is_killed_between_calls_is_replaced(workers: WorkerProcesses) -> None:
    pid = workers.submit(process_id).result(SECONDS)
    os.kill(pid, signal.SIGKILL)
    while pid in workers.pids:
        time.sleep(0.01)
    another: int | None = None
    while another is None:  # the pool may not have seen it yet: then this call is lost, as any other would be
        try:
            another = workers.submit(process_id).result(SECONDS)
        except BrokenExecutor:
            continue
    assert another != pid


def test_a_worker_does_many_calls(workers: WorkerProcesses) -> None:
    assert len({workers.submit(process_id).result(SECONDS) for _ in range(4)}) == 1


def test_what_a_call_raises_comes_out_of_its_future_and_the_worker_lives_on(workers: WorkerProcesses) -> None:
    pid = workers.submit(process_id).result(SECONDS)
    with pytest.raises(ValueError, match="invalid literal"):
        workers.submit(int, "x").result(SECONDS)
    assert workers.submit(process_id).result(SECONDS) == pid


def test_more_calls_than_workers_are_refused(workers: WorkerProcesses, tmp_path: Path) -> None:
    calls = [workers.submit(wait_for_file, tmp_path / f"begun {i}", tmp_path / "wanted") for i in range(2)]
    with pytest.raises(RuntimeError, match="All 2 workers are busy"):
        workers.submit(square, 3)
    (tmp_path / "wanted").write_text("here", encoding="ascii")
    assert [call.result(SECONDS) for call in calls] == ["here", "here"]


def test_ctrl_c_does_not_reach_a_worker(workers: WorkerProcesses, tmp_path: Path) -> None:
    call = workers.submit(wait_for_file, tmp_path / "begun", tmp_path / "wanted")
    pid = until(tmp_path / "begun")
    for _ in range(3):
        os.kill(pid, signal.SIGINT)
    (tmp_path / "wanted").write_text("unmoved", encoding="ascii")
    assert call.result(SECONDS) == "unmoved"
    assert workers.submit(process_id).result(SECONDS) == pid


def test_without_waiting_the_workers_end_in_the_middle_of_their_calls(tmp_path: Path) -> None:
    workers = WorkerProcesses(2)
    for number in range(2):
        workers.submit(wait_for_file, tmp_path / f"begun {number}", tmp_path / "never")
    pids = [until(tmp_path / f"begun {number}") for number in range(2)]
    assert sorted(workers.pids) == sorted(pids)
    workers.shutdown(wait=False)
    assert workers.pids == []
    assert not any(lives(pid) for pid in pids)
    workers.shutdown(wait=False)


def test_no_worker_outlives_a_parent_that_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(
        "import sys; from pathlib import Path\n"
        "from nnlab.execution.processes import WorkerProcesses\n"
        "from working import wait_for_file\n"
        "if __name__ == '__main__':\n"
        "    folder = Path(sys.argv[1])\n"
        "    workers = WorkerProcesses(2)\n"
        "    for number in range(2): workers.submit(wait_for_file, folder / f'begun {number}', folder / 'never')\n"
        "    sys.stdin.read()\n",
        encoding="utf-8",
    )
    places = os.pathsep.join([str(REPOSITORY), str(Path(__file__).parents[1])])
    parent = subprocess.Popen(
        [sys.executable, str(script), str(tmp_path)], stdin=subprocess.PIPE, env=os.environ | {"PYTHONPATH": places}
    )
    try:
        pids = [until(tmp_path / f"begun {number}") for number in range(2)]
        assert all(lives(pid) for pid in pids)
    finally:
        parent.kill()
        parent.communicate()
    deadline = time.monotonic() + SECONDS
    while any(lives(pid) for pid in pids):
        assert time.monotonic() < deadline, "a worker lives on"
        time.sleep(0.02)


def stopped(workers: WorkerProcesses, tmp_path: Path) -> list[int]:
    """Two workers in the middle of their calls, of which the first hangs."""
    for number in range(2):
        workers.submit(wait_for_file, tmp_path / f"begun {number}", tmp_path / "never")
    pids = [until(tmp_path / f"begun {number}") for number in range(2)]
    os.kill(pids[0], signal.SIGSTOP)
    return pids


@pytest.mark.slow
@pytest.mark.parametrize("interrupted", [False, True])
def test_a_worker_that_hangs_is_killed(interrupted: bool, tmp_path: Path) -> None:
    workers = WorkerProcesses(2)
    pids = stopped(workers, tmp_path)
    workers.stop(interrupted=interrupted)
    assert workers.pids == []
    assert not any(lives(pid) for pid in pids)


@pytest.mark.slow
def test_a_worker_that_ignores_the_word_to_end_is_killed(tmp_path: Path) -> None:
    workers = WorkerProcesses(1)
    workers.submit(wait_for_file_deaf, tmp_path / "begun", tmp_path / "never")
    pid = until(tmp_path / "begun")
    workers.stop()
    assert not lives(pid)


def test_another_ctrl_c_kills_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workers = WorkerProcesses(2)
    pids = stopped(workers, tmp_path)

    def interrupt(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("nnlab.execution.processes.wait_for_ends", interrupt)
    with pytest.raises(KeyboardInterrupt):
        workers.stop(interrupted=True)
    assert not any(lives(pid) for pid in pids)


def test_the_word_that_the_user_interrupts_ends_a_call_and_no_worker(tmp_path: Path) -> None:
    with WorkerProcesses(1) as workers:
        call = workers.submit(wait_for_file, tmp_path / "begun", tmp_path / "never")
        pid = until(tmp_path / "begun")
        os.kill(pid, signal.SIGUSR1)
        assert isinstance(call.exception(SECONDS), KeyboardInterrupt)
        assert lives(pid)


def test_between_calls_the_word_lets_no_other_call_begin() -> None:
    with WorkerProcesses(1) as workers:
        pid = workers.submit(process_id).result(SECONDS)
        os.kill(pid, signal.SIGUSR1)
        assert isinstance(workers.submit(process_id).exception(SECONDS), KeyboardInterrupt)
        assert lives(pid)


def test_a_killed_worker_says_what_memory_it_had(workers: WorkerProcesses, tmp_path: Path) -> None:
    call = workers.submit(hold_memory, 300_000_000, tmp_path / "begun")
    pid = until(tmp_path / "begun")
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    most = next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM"))
    time.sleep(0.5)  # for somebody to look
    os.kill(pid, signal.SIGKILL)
    error = call.exception(SECONDS)
    assert isinstance(error, WorkerDiedError)
    assert error.memory > 300_000_000
    assert abs(error.memory - most) < 50_000_000
    assert "SIGKILL" in str(error)


def test_memory_of_an_earlier_call_is_not_a_later_one_s(workers: WorkerProcesses, tmp_path: Path) -> None:
    pid = workers.submit(took_memory, 400_000_000).result(SECONDS)
    call = workers.submit(wait_for_file, tmp_path / "begun", tmp_path / "never")
    assert until(tmp_path / "begun") == pid
    time.sleep(0.5)
    os.kill(pid, signal.SIGKILL)
    error = call.exception(SECONDS)
    assert isinstance(error, WorkerDiedError)
    assert 0 < error.memory < 300_000_000


@pytest.mark.parametrize(
    "error", [BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable"), RuntimeError("can't start new thread")]
)
def test_a_process_that_cannot_be_started_is_the_machines_error_and_may_be_tried_again(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(self: object) -> None:
        raise error

    with WorkerProcesses(1) as workers:
        with monkeypatch.context() as patch:
            patch.setattr("concurrent.futures.ProcessPoolExecutor._start_executor_manager_thread", fails)
            with pytest.raises(MachineError, match="could not be started") as caught:
                workers.submit(square, 3)
        assert caught.value.kind == "processes"
        assert workers.submit(square, 3).result(SECONDS) == 9


def test_the_time_of_a_call_begins_with_the_call(workers: WorkerProcesses, tmp_path: Path) -> None:
    call = workers.submit(wait_for_file, tmp_path / "begun", tmp_path / "wanted")
    until(tmp_path / "begun")
    seconds, _ = workers.taken(call)
    assert 0 < seconds < SECONDS
    (tmp_path / "wanted").write_text("here", encoding="ascii")
    assert call.result(SECONDS) == "here"
    assert workers.taken(call) == (0, 0)
    workers.kill(call)  # too late
    later = workers.submit(square, 7)
    assert later.result(SECONDS) == 49


def test_a_call_can_be_killed_with_its_process_alone(workers: WorkerProcesses, tmp_path: Path) -> None:
    calls = [workers.submit(wait_for_file, tmp_path / f"begun {number}", tmp_path / "wanted") for number in range(2)]
    for number in range(2):
        until(tmp_path / f"begun {number}")
    workers.kill(calls[0])
    with pytest.raises(WorkerDiedError, match="SIGKILL"):
        calls[0].result(SECONDS)
    (tmp_path / "wanted").write_text("here", encoding="ascii")
    assert calls[1].result(SECONDS) == "here"
    assert workers.taken(Future()) == (0, 0)
