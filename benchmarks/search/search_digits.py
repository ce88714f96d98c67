"""The same on real networks: a space like the preset's, each point trained on the digits once, and searched often.

All trials have the same number of epochs and no pruner, so that what differs is what is proposed. The widths of layers
are searched one by one, each only where there is the layer: a conditional space, as the preset's is.
"""

from __future__ import annotations

import json
import multiprocessing
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import optuna
from threadpoolctl import threadpool_limits

from benchmarks.bench import Bench
from benchmarks.report import Table
from benchmarks.search.contestants import OPTUNA, OURS
from benchmarks.search.regret import Searched
from benchmarks.search.search_table import STUDIES_A_ROUND, rows
from nnlab.config.build import build_trainer
from nnlab.cpu import usable_cores
from nnlab.training import DivergedError, EpochEnd
from nnlab.tuning.plan import Plan
from nnlab.tuning.planning import make_plan
from nnlab.tuning.study import Study
from nnlab.tuning.trials import Asked, Outcome

SPACE = (
    "optimizer.lr=choice(0.003, 0.0075, 0.019, 0.048, 0.12, 0.3)",
    "trainer.batch_size=choice(16, 32, 64, 128)",
    "model.depth=range(1, 4)",
    "model.width=choice(32, 64, 128)",
)
SMALL = ("optimizer.lr=choice(0.019, 0.12)", "trainer.batch_size=choice(64, 128)", "model.width=choice(32, 64)")
EPOCHS, LOOKS = 8, (25, 40, 60)
WORST = 1e3
"""The loss of a network that diverged."""

Losses = Mapping[str, float]
"""By the values of a trial, as JSON."""


def search_digits(bench: Bench) -> Table:
    """Regret after 25, 40 and 60 trials on real networks of equal epochs, against plain Optuna and chance."""
    command = [*SPACE, *(SMALL if bench.is_quick else ()), f"trainer.epochs={1 if bench.is_quick else EPOCHS}"]
    looks = (12,) if bench.is_quick else LOOKS
    studies = 2 if bench.is_quick else STUDIES_A_ROUND * bench.rounds
    losses = _all_trained(command)
    found = {}
    with threadpool_limits(1, user_api="blas"):
        for name, search in _contestants(command).items():
            found[name] = _searched(search, losses, studies, looks)
    return Table(
        f"validation loss above the best of {len(losses)} configurations on the digits, in thousandths: the best of\n"
        f"  so many trials, {studies} studies; the mean, and its 95 % interval as the spread",
        list(rows(found, "digits", looks, "")),
    )


Search = Callable[[int, int, Losses], list[float]]
"""The losses of so many trials, with this seed."""


def _contestants(command: Sequence[str]) -> dict[str, Search]:
    plain = _plan([*command, "sweep.sampler=tpe"])

    def with_optuna(make: Callable[[int], optuna.samplers.BaseSampler]) -> Search:
        def search(seed: int, trials: int, losses: Losses) -> list[float]:
            study = optuna.create_study(sampler=make(seed))
            seen = []
            for _ in range(trials):
                trial = study.ask()
                seen.append(losses[_key(plain.space.suggest(trial))])
                study.tell(trial, seen[-1])
            return seen

        return search

    def with_nnlab(plan: Plan) -> Search:
        def search(seed: int, trials: int, losses: Losses) -> list[float]:
            storage = optuna.storages.InMemoryStorage()
            study = Study("digits", storage, plan.settings, plan.space, seed, epochs=EPOCHS)
            seen = []
            for _ in range(trials):
                trial = study.propose()
                seen.append(losses[_key(Asked.of(trial).values)])
                study.tell(trial, Outcome("finished", scores={"val/loss": seen[-1]}))
            return seen

        return search

    peers = {
        "random": with_optuna(lambda seed: optuna.samplers.RandomSampler(seed=seed)),
        OPTUNA: with_optuna(lambda seed: optuna.samplers.TPESampler(seed=seed)),
    }
    return peers | {name: with_nnlab(_plan([*command, override])) for name, override in OURS.items()}


def _searched(search: Search, losses: Losses, studies: int, looks: Sequence[int]) -> Searched:
    best = min(losses.values())
    regrets, seconds = [], []
    for seed in range(studies):
        started = time.perf_counter()
        seen = search(seed, looks[-1], losses)
        seconds.append(time.perf_counter() - started)
        regrets.append([1000 * (min(seen[:look]) - best) for look in looks])
    return Searched(np.array(regrets)[None], 1000 * statistics.median(seconds) / looks[-1])


def _plan(command: Sequence[str]) -> Plan:
    fixed = ["data=digits", "sweep=mlp", "tracking.enabled=false", "sweep.pruner=none", "sweep.first=null"]
    return make_plan([*fixed, *command])


def _all_trained(command: Sequence[str]) -> Losses:
    """The lowest validation loss of each point of the space, trained in as many processes as there are cores."""
    workers = usable_cores()
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=spawn) as pool:
        shares = pool.map(_trained, [(command, first, workers) for first in range(workers)])
        return {key: loss for share in shares for key, loss in share}


def _trained(share: tuple[Sequence[str], int, int]) -> list[tuple[str, float]]:
    command, first, step = share
    plan = _plan(command)
    points = [plan.space.values(params) for params in plan.space.points()]
    with threadpool_limits(1, user_api="blas"):
        return [
            (_key(points[place]), min(_epochs(plan, points[place], place), default=WORST))
            for place in range(first, len(points), step)
        ]


def _epochs(plan: Plan, values: Mapping[str, object], seed: int) -> Iterator[float]:
    """The validation loss of each epoch, up to a divergence."""
    config, dataset = plan.at(values, seed)
    try:
        for event in build_trainer(config, dataset).run(test=False):
            if isinstance(event, EpochEnd):
                yield event.metrics["val/loss"]
    except DivergedError:
        return


def _key(values: Mapping[str, object]) -> str:
    return json.dumps(values, sort_keys=True)
