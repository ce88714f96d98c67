"""One run from its config to its result: build, train, record. A sweep runs this many times."""

from __future__ import annotations

import os
import shlex
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from types import FrameType

from threadpoolctl import threadpool_limits

from nnlab.commands.run_console import Console
from nnlab.commands.run_summary import summary, title
from nnlab.config.build import build_trainer
from nnlab.config.schema import Config, as_dict
from nnlab.config.test_split import with_test
from nnlab.data.loading import dataset_of
from nnlab.errors import TerminatedError
from nnlab.execution.result import Membership, Result
from nnlab.mlflow_sync.state import Follower
from nnlab.models.saved_model import ARCHITECTURE, WEIGHTS, Model, load_model
from nnlab.runs import journal
from nnlab.runs.directory import JOURNAL, RunDirectory
from nnlab.runs.journal import Status
from nnlab.runs.provenance import collect
from nnlab.runs.recorder import Recorder
from nnlab.runs.tags import COMMAND_TAG, EPOCH_TAG
from nnlab.training import DivergedError, EpochEnd, Progress, Tested, Trainer, TrainingEnd

EXAMPLE_ROWS = 5


def run(
    config: Config,
    *,
    overrides: Sequence[str],
    command: Sequence[str],
    console: Console,
    mirror: Follower | None,
    member: Membership | None = None,
) -> Result:
    """Train what the config describes, and record it.

    The test split is evaluated at the end, once, unless `trainer.test` is false; by a member of a study never, since
    its study selects among them. It is passed forward that one time: pictures take what came out of it.

    Args:
        config: validated.
        overrides: what was set on the command line, for the record.
        command: the program and its arguments, for the record.
        console: shows the progress.
        mirror: brings the run into MLflow; None leaves it in its directory.
        member: how the run belongs to a study, if it does.

    Raises:
        UserError: if the runs folder cannot be written, or the member's directory is in use.
        KeyboardInterrupt: if interrupted or terminated, after the run was closed as such.
    """
    config = with_test(config, bool(config.trainer.test) and member is None)
    announce = mirror.follow if mirror else None
    with threadpool_limits(int(config.trainer.threads)), sigterm_raises():
        dataset = member.dataset if member else dataset_of(config.data, seed=config.seed)
        trainer = build_trainer(config, dataset)
        settings = as_dict(config)
        provenance = collect(settings, dataset, command)
        if member:
            provenance |= {
                "tags": dict(member.tags),
                "parent": os.path.relpath(member.study, member.path),
                "name": member.name,
            }
            directory = RunDirectory.claim(member.path)
        else:
            directory = RunDirectory.create(Path(config.runs_dir), f"{config.model.name}-{config.data.name}")
        with Recorder.open(directory, settings, overrides, provenance, announce) as recorder, console:
            try:
                return _train(config, trainer, recorder, console, command, member)
            except TerminatedError:
                recorder.close("killed", "terminated by the system (SIGTERM)")
                raise


def _train(
    config: Config,
    trainer: Trainer,
    recorder: Recorder,
    console: Console,
    command: Sequence[str],
    member: Membership | None,
) -> Result:
    """Take the trainer's events to the recorder and the console, then keep what is left of the run."""
    watch = member.watch if member else None
    status: Status = "finished"
    reason = ""
    best, kept = 0, 0
    tested: Tested | None = None
    by_epoch: dict[int, dict[str, float]] = {}
    console.started(title(config, trainer, recorder.directory.name), config.trainer.epochs, trainer.steps_per_epoch)
    try:
        with closing(trainer.run()) as events:
            for event in events:
                match event:
                    case Progress():
                        console.progress(event.epoch, event.step)
                    case EpochEnd():
                        by_epoch[event.epoch] = dict(event.metrics)
                        best = event.epoch if event.is_best or not config.trainer.restore_best else best
                        recorder.epoch(event.epoch, event.metrics)
                        console.epoch(event.epoch, event.metrics, event.is_best)
                        if watch and (pruned := watch(event.epoch, event.metrics)):
                            status, reason, kept = "pruned", pruned, best
                            repeating = [*command, f"trainer.stop_after={event.epoch}"]
                            recorder.tag({COMMAND_TAG: shlex.join(repeating)})
                            break
                    case TrainingEnd():
                        kept = event.epoch
                        if event.stopped_early:
                            console.message(f"stopped early: no better epoch than {kept} for {config.trainer.patience}")
                    case Tested():
                        recorder.test(kept, event.metrics)
                        tested = event
    except DivergedError as error:
        status, reason = "diverged", str(error)
        console.warning(reason)

    digest = recorder.save_model(_model(trainer))
    if trainer.profile is not None:
        recorder.directory.write("profile.csv", trainer.profile.table())
        console.message(f"profile: {recorder.directory.path / 'profile.csv'}")
    recorder.tag({EPOCH_TAG: str(kept)})
    if config.tracking.plots:
        _draw(trainer, recorder, console, kept if config.trainer.restore_best else 0, tested)
    result = Result(
        recorder.directory.path,
        status,
        reason,
        kept,
        {name: value for name, value in by_epoch.get(kept, {}).items() if name.startswith("val/")}
        | dict(tested.metrics if tested else {}),
        digest,
        trainer.objective.network.parameters.values_vector.size,
        by_epoch,
    )
    value = member.value(result) if member and status == "finished" else {}
    # A diverged run keeps the best weights from before, if it selects at all.
    selects = config.trainer.restore_best and len(trainer.dataset.validation) > 0
    if whose := kept or (best if selects else 0):
        recorder.kept(whose, {**kept_scores(whose, by_epoch[whose]), **value})
    recorder.close(status, reason or None)
    left_alone = status == "finished" and tested is None and len(trainer.dataset.test) > 0
    console.finished(summary(result, left_alone=left_alone), [f"run directory  {result.directory}"])
    return result


def kept_scores(epoch: int, metrics: Mapping[str, float]) -> dict[str, float]:
    """What MLflow compares runs by: `best/epoch`, and that epoch's validation scores as `best/val/loss` and so on."""
    scores = {f"best/{name}": value for name, value in metrics.items() if name.startswith("val/")}
    return {"best/epoch": epoch, **scores}


def test_member(config: Config, path: Path, *, console: Console, mirror: Follower | None) -> Tested:
    """Evaluate the kept weights of a study's run on the test split, after selection, and add that to the run.

    What was evaluated before is not evaluated again.

    Args:
        config: of the run.
        path: its directory.
        console: shows what goes wrong with the pictures.
        mirror: brings it into MLflow.

    Raises:
        UserError: if the run's model is damaged.
        DivergedError: if the loss on the test split is NaN or infinite.
    """
    from nnlab.config.repeat import overrides_of  # brings Hydra, which workers do without

    announce = mirror.follow if mirror else None
    events, _ = journal.read(path / JOURNAL)
    events = journal.counting(events)
    known = next((event["metrics"] for event in events if event["event"] == "test"), None)
    if known is not None:
        if journal.end_of(events) is None:  # killed before it could say so
            Recorder.reopen(path, announce).close("finished")
        return Tested(known)
    tags = {key: value for event in events if event["event"] == "note" for key, value in event["tags"].items()}
    epoch = int(tags[EPOCH_TAG])
    trainer = build_trainer(config, dataset_of(config.data, seed=config.seed))
    model = load_model(path / "model" / ARCHITECTURE, path / "model" / WEIGHTS)
    trainer.objective.network.parameters.values_vector[...] = model.network.parameters.values_vector
    with threadpool_limits(int(config.trainer.threads)):
        tested = trainer.test()
        with Recorder.reopen(path, announce) as recorder:
            recorder.test(epoch, tested.metrics)
            repeating = ["python", "-m", "nnlab.run", *overrides_of(with_test(config, True))]
            recorder.tag({COMMAND_TAG: shlex.join(repeating)})
            if config.tracking.plots:
                _draw(trainer, recorder, console, epoch if config.trainer.restore_best else 0, tested)
    return tested


def _model(trainer: Trainer) -> Model:
    dataset = trainer.dataset
    return Model(
        network=trainer.objective.network,
        scaling=dataset.train.scaling,
        class_names=dataset.class_names,
        example=dataset.example(EXAMPLE_ROWS),
    )


def _draw(trainer: Trainer, recorder: Recorder, console: Console, best: int, tested: Tested | None) -> None:
    """The run's pictures. They are worth a warning if they fail, not the run."""
    from nnlab.plots import draw_run

    folder, network = recorder.directory.path / "plots", trainer.objective.network
    try:
        draw_run(
            folder,
            network,
            trainer.dataset,
            history=recorder.history(),
            best_epoch=best or None,
            test_outputs=tested.outputs if tested else None,
        )
    except Exception as error:
        console.warning(f"the plots could not be drawn: {type(error).__name__}: {error}")


@contextmanager
def sigterm_raises() -> Iterator[None]:
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
