"""Who gets a further seed in a race: laws over any scores, and numbers worked out by hand."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from statistics import fmean, stdev

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnlab.tuning.race.rule import ERRORS, Item, Race

Scores = Sequence[Sequence[float]]

SCORES = st.integers(2, 5).flatmap(
    lambda seeds: st.lists(
        st.lists(st.sampled_from([0.1, 0.2, 0.25, 0.3, 0.5, 1.0, 4.0]), min_size=seeds, max_size=seeds),
        min_size=1,
        max_size=12,
    )
)


def raced(scores: Scores, choose: Callable[[list[Item]], Item] = lambda due: due[0], steps: int = 1000) -> Race:
    """A race to its end, or so many further runs: the trials come one by one, and what is due is done first."""
    costs: dict[int, list[float]] = {}
    seeds = len(scores[0])
    for number, row in enumerate(scores):
        costs[number] = [row[0]]
        ahead: dict[Item, float] = {}
        while (due := Race(costs, seeds).due(ahead.keys())) and steps:
            steps -= 1
            trial, place = choose(due)
            ahead[trial, place] = scores[trial][place - 1]
            while (trial, len(costs[trial]) + 1) in ahead:
                costs[trial].append(ahead.pop((trial, len(costs[trial]) + 1)))
    return Race(costs, seeds)


def runs(race: Race) -> int:
    return sum(map(len, race.costs.values()))


@given(SCORES)
@settings(max_examples=150, deadline=None)
def test_in_the_end_the_leader_has_all_seeds_and_who_has_fewer_would_hardly_catch_up(scores: Scores) -> None:
    race = raced(scores)
    best = race.leader
    assert best is not None
    assert len(race.costs[best]) == race.seeds
    spreads = sorted(
        stdev(a - b for a, b in zip(costs, race.costs[best], strict=False))
        for number, costs in race.costs.items()
        if number != best and len(costs) > 1
    )
    middle = len(spreads) // 2
    noise = fmean(spreads[middle - (len(spreads) % 2 == 0) : middle + 1]) if spreads else stdev(race.costs[best])
    for number, costs in race.costs.items():
        assert costs == list(scores[number][: len(costs)])
        if len(costs) == race.seeds:
            assert fmean(costs) >= fmean(race.costs[best])
        else:
            behind = fmean(a - b for a, b in zip(costs, race.costs[best], strict=False))
            assert behind >= ERRORS * noise * math.sqrt(1 / len(costs) - 1 / race.seeds) - 1e-9
    assert race.seeds + len(scores) - 1 <= runs(race) <= race.seeds * len(scores)


@given(SCORES, st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_the_same_law_holds_in_whatever_order_runs_come_to_their_end(scores: Scores, random: object) -> None:
    race = raced(scores, random.choice)  # type: ignore[attr-defined]
    assert race.due() == []
    assert race.leader is not None
    assert len(race.costs[race.leader]) == race.seeds


@given(SCORES, st.integers(0, 40))
@settings(max_examples=60, deadline=None)
def test_at_any_time_the_leader_is_first_by_value_and_trials_of_as_many_seeds_go_by_their_means(
    scores: Scores, steps: int
) -> None:
    race = raced(scores, steps=steps)
    order = sorted(race.costs, key=lambda number: (race.value(number), number))
    assert order[0] == race.leader
    most = len(race.costs[order[0]])
    whole = [number for number in order if len(race.costs[number]) == most]
    assert [race.value(number) for number in whole] == pytest.approx([fmean(race.costs[number]) for number in whole])


def test_without_noise_only_those_that_were_the_best_get_further_seeds() -> None:
    means = [5.0, 3.0, 4.0, 2.0, 2.0, 9.0, 1.0]
    race = raced([[mean, mean, mean, mean] for mean in means])
    assert {number: len(costs) for number, costs in race.costs.items()} == {0: 4, 1: 4, 2: 1, 3: 4, 4: 1, 5: 1, 6: 4}


def test_seeds_that_are_hard_for_all_do_not_count() -> None:
    """Each trial is 1 above the one before on any seed; the seeds differ by far more. No other trial races on."""
    seeds = [0.0, 100.0, 30.0]
    race = raced([[number + seed for seed in seeds] for number in range(6)])
    assert race.leader == 0
    assert [race.value(number) for number in range(6)] == pytest.approx([number + fmean(seeds) for number in range(6)])


def test_a_trial_that_was_lucky_once_loses_to_one_that_keeps_up() -> None:
    """Trial 1 has the best first seed and trial 0 the better mean: 1.5 against 2.0, by hand."""
    race = raced([[1.0, 2.0, 1.5], [0.5, 2.5, 3.0], [9.0, 9.0, 9.0]])
    assert race.leader == 0
    assert {number: len(costs) for number, costs in race.costs.items()} == {0: 3, 1: 3, 2: 1}


def test_what_is_due_by_hand() -> None:
    """The leader is trial 1. The differences to it deviate by 1 (trial 0: 2, 0, 1), 2 (4: 0, 2.83) and 0 (5): the
    median, 1, is the noise. So of 4 seeds, with one less than 0.866 behind keeps up, with two less than 0.5."""
    costs = {
        0: [3.0, 2.0, 3.0],
        1: [1.0, 2.0, 2.0],
        2: [1.8],
        3: [1.9],
        4: [1.0, 2.0 + 2 * math.sqrt(2)],
        5: [1.4, 2.4],
    }
    race = Race(costs, seeds=4)
    assert race.leader == 1
    assert race.noise == pytest.approx(1.0)
    assert {number: race.keeps_up(number) for number in (2, 3, 4, 5)} == {2: True, 3: False, 4: False, 5: True}
    assert race.due() == [(1, 4), (2, 2), (5, 3)]


def test_who_was_better_on_fewer_seeds_leads_only_once_it_has_as_many() -> None:
    assert Race({0: [1.0, 1.0, 1.0], 1: [0.5]}, 3).leader == 0
    assert Race({0: [1.0, 1.0, 1.0], 1: [0.5, 1.0, 1.0]}, 3).leader == 1


def test_no_trial_no_race() -> None:
    race = Race({}, seeds=3)
    assert (race.leader, race.due()) == (None, [])


def test_a_trial_waits_for_its_run_and_the_leader_for_none() -> None:
    race = Race({0: [1.0], 1: [0.5, 0.7]}, seeds=4)
    assert race.leader == 1
    assert race.due() == [(1, 3), (1, 4)]
    assert race.due({(1, 3)}) == [(1, 4)]
    near = Race({0: [0.55], 1: [0.5, 0.7]}, seeds=2)
    assert near.due() == [(0, 2)]
    assert near.due({(0, 2)}) == []


@pytest.mark.parametrize("first", [0.1, 0.5])
def test_the_rule_knows_differences_and_no_levels(first: float) -> None:
    scores = [[0.3, 0.5, 0.2], [0.4, 0.3, 0.2], [0.35, 0.6, 0.3], [0.9, 0.5, 0.7]]
    shifted = [[value + first for value in row] for row in scores]
    assert [len(row) for row in raced(scores).costs.values()] == [len(row) for row in raced(shifted).costs.values()]
