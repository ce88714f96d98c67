"""A call that fails leaves a `Sequential` as it was: the next right one gives the bits of an undisturbed one."""

# mypy: disable-error-code="arg-type"
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from nnlab.core import L2, SGD, Activation, Adam, Dense, Dropout, Momentum, Sequential

X = np.random.default_rng(43).normal(size=(20, 4))
Y = np.random.default_rng(44).integers(0, 3, 20)
Call = Callable[[Sequential], Any]

WRONG: dict[str, Call] = {
    "predict a row": lambda m: m.predict(X[0]),
    "predict nothing": lambda m: m.predict(None),
    "predict text": lambda m: m.predict([["a"] * 4]),
    "predict a gap": lambda m: m.predict([[1.0, None, 2.0, 3.0]]),
    "predict an unknown argument": lambda m: m.predict(X, steps=3),  # type: ignore[call-arg]
    "fit a row": lambda m: m.fit(X[0], Y[:1]),
    "fit without targets": lambda m: m.fit(X),  # type: ignore[call-arg]
    "fit fewer targets": lambda m: m.fit(X, Y[:-1]),
    "fit a label too many": lambda m: m.fit(X, Y + 1),
    "fit targets of three dimensions": lambda m: m.fit(X, np.zeros((20, 3, 1))),
    "fit a gap": lambda m: m.fit(np.where(X > 1, np.nan, X), Y),
    "fit no rows": lambda m: m.fit(X[:0], Y[:0]),
    "fit all held out": lambda m: m.fit(X, Y, validation_split=0.99),
    "fit wrong validation rows": lambda m: m.fit(X, Y, validation_data=(X[:, :2], Y)),
    "fit wrong validation targets": lambda m: m.fit(X, Y, validation_data=(X, Y - 1)),
    "fit a wrong batch size": lambda m: m.fit(X, Y, batch_size=0),
    "fit wrong epochs": lambda m: m.fit(X, Y, epochs=1.5),
    "fit a wrong verbosity": lambda m: m.fit(X, Y, verbose="loud"),
    "fit an unknown argument": lambda m: m.fit(X, Y, callbacks=[]),  # type: ignore[call-arg]
    "evaluate targets of another width": lambda m: m.evaluate(X, np.eye(4)[Y]),
    "evaluate no rows": lambda m: m.evaluate(X[:0], Y[:0]),
    "evaluate wrong targets": lambda m: m.evaluate(X, Y + 0.5),
    "compile an unknown loss": lambda m: m.compile(SGD(), "hinge"),
    "compile an unknown optimizer": lambda m: m.compile("rmsprop"),
    "compile a wrong schedule": lambda m: m.compile("sgd", schedule="cosine"),
    "compile a wrong limit": lambda m: m.compile("sgd", clip_norm=-1),
    "add what is no layer": lambda m: m.add("relu"),
}


def model(optimizer: Any) -> Sequential:
    made = Sequential([Dense(5, "relu", kernel_regularizer=L2(0.01)), Dropout(0.3), Dense(3, "softmax")], seed=2)
    made.compile(optimizer)
    return made


def right(trained: Sequential) -> tuple[Any, ...]:
    """What right calls return, and the weights that they leave."""
    history = trained.fit(X, Y, 6, 2, 0, validation_split=0.2)
    return history.history, trained.evaluate(X, Y), trained.network.parameters.values_vector.tobytes()


@pytest.mark.parametrize("wrong", WRONG.values(), ids=list(WRONG))
def test_a_wrong_call_changes_nothing_wherever_it_comes(wrong: Call) -> None:
    undisturbed, disturbed = model(Momentum(0.05)), model(Momentum(0.05))
    for _ in range(3):
        with pytest.raises((ValueError, TypeError, RuntimeError)):
            wrong(disturbed)
        assert right(disturbed) == right(undisturbed)


@pytest.mark.parametrize("optimizer", ["sgd", "adam", Momentum(0.1), Adam()], ids=str)
def test_all_wrong_calls_together_change_nothing(optimizer: Any) -> None:
    undisturbed, disturbed = model(optimizer), model(optimizer)
    for _ in range(2):
        for wrong in WRONG.values():
            with pytest.raises((ValueError, TypeError, RuntimeError)):
                wrong(disturbed)
        assert right(disturbed) == right(undisturbed)


def test_layers_that_do_not_fit_leave_the_network_to_be_mended() -> None:
    trained = Sequential([Dense(3, input_dim=9)])
    trained.compile("sgd", "mse")
    for call in (lambda: trained.predict(X), lambda: trained.fit(X, X[:, :3]), lambda: trained.evaluate(X, X[:, :3])):
        with pytest.raises(ValueError, match="Leave `input_dim` out"):
            call()
    trained.add(Activation("tanh"))
    assert trained.predict(np.ones((2, 9))).shape == (2, 3)


def test_a_loss_that_does_not_fit_leaves_layers_to_be_added() -> None:
    trained = Sequential([Dense(3)])
    trained.compile(loss="categorical_crossentropy")
    with pytest.raises(ValueError, match="softmax"):
        trained.fit(X, Y, verbose=0)
    trained.add(Activation("softmax"))
    trained.fit(X, Y, verbose=0)

    whole = Sequential([Dense(3, activation="softmax")])
    whole.compile(loss="categorical_crossentropy")
    whole.fit(X, Y, verbose=0)
    np.testing.assert_array_equal(trained.predict(X), whole.predict(X))


def test_what_was_learnt_stays_when_a_second_plan_is_refused() -> None:
    trained, same = model(Adam()), model(Adam())
    for each in (trained, same):
        each.fit(X, Y, verbose=0)
    with pytest.raises(ValueError, match="`loss` must be one of"):
        trained.compile(Adam(), loss="hinge")
    for each in (trained, same):
        each.fit(X, Y, verbose=0)
    np.testing.assert_array_equal(trained.predict(X), same.predict(X))
