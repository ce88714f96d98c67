"""The configuration: what can be said (`schema`), reading it (`reading`, `combinations`, `validation`), the command
line in front of it (`command_line`), and what is built from it (`build`)."""

from nnlab.config.build import build_trainer
from nnlab.config.problems import ConfigError, ConfigProblem, shown
from nnlab.config.schema import Config, as_dict
from nnlab.config.validation import dataset_of, validate

__all__ = ["Config", "ConfigError", "ConfigProblem", "as_dict", "build_trainer", "dataset_of", "shown", "validate"]
