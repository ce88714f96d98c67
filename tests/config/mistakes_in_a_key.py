"""Mistakes that one key makes alone: what is typed, and what has to be said about it."""

from __future__ import annotations

import pytest
from _pytest.mark import ParameterSet
from composing import choices

OPTIMIZERS = "adam, momentum, nesterov, sgd, sgd_unit"
SOURCES = "csv, digits, fashion_mnist, idx, mnist, mnist_5k, npz, toy"
PRESETS = ", ".join(choices("experiment"))


def case(name: str, overrides: str, *problems: str) -> ParameterSet:
    return pytest.param(overrides.split(), problems, id=name)


UNKNOWN_KEYS = [
    case(
        "an unknown key",
        "optimizer.speed=3",
        "optimizer.speed=3: is no key of optimizer=sgd (it has lr).",
    ),
    case(
        "a near miss",
        "optimizer.lrr=0.1",
        "optimizer.lrr=0.1: is no key of optimizer=sgd (it has lr). Nearest valid: optimizer.lr.",
    ),
    case(
        "an unknown key with +",
        "+optimizer.lrr=0.1",
        "optimizer.lrr=0.1: is no key of optimizer=sgd (it has lr). Nearest valid: optimizer.lr.",
    ),
    case(
        "another library's word",
        "learning_rate=0.1",
        "learning_rate=0.1: is not a key of the configuration. Nearest valid: optimizer.lr.",
    ),
    case(
        "another library's word with ++, in a group",
        "++trainer.max_epochs=3",
        "trainer.max_epochs=3: is not a key of the configuration. Nearest valid: trainer.epochs.",
    ),
    case(
        "a key without its group",
        "batch_size=64",
        "batch_size=64: is not a key of the configuration. Nearest valid: trainer.batch_size.",
    ),
    case(
        "a key of another variant",
        "optimizer=sgd optimizer.momentum=0.9",
        "optimizer.momentum=0.9: is no key of optimizer=sgd (it has lr). "
        "Nearest valid: optimizer=momentum or nesterov.",
    ),
    case(
        "a key of other schedules",
        "schedule=cosine schedule.decay=0.1",
        "schedule.decay=0.1: is no key of schedule=cosine (it has warmup, floor). "
        "Nearest valid: schedule=time_decay or exponential.",
    ),
    case(
        "a strength without a penalty",
        "regularizer.strength=0.1",
        "regularizer.strength=0.1: is no key of regularizer=none (it has none). Nearest valid: regularizer=l1 or l2.",
    ),
]

WRONG_TYPES = [
    case("a text for a number", "optimizer.lr=fast", "optimizer.lr=fast: must be a number."),
    case("a fraction for a whole number", "trainer.epochs=1.5", "trainer.epochs=1.5: must be a whole number."),
    case(
        "a whole number with a point",
        "trainer.epochs=2.0",
        "trainer.epochs=2.0: must be a whole number. Nearest valid: 2.",
    ),
    case("a truth value for a whole number", "seed=true", "seed=true: must be a whole number."),
    case("a number for a truth value", "model.bias=1", "model.bias=1: must be true or false."),
    case("null for a number", "optimizer.lr=null", "optimizer.lr=null: must be a number."),
    case(
        "a single width for a list",
        "model.hidden=64",
        "model.hidden=64: must be a list. Nearest valid: [64].",
    ),
    case(
        "a text among the widths",
        "model.hidden=[64,x]",
        "model.hidden=[64,x]: each item must be a whole number, but item 1 is 'x'.",
    ),
    case("a number for a group", "trainer=3", "trainer=3: must be a group of keys."),
    case(
        "a word that is nearly one",
        "trainer.batch_size=fulll",
        "trainer.batch_size=fulll: must be a whole number or full. Nearest valid: full.",
    ),
]

OUT_OF_RANGE = [
    case(
        "a negative learning rate",
        "optimizer.lr=-1",
        "optimizer.lr=-1: must be above 0. Nearest valid: a value above 0.",
    ),
    case("an infinite learning rate", "optimizer.lr=inf", "optimizer.lr=inf: must be a finite number."),
    case("a learning rate of nan", "optimizer.lr=nan", "optimizer.lr=nan: must be a finite number."),
    case(
        "dropping every unit",
        "model.dropout=1",
        "model.dropout=1: must be at least 0 and below 1. Nearest valid: a value below 1.",
    ),
    case(
        "a momentum that never decays",
        "optimizer=momentum optimizer.momentum=1",
        "optimizer.momentum=1: must be at least 0 and below 1. Nearest valid: a value below 1.",
    ),
    case(
        "more than all rows",
        "data.split.validation=1.5",
        "data.split.validation=1.5: must be at least 0 and below 1. Nearest valid: a value below 1.",
    ),
    case(
        "a negative penalty",
        "regularizer=l2 regularizer.strength=-1",
        "regularizer.strength=-1: must be at least 0. Nearest valid: 0.",
    ),
    case(
        "a layer without units",
        "model.hidden=[3,0]",
        "model.hidden=[3,0]: each item must be at least 1, but item 1 is 0. Nearest valid: [3,1].",
    ),
    case("a negative seed", "seed=-1", "seed=-1: must be at least 0. Nearest valid: 0."),
    case("no epochs", "trainer.epochs=0", "trainer.epochs=0: must be at least 1. Nearest valid: 1."),
]

UNKNOWN_CHOICES = [
    case(
        "a model",
        "model=mpl",
        "model=mpl: must be one of mlp, sigmoid_mlp, toy. Nearest valid: model=mlp.",
    ),
    case(
        "a source",
        "data=mnist_5",
        f"data=mnist_5: must be one of {SOURCES}. Nearest valid: data=mnist_5k.",
    ),
    case(
        "a preset",
        "experiment=keras",
        f"experiment=keras: must be one of {PRESETS}. Nearest valid: experiment=keras_mlp.",
    ),
    case("nothing like it", "optimizer=7", f"optimizer=7: must be one of {OPTIMIZERS}."),
    case("the part that sources share", "data=_all", f"data=_all: must be one of {SOURCES}."),
    case("no choice at all", "optimizer=null", f"optimizer=null: must be one of {OPTIMIZERS}."),
    case("no preset", "experiment=null", f"experiment=null: must be one of {PRESETS}"),
    case(
        "a number type",
        "dtype=float16",
        "dtype=float16: must be one of float32, float64. Nearest valid: float64.",
    ),
    case(
        "an activation",
        "model.activation=rleu",
        "model.activation=rleu: must be one of relu, sigmoid, tanh, identity. Nearest valid: relu.",
    ),
]
