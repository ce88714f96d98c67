"""Training a network on a dataset: the trainer, its events, and the choice of the epoch whose weights are kept."""

from nnlab.training.events import DivergedError, EpochEnd, Event, Progress, Tested, TrainingEnd
from nnlab.training.settings import TrainerSettings
from nnlab.training.state import TrainerState
from nnlab.training.trainer import Trainer

__all__ = [
    "DivergedError",
    "EpochEnd",
    "Event",
    "Progress",
    "Tested",
    "Trainer",
    "TrainerSettings",
    "TrainerState",
    "TrainingEnd",
]
