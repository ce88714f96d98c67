"""What is shown of a run when it starts and when it has ended."""

from __future__ import annotations

from nnlab.execution.events import GoesOn, RunEnded, RunStarted
from nnlab.execution.resume import resume_command
from nnlab.wording import number_of

STOPPED = ("interrupted", "killed")
"""The statuses of a run that goes on by a command."""


def title(event: RunStarted) -> str:
    """The run's name, its network, its rows, and what was done to them."""
    config, network, rows = event.config, event.trainer.objective.network, event.trainer.dataset
    widths = "-".join(str(width) for width in (*network.features, *config.model.hidden, network.outputs))
    threads = config.trainer.threads
    return (
        f"{event.directory.name}\n"
        f"{config.model.name} {widths}, {network.parameters.values_vector.size:,} parameters in {network.dtype}, "
        f"on {rows.name}: {len(rows.train):,} training, {len(rows.validation):,} validation, "
        f"{len(rows.test):,} test rows\n"
        + "".join(f"{note}\n" for note in rows.notes)
        + f"{threads} BLAS thread{'' if threads == 1 else 's'}"
    )


def going_on(event: GoesOn) -> str:
    """Where a run goes on that was stopped before."""
    if event.recorded and (event.epoch, event.step) == (1, 0):
        recorded = number_of(event.recorded, "epoch")
        return f"starts anew, without a checkpoint, and compares with the {recorded} that it has recorded"
    again = event.recorded - event.epoch + 1
    where = f"goes on at epoch {event.epoch}, step {event.step} of {event.steps}"
    if again <= 0:
        return where
    return f"{where}; {number_of(again, 'epoch was', 'epochs were')} recorded after its checkpoint, to be compared"


def summary(event: RunEnded) -> str:
    """The results of the run, as a small table, and where the run is; if it was stopped, how it goes on."""
    result = event.result
    names = {
        "val/loss": "validation loss",
        "val/accuracy": "validation accuracy",
        "test/loss": "test loss",
        "test/accuracy": "test accuracy",
    }
    facts = {
        "status": result.status,
        **({"stopped": result.reason} if result.status in STOPPED else {}),
        **({"weights of epoch": str(result.epoch)} if result.epoch else {}),
        **{label: f"{result.scores[name]:.4f}" for name, label in names.items() if name in result.scores},
        **({"test split": "not evaluated (trainer.test=false)"} if event.test_left_alone else {}),
        "training": f"{result.seconds:.2f} s",
        "weights sha256": result.weights_sha256[:16],
    }
    width = max(map(len, facts))
    table = [f"  {name:<{width}}  {value}" for name, value in facts.items()]
    places = [f"run directory  {result.directory}"]
    if result.status in STOPPED:
        places += [f"model          {result.directory / 'model'}", f"resume it      {resume_command(result.directory)}"]
    return "\n".join([*table, "", *places])
