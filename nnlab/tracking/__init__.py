"""Keeping a run: its own directory is the truth, and MLflow is a view of it.

`recorder` writes `run_directory` and `journal`, with `provenance` and `model_artifact`; `mirror_process` starts
`mirror`, which brings runs into MLflow, as often as `following` says, by `feed` (`store`, `description`,
`logged_model`, `view`).
"""

from nnlab.tracking.journal import Status as Status
from nnlab.tracking.mirror_process import MirrorProcess as MirrorProcess
from nnlab.tracking.provenance import collect as collect
from nnlab.tracking.recorder import Recorder as Recorder
from nnlab.tracking.run_directory import RunDirectory as RunDirectory
from nnlab.tracking.store import resolve_uri as resolve_uri
