"""The result of a run that has ended, read back from its directory instead of running it again."""

from __future__ import annotations

from pathlib import Path

from nnlab.config.schema import Config, as_dict
from nnlab.errors import UserError
from nnlab.execution.result import RunResult
from nnlab.runs.provenance import config_sha256
from nnlab.runs.stored_run import StoredRun
from nnlab.runs.tags import EPOCH_TAG, WEIGHTS_TAG


def recorded_result(config: Config, data_sha256: str, path: Path) -> RunResult | None:
    """The result of the run in the directory `path`, if it has ended by itself, with its model whole.

    Args:
        config: that the run has to have had.
        data_sha256: of the data that it has to have had.
        path: its directory.

    Returns:
        None where there is no such run, or anything about it is damaged: it has to be run.
    """
    try:
        stored = StoredRun.at(path)
        if stored is None or stored.status == "running" or not stored.is_over or stored.is_alive:
            return None
        known = (stored.provenance.get("config_sha256"), (stored.provenance.get("dataset") or {}).get("sha256"))
        if known != (config_sha256(as_dict(config)), data_sha256):
            return None
        epoch, parameters = int(stored.tags[EPOCH_TAG]), stored.model().network.parameters
        kept = stored.epochs[epoch] if epoch else {}
        return RunResult(
            directory=path,
            status=stored.status,
            reason=stored.reason or "",
            epoch=epoch,
            scores={name: value for name, value in kept.items() if name.startswith("val/")} | stored.test,
            weights_sha256=stored.tags[WEIGHTS_TAG],
            parameters=parameters.values_vector.size,
            by_epoch=stored.epochs,
        )
    except (UserError, OSError, LookupError, ValueError, AttributeError):
        return None
