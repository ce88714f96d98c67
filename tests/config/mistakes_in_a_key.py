"""Mistakes that one key makes alone: what is typed, and what has to be said about it."""

from __future__ import annotations

import pytest
from _pytest.mark import ParameterSet
from composing import choices
from expected_problems import ExpectedProblem, says

OPTIMIZERS = "adam, momentum, nesterov, sgd, sgd_unit"
SOURCES = "csv, digits, fashion_mnist, idx, mnist, mnist_5k, npz, toy"
PRESETS = ", ".join(choices("experiment"))


def case(name: str, overrides: str, *problems: ExpectedProblem) -> ParameterSet:
    return pytest.param(overrides.split(), problems, id=name)


UNKNOWN_KEYS = [
    case("an unknown key", "optimizer.speed=3", says("optimizer.speed=3", "", "optimizer=sgd", "lr")),
    case("a near miss", "optimizer.lrr=0.1", says("optimizer.lrr=0.1", "optimizer.lr", "optimizer=sgd", "lr")),
    case(
        "an unknown key with +",
        "+optimizer.lrr=0.1",
        says("optimizer.lrr=0.1", "optimizer.lr", "optimizer=sgd", "lr"),
    ),
    case("another library's word", "learning_rate=0.1", says("learning_rate=0.1", "optimizer.lr")),
    case(
        "another library's word with ++, in a group",
        "++trainer.max_epochs=3",
        says("trainer.max_epochs=3", "trainer.epochs"),
    ),
    case("a key without its group", "batch_size=64", says("batch_size=64", "trainer.batch_size")),
    case(
        "a key of another variant",
        "optimizer=sgd optimizer.momentum=0.9",
        says("optimizer.momentum=0.9", "optimizer=momentum or nesterov", "optimizer=sgd", "lr"),
    ),
    case(
        "a key of other schedules",
        "schedule=cosine schedule.decay=0.1",
        says("schedule.decay=0.1", "schedule=time_decay or exponential", "schedule=cosine", "warmup, floor"),
    ),
    case(
        "a strength without a penalty",
        "regularizer.strength=0.1",
        says("regularizer.strength=0.1", "regularizer=l1 or l2", "regularizer=none"),
    ),
]

WRONG_TYPES = [
    case("a text for a number", "optimizer.lr=fast", says("optimizer.lr=fast", "", "a number")),
    case("a fraction for a whole number", "trainer.epochs=1.5", says("trainer.epochs=1.5", "", "whole number")),
    case("a whole number with a point", "trainer.epochs=2.0", says("trainer.epochs=2.0", "2", "whole number")),
    case("a truth value for a whole number", "seed=true", says("seed=true", "", "whole number")),
    case("a number for a truth value", "model.bias=1", says("model.bias=1", "", "true or false")),
    case("null for a number", "optimizer.lr=null", says("optimizer.lr=null", "", "a number")),
    case("a single width for a list", "model.hidden=64", says("model.hidden=64", "[64]", "list")),
    case(
        "a text among the widths",
        "model.hidden=[64,x]",
        says("model.hidden=[64,x]", "", "item 1", "whole number", "'x'"),
    ),
    case("a number for a group", "trainer=3", says("trainer=3", "trainer.KEY=VALUE", "group")),
    case(
        "a word that is nearly one",
        "trainer.batch_size=fulll",
        says("trainer.batch_size=fulll", "full", "whole number", "full"),
    ),
]

OUT_OF_RANGE = [
    case("a negative learning rate", "optimizer.lr=-1", says("optimizer.lr=-1", "a value above 0", "0")),
    case("an infinite learning rate", "optimizer.lr=inf", says("optimizer.lr=inf", "", "finite")),
    case("a learning rate of nan", "optimizer.lr=nan", says("optimizer.lr=nan", "", "finite")),
    case("dropping every unit", "model.dropout=1", says("model.dropout=1", "a value below 1", "0", "1")),
    case(
        "a momentum that never decays",
        "optimizer=momentum optimizer.momentum=1",
        says("optimizer.momentum=1", "a value below 1", "0", "1"),
    ),
    case(
        "more than all rows",
        "data.split.validation=1.5",
        says("data.split.validation=1.5", "a value below 1", "0", "1"),
    ),
    case("a negative penalty", "regularizer=l2 regularizer.strength=-1", says("regularizer.strength=-1", "0", "0")),
    case("a layer without units", "model.hidden=[3,0]", says("model.hidden=[3,0]", "[3,1]", "1", "0")),
    case("a negative seed", "seed=-1", says("seed=-1", "0", "0")),
    case("no epochs", "trainer.epochs=0", says("trainer.epochs=0", "1", "1")),
]

UNKNOWN_CHOICES = [
    case("a model", "model=mpl", says("model=mpl", "model=mlp", "mlp, sigmoid_mlp, toy")),
    case("a source", "data=mnist_5", says("data=mnist_5", "data=mnist_5k", SOURCES)),
    case("a preset", "experiment=keras", says("experiment=keras", "experiment=keras_mlp", PRESETS)),
    case("nothing like it", "optimizer=7", says("optimizer=7", "", OPTIMIZERS)),
    case("the part that sources share", "data=_all", says("data=_all", "", SOURCES)),
    case("no choice at all", "optimizer=null", says("optimizer=null", "", OPTIMIZERS)),
    case("no preset", "experiment=null", says("experiment=null", "", PRESETS)),
    case("a number type", "dtype=float16", says("dtype=float16", "float64", "float32, float64")),
    case(
        "an activation",
        "model.activation=rleu",
        says("model.activation=rleu", "relu", "identity", "sigmoid", "tanh"),
    ),
]
