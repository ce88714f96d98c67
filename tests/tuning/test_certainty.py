"""What is said of the winner's lead, beside SciPy's own tests."""

from __future__ import annotations

import math

import numpy as np
import pytest
from confirming import FRESH, LOSS, confirmation_of, make_run, make_runs
from optuna.trial import FrozenTrial
from scipy import stats
from trial_samples import make_trial

from nnlab.tuning.confirm.plan import ConfirmPlan
from nnlab.tuning.confirm.results import Confirmation
from nnlab.tuning.report.certainty import certainty_of
from nnlab.tuning.report.leaderboard import leaderboard
from nnlab.tuning.trials import OUTCOME, Outcome

CLOSE = {0: [0.10, 0.12, 0.14], 1: [0.11, 0.12, 0.15], 2: [0.90, 0.95, 1.00]}


def with_seeds(number: int, values: list[float], seeds: list[int], *, name: str = "val/loss") -> FrozenTrial:
    trial = make_trial(number, [float(np.mean(values))], seeds=seeds)
    outcome = Outcome(
        "finished",
        scores={name: float(np.mean(values))},
        std={name: float(np.std(values, ddof=1))},
        by_seed={name: values},
    )
    trial.user_attrs[OUTCOME] = outcome.to_dict()
    return trial


def test_trials_with_seeds_of_their_own_are_compared_by_welch() -> None:
    trials = [with_seeds(number, values, [10 * number + n for n in range(3)]) for number, values in CLOSE.items()]
    found = certainty_of(trials, LOSS, None)
    assert found is not None
    assert (found.first, list(found.judged), found.is_fresh) == (0, [1, 2], False)
    for number, judged in found.judged.items():
        difference = judged.difference
        expected = stats.ttest_ind(CLOSE[0], CLOSE[number], equal_var=False)
        assert not difference.paired
        assert difference.p_t == pytest.approx(expected.pvalue)
        assert tuple(difference.interval) == pytest.approx(expected.confidence_interval())
    assert [found.word(number) for number in (0, 1, 2, 3)] == ["best", "cannot tell", "worse", "–"]
    assert found.untold == [1]


def test_trials_with_the_same_seeds_are_compared_pair_by_pair_in_whatever_order_the_seeds_are() -> None:
    trials = [with_seeds(0, CLOSE[0], [1, 2, 3]), with_seeds(1, CLOSE[1][::-1], [3, 2, 1])]
    found = certainty_of(trials, LOSS, None)
    assert found is not None
    expected = stats.ttest_rel(CLOSE[0], CLOSE[1])
    assert found.judged[1].difference.paired
    assert found.judged[1].difference.p_t == pytest.approx(expected.pvalue)


def test_fresh_seeds_are_compared_pair_by_pair_and_only_what_was_confirmed() -> None:
    trials, confirmation = confirmation_of(dict.fromkeys(range(5), 0.1), CLOSE)
    shown = [*(each.trial for each in confirmation.confirmed), *trials[3:]]
    found = certainty_of(shown, LOSS, confirmation)
    assert found is not None
    assert found.is_fresh
    assert list(found.judged) == [1, 2]
    assert all(judged.difference.paired for judged in found.judged.values())
    table = leaderboard(trials, LOSS, confirmation=confirmation).splitlines()
    column = table[0].index("vs best")
    assert [line[column:].split("  ")[0] for line in table[1:6]] == ["best", "cannot tell", "worse", "–", "–"]


def test_a_trial_that_came_to_nothing_with_a_fresh_seed_is_not_compared_by_the_others() -> None:
    runs = [*make_runs({0: CLOSE[0], 2: CLOSE[2]}), *(make_run(6 + n, 1, FRESH[n], 0.01) for n in (0, 1))]
    runs.append(make_run(8, 1, FRESH[2], 9.0, "diverged"))
    trials = [make_trial(number, [0.1]) for number in range(3)]
    confirmation = Confirmation.of(ConfirmPlan([0, 1, 2], FRESH), trials, runs, "val/loss")
    found = certainty_of([each.trial for each in confirmation.confirmed], LOSS, confirmation)
    assert found is not None
    assert [found.word(number) for number in range(3)] == ["best", "–", "worse"]


def test_equal_values_with_every_seed_are_called_equal() -> None:
    _, confirmation = confirmation_of({0: 0.1, 1: 0.1}, {0: CLOSE[0], 1: CLOSE[0]})
    found = certainty_of([each.trial for each in confirmation.confirmed], LOSS, confirmation)
    assert found is not None
    assert (found.word(1), found.untold) == ("equal", [1])
    assert all(isinstance(line, str) for line in found.lines())


@pytest.mark.parametrize(("name", "worse"), [("val/loss", 0.5), ("val/accuracy", -0.5)])
def test_a_lead_is_positive_whichever_way_is_better(name: str, worse: float) -> None:
    noise = [0.01, 0.02, 0.04, 0.03]
    good = with_seeds(0, [0.8 + each for each in noise], list(range(4)), name=name)
    bad = with_seeds(1, [0.8 + worse + 1.1 * each for each in noise], list(range(4, 8)), name=name)
    found = certainty_of([good, bad], (name,), None)
    assert found is not None
    assert found.word(1) == "worse"
    lead = next(found.lines())
    numbers = [float(part.strip("(),")) for part in lead.split() if part.strip("(),").replace(".", "").isdigit()]
    gap = abs(worse + 0.1 * float(np.mean(noise)))
    assert any(math.isclose(number, gap, abs_tol=5e-5) for number in numbers), lead
    assert "-" not in lead.split("interval")[1]


@pytest.mark.parametrize(
    "trials",
    [
        [],
        [make_trial(0, [0.1])],
        [make_trial(0, [0.1]), make_trial(1, [0.2])],
        [make_trial(0, [0.1], std={"val/loss": 0.01}, seeds=[1, 2]), make_trial(1, [0.2], std={"val/loss": 0.01})],
    ],
    ids=["none", "one", "one seed each", "of an older nnlab"],
)
def test_nothing_is_said_where_seeds_are_not_known_one_by_one(trials: list[FrozenTrial]) -> None:
    assert certainty_of(trials, LOSS, None) is None


def test_with_two_objectives_nothing_is_said() -> None:
    trials = [with_seeds(number, CLOSE[number], FRESH) for number in (0, 1)]
    assert certainty_of(trials, ("val/loss", "parameters"), None) is None


def test_an_interval_without_zero_that_does_not_tell_says_what_is_in_the_way() -> None:
    spread = np.array([-1.2, -0.9, -0.4, 0.0, 0.1, 0.5, 0.8, 1.1])
    means = (0.1, 0.112, 0.1121, 0.1122)
    trials = [
        with_seeds(number, (mean + 0.012 * spread).tolist(), [100 * number + place for place in range(8)])
        for number, mean in enumerate(means)
    ]
    found = certainty_of(trials, LOSS, None)
    assert found is not None
    judged = found.judged[1]
    assert judged.difference.interval[1] < 0, "the interval alone would tell"
    assert judged.verdict == "cannot tell"
    assert f"cannot tell (p {judged.p_corrected:.2g} after Holm's correction for 3 trials), about" in next(
        found.lines()
    )


def test_alike_differences_that_do_not_tell_are_said_to_be_alike() -> None:
    trials = [with_seeds(0, [0.1, 0.2, 0.3], [1, 2, 3]), with_seeds(1, [0.2, 0.3, 0.4], [1, 2, 3])]
    found = certainty_of(trials, LOSS, None)
    assert found is not None
    assert "cannot tell (all differences are alike, and too few for the exact test), about" in next(found.lines())


@pytest.mark.parametrize(("scale", "texts"), [(1e-5, ["1.1e-05 ± 1e-06"]), (1e8, ["1.1e+08 ± 1e+07"])])
def test_the_spread_of_very_small_and_large_losses_can_be_read(scale: float, texts: list[str]) -> None:
    trials = [with_seeds(n, [scale * each for each in (1.0 + n, 1.1 + n, 1.2 + n)], [1, 2, 3]) for n in range(2)]
    board = leaderboard(trials, LOSS)
    assert all(text in board for text in texts)
