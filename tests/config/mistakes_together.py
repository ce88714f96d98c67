"""Mistakes that keys make together, or with the data, or with the grammar: what is typed, and what has to be said."""

from __future__ import annotations

from expected_problems import says
from mistakes_in_a_key import case

COMBINATIONS = [
    case(
        "binary cross-entropy with softmax",
        "model.loss=binary_cross_entropy",
        says(
            "model.loss=binary_cross_entropy",
            "model.output=sigmoid, or model.loss=cross_entropy",
            "model.output=sigmoid",
            "model.output=softmax",
        ),
    ),
    case(
        "cross-entropy with sigmoid",
        "model.output=sigmoid",
        says(
            "model.loss=cross_entropy",
            "model.output=softmax, or model.loss=binary_cross_entropy",
            "model.output=softmax",
            "model.output=sigmoid",
        ),
    ),
    case(
        "softmax with one unit",
        "data=toy model.output_units=1",
        says("model.output_units=1", "model.output=sigmoid", "2", "1", "softmax"),
    ),
    case(
        "a penalty on biases that are not there",
        "model.bias=false regularizer=l2 regularizer.biases=true",
        says("regularizer.biases=true", "regularizer.biases=false", "model.bias=false"),
    ),
    case("warm-up beyond the end", "schedule.warmup=20", says("schedule.warmup=20", "15", "trainer.epochs=15")),
]

DATA = [
    case(
        "a batch larger than the split",
        "trainer.batch_size=3251",
        says("trainer.batch_size=3251", "3250, or full", "3250", "mnist_5k"),
    ),
    case(
        "a batch larger than the limit leaves",
        "data.limit=10",
        says("trainer.batch_size=32", "10, or full", "10", "mnist_5k"),
    ),
    case("fewer units than classes", "model.output_units=7", says("model.output_units=7", "null", "10", "mnist_5k")),
    case(
        "patience without validation",
        "trainer.patience=3 data.split.validation=0",
        says("trainer.patience=3", "null, or data.split.validation=0.15", "validation split"),
    ),
    case("files without a folder", "data=idx", says("data=idx", "", "data=idx", "data.root", "data.root=PATH")),
    case(
        "a folder for data that knows its files",
        "data=digits data.root=/somewhere",
        says("data=digits", "", "data.root=/somewhere", "data=digits", "idx, csv, npz"),
    ),
    case(
        "fractions beyond the whole",
        "data.split.test=0.9 data.split.validation=0.5",
        says("data=mnist_5k", "", "5000", "data.split.validation=0.5", "2500", "data.split.test=0.9", "4500"),
    ),
    case(
        "the tail of sorted rows",
        "data.split.strategy=tail",
        says("data=mnist_5k", "", "7", "8", "9", "data.split.strategy=tail", "data.split.strategy=stratified"),
    ),
]

GRAMMAR_AND_SWEEPS = [
    case(
        "several values without -m",
        "optimizer.lr=0.1,0.01",
        says("optimizer.lr", "add -m", "optimizer.lr=0.1", "0.01", "-m"),
    ),
    case("several choices without -m", "optimizer=sgd,adam", says("optimizer", "add -m", "optimizer=sgd", "-m")),
    case(
        "an open bracket",
        "optimizer.lr=[",
        says("optimizer.lr=[", "optimizer.lr=VALUE, which must be a number", "quotes"),
    ),
    case("no value", "optimizer.lr", says("command line", "optimizer.lr=VALUE", "optimizer.lr")),
    case(
        "a reference to nothing",
        "optimizer.lr=${speed}",
        says("optimizer.lr=${speed}", "'optimizer.lr=\"\\${speed}\"' if it is text", "'speed'"),
    ),
    case(
        "two that cannot be read, and one that is wrong",
        "optimizer.lr=[ data.root=a#b seed=-1",
        says("optimizer.lr=[", "optimizer.lr=VALUE, which must be a number"),
        says("data.root=a#b", "'data.root=\"a#b\"'"),
        says("seed=-1", "0", "0"),
    ),
    case("a required value marked as missing", "optimizer.lr=???", says("optimizer.lr", "", "missing")),
    case("a required value removed", "~seed", says("seed", "", "missing")),
]
