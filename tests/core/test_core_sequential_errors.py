"""What a `Sequential` says to wrong input: the rule, the facts, and where there is one the remedy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nnlab.core import Activation, Dense, Sequential

X = np.random.default_rng(36).normal(size=(6, 4))
Y = np.array([0, 1, 2, 0, 1, 2])


def classifier(units: int = 3, output: str = "softmax", loss: str = "cross_entropy", **settings: Any) -> Sequential:
    model = Sequential([Dense(units), Activation(output)])
    model.compile("sgd", loss, **settings)
    return model


def fit(model: Sequential, x: Any = X, y: Any = Y, **settings: Any) -> None:
    model.fit(x, y, verbose=0, **settings)


def test_fitting_before_compiling_is_refused() -> None:
    with pytest.raises(RuntimeError, match=r"No loss is set. Call `compile` first"):
        fit(Sequential([Dense(3), Activation("softmax")]))


def test_asking_for_the_network_before_a_row_was_seen_is_refused() -> None:
    with pytest.raises(RuntimeError, match=r"number of features .*Call `fit` or `predict`"):
        classifier().network  # noqa: B018


def test_adding_a_layer_to_a_built_network_is_refused() -> None:
    model = classifier()
    fit(model)
    with pytest.raises(RuntimeError, match=r"The network is built. Add layers before"):
        model.add(Dense(3))


def test_fitting_without_layers_is_refused() -> None:
    model = Sequential()
    model.compile()
    with pytest.raises(ValueError, match="at least one layer, but got none"):
        fit(model)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"optimizer": "rmsprop"}, r"`optimizer` must be one of sgd, momentum, nesterov, adam, but got 'rmsprop'"),
        ({"loss": "hinge"}, r"`loss` must be one of half_squared_error, .*, but got 'hinge'"),
        ({"metrics": ["auc"]}, r"`metrics` .* but got \['auc'\]"),
    ],
)
def test_unknown_names_are_refused_with_the_known_ones(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Sequential([Dense(3)]).compile(**settings)


def test_a_loss_that_does_not_fit_the_last_layer_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'cross_entropy' needs `Activation\('softmax'\)` as the last layer"):
        fit(classifier(output="sigmoid"))


@pytest.mark.parametrize("fraction", [-0.1, 1.0, 1.5, float("nan")])
def test_a_validation_split_outside_zero_to_one_is_refused(fraction: float) -> None:
    with pytest.raises(ValueError, match="`validation_split` must be"):
        fit(classifier(), validation_split=fraction)


def test_arrays_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="need as many rows as each other, but got 6 and 4"):
        fit(classifier(), X, Y[:4])


def test_rows_of_another_shape_than_before_are_refused() -> None:
    model = classifier()
    fit(model)
    for use in (lambda: model.predict(X[:, :2]), lambda: model.evaluate(X[:, :2], Y), lambda: fit(model, X[:, :2])):
        with pytest.raises(ValueError, match=r"needs rows of shape \(4,\), but got \(2,\)"):
            use()


def test_validation_rows_of_another_shape_are_refused() -> None:
    # One feature would broadcast to four without a word.
    with pytest.raises(ValueError, match=r"\(4,\), but got \(1,\)"):
        fit(classifier(), validation_data=(X[:, :1], Y))


@pytest.mark.parametrize("label", [3, 7])
def test_a_label_without_an_output_is_refused(label: int) -> None:
    y = np.array([0, 1, 2, 0, 1, label])
    message = f"classes from 0 to 2, as the network has 3 outputs, but got {label}"
    with pytest.raises(ValueError, match=message):
        fit(classifier(), X, y)
    with pytest.raises(ValueError, match=message):
        fit(classifier(), validation_data=(X, y))


@pytest.mark.parametrize(
    ("units", "output", "loss"), [(3, "softmax", "cross_entropy"), (1, "sigmoid", "binary_cross_entropy")]
)
def test_a_negative_label_is_refused(units: int, output: str, loss: str) -> None:
    # −1 would count from the end of the classes, and for a single output be a target outside [0, 1].
    with pytest.raises(ValueError, match="-1"):
        fit(classifier(units, output, loss), X, np.array([1, -1, 1, -1, 1, -1]))


@pytest.mark.parametrize("y", [np.array([0.5, 1.7, 2.0, 0.0, 1.0, 2.0]), np.full((6, 3), 1 / 3)])
def test_targets_that_are_not_classes_are_refused_by_cross_entropy(y: np.ndarray) -> None:
    with pytest.raises(ValueError, match="Cross-entropy needs"):
        fit(classifier(), X, y)


def test_one_hot_rows_of_another_width_than_the_outputs_are_refused() -> None:
    with pytest.raises(ValueError, match="outputs"):
        fit(classifier(units=5), X, np.eye(3)[Y])


def test_targets_of_another_width_than_the_outputs_are_refused() -> None:
    with pytest.raises(ValueError, match="outputs"):
        fit(classifier(5, "identity", "mse"), X, np.random.default_rng(0).normal(size=(6, 2)))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"batch_size": 0}, "`batch_size`"),
        ({"batch_size": -4}, "`batch_size`"),
        ({"epochs": -1}, "`epochs`"),
    ],
)
def test_sizes_that_are_not_positive_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fit(classifier(), **settings)


@pytest.mark.parametrize("limit", [0.0, -1.0])
def test_a_clipping_limit_that_would_stop_or_turn_the_gradient_is_refused(limit: float) -> None:
    with pytest.raises(ValueError, match="clip_norm"):
        fit(classifier(clip_norm=limit))


def test_a_split_that_leaves_no_training_rows_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one row"):
        fit(classifier(), X[:1], Y[:1], validation_split=0.9)
    with pytest.raises(ValueError, match="at least one row"):
        fit(classifier(), X[:0], Y[:0])
