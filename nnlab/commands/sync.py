"""`python -m nnlab.sync [RUN_ID ...]`: bring everything into MLflow that it has not got.

Any number of times, interrupted anywhere: nothing is doubled. What MLflow has lost since is sent again. Exit status 0
if MLflow has everything then, 1 if something is left, 130 after Ctrl-C.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nnlab.commands.place_options import add_runs_dir, add_tracking_uri
from nnlab.commands.sync_console import SyncConsole, sync_console_for
from nnlab.config.tracking_uri import resolve_uri
from nnlab.errors import UserError
from nnlab.mlflow_sync.backlog import destination
from nnlab.mlflow_sync.launch import prepare_this_process
from nnlab.paths import expanded
from nnlab.runs.directory import left_alone
from nnlab.runs.owners import check_own
from nnlab.runs.resolve import resolve

if TYPE_CHECKING:
    from nnlab.mlflow_sync.catching_up import CatchingUp

NICENESS = 10
"""How much it yields to what trains."""
SECONDS_BETWEEN_LOOKS = 2.0
REST, LONGEST_REST = 20.0, 30.0
"""With `--watch` it rests for so many times as long as it last took to look at all runs, but not for longer (seconds).
What is sent does not count: a store that took a minute to fill would be left alone for twenty."""


def main(arguments: Sequence[str]) -> int:
    """The command; returns its exit status."""
    parser = argparse.ArgumentParser(prog="nnlab.sync", description=__doc__)
    parser.add_argument("runs", nargs="*", metavar="RUN_ID", help="these alone, a study with its trials (default: all)")
    parser.add_argument("--watch", action="store_true", help="follow running and new runs, until Ctrl-C")
    parser.add_argument("--to", metavar="URI", help="copy to this store; where the runs go otherwise stays as it is")
    parser.add_argument("--dry-run", action="store_true", help="say what would be sent, and send nothing")
    add_runs_dir(parser)
    add_tracking_uri(parser)
    options = parser.parse_args(arguments)
    if options.watch and options.dry_run:
        raise UserError("--watch sends what comes, and --dry-run sends nothing. Leave one of them out.")
    runs_dir = expanded(options.runs_dir).absolute()
    if not runs_dir.is_dir():
        raise UserError(f"The folder of the runs must exist, but {runs_dir} does not. Name it by --runs-dir.")
    chosen = {resolve(run, runs_dir).absolute() for run in options.runs}
    for run in sorted(chosen):
        check_own(run)
    to = None if options.to is None else resolve_uri(options.to, runs_dir)
    if to is None:
        _check_they_go_to_mlflow(chosen)
    os.nice(NICENESS)
    prepare_this_process()
    from nnlab.mlflow_sync.catching_up import CatchingUp

    work = CatchingUp(runs_dir, chosen or None, to, [resolve_uri(options.tracking_uri, runs_dir)])
    with sync_console_for() as console:
        if not chosen and (others := left_alone(runs_dir)):
            console.note(others)
        if options.dry_run:
            return _say_what_would_be_sent(work, console)
        try:
            _send(work, console)
            if options.watch:
                _watch(work, console)
        except KeyboardInterrupt:
            left = len(console.left) + console.not_tried
            console.say(f"interrupted; {left} left, which the next {parser.prog} sends" if left else "interrupted")
            return 130
        console.summary()
        return 1 if console.left or console.is_unsure else 0


def _send(work: CatchingUp, console: SyncConsole) -> None:
    """Everything, once; what is noted as complete is asked for first."""
    deliveries, damaged = work.deliveries()
    for handled in damaged:
        console.left[handled.run] = handled.reason
    for delivery in deliveries:
        refusal = delivery.check()
        console.store(delivery.uri, len(delivery.to_send), len(delivery.lost), delivery.there)
        if refusal is not None:
            console.cannot_ask(delivery.uri, delivery.to_send, refusal.text)
            continue
        for handled in delivery.send():
            console.handled(handled)


def _watch(work: CatchingUp, console: SyncConsole) -> None:
    """What comes and what goes on, until Ctrl-C."""
    console.say("watching; Ctrl-C ends it")
    told = {run: f"left {reason}" for run, reason in console.left.items()}
    while True:
        started = time.monotonic()
        deliveries, damaged = work.deliveries()
        looked = time.monotonic() - started
        for delivery in deliveries:
            if delivery.store_is_replaced and delivery.check() is None and delivery.to_send:
                console.say(f"MLflow's store at {delivery.uri} was deleted or replaced: what it lacks is sent again")
        found = [*damaged, *(handled for delivery in deliveries for handled in delivery.send(patience=0.0))]
        for handled in found:
            news = f"{handled.result} {handled.reason}"
            console.found(handled, is_new=told.get(handled.run) != news)
            told[handled.run] = news
        time.sleep(min(max(SECONDS_BETWEEN_LOOKS, REST * looked), LONGEST_REST))


def _say_what_would_be_sent(work: CatchingUp, console: SyncConsole) -> int:
    deliveries, damaged = work.deliveries()
    for handled in damaged:
        console.left[handled.run] = handled.reason
    for delivery in deliveries:
        refusal = delivery.check()
        console.would_send(delivery.uri, delivery.to_send, len(delivery.lost), delivery.there)
        if refusal is not None:
            console.cannot_ask(delivery.uri, [], refusal.text)
    console.say_left()
    return 1 if damaged or console.is_unsure or any(delivery.to_send for delivery in deliveries) else 0


def _check_they_go_to_mlflow(runs: Iterable[Path]) -> None:
    for run in sorted(runs):
        if destination(run) is None:
            raise UserError(
                f"A run that is sent must go to MLflow, but {run.name} is kept out of it (tracking.enabled=false). "
                "Name a store to copy it to: --to URI."
            )
