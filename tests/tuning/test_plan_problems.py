"""What is wrong with a sweep's command line, told with its remedy: the text is the contract."""

from __future__ import annotations

import pytest
from planning import problems


def test_all_mistakes_of_a_command_line_are_told_together_with_near_misses() -> None:
    told = problems(
        "model=mpl", "optimizer.lrr=0.1", "trainer.epochs=0", "sweep.trails=3", "trainer.batchsize=choice(1,2)"
    )
    starts = [
        "model=mpl: must be one of mlp, sigmoid_mlp, toy. Nearest valid: model=mlp.",
        "trainer.batchsize=choice(1,2): is not a key of the configuration. Nearest valid: trainer.batch_size.",
        "sweep.trails=3: is not a key of the configuration. Nearest valid: sweep.trials.",
        "optimizer.lrr=0.1: is no key of optimizer=momentum",
        "trainer.epochs=0: must be at least 1. Nearest valid: 1.",
    ]
    assert len(told) == len(starts)
    for line, start in zip(told, starts, strict=True):
        assert line.startswith(start)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (
            ["trainer.monitor=val/loss"],
            "trainer.monitor=val/loss: follows sweep.objective in a sweep. "
            "Nearest valid: sweep.objective=val/accuracy.",
        ),
        (
            ["trainer.restore_best=false"],
            "trainer.restore_best=false: follows sweep.at in a sweep. Nearest valid: sweep.at=last.",
        ),
        (
            ["data.split.validation=0"],
            "sweep.objective=val/loss: is measured on the validation split, but that is empty. "
            "Nearest valid: data.split.validation=0.15.",
        ),
        (
            ["data.split.seed=null"],
            "data.split.seed=null: must be a number in a sweep, so that all trials are judged by the same rows. "
            "Nearest valid: 0.",
        ),
        (
            ["trainer.batch_size=choice(32,5000)"],
            "trainer.batch_size=5000: must be at most the 1168 rows of the training split of digits. "
            "Nearest valid: 1168, or full.",
        ),
        (
            ["trainer.batch_size=range(32,5001,8)"],
            "trainer.batch_size=5000: must be at most the 1168 rows of the training split of digits. "
            "Nearest valid: 1168, or full.",
        ),
        (
            ["sweep.space=null"],
            "sweep.space: is empty: there is nothing to search. Nearest valid: "
            "'optimizer.lr=tag(log, interval(1e-3, 1))', or a preset such as sweep=mlp.",
        ),
        (
            ["sweep.trials=10,20"],
            "sweep.trials=10,20: must have one value, since it says how to search. Nearest valid: a study for each.",
        ),
        (
            ["sweep=mlp,toy"],
            "sweep=mlp,toy: must have one value, since it says how to search. Nearest valid: a study for each.",
        ),
        (
            ["sweep=mpl"],
            "sweep=mpl: must be one of mlp, records, sigmoid_mlp, toy. Nearest valid: sweep=mlp.",
        ),
        (["data.split=3"], "data.split=3: must be a group of keys. Nearest valid: data.split.KEY=VALUE."),
        (["trainer=3"], "trainer=3: must be a group of keys. Nearest valid: trainer.KEY=VALUE."),
        (["~seed"], "seed: must be given, but is missing."),
        (["~data.split.seed"], "data.split.seed: must be given, but is missing."),
        (
            ["trainer.stop_after=2", "sweep.pruner=asha", "sweep.pruner_options.min_epochs=3"],
            "sweep.pruner_options.min_epochs=3: must be at most 2, or trials end before they are judged. "
            "Nearest valid: 2, or sweep.pruner=none.",
        ),
        (
            ["optimizer=choice(sgd,adam)", "optimizer.momentum=0.8"],
            "optimizer.momentum=0.8: is no key of optimizer=sgd (it has lr). "
            "Nearest valid: optimizer=momentum or nesterov.",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_mistake_is_told_with_its_remedy(arguments: list[str], problem: str) -> None:
    assert problems(*arguments)[0] == problem


def test_a_space_that_is_no_group_is_told() -> None:
    assert (
        problems("sweep.space=3")[0] == "sweep.space=3: must be a group of keys. Nearest valid: sweep.space.KEY=VALUE."
    )


def test_a_depth_of_one_value_is_told_what_to_fix_instead() -> None:
    told = "model.depth=2: can only be searched, with several values; what is fixed is model.hidden. "
    assert told + "Nearest valid: model.hidden=[64,64]." in problems("model.depth=2")
