"""Initialization against depth: what happens to the signal and the gradients, and whether the net then trains."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import product

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from experiments.claims import Measured, hypothesis
from experiments.experiment import Experiment, Findings, Runs
from experiments.figures import COLOURS, plot_band, plot_points
from experiments.initialization import norms
from experiments.lab import Lab, Planned
from experiments.tables import spread, table
from nnlab.plots import look, new_figure

NAME = "initialization"
SETTING = ("optimizer=sgd", "optimizer.lr=0.03", "trainer.batch_size=64", "tracking.plots=false")
WIDTH, DEPTHS, MODERATE, DEEPEST, EPOCHS = 100, (2, 5, 10, 20), 5, 20, 2
ACTIVATIONS = {"relu": "ReLU", "tanh": "tanh"}
INITS = {"normal": "N(0, 1)", "glorot_normal": "Glorot", "he_normal": "He"}
CHANCE = 0.1
"""What the accuracy of a run that diverged counts as: its weights are of no use."""

QUANTITIES = (norms.SIGNAL, norms.GRADIENT, norms.WEIGHTS)

Norms = Mapping[tuple[str, str], list[pd.DataFrame]]
"""By activation and initializer, one per seed."""


def plan(lab: Lab) -> list[Planned]:
    """One run per activation, initializer, depth and seed."""
    return [
        run
        for activation, init, depth in product(ACTIVATIONS, INITS, _depths(lab))
        for run in lab.plan(
            NAME,
            _variant(activation, init, depth),
            *_net(lab, activation, depth),
            f"model.init={init}",
        )
    ]


def judge(lab: Lab, runs: Runs) -> Findings:
    """Three hypotheses, seed by seed, and the norms."""
    measured = [
        _compared(lab, runs, "relu", MODERATE, "glorot_normal", "normal"),
        _compared(lab, runs, "relu", DEEPEST, "he_normal", "glorot_normal"),
        _compared(lab, runs, "tanh", DEEPEST, "glorot_normal", "he_normal"),
    ]
    at_start = {(activation, init): _norms(lab, activation, init) for activation, init in product(ACTIVATIONS, INITS)}
    figures = {"norms": _norms_figure(at_start), "accuracy": _accuracy_figure(lab, runs)}
    return Findings(measured, _found(lab, runs, at_start), figures)


def _depths(lab: Lab) -> tuple[int, ...]:
    return (MODERATE, DEEPEST) if lab.is_quick else DEPTHS


def _variant(activation: str, init: str, depth: int) -> str:
    return f"{activation} {init} {depth}"


def _net(lab: Lab, activation: str, depth: int) -> tuple[str, ...]:
    widths = ",".join([str(WIDTH)] * depth)
    return (*SETTING, lab.epochs(EPOCHS), f"model.activation={activation}", f"model.hidden=[{widths}]")


def _accuracies(runs: Runs, activation: str, init: str, depth: int) -> list[float]:
    """By seed, of the epoch that validation chose; chance where the run diverged."""
    table = runs.of(_variant(activation, init, depth))
    return [float(row["val/accuracy"]) if row["status"] == "finished" else CHANCE for _, row in table.iterrows()]


def _compared(lab: Lab, runs: Runs, activation: str, depth: int, init: str, other: str) -> Measured:
    ours, theirs = (_accuracies(runs, activation, each, depth) for each in (init, other))
    text = f"validation accuracy, {ACTIVATIONS[activation]}, {depth} hidden layers: {INITS[init]} less {INITS[other]}"
    return hypothesis(
        text,
        [one - two for one, two in zip(ours, theirs, strict=True)],
        seconds=runs.seconds(*(_variant(activation, each, depth) for each in (init, other))),
        command=lab.command(*_net(lab, activation, depth), f"model.init={init},{other}"),
    )


def _norms(lab: Lab, activation: str, init: str) -> list[pd.DataFrame]:
    """Of the deepest net, for each seed; in float64, where N(0, 1) and many layers do not overflow."""
    overrides = (*_net(lab, activation, DEEPEST), f"model.init={init}", "dtype=float64")
    config = lab.plan(NAME, "norms", *overrides)[0].job.config
    return [norms.norms(replace(config, seed=seed)) for seed in range(lab.seeds)]


def _found(lab: Lab, runs: Runs, at_start: Norms) -> str:
    head = ["units", "initializer", "signal", "gradient", *(f"{depth} layers" for depth in _depths(lab))]
    rows = []
    for (activation, init), tables in at_start.items():
        factors = _factors(tables, norms.SIGNAL), [1 / factor for factor in _factors(tables, norms.GRADIENT)]
        accuracies = [_cell(runs, activation, init, depth) for depth in _depths(lab)]
        rows.append([ACTIVATIONS[activation], INITS[init], *(spread(each, 2) for each in factors), *accuracies])
    return table(head, rows)


def _factors(tables: list[pd.DataFrame], column: str) -> list[float]:
    """From layer to layer, by seed: the geometric mean over the layers."""
    return [float(start[column].iloc[-1] / start[column].iloc[0]) ** (1 / (len(start) - 1)) for start in tables]


def _cell(runs: Runs, activation: str, init: str, depth: int) -> str:
    diverged = int((runs.of(_variant(activation, init, depth))["status"] == "diverged").sum())
    accuracies = spread(_accuracies(runs, activation, init, depth), 3)
    return accuracies + (f", {diverged} diverged" if diverged else "")


def _norms_figure(at_start: Norms) -> Figure:
    with look():
        figure = new_figure(9.0, 5.4)
        grid = figure.subplots(len(ACTIVATIONS), len(QUANTITIES), sharex=True)
        for (activation, name), row in zip(ACTIVATIONS.items(), grid, strict=True):
            row[0].set_ylabel("root mean square")
            for quantity, axes in zip(QUANTITIES, row, strict=True):
                axes.set_prop_cycle(color=COLOURS)
                axes.set_title(f"{name}: {quantity}")
                axes.set_yscale("log")
                axes.yaxis.set_major_formatter(lambda power, _: f"{power:g}")
                axes.yaxis.set_minor_formatter(NullFormatter())
                axes.set_xticks([1, 5, 10, 15, DEEPEST])
                axes.grid(visible=True)
                for init, label in INITS.items():
                    seeds = pd.concat([start[quantity] for start in at_start[activation, init]], axis=1)
                    plot_band(axes, seeds, label=label)
                axes.set_ylim(bottom=min(0.1, axes.get_ylim()[0]))  # two labelled powers of ten at least
        for axes in grid[-1]:
            axes.set_xlabel("hidden layer")
        figure.legend(*grid[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=len(INITS))
    return figure


def _accuracy_figure(lab: Lab, runs: Runs) -> Figure:
    with look():
        figure = new_figure(8.0, 4.0)
        grid = figure.subplots(1, len(ACTIVATIONS), sharey=True)
        for (activation, name), axes in zip(ACTIVATIONS.items(), grid, strict=True):
            axes.set_prop_cycle(color=COLOURS)
            axes.set_title(name)
            axes.set_xlabel("hidden layers")
            axes.set_xticks(_depths(lab))
            axes.grid(visible=True)
            for init, label in INITS.items():
                values = [_accuracies(runs, activation, init, depth) for depth in _depths(lab)]
                plot_points(axes, [float(depth) for depth in _depths(lab)], values, label=label)
            axes.axhline(CHANCE, color="black", linestyle=":", linewidth=1, label="chance")
        grid[0].set_ylabel("validation accuracy")
        figure.legend(*grid[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(INITS) + 1)
    return figure


EXPERIMENT = Experiment(NAME, "How should weights be initialized, the deeper the net is?", plan, judge)
