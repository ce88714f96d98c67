"""How many steps are taken at once: as many as before where they are fast, and one where one takes long."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_data import classifier, dataset, rows

from nnlab.core import Rows
from nnlab.training import DivergedError, EpochEnd, Progress, pace, trainer
from nnlab.training.pace import SECONDS_BETWEEN_REPORTS, Pace

FIVE = rows([[0.5, -1.0], [1.5, 2.0], [-0.3, 0.4], [2.0, -0.7], [-1.2, -0.1]], [0, 1, 1, 0, 1])


def reports(seconds_of: list[float], steps_per_epoch: int) -> list[tuple[int, float]]:
    """After which steps a report is due, and the seconds since the last; each step takes what the list says."""
    paced, found, done, since = Pace(steps_per_epoch), [], 0, 0.0
    while done < len(seconds_of):
        taken = min(paced.steps(done), len(seconds_of) - done)
        seconds = sum(seconds_of[done : done + taken])
        paced.took(taken, seconds)
        done, since = done + taken, since + seconds
        if paced.is_report_due:
            found.append((done, since))
            paced.reported()
            since = 0.0
    return found


@pytest.mark.parametrize(("steps", "interval"), [(200, 64), (3200, 64), (10_000, 200)])
def test_fast_steps_are_reported_every_64_or_fifty_times_an_epoch(steps: int, interval: int) -> None:
    assert [done for done, _ in reports([1e-5] * steps, steps)] == list(range(interval, steps + 1, interval))


@given(st.floats(1e-6, 10.0), st.integers(1, 300))
def test_at_a_steady_pace_a_report_waits_for_no_more_than_one_step_beyond_its_time(step: float, steps: int) -> None:
    assert all(since <= max(SECONDS_BETWEEN_REPORTS, step) * (1 + 1e-9) for _, since in reports([step] * steps, steps))


def test_steps_that_become_slow_are_soon_taken_one_by_one() -> None:
    found = reports([1e-5] * 640 + [0.2] * 200, 840)
    slow = [done for done, _ in found if done > 640]
    assert slow[0] <= 640 + 64
    assert slow[1:] == list(range(slow[0] + 1, 841))


class Clock:
    """Of a machine on which a step takes 0.4 s."""

    now = 0.0

    def perf_counter(self) -> float:
        return self.now


def test_a_trainer_whose_steps_are_slow_reports_each(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(trainer, "time", clock)
    made = classifier(dataset(Rows(FIVE.x, FIVE.y, FIVE.index.repeat(4))), epochs=2, batch_size=2)
    update = made.learner._update

    def slow(lr: float) -> None:
        clock.now += 0.4
        update(lr)

    learner: Any = made.learner
    learner._update = slow
    events = list(made.run())
    assert [event.step for event in events if isinstance(event, Progress)] == 2 * list(range(1, 10))
    seconds = [event.metrics["time/epoch_seconds"] for event in events if isinstance(event, EpochEnd)]
    assert seconds == pytest.approx([4.0, 4.0])
    assert pace.SECONDS_AT_ONCE < pace.SECONDS_BETWEEN_REPORTS < 1.0


def test_a_divergence_ends_at_the_same_step_whatever_the_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    def ended(seconds: float) -> tuple[str, bytes]:
        clock = Clock()
        monkeypatch.setattr(trainer, "time", clock)
        made = classifier(dataset(Rows(FIVE.x, FIVE.y, FIVE.index.repeat(40))), epochs=2, batch_size=1)
        learner: Any = made.learner
        update, steps = learner._update, 0

        def poisoned(lr: float) -> None:
            nonlocal steps
            steps += 1
            clock.now += seconds
            update(lr)
            if steps == 70:
                made.objective.network.parameters.values_vector.fill(np.nan)

        learner._update = poisoned
        with pytest.raises(DivergedError) as caught:
            list(made.run())
        return f"{steps} {caught.value}", made.objective.network.parameters.values_vector.tobytes()

    assert ended(1e-5) == ended(0.03) == ended(0.4)
