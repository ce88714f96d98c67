"""What signals do to a run: the first keeps its model, and a second Ctrl-C ends it at once."""

from __future__ import annotations

import multiprocessing
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from stopping import Hearing, at_epoch, small, stopped

from nnlab.errors import TerminatedError
from nnlab.execution import signals
from nnlab.execution.events import RunEnded
from nnlab.execution.run import run
from nnlab.execution.signals import asked_to_end, termination_raises
from nnlab.runs.provenance import weights_sha256
from nnlab.runs.stored_run import StoredRun
from nnlab.training import Progress, TrainingEnd

ENDINGS = {
    signal.SIGINT: ("interrupted", "interrupted by the user"),
    signal.SIGTERM: ("killed", "SIGTERM"),
    signal.SIGHUP: ("killed", "SIGHUP"),
}


@pytest.fixture(autouse=True)
def restored_handlers() -> Iterator[None]:
    """Nothing here may change what this process does with signals."""
    numbers = [*ENDINGS, signal.SIGUSR1]
    before = [signal.getsignal(number) for number in numbers]
    yield
    after = [signal.getsignal(number) for number in numbers]
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)
    assert after == before


@pytest.mark.parametrize("number", ENDINGS)
def test_the_first_signal_keeps_the_best_model_and_looks_at_no_test(number: signal.Signals, tmp_path: Path) -> None:
    hearing = Hearing(number, at_epoch(3))
    with pytest.raises(KeyboardInterrupt) as raised:
        run(small(tmp_path, "tracking.plots=true"), listeners=[hearing])
    status, reason = ENDINGS[number]
    assert isinstance(raised.value, TerminatedError) == (status == "killed")
    (path,) = tmp_path.iterdir()
    stored = StoredRun.open(path)
    assert (stored.status, sorted(stored.epochs), stored.evaluations) == (status, [1, 2, 3], 0)
    assert reason in str(stored.reason)
    assert "after epoch 3" in str(stored.reason)
    best = min(stored.epochs, key=lambda epoch: stored.epochs[epoch]["val/loss"])
    assert stored.tags["nnlab.epoch"] == str(best)
    assert stored.kept["best/val/loss"] == stored.epochs[best]["val/loss"]
    assert stored.tags["nnlab.weights_sha256"] == weights_sha256(stored.model().network.parameters.named().values())
    assert (path / "plots" / "learning_curves.png").exists()
    assert (path / "history.csv").exists()
    (ended,) = hearing.of(RunEnded)
    assert (ended.result.status, ended.result.epoch) == (status, best)


def test_a_run_stopped_inside_an_epoch_without_selection_keeps_the_weights_of_no_epoch(tmp_path: Path) -> None:
    slow = ("data.limit=1000", "trainer.batch_size=1", "trainer.restore_best=false")
    path = stopped(small(tmp_path, *slow), lambda event: isinstance(event, Progress) and event.epoch == 2)
    stored = StoredRun.open(path)
    assert (stored.tags["nnlab.epoch"], stored.kept) == ("0", {})
    assert "in epoch 2, after step " in str(stored.reason)


def test_a_run_stopped_before_its_first_epoch_ends_has_a_model(tmp_path: Path) -> None:
    slow = ("data.limit=1000", "trainer.batch_size=1")
    stored = StoredRun.open(stopped(small(tmp_path, *slow), lambda event: isinstance(event, Progress)))
    assert (stored.epochs, stored.tags["nnlab.epoch"], stored.kept) == ({}, "0", {})
    assert stored.model().network.parameters.values_vector.size > 0


def test_a_signal_once_training_is_over_leaves_the_test_split_alone(tmp_path: Path) -> None:
    stored = StoredRun.open(stopped(small(tmp_path), lambda event: isinstance(event, TrainingEnd)))
    assert (stored.status, stored.evaluations, len(stored.epochs)) == ("interrupted", 0, 6)


def test_a_second_ctrl_c_raises_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signals, "SECONDS_OF_A_PRESS", 0.0)
    path = stopped(small(tmp_path), times=2)
    stored = StoredRun.open(path)
    assert stored.status == "interrupted"
    assert not (path / "model").exists()


def test_one_key_press_that_arrives_twice_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signals, "SECONDS_OF_A_PRESS", 60.0)
    assert (stopped(small(tmp_path), times=2) / "model").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_being_told_twice_to_end_is_being_told_once(number: signal.Signals, tmp_path: Path) -> None:
    assert (stopped(small(tmp_path), number=number, times=3) / "model").exists()


@pytest.mark.parametrize("number", ENDINGS)
def test_before_training_a_signal_raises_at_once(number: signal.Signals) -> None:
    with asked_to_end() as request, pytest.raises(KeyboardInterrupt):
        signal.raise_signal(number)
    assert request.ending is None


@pytest.mark.parametrize("number", ENDINGS)
def test_a_signal_that_is_ignored_stays_ignored(number: signal.Signals, tmp_path: Path) -> None:
    before = signal.signal(number, signal.SIG_IGN)
    try:
        result = run(small(tmp_path), listeners=[Hearing(number, at_epoch(2))])
        assert result.status == "finished"
        with termination_raises():
            signal.raise_signal(number)
    finally:
        signal.signal(number, before)


def test_in_another_thread_signals_are_left_alone() -> None:
    before = signal.getsignal(signal.SIGTERM)
    found = []

    def look() -> None:
        with asked_to_end():
            found.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert found == [before]


def test_a_worker_hears_of_ctrl_c_by_another_signal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(multiprocessing, "parent_process", lambda: object())
    stored = StoredRun.open(stopped(small(tmp_path), number=signal.SIGUSR1))
    assert stored.status == "interrupted"
    assert "interrupted by the user" in str(stored.reason)


def test_termination_says_what_it_was() -> None:
    for number in (signal.SIGTERM, signal.SIGHUP):
        with pytest.raises(TerminatedError, match=number.name), termination_raises():
            signal.raise_signal(number)
