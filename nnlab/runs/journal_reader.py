"""The reading end of a journal: its events, added up to the state of the run."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from nnlab.runs import journal
from nnlab.runs.journal import Event, Status

Metrics = dict[str, float]


class JournalReader:
    """What the events of a journal say that count, as far as they were read.

    When a run restarts from scratch, what came before no longer counts. A step recorded twice has the
    metrics that were recorded last. Times are milliseconds since 1970 (UTC).

    Args:
        journal_path: of a journal that may still grow; nothing is read before `update`.

    Attributes:
        status: how the run ended; "running" while no end counts; so is a killed run until its end is noted.
        reason: why it ended so, if there is a reason.
        epochs: the metrics of each epoch, by its number from 1.
        kept: `best/epoch`, `best/val/loss` and so on of the weights that are kept, and what a study adds;
            empty before they are chosen.
        test: the metrics of the test split; empty if it was left alone.
        tested_epoch: the epoch whose weights they are of; None without them.
        extensions: for each extension after how many epochs it came, and how many there are to be in total since.
        trials: of a study, its metrics by the number of finished trials.
        tags: facts that became known during the run.
        evaluations: how often the test split was ever evaluated, before any restart too.
        started_at: when the run started.
        last_epoch_at: when its last epoch was recorded, if there is one.
        tested_at: when the test split was evaluated, if it was.
        ended_at: when the run ended, if it has.
    """

    status: Status | Literal["running"]
    reason: str | None
    epochs: dict[int, Metrics]
    kept: Metrics
    test: Metrics
    tested_epoch: int | None
    extensions: list[tuple[int, int]]
    trials: dict[int, Metrics]
    tags: dict[str, str]
    started_at: int
    last_epoch_at: int | None
    tested_at: int | None
    ended_at: int | None

    def __init__(self, journal_path: Path) -> None:
        self.evaluations = 0
        self._journal_path = journal_path
        self._offset = 0
        self._start_anew(at=0)

    @property
    def is_over(self) -> bool:
        """Whether the run has nothing left to do, by itself or by its study's word; one that was stopped can go on."""
        return self.status in ("finished", "pruned", "over_limit", "diverged")

    @property
    def has_ended(self) -> bool:
        """Whether an end counts."""
        return self.ended_at is not None

    @property
    def last_epoch(self) -> int:
        """The number of the last epoch that is recorded; 0 before the first."""
        return max(self.epochs, default=0)

    @property
    def unit(self) -> Literal["epoch", "trial"]:
        """What one row of `history` is about: a finished trial in a study, an epoch in any other run."""
        return "trial" if self.trials else "epoch"

    @property
    def history(self) -> dict[int, Metrics]:
        """The metrics of each epoch, or of a study after each finished trial, by their numbers from 1."""
        return self.trials or self.epochs

    def update(self) -> dict[int, Metrics]:
        """Read what was appended since the last time; returns the epochs among it, by their numbers.

        Raises:
            UserError: if a line is no event.
            OSError: if the journal cannot be read.
        """
        events, self._offset = journal.read(self._journal_path, self._offset)
        for event in events:
            self._take(event)
        return {event["epoch"]: event["metrics"] for event in events if event["event"] == "epoch"}

    def _start_anew(self, at: int) -> None:
        self.status, self.reason = "running", None
        self.epochs, self.kept, self.test, self.trials, self.tags = {}, {}, {}, {}, {}
        self.tested_epoch, self.extensions = None, []
        self.started_at, self.last_epoch_at, self.tested_at, self.ended_at = at, None, None, None

    def _take(self, event: Event) -> None:
        match event["event"]:
            case "start" if event.get("goes_on"):
                self.status, self.reason, self.ended_at = "running", None, None
                if event.get("epochs", 0) > self.last_epoch:  # one that came too late changed nothing
                    self.extensions.append((self.last_epoch, event["epochs"]))
            case "start":
                self._start_anew(at=event["time"])
            case "epoch":
                self.epochs[event["epoch"]], self.last_epoch_at = event["metrics"], event["time"]
            case "kept":
                self.kept |= event["metrics"]
            case "test":
                self.test, self.tested_epoch, self.tested_at = event["metrics"], event["epoch"], event["time"]
                self.evaluations += 1
            case "trial":
                self.trials[event["number"]] = event["metrics"]
            case "note":
                self.tags |= event["tags"]
            case "end":
                self.status, self.reason, self.ended_at = event["status"], event["reason"], event["time"]
