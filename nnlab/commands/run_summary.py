"""What is shown of a run when it starts and when it has ended."""

from __future__ import annotations

from nnlab.execution.events import RunEnded, RunStarted


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


def summary(event: RunEnded) -> str:
    """The results of the run, as a small table, and where the run is."""
    result = event.result
    names = {
        "val/loss": "validation loss",
        "val/accuracy": "validation accuracy",
        "test/loss": "test loss",
        "test/accuracy": "test accuracy",
    }
    facts = {
        "status": result.status,
        **({"weights of epoch": str(result.epoch)} if result.epoch else {}),
        **{label: f"{result.scores[name]:.4f}" for name, label in names.items() if name in result.scores},
        **({"test split": "not evaluated (trainer.test=false)"} if event.test_left_alone else {}),
        "training": f"{result.seconds:.2f} s",
        "weights sha256": result.weights_sha256[:16],
    }
    width = max(map(len, facts))
    table = [f"  {name:<{width}}  {value}" for name, value in facts.items()]
    return "\n".join([*table, "", f"run directory  {result.directory}"])
