"""Mistakes that keys make together, or with the data, or with the grammar: what is typed, and what has to be said."""

from __future__ import annotations

from mistakes_in_a_key import case

GRAMMAR = "cannot be read in Hydra's grammar, where a value must stand in quotes if it has any of "

COMBINATIONS = [
    case(
        "binary cross-entropy with softmax",
        "model.loss=binary_cross_entropy",
        "model.loss=binary_cross_entropy: needs model.output=sigmoid, since it is computed from logits, but "
        "model.output=softmax. Nearest valid: model.output=sigmoid, or model.loss=cross_entropy.",
    ),
    case(
        "cross-entropy with sigmoid",
        "model.output=sigmoid",
        "model.loss=cross_entropy: needs model.output=softmax, since it is computed from logits, but "
        "model.output=sigmoid. Nearest valid: model.output=softmax, or model.loss=binary_cross_entropy.",
    ),
    case(
        "softmax with one unit",
        "data=toy model.output_units=1",
        "model.output_units=1: must be at least 2 with softmax, whose outputs sum to 1. "
        "Nearest valid: model.output=sigmoid.",
    ),
    case(
        "a penalty on biases that are not there",
        "model.bias=false regularizer=l2 regularizer.biases=true",
        "regularizer.biases=true: makes no sense where model.bias=false. Nearest valid: regularizer.biases=false.",
    ),
    case(
        "warm-up beyond the end",
        "schedule.warmup=20",
        "schedule.warmup=20: must be at most trainer.epochs=15, or the ramp never ends. Nearest valid: 15.",
    ),
]

DATA = [
    case(
        "a batch larger than the split",
        "trainer.batch_size=3251",
        "trainer.batch_size=3251: must be at most the 3250 rows of the training split of mnist_5k. "
        "Nearest valid: 3250, or full.",
    ),
    case(
        "a batch larger than the limit leaves",
        "data.limit=10",
        "trainer.batch_size=32: must be at most the 10 rows of the training split of mnist_5k. "
        "Nearest valid: 10, or full.",
    ),
    case(
        "fewer units than classes",
        "model.output_units=7",
        "model.output_units=7: must be the 10 classes of mnist_5k. Nearest valid: null.",
    ),
    case(
        "patience without validation",
        "trainer.patience=3 data.split.validation=0",
        "trainer.patience=3: needs a validation split to judge epochs by, but it is empty. "
        "Nearest valid: null, or data.split.validation=0.15.",
    ),
    case(
        "files without a folder",
        "data=idx",
        "data=idx: `data=idx` reads your own files, but `data.root` is not set. Add `data.root=PATH`.",
    ),
    case(
        "a folder for data that knows its files",
        "data=digits data.root=/somewhere",
        "data=digits: `data.root=/somewhere` is for idx, csv, npz: `data=digits` does not read it. Leave it out, "
        "or choose one of these;",
    ),
    case(
        "fractions beyond the whole",
        "data.split.test=0.9 data.split.validation=0.5",
        "data=mnist_5k: A training split needs at least one row, but of 5000 rows `data.split.validation=0.5` takes "
        "2500 and `data.split.test=0.9` takes 4500. Lower one of them.",
    ),
    case(
        "the tail of sorted rows",
        "data.split.strategy=tail",
        "data=mnist_5k: Every class needs a training row, but classes 7, 8, 9 would have none: "
        "`data.split.strategy=tail` holds all their rows out, as happens to rows that are sorted by class. Choose "
        "`data.split.strategy=stratified`.",
    ),
]

GRAMMAR_AND_SWEEPS = [
    case(
        "several values without -m",
        "optimizer.lr=0.1,0.01",
        "optimizer.lr: has several values (optimizer.lr=0.1,0.01), which needs -m: a run for each. "
        "Nearest valid: add -m.",
    ),
    case(
        "several choices without -m",
        "optimizer=sgd,adam",
        "optimizer: has several values (optimizer=sgd,adam), which needs -m: a run for each. Nearest valid: add -m.",
    ),
    case("an open bracket", "optimizer.lr=[", f"optimizer.lr=[: {GRAMMAR}"),
    case(
        "no value",
        "optimizer.lr",
        "command line: must be written as key=value, but got optimizer.lr. Nearest valid: optimizer.lr=VALUE.",
    ),
    case(
        "a reference to nothing",
        "optimizer.lr=${speed}",
        "optimizer.lr=${speed}: cannot be composed (Interpolation key 'speed' not found).",
    ),
    case(
        "two that cannot be read, and one that is wrong",
        "optimizer.lr=[ data.root=a#b seed=-1",
        f"optimizer.lr=[: {GRAMMAR}",
        f"data.root=a#b: {GRAMMAR}",
        "seed=-1: must be at least 0.",
    ),
    case(
        "a required value marked as missing",
        "optimizer.lr=???",
        "optimizer.lr: must be given, but is missing.",
    ),
    case("a required value removed", "~seed", "seed: must be given, but is missing."),
]
