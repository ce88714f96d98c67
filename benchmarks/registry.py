"""The benchmarks by name, in the order in which they run."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.bench import Bench
from benchmarks.checkpoints import checkpoints
from benchmarks.commands import memory, whole_run
from benchmarks.growth import growth_runs, growth_training
from benchmarks.growth_trials import growth_trials
from benchmarks.report import Table
from benchmarks.search.pruning.search_pruning import search_pruning
from benchmarks.search.search_contest import search_contest
from benchmarks.search.search_digits import search_digits
from benchmarks.search.search_table import search_table, search_table_hpolib
from benchmarks.sweeps import sweep_overhead, sweep_rate, sweep_workers
from benchmarks.training.profiled import profile_deep_50, profile_truth_table
from benchmarks.training.tables import (
    evaluation,
    train_deep_50,
    train_deep_128,
    train_online,
    train_truth_table,
    train_wide,
)

BENCHMARKS: dict[str, Callable[[Bench], Table]] = {
    "train-deep-50": train_deep_50,
    "train-deep-128": train_deep_128,
    "train-wide": train_wide,
    "train-online": train_online,
    "train-truth-table": train_truth_table,
    "evaluation": evaluation,
    "profile-deep-50": profile_deep_50,
    "profile-truth-table": profile_truth_table,
    "whole-run": whole_run,
    "memory": memory,
    "checkpoints": checkpoints,
    "sweep-rate": sweep_rate,
    "sweep-overhead": sweep_overhead,
    "sweep-workers": sweep_workers,
    "search-contest": search_contest,
    "search-pruning": search_pruning,
    "search-table": search_table,
    "search-table-hpolib": search_table_hpolib,
    "search-digits": search_digits,
    "growth-training": growth_training,
    "growth-trials": growth_trials,
    "growth-runs": growth_runs,
}
