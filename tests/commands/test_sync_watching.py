"""How long `nnlab.sync --watch` rests between two looks, by a clock of the test's own."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from nnlab.commands import sync
from nnlab.commands.sync_console import sync_console_for


class Clock:
    """What `time` is to the command; it is stopped where it would rest for the second time."""

    def __init__(self) -> None:
        self.now = 0.0
        self.rests: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        if self.rests:
            raise KeyboardInterrupt
        self.rests.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(sync, "time", clock)
    return clock


def rested(clock: Clock, *, looking: float, sending: float) -> float:
    """For how long it rests after having looked and sent for so many seconds."""

    def send(patience: float = 0.0) -> Iterator[None]:
        clock.now += sending
        yield from ()

    delivery = SimpleNamespace(
        uri="sqlite:///x.db", check=lambda: None, to_send=[], lost=[], there=0, send=send, store_is_replaced=False
    )

    def deliveries() -> tuple[list[SimpleNamespace], list[None]]:
        clock.now += looking
        return [delivery], []

    with sync_console_for() as console, pytest.raises(KeyboardInterrupt):
        sync._watch(SimpleNamespace(deliveries=deliveries), console)  # type: ignore[arg-type]
    (seconds,) = clock.rests
    return seconds


def test_a_store_that_took_long_to_fill_is_not_left_alone_for_longer(clock: Clock) -> None:
    assert rested(clock, looking=0.01, sending=600.0) == sync.SECONDS_BETWEEN_LOOKS


@pytest.mark.parametrize("looking", [0.01, 0.5, 5.0, 300.0])
def test_it_looks_rarely_where_looking_costs_but_always_again_soon(looking: float, clock: Clock) -> None:
    seconds = rested(clock, looking=looking, sending=0.0)
    assert 2.0 <= seconds <= 30.0
    assert seconds >= 10 * looking or seconds == 30.0
