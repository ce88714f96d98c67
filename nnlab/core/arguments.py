"""What is said to a call whose arguments are not those that the function has."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from nnlab.check import closest

P = ParamSpec("P")
R = TypeVar("R")

INSTEAD = {
    "batch_size": "rows are taken in portions of the right size by themselves",
    "callbacks": "call `fit` for an epoch at a time, with `initial_epoch`, and do between the calls what is to be done",
    "class_weight": "rows count alike; give the rows of a rare class several times",
    "decay": "give `compile` a `schedule`, such as `TimeDecay(decay=1e-4)`",
    "from_logits": "the loss takes the last activation's input by itself",
    "input_shape": "leave it out; the first call of `fit` or `predict` says it",
    "kernel_constraint": "give `compile` a `clip_norm`, or the layer a `kernel_regularizer`",
    "name": "leave it out",
    "return_dict": "`evaluate` returns (loss, accuracy)",
    "sample_weight": "rows count alike; give a row that counts twice two times",
    "steps_per_epoch": "an epoch is all rows; give fewer rows",
    "validation_batch_size": "leave it out; it changes no result",
    "validation_freq": "call `fit` for an epoch at a time, with `initial_epoch`, and `evaluate` in between",
}
"""By arguments that Keras has and nnlab has not."""


def told(function: Callable[P, R]) -> Callable[P, R]:
    """The function, which tells calls with wrong arguments what it takes, and what to do instead.

    Raises:
        TypeError: if an argument is unknown, missing or given twice.
    """
    signature = inspect.signature(function)
    name = function.__qualname__.removesuffix(".__init__").rpartition(".")[2]
    takes = [parameter for parameter in signature.parameters if parameter != "self"]

    @functools.wraps(function)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            signature.bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(f"`{name}` {_fault(error, kwargs, takes)} It takes {', '.join(takes)}.") from None
        return function(*args, **kwargs)

    return checked


def _fault(error: TypeError, given: dict[str, object], takes: list[str]) -> str:
    for argument in given:
        if argument not in takes:
            near = closest(argument, takes)
            remedy = INSTEAD.get(argument) or (f"did you mean `{near}`?" if near else "leave it out")
            return f"has no argument `{argument}`: {remedy}."
    return f"cannot be called like this: {error}."
