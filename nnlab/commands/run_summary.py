"""What a run says of itself at its beginning and at its end."""

from __future__ import annotations

from nnlab.config.schema import Config
from nnlab.execution.result import Result
from nnlab.training import Trainer


def title(config: Config, trainer: Trainer, name: str) -> str:
    """The run's name, its network, its rows, and what was done to them."""
    network = trainer.objective.network
    widths = "-".join(str(width) for width in (*network.features, *config.model.hidden, network.outputs))
    rows, threads = trainer.dataset, config.trainer.threads
    return (
        f"{name}\n"
        f"{config.model.name} {widths}, {network.parameters.values_vector.size:,} parameters in {network.dtype}, "
        f"on {rows.name}: {len(rows.train):,} training, {len(rows.validation):,} validation, "
        f"{len(rows.test):,} test rows\n"
        + "".join(f"{note}\n" for note in rows.notes)
        + f"{threads} BLAS thread{'' if threads == 1 else 's'}"
    )


def summary(result: Result, *, left_alone: bool) -> dict[str, str]:
    """What came of the run, by what it is; `left_alone` is the test split that there is, but was not evaluated."""
    names = {
        "val/loss": "validation loss",
        "val/accuracy": "validation accuracy",
        "test/loss": "test loss",
        "test/accuracy": "test accuracy",
    }
    return {
        "status": result.status,
        **({"weights of epoch": str(result.epoch)} if result.epoch else {}),
        **{label: f"{result.scores[name]:.4f}" for name, label in names.items() if name in result.scores},
        **({"test split": "left alone (trainer.test=false)"} if left_alone else {}),
        "training": f"{result.seconds:.2f} s",
        "weights sha256": result.weights_sha256[:16],
    }
