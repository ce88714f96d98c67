"""One run from its config to its result: build, train, record. A sweep runs this many times."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType

import numpy as np
from threadpoolctl import threadpool_limits

from nnlab.config import Config, as_dict, build_trainer, dataset_of
from nnlab.console import Console
from nnlab.core.feed import stretches
from nnlab.core.network import ROWS_AT_ONCE, Network
from nnlab.core.rows import Array, Rows
from nnlab.data import Dataset
from nnlab.errors import TerminatedError
from nnlab.tracking.journal import Status
from nnlab.tracking.mirror_process import MirrorProcess
from nnlab.tracking.model_artifact import Model
from nnlab.tracking.provenance import collect
from nnlab.tracking.recorder import Recorder
from nnlab.training import DivergedError, EpochEnd, Progress, Tested, Trainer, TrainingEnd

EXAMPLE_ROWS = 5


@dataclass(frozen=True)
class Result:
    """What came of a run.

    Attributes:
        directory: the run's own.
        status: finished or diverged.
        reason: why, if not finished.
        scores: of the weights that were kept: their epoch's validation scores, and the test scores.
        weights_sha256: of those weights.
    """

    directory: Path
    status: Status
    reason: str
    scores: dict[str, float]
    weights_sha256: str


def run(
    config: Config,
    *,
    overrides: Sequence[str],
    command: Sequence[str],
    console: Console,
    mirror: MirrorProcess | None,
    test: bool = True,
) -> Result:
    """Train what the config describes, and record it.

    Args:
        config: validated.
        overrides: what was set on the command line, for the record.
        command: the program and its arguments, for the record.
        console: shows the progress.
        mirror: brings the run into MLflow; None leaves it in its directory.
        test: whether to evaluate the test split at the end.

    Raises:
        UserError: if the runs folder cannot be written.
        KeyboardInterrupt: if interrupted or terminated, after the run was closed as such.
    """
    with threadpool_limits(config.trainer.threads), _sigterm_raises():
        dataset = dataset_of(config.data, seed=config.seed)
        trainer = build_trainer(config, dataset)
        settings = as_dict(config)
        hint = f"{config.model.name}-{config.data.name}"
        provenance = collect(settings, dataset, command)
        with (
            Recorder.open(Path(config.runs_dir), hint, settings, overrides, provenance, mirror) as recorder,
            console,
        ):
            try:
                return _train(config, trainer, recorder, console, test=test)
            except TerminatedError:
                recorder.close("killed", "terminated by the system (SIGTERM)")
                raise


def _train(config: Config, trainer: Trainer, recorder: Recorder, console: Console, *, test: bool) -> Result:
    """Take the trainer's events to the recorder and the console, then keep what is left of the run."""
    status: Status = "finished"
    reason = ""
    kept, scores = 0, {}
    by_epoch: dict[int, dict[str, float]] = {}
    console.started(_title(config, trainer, recorder), config.trainer.epochs, trainer.steps_per_epoch)
    try:
        for event in trainer.run(test=test):
            match event:
                case Progress():
                    console.progress(event.epoch, event.step)
                case EpochEnd():
                    by_epoch[event.epoch] = dict(event.metrics)
                    recorder.epoch(event.epoch, event.metrics)
                    console.epoch(event.epoch, event.metrics, event.is_best)
                case TrainingEnd():
                    kept = event.epoch
                    scores = {name: by_epoch[kept][name] for name in by_epoch[kept] if name.startswith("val/")}
                    if event.stopped_early:
                        console.message(f"stopped early: no better epoch than {kept} for {config.trainer.patience}")
                case Tested():
                    recorder.test(kept, event.metrics)
                    scores |= event.metrics
    except DivergedError as error:
        status, reason = "diverged", str(error)
        console.warning(reason)

    digest = recorder.save_model(_model(trainer))
    if config.tracking.plots:
        best = kept if config.trainer.restore_best else 0
        _draw(trainer, recorder, console, best, tested="test/loss" in scores)
    recorder.close(status, reason or None)
    result = Result(recorder.directory.path, status, reason, scores, digest)
    console.finished(_summary(result, kept, by_epoch), [f"run directory  {result.directory}"])
    return result


def _title(config: Config, trainer: Trainer, recorder: Recorder) -> str:
    network = trainer.objective.network
    widths = "-".join(str(width) for width in (*network.features, *config.model.hidden, network.outputs))
    rows = trainer.dataset
    return (
        f"{recorder.directory.path.name}\n"
        f"{config.model.name} {widths}, {network.parameters.values_vector.size:,} parameters, on {rows.name}: "
        f"{len(rows.train):,} training, {len(rows.validation):,} validation, {len(rows.test):,} test rows"
    )


def _summary(result: Result, kept: int, by_epoch: dict[int, dict[str, float]]) -> dict[str, str]:
    seconds = sum(metrics["time/epoch_seconds"] for metrics in by_epoch.values())
    names = {
        "val/loss": "validation loss",
        "val/accuracy": "validation accuracy",
        "test/loss": "test loss",
        "test/accuracy": "test accuracy",
    }
    return {
        "status": result.status,
        **({"weights of epoch": str(kept)} if kept else {}),
        **{label: f"{result.scores[name]:.4f}" for name, label in names.items() if name in result.scores},
        "training": f"{seconds:.2f} s",
        "weights sha256": result.weights_sha256[:16],
    }


def _model(trainer: Trainer) -> Model:
    dataset = trainer.dataset
    example = dataset.train.first(EXAMPLE_ROWS)
    return Model(
        network=trainer.objective.network,
        scaling=dataset.train.scaling,
        class_names=dataset.class_names,
        example=example.x[example.index],
    )


def _draw(trainer: Trainer, recorder: Recorder, console: Console, best: int, *, tested: bool) -> None:
    """The run's pictures. They are worth a warning if they fail, not the run."""
    from nnlab.tracking.plots import draw_all

    dataset, network = trainer.dataset, trainer.objective.network
    name, shown = _shown(dataset, tested=tested)
    weights = [array for array in network.parameters.named().values() if array.ndim == 2]
    try:
        draw_all(
            recorder.directory.path / "plots",
            history=recorder.history(),
            best_epoch=best or None,
            dataset=dataset,
            outputs=_outputs(network, shown),
            shown=shown,
            shown_name=name,
            first_weights=weights[0],
        )
    except Exception as error:
        console.warning(f"the plots could not be drawn: {type(error).__name__}: {error}")


def _outputs(network: Network, rows: Rows) -> Array:
    """The network's outputs for every row of a split, a stretch at a time: floats take four times a byte's room."""
    parts = stretches(rows.index, ROWS_AT_ONCE)
    return np.concatenate([network.predict(replace(rows, index=ids).inputs(network.dtype)) for ids in parts])


def _shown(dataset: Dataset, *, tested: bool) -> tuple[str, Rows]:
    """The split whose mistakes are shown: the test split only if it was evaluated anyway."""
    if tested:
        return "test", dataset.test
    return ("validation", dataset.validation) if len(dataset.validation) else ("training", dataset.train)


@contextmanager
def _sigterm_raises() -> Iterator[None]:
    """Turn SIGTERM into an exception, so that a terminated run is closed as such; only the main thread can."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def terminate(number: int, frame: FrameType | None) -> None:
        raise TerminatedError

    before = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
