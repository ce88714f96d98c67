"""Any call of `Sequential` either works or says in one message of ours what is wrong, and then nothing has changed."""

from __future__ import annotations

import math
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import arguments_zoo as zoo
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import nnlab
from nnlab.core import Dense, Sequential

PACKAGE = Path(nnlab.__file__).parent


def drawn(*kinds: list[zoo.Made]) -> st.SearchStrategy[Any]:
    return st.sampled_from([make for kind in kinds for make in kind]).map(lambda make: make())


def state(model: Sequential) -> tuple[Any, ...]:
    """All that a later call depends on."""
    progress, network = model._progress, model._network
    return (
        list(model.layers),
        model._compiled,
        network and network.parameters.values_vector.tobytes(),
        [stream.bit_generator.state for stream in model._streams],
        (progress.epochs, progress.updates, progress.end),
        progress.state and [{name: array.tobytes() for name, array in part.items()} for part in progress.state],
    )


def refused(call: Callable[[], Any]) -> str | None:
    """What the call says against its arguments; None if it works. Anything else that it raises goes through."""
    try:
        call()
    except (ValueError, TypeError, RuntimeError) as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        message = str(error)
        is_ours = PACKAGE in Path(frame.filename).parents and (frame.line or "").startswith("raise ")
        if not is_ours or "\n" in message or len(message) > 700 or message[-1] not in ".?":
            raise
        return message
    return None


fit_arguments = st.fixed_dictionaries(
    {},
    optional={
        "epochs": drawn(zoo.SCALARS),
        "batch_size": drawn(zoo.SCALARS),
        "initial_epoch": drawn(zoo.SCALARS),
        "validation_split": drawn(zoo.SCALARS),
        "validation_data": drawn(zoo.PAIRS, zoo.SCALARS),
        "shuffle": drawn(zoo.SCALARS),
        "verbose": drawn(zoo.SCALARS),
        "callbacks": drawn(zoo.SCALARS),
    },
)
few_fit_arguments = fit_arguments.filter(lambda arguments: len(arguments) <= 2)
rows = st.one_of(drawn(zoo.RIGHT_X), drawn(zoo.RIGHT_X), drawn(zoo.WRONG_X))
targets = st.one_of(drawn(zoo.RIGHT_Y), drawn(zoo.RIGHT_Y), drawn(zoo.WRONG_Y))
plans = st.fixed_dictionaries(
    {"loss": drawn(zoo.LOSSES)},
    optional={
        "optimizer": drawn(zoo.OPTIMIZERS),
        "metrics": drawn(zoo.METRICS),
        "schedule": drawn(zoo.SCHEDULES),
        "schedule_epochs": drawn(zoo.SCALARS),
        "clip_norm": drawn(zoo.SCALARS),
    },
)
calls = st.one_of(
    st.tuples(st.just("fit"), rows, targets, few_fit_arguments),
    st.tuples(st.just("fit"), rows, targets, st.just({})),
    st.tuples(st.just("evaluate"), rows, targets, st.just({})),
    st.tuples(st.just("predict"), rows, st.none(), st.just({})),
    st.tuples(st.just("compile"), st.none(), st.none(), plans),
    st.tuples(st.just("add"), st.none(), st.none(), st.just({"layer": 3})),
)


def one(model: Sequential, method: str, x: Any, y: Any, arguments: dict[str, Any]) -> str | None:
    """Make a call, and see that it did what it says or left everything as it was."""
    positional = {"fit": (x, y), "evaluate": (x, y), "predict": (x,), "compile": (), "add": ()}[method]
    before, outcome = state(model), []
    quiet = {"verbose": 0, **arguments} if method == "fit" else arguments
    message = refused(lambda: outcome.append(getattr(model, method)(*positional, **quiet)))
    if message is not None:
        assert state(model) == before, f"{method} was refused ({message}), and changed the model"
    elif method == "fit":
        asked = int(arguments.get("epochs", 1)) - int(arguments.get("initial_epoch", 0))
        assert all(len(numbers) == asked for numbers in outcome[0].history.values())
        assert not asked or outcome[0].history["loss"]
    elif method == "predict":
        assert outcome[0].shape == (len(np.asarray(x)), model.network.outputs)
    return message


def session(layers: Any, dtype: Any, seed: Any, plan: dict[str, Any], made: list[Any]) -> list[str | None]:
    """A model from its declaration to its last call; returns what each call said."""
    models: list[Sequential] = []
    said = [refused(lambda: models.append(Sequential(layers, dtype=dtype, seed=seed)))]
    for model in models:
        said.append(one(model, "compile", None, None, plan))
        if said[-1] is not None:
            model.compile("adam", "mse")
        said += [one(model, *call) for call in made]
    return said


EXAMPLES = settings(max_examples=100, deadline=None, derandomize=True)
dtypes = st.sampled_from([np.float32, "float64", np.float64, "float32", None, int, "float", "text", 3])
seeds = st.sampled_from([0, np.int64(7), 10**30, -1, 1.5, None, "seed", True])


@EXAMPLES
@given(
    layers=drawn(zoo.LAYERS),
    dtype=st.one_of(st.just(np.float32), dtypes),
    seed=st.one_of(st.just(0), seeds),
    plan=plans,
    made=st.lists(calls, min_size=1, max_size=4),
)
def test_any_session_works_or_says_why_not_and_is_not_spoiled(
    layers: Any, dtype: Any, seed: Any, plan: dict[str, Any], made: list[Any]
) -> None:
    session(layers, dtype, seed, plan, made)


@EXAMPLES
@given(
    units=drawn(zoo.SCALARS),
    options=st.fixed_dictionaries(
        {},
        optional={
            name: drawn(zoo.SCALARS, zoo.LOSSES)
            for name in ("activation", "use_bias", "kernel_initializer", "kernel_regularizer", "input_dim", "unit")
        },
    ),
)
def test_any_dense_layer_is_made_or_says_why_not(units: Any, options: dict[str, Any]) -> None:
    made: list[Dense] = []
    if refused(lambda: made.append(Dense(units, **options))) is None:
        assert type(made[0].units) is int
        assert math.prod(made[0].output_shape((4,))) == made[0].units
