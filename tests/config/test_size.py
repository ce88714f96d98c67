"""The size of a network by its widths is that of the network that is built."""

from __future__ import annotations

import pytest

from nnlab.config.build import build_trainer
from nnlab.config.jobs import compose_jobs
from nnlab.config.size import NetworkSize, network_size
from nnlab.execution.forecast import size_of


def test_a_worked_example() -> None:
    # 3 inputs, 4 hidden units, 1 output: 12 + 4 weights, 5 biases.
    assert network_size((3, 4, 1), has_biases=True) == NetworkSize(multiplications=16, parameters=21)
    assert network_size((3, 4, 1), has_biases=False) == NetworkSize(multiplications=16, parameters=16)


@pytest.mark.parametrize(
    "overrides",
    [["model.hidden=[5,7]"], ["model.hidden=[]"], ["model=toy", "data=toy"], ["model.bias=false", "model.hidden=[6]"]],
)
def test_it_is_that_of_the_network_that_is_trained(overrides: list[str]) -> None:
    (job,) = compose_jobs(["data=digits", "tracking.enabled=false", *overrides], multirun=False)
    parameters = build_trainer(job.config, job.load()).objective.network.parameters
    weights = sum(each.value.size for each in parameters.values() if each.value.ndim == 2)
    assert size_of(job.config, job.load()) == NetworkSize(weights, parameters.values_vector.size)
