"""The pictures of a run, drawn where its network and its data are at hand."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from nnlab.runs.directory import PLOTS
from nnlab.runs.files import write_atomically
from nnlab.runs.recorder import Recorder
from nnlab.training import Tested, Trainer


def draw(
    trainer: Trainer, recorder: Recorder, epoch: int, tested: Tested | None, warn: Callable[[str], object]
) -> None:
    """Draw the pictures of a run into its `plots/`; a failure costs a warning, not the run.

    Args:
        trainer: of the run, with the weights that the run keeps.
        recorder: of the run.
        epoch: whose weights those are; marked in the curves if the run selects its weights.
        tested: the evaluation of the test split, whose outputs are not computed again.
        warn: called with what failed.
    """
    try:
        from nnlab.plots import draw_run

        draw_run(
            recorder.directory.folder(PLOTS),
            trainer.objective.network,
            trainer.dataset,
            history=recorder.history(),
            best_epoch=(epoch or None) if trainer.settings.restore_best else None,
            test_outputs=tested.outputs if tested else None,
            write=partial(write_atomically, is_synced=False),
        )
    except Exception as error:
        warn(f"the plots could not be drawn: {type(error).__name__}: {error}")
