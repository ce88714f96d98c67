"""Samplers by name, with their options: what proposes the parameters of the next trial.

`make` gives a fresh sampler for one draw. Its proposal depends on the study's seed, the trial's number, the draw's and
the trials before it, and on nothing else: a study that is stopped and resumed at any point proposes the same.
"""

from __future__ import annotations

import importlib.util
import warnings
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler, GPSampler, RandomSampler, TPESampler

from nnlab.check import Checked, OneOf, Range
from nnlab.tuning.search.evolution import EvolutionSampler
from nnlab.tuning.search.improvement import ImprovementSampler
from nnlab.tuning.search.planned import SEQUENCES, PlannedSampler, grid_point, sequence_point
from nnlab.tuning.search.space import Space

Count = Annotated[int, Range(ge=1)]

MIXED_TRIALS = 100
"""Up to which a Gaussian process takes turns with TPE: its cost grows with the cube of the trials."""


def proposal_seed(study_seed: int, number: int, draw: int = 0) -> int:
    """The 32-bit seed of a draw for a trial, counted from 0."""
    key = (draw,) if draw else ()
    return int(np.random.SeedSequence([study_seed, number], spawn_key=key).generate_state(1)[0])


@dataclass(frozen=True)
class TPE(Checked):
    """Tree-structured Parzen estimator: propose where good trials are dense and bad ones are not.

    Where keys are in some trials only, those that occur together are modelled together. Of more than 500 trials the
    model is of the 25 best and the 475 latest (`shown.py`).

    Args:
        startup_trials: finished trials before the model is used; they are random.
        candidates: draws from the model, of which the best is proposed.

    Reference: J. Bergstra et al., Algorithms for Hyper-Parameter Optimization, NeurIPS 2011; S. Watanabe,
    Tree-Structured Parzen Estimator, 2023, https://arxiv.org/abs/2304.11127.
    """

    startup_trials: Annotated[int, Range(ge=0)] = 10
    candidates: Count = 24

    def make(self, study_seed: int, number: int, space: Space, draw: int = 0) -> BaseSampler:
        """A sampler for a draw, counted from 0, for the trial `number` of the study."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)  # of `group`
            return TPESampler(
                n_startup_trials=self.startup_trials,
                n_ei_candidates=self.candidates,
                multivariate=True if space.is_conditional else None,  # None is Optuna's choice by objectives
                group=space.is_conditional,
                seed=proposal_seed(study_seed, number, draw),
            )


@dataclass(frozen=True)
class Mixed(Checked):
    """A Gaussian process and TPE in turn: the one finds a good region in fewer trials, the other goes on in it.

    Trials with odd numbers have the highest expected improvement by the process, the others are TPE's; from trial 100
    on, beyond which it was not measured, all are. With two objectives all are TPE's too.

    Args:
        startup_trials: finished trials before the models are used; they are random.
        candidates: draws from TPE's model, of which the best is proposed.

    It pays most where values are choices: measured in `docs/log.md`. Reference for the process: `improvement.py`.
    """

    startup_trials: Annotated[int, Range(ge=0)] = 10
    candidates: Count = 24

    def make(self, study_seed: int, number: int, space: Space, draw: int = 0) -> BaseSampler:
        """A sampler for a draw, counted from 0, for the trial `number` of the study."""
        tpe = TPE(self.startup_trials, self.candidates).make(study_seed, number, space, draw)
        if draw or number % 2 == 0 or number >= MIXED_TRIALS:
            return tpe
        seed = proposal_seed(study_seed, number)
        return ImprovementSampler(space, seed=seed, startup_trials=self.startup_trials, otherwise=tpe)


@dataclass(frozen=True)
class Random(Checked):
    """Uniform, or log-uniform on a log scale, and independent.

    Reference: J. Bergstra and Y. Bengio, Random Search for Hyper-Parameter Optimization, JMLR 13, 2012.
    """

    def make(self, study_seed: int, number: int, space: Space, draw: int = 0) -> BaseSampler:
        """A sampler for a draw, counted from 0, for the trial `number` of the study."""
        return RandomSampler(seed=proposal_seed(study_seed, number, draw))


@dataclass(frozen=True)
class Grid(Checked):
    """Every combination of the values once, in an order shuffled by the study's seed; then from the start again."""

    def make(self, study_seed: int, number: int, space: Space, draw: int = 0) -> BaseSampler:
        """A sampler for a draw, counted from 0, for the trial `number` of the study."""
        return PlannedSampler(grid_point(space, study_seed, number + draw))


@dataclass(frozen=True)
class CMAES(Checked):
    """Evolution by covariance matrix adaptation, for numbers alone.

    Args:
        startup_trials: complete trials before it starts; they are random.
        sigma: the first standard deviation, as a fraction of each axis.
        population: trials per generation; None is 4 + ⌊3 ln d⌋ of d axes.

    Reference: N. Hansen, The CMA Evolution Strategy: A Tutorial, 2016, https://arxiv.org/abs/1604.00772.
    """

    startup_trials: Annotated[int, Range(ge=0)] = 1
    sigma: Annotated[float, Range(gt=0, le=1)] = 1 / 6
    population: Annotated[int, Range(ge=4)] | None = None

    def make(self, study_seed: int, number: int, space: Space, draw: int = 0) -> BaseSampler:
        """A sampler for a draw, counted from 0, for the trial `number` of the study."""
        return EvolutionSampler(
            space,
            seed=proposal_seed(study_seed, number, draw),
            startup_trials=self.startup_trials,
            sigma=self.sigma,
            population=self.population,
        )


@dataclass(frozen=True)
class GP(Checked):
    """A Gaussian process with expected improvement; needs PyTorch.

    Args:
        startup_trials: complete trials before the model is used; they are random.

    Reference: D. Jones et al., Efficient Global Optimization of Expensive Black-Box Functions, 1998; S. Ament et
    al., Unexpected Improvements to Expected Improvement, NeurIPS 2023, https://arxiv.org/abs/2310.20708.
    """

    startup_trials: Count = 10

    def make(self, study_seed: int, number: int, space: Space, draw: int = 0) -> BaseSampler:
        """A sampler for a draw, counted from 0, for the trial `number` of the study."""
        return GPSampler(n_startup_trials=self.startup_trials, seed=proposal_seed(study_seed, number, draw))


@dataclass(frozen=True)
class QMC(Checked):
    """A sequence of points that fills the space evenly: trial n has point n.

    Args:
        sequence: `sobol`, which is most even at 2, 4, 8, ... trials, or `halton`.
        scramble: whether the points are scrambled by the study's seed, which keeps them as even.

    Reference: J. Bergstra and Y. Bengio, as above, section 5; A. Owen, On dropping the first Sobol' point, 2020,
    https://arxiv.org/abs/2008.08051.
    """

    sequence: Annotated[str, OneOf(SEQUENCES)] = "sobol"
    scramble: bool = True

    def make(self, study_seed: int, number: int, space: Space, draw: int = 0) -> BaseSampler:
        """A sampler for a draw, counted from 0, for the trial `number` of the study."""
        seed = study_seed if self.scramble else None
        return PlannedSampler(sequence_point(space, self.sequence, number + draw, scramble_seed=seed))


Sampler = TPE | Mixed | Random | Grid | CMAES | GP | QMC
SAMPLERS: dict[str, type[Sampler]] = {
    "tpe": TPE,
    "mixed": Mixed,
    "random": Random,
    "grid": Grid,
    "cmaes": CMAES,
    "gp": GP,
    "qmc": QMC,
}
"""By their names in `sweep.sampler`."""

LEARNING = (TPE, Mixed, CMAES, GP)
"""Those whose proposals depend on what trials gave."""
MODELLING = (TPE, Mixed, GP)
"""Those of them that make a model of all trials anew for each proposal."""
PLANNED = (Grid, QMC)
"""Those that propose the points of a plan in their order; what is drawn again is the next point."""


def has_torch() -> bool:
    """Whether PyTorch, which `gp` computes with, is installed."""
    return importlib.util.find_spec("torch") is not None
