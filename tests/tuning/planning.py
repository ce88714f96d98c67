"""Plans of small sweeps over scikit-learn's digits."""

from __future__ import annotations

import pytest

from nnlab.config.problems import ConfigError, ConfigProblem
from nnlab.tuning.plan import Plan
from nnlab.tuning.planning import make_plan

DIGITS = ["data=digits", "tracking.enabled=false"]
WIDTHS = {f"model.width.{layer}" for layer in range(3)}
OF_MLP = {"optimizer.lr", "trainer.batch_size", "model.depth"} | WIDTHS


def plan(*arguments: str) -> Plan:
    return make_plan([*DIGITS, *arguments])


def space(*arguments: str) -> dict[str, str]:
    return plan(*arguments).space.to_dict()


def problems(*arguments: str) -> list[ConfigProblem]:
    with pytest.raises(ConfigError, match="nothing was started") as caught:
        plan(*arguments)
    return list(caught.value.problems)
