"""Messages for calls with arguments that a function does not have."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from nnlab.check import closest

P = ParamSpec("P")
R = TypeVar("R")

INSTEAD = {
    "batch_size": "rows are taken in batches of the right size automatically",
    "callbacks": "call `fit` for one epoch at a time, with `initial_epoch`, and do its work between the calls",
    "class_weight": "all rows weigh the same; repeat the rows of a rare class",
    "decay": "give `compile` a `schedule`, such as `TimeDecay(decay=1e-4)`",
    "from_logits": "the loss takes the last activation's input automatically",
    "input_shape": "leave it out; the shape is that of the rows in the first call of `fit` or `predict`",
    "kernel_constraint": "give `compile` a `clip_norm`, or the layer a `kernel_regularizer`",
    "name": "leave it out",
    "return_dict": "`evaluate` returns (loss, accuracy)",
    "sample_weight": "all rows weigh the same; repeat a row that counts twice",
    "steps_per_epoch": "an epoch is all rows; give fewer rows",
    "validation_batch_size": "leave it out; it changes no result",
    "validation_freq": "call `fit` for one epoch at a time, with `initial_epoch`, and `evaluate` in between",
}
"""What to do instead, by arguments that Keras has and nnlab does not."""


def checks_arguments(function: Callable[P, R]) -> Callable[P, R]:
    """Decorator: a call with wrong arguments raises an error that says what the function takes, and what to do instead.

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
