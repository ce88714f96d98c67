"""What a sweep searches: texts in the sweep grammar to distributions, and distributions to configs."""

from __future__ import annotations

import warnings
from itertools import product
from typing import Any

import numpy as np
import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from nnlab.tuning.search.dimension import Dimension
from nnlab.tuning.search.grammar import read_distribution
from nnlab.tuning.search.space import Space, read_space

VARYING = {"model.depth": "range(1, 4)", "model.width": "choice(16, 32)"}
GROUPED = {
    "optimizer": "choice(sgd, momentum, nesterov)",
    "optimizer.lr": "tag(log, interval(1e-3, 1))",
    "optimizer.momentum": "interval(0, 0.99)",
}


def space_of(texts: dict[str, Any]) -> Space:
    space, problems = read_space(texts)
    assert problems == []
    assert space is not None
    return space


def only(texts: dict[str, Any]) -> Dimension:
    (dimension,) = space_of(texts).dimensions
    return dimension


@pytest.mark.parametrize(
    ("key", "text", "distribution"),
    [
        ("trainer.batch_size", "choice(16,32,64)", CategoricalDistribution((16, 32, 64))),
        ("trainer.batch_size", "16,32,full", CategoricalDistribution((16, 32, "full"))),
        ("trainer.batch_size", "range(16,257,16)", IntDistribution(16, 256, step=16)),
        ("trainer.batch_size", "range(16, 20)", IntDistribution(16, 19)),
        ("trainer.batch_size", "range(20, 16, -2)", IntDistribution(18, 20, step=2)),
        ("trainer.batch_size", "interval(16, 512)", IntDistribution(16, 512)),
        ("trainer.batch_size", "int(interval(16, 512))", IntDistribution(16, 512)),
        ("trainer.batch_size", "tag(log, int(interval(16, 512)))", IntDistribution(16, 512, log=True)),
        ("trainer.batch_size", "tag(log, range(16, 513))", IntDistribution(16, 512, log=True)),
        ("optimizer.lr", "interval(1e-3, 1)", FloatDistribution(0.001, 1.0)),
        ("optimizer.lr", "tag(log, interval(1e-4, 1))", FloatDistribution(0.0001, 1.0, log=True)),
        ("optimizer.lr", "range(0.1, 0.4, 0.1)", FloatDistribution(0.1, 0.3, step=0.1)),
        ("optimizer.lr", "range(1, 4)", IntDistribution(1, 3)),
        ("optimizer.lr", "int(interval(1, 10))", IntDistribution(1, 10)),
        ("trainer.patience", "null,3,5", CategoricalDistribution((None, 3, 5))),
        ("model.activation", "choice(relu, tanh)", CategoricalDistribution(("relu", "tanh"))),
        ("model.bias", "true,false", CategoricalDistribution((True, False))),
        ("model.hidden", "choice([64],[128,64],[])", CategoricalDistribution(("[64]", "[128,64]", "[]"))),
        ("optimizer", "choice(sgd, adam)", CategoricalDistribution(("sgd", "adam"))),
        ("trainer.batch_size", "sort(shuffle(64, 16, 32))", CategoricalDistribution((16, 32, 64))),
    ],
)
def test_a_text_in_the_sweep_grammar_is_a_distribution(key: str, text: str, distribution: object) -> None:
    assert only({key: text}) == Dimension(key, distribution)  # type: ignore[arg-type]


def test_texts_may_be_nested_or_flat() -> None:
    nested = {"optimizer": {"lr": "interval(0.1, 1)"}, "model": {"width": {0: "range(1, 9)"}}}
    flat = {"optimizer.lr": "interval(0.1, 1)", "model.width.0": "range(1, 9)"}
    assert space_of(nested) == space_of(flat)


def suggested(space: Space, params: dict[str, Any]) -> tuple[list[str], dict[str, Any]]:
    """What is asked, in order, of a trial that answers with `params`, and what goes to its config."""
    study = optuna.create_study()
    study.enqueue_trial(params)
    trial = study.ask()
    values = space.suggest(trial)
    assert space.values(trial.params) == values
    return list(trial.params), values


def test_a_trial_of_depth_2_is_asked_for_two_widths_and_has_a_list_of_them() -> None:
    params = {"model.depth": 2, "model.width.0": 32, "model.width.1": 16, "model.width.2": 32}
    asked, values = suggested(space_of(VARYING), params)
    assert asked == ["model.depth", "model.width.0", "model.width.1"]
    assert values == {"model.hidden": [32, 16]}


def test_a_depth_of_0_is_no_hidden_layer() -> None:
    space = space_of({"model.depth": "0,1", "model.width": "range(8, 65)"})
    assert suggested(space, {"model.depth": 0}) == (["model.depth"], {"model.hidden": []})


def test_the_width_of_one_layer_goes_before_the_width_of_all() -> None:
    space = space_of(VARYING | {"model.width.1": "range(8, 65)"})
    assert space.to_dict() == {
        "model.depth": "range(1, 4)",
        "model.width.0": "choice(16, 32)",
        "model.width.1": "range(8, 65)",
        "model.width.2": "choice(16, 32)",
    }


def test_widths_without_a_depth_are_so_many_layers() -> None:
    space = space_of({"model.width.0": "range(8, 65)", "model.width.1": "range(8, 33)"})
    assert not space.is_conditional
    assert suggested(space, {"model.width.0": 9, "model.width.1": 8})[1] == {"model.hidden": [9, 8]}


def test_a_chosen_list_of_widths_is_a_list_in_the_config() -> None:
    space = space_of({"model.hidden": "choice([64], [128, 64])"})
    assert suggested(space, {"model.hidden": "[128,64]"})[1] == {"model.hidden": [128, 64]}


@pytest.mark.parametrize(
    ("optimizer", "asked"),
    [
        ("sgd", ["optimizer", "optimizer.lr"]),
        ("momentum", ["optimizer", "optimizer.lr", "optimizer.momentum"]),
        ("nesterov", ["optimizer", "optimizer.lr", "optimizer.momentum"]),
    ],
)
def test_a_key_that_some_choices_have_is_asked_with_those(optimizer: str, asked: list[str]) -> None:
    params = {"optimizer": optimizer, "optimizer.lr": 0.1, "optimizer.momentum": 0.5}
    assert suggested(space_of(GROUPED), params) == (asked, {key: params[key] for key in asked})


def test_groups_are_asked_first_then_the_depth_the_widths_and_the_rest_as_written() -> None:
    space = space_of(
        {
            "optimizer.lr": "interval(0.1, 1)",
            "model.width": "8,9",
            "dtype": "float32,float64",
            "model.depth": "1,2",
            "regularizer.strength": "interval(0, 1)",
            "regularizer": "none,l2",
        }
    )
    assert [dimension.name for dimension in space.dimensions] == [
        "regularizer",
        "model.depth",
        "model.width.0",
        "model.width.1",
        "optimizer.lr",
        "dtype",
        "regularizer.strength",
    ]


def test_a_choice_of_a_file_is_reported_by_what_it_sets() -> None:
    # sgd_unit and l2_keras are files; what they choose is sgd and l2.
    space = space_of({"optimizer": "sgd_unit,adam", "optimizer.beta1": "interval(0.8, 0.99)"})
    (_, beta1) = space.dimensions
    assert beta1.condition is not None
    assert list(beta1.condition.values) == ["adam"]


NUMBERS = st.one_of(
    st.tuples(st.integers(1, 500), st.integers(1, 500)).map(lambda t: IntDistribution(t[0], t[0] + t[1])),
    st.tuples(st.integers(1, 500), st.integers(1, 500)).map(lambda t: IntDistribution(t[0], t[0] + t[1], log=True)),
    st.tuples(st.integers(1, 99), st.integers(1, 30), st.integers(2, 40)).map(
        lambda t: IntDistribution(t[0], t[0] + t[1] * t[2], step=t[2])
    ),
    st.tuples(st.floats(1e-9, 1.0), st.floats(1.5, 1e6)).map(lambda t: FloatDistribution(t[0], t[1])),
    st.tuples(st.floats(1e-9, 1.0), st.floats(1.5, 1e6)).map(lambda t: FloatDistribution(t[0], t[1], log=True)),
    st.tuples(st.integers(1, 99), st.integers(1, 30), st.integers(1, 40)).map(
        lambda t: FloatDistribution(t[0] / 100, (t[0] + t[1] * t[2]) / 100, step=t[2] / 100)
    ),
)


@given(NUMBERS)
def test_a_canonical_text_reads_back_as_the_same_dimension(distribution: Any) -> None:
    assert only({"optimizer.lr": str(Dimension("optimizer.lr", distribution))}).distribution == distribution


@given(st.lists(st.text(min_size=1).filter(lambda text: "$" not in text), min_size=2, unique=True))
def test_choices_of_any_text_read_back(choices: list[str]) -> None:
    dimension = Dimension("tracking.uri", CategoricalDistribution(choices))
    assert read_distribution(str(dimension), [str]) == dimension.distribution


@pytest.mark.parametrize("texts", [VARYING, GROUPED, {"trainer.patience": "null,3"}, {"model.hidden": "[],[64,32]"}])
def test_the_canonical_texts_of_a_space_read_back_as_the_space(texts: dict[str, str]) -> None:
    space = space_of(texts)
    assert space_of(space.to_dict()) == space


def test_two_spellings_of_a_space_have_the_same_canonical_texts() -> None:
    one = {"trainer.batch_size": "tag(log, int(interval(16, 512)))", "optimizer.lr": "interval(1e-1,1)"}
    other = {"trainer.batch_size": "tag(log,range(16,513))", "optimizer.lr": "interval( 0.1, 1.0 )"}
    assert space_of(one).to_dict() == space_of(other).to_dict()


@given(NUMBERS, st.floats(0, 1))
def test_every_fraction_gives_a_value_of_the_distribution(distribution: Any, fraction: float) -> None:
    value = Dimension("x", distribution).at(fraction)
    assert isinstance(value, int if isinstance(distribution, IntDistribution) else float)
    assert distribution._contains(value)


@given(NUMBERS, st.floats(0, 1))
def test_a_value_stands_where_it_is_found_again(distribution: Any, fraction: float) -> None:
    dimension = Dimension("x", distribution)
    value = dimension.at(fraction)
    assert isinstance(value, int | float)
    assert dimension.at(dimension.fraction(value)) == pytest.approx(value, rel=1e-9)


@pytest.mark.parametrize(
    ("text", "at_quarters"),
    [
        ("interval(1, 3)", [1.0, 1.5, 2.0, 2.5, 3.0]),
        ("tag(log, interval(1e-4, 1))", [1e-4, 1e-3, 1e-2, 1e-1, 1.0]),
        ("range(1, 5)", [1, 2, 3, 4, 4]),
        ("range(0.1, 0.5, 0.1)", [0.1, 0.2, 0.3, 0.4, 0.4]),
        ("choice(5, 7, 9, 3)", [5, 7, 9, 3, 3]),
        # from ln 0.5 to ln 8.5, in quarters: 0.5, 1.02, 2.06, 4.19, 8.5
        ("tag(log, range(1, 9))", [1, 1, 2, 4, 8]),
    ],
)
def test_equal_shares_go_to_equal_shares_of_the_values(text: str, at_quarters: list[float]) -> None:
    dimension = only({"optimizer.lr": text})
    assert [dimension.at(quarter / 4) for quarter in range(5)] == pytest.approx(at_quarters)


def test_the_corners_have_every_choice_and_both_bounds_of_every_axis() -> None:
    space = space_of(GROUPED | {"trainer.batch_size": "range(16, 65, 16)", "dtype": "float32,float64"})
    corners = list(space.corners())
    for key, edges in {
        "optimizer": {"sgd", "momentum", "nesterov"},
        "optimizer.lr": {1e-3, 1.0},
        "optimizer.momentum": {0.0, 0.99},
        "trainer.batch_size": {16, 64},
        "dtype": {"float32", "float64"},
    }.items():
        assert {corner[key] for corner in corners if key in corner} == edges
    assert len(corners) <= 4


def test_the_corners_have_the_shallowest_and_the_deepest_net_with_its_bounds() -> None:
    space = space_of({"model.depth": "range(1, 4)", "model.width": "range(8, 65)"})
    nets = [corner["model.hidden"] for corner in space.corners()]
    assert {len(net) for net in nets} >= {1, 3}
    for layer in range(3):
        assert {net[layer] for net in nets if len(net) > layer} == {8, 64}


@pytest.mark.parametrize(
    ("texts", "size"),
    [
        (VARYING, 2 + 4 + 8),
        ({"optimizer": "sgd,momentum", "optimizer.momentum": "range(0, 0.5, 0.1)"}, 1 + 5),
        ({"trainer.batch_size": "range(16, 65, 16)", "dtype": "float32,float64"}, 8),
        ({"trainer.batch_size": "tag(log, range(16, 20))"}, 4),
        ({"optimizer.lr": "range(0.1, 0.4, 0.1)"}, 3),
        (VARYING | {"optimizer": "sgd,adam", "optimizer.beta1": "range(0.1, 0.4, 0.1)"}, 14 * (1 + 3)),
    ],
)
def test_the_size_is_what_brute_force_counts(texts: dict[str, str], size: int) -> None:
    space = space_of(texts)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        sampler = optuna.samplers.BruteForceSampler(seed=0)
    study = optuna.create_study(sampler=sampler)
    seen = []

    def objective(trial: optuna.Trial) -> float:
        seen.append(space.suggest(trial))
        return 0.0

    study.optimize(objective)
    assert space.size == size == len(seen)
    assert len({str(values) for values in seen}) == size


def test_a_continuous_space_has_no_size() -> None:
    assert space_of(VARYING | {"optimizer.lr": "interval(0.1, 1)"}).size is None


def test_a_space_says_whether_it_has_conditions() -> None:
    flat = space_of({"optimizer.lr": "interval(0.1, 1)", "trainer.batch_size": "range(8, 65)"})
    assert not flat.is_conditional
    assert space_of(VARYING).is_conditional


def test_a_million_steps_are_counted_without_being_listed() -> None:
    dimension = only({"optimizer.lr": "range(0.001, 1000.001, 0.001)"})
    assert dimension.count == 1_000_000
    assert dimension.value(123_456) == 123.457
    assert dimension.at(float(np.nextafter(1.0, 0))) == 1000.0


def test_all_values_of_a_stepped_axis_are_as_written() -> None:
    dimension = only({"optimizer.lr": "range(0.1, 1, 0.1)"})
    assert [dimension.value(index) for index in range(9)] == [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]


def test_every_assignment_of_a_conditional_space_is_as_many_widths_as_its_depth() -> None:
    space = space_of(VARYING)
    for depth, widths in product((1, 2, 3), product((16, 32), repeat=3)):
        params = {"model.depth": depth} | {f"model.width.{layer}": width for layer, width in enumerate(widths)}
        assert space.values(params) == {"model.hidden": list(widths[:depth])}
