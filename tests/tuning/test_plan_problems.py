"""What is wrong with a sweep's command line, and the remedy: key, value, facts and remedy are the contract."""

from __future__ import annotations

import pytest
from expected_problems import ExpectedProblem, says
from planning import problems


def test_all_mistakes_of_a_command_line_are_told_together_with_near_misses() -> None:
    found = problems(
        "model=mpl", "optimizer.lrr=0.1", "trainer.epochs=0", "sweep.trails=3", "trainer.batchsize=choice(1,2)"
    )
    assert found == [
        says("model=mpl", "model=mlp", "mlp, sigmoid_mlp, toy"),
        says("trainer.batchsize=choice(1,2)", "trainer.batch_size"),
        says("sweep.trails=3", "sweep.trials"),
        says("optimizer.lrr=0.1", "optimizer.lr", "optimizer=momentum"),
        says("trainer.epochs=0", "1", "1"),
    ]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (
            ["trainer.monitor=val/loss"],
            says("trainer.monitor=val/loss", "sweep.objective=val/accuracy", "sweep.objective"),
        ),
        (
            ["trainer.restore_best=false"],
            says("trainer.restore_best=false", "sweep.at=last", "sweep.at"),
        ),
        (
            ["data.split.validation=0"],
            says("sweep.objective=val/loss", "data.split.validation=0.15", "validation split", "empty"),
        ),
        (
            ["sweep.confirm=0"],
            says("sweep.confirm=0", "1", "at least 1"),
        ),
        (
            ["sweep.confirm=3", "sweep.confirm_seeds=1"],
            says("sweep.confirm_seeds=1", "2", "at least 2"),
        ),
        (
            ["sweep.confirm_seeds=4"],
            says("sweep.confirm_seeds=4", "sweep.confirm=3 beside it", "sweep.confirm"),
        ),
        (
            ["sweep.confirm=9", "sweep.trials=8"],
            says("sweep.confirm=9", "8", "sweep.trials=8"),
        ),
        (
            ["sweep.confirm=2", "sweep.objective=[val/accuracy,parameters]", "sweep.pruner=none"],
            says("sweep.confirm=2", "null, or sweep.objective=val/accuracy", "one objective"),
        ),
        (
            ["trainer.batch_size=choice(32,5000)"],
            says("trainer.batch_size=5000", "1168, or full", "1168"),
        ),
        (
            ["trainer.batch_size=range(32,5001,8)"],
            says("trainer.batch_size=5000", "1168, or full", "1168"),
        ),
        (
            ["sweep.space=null"],
            says("sweep.space", "'optimizer.lr=tag(log, interval(1e-3, 1))', or a preset such as sweep=mlp"),
        ),
        (
            ["sweep.trials=10,20"],
            says("sweep.trials=10,20", "one study per value"),
        ),
        (
            ["sweep=mlp,toy"],
            says("sweep=mlp,toy", "one study per value"),
        ),
        (
            ["sweep=mpl"],
            says("sweep=mpl", "sweep=mlp", "mlp, records, sigmoid_mlp, toy"),
        ),
        (["data.split=3"], says("data.split=3", "data.split.KEY=VALUE")),
        (["trainer=3"], says("trainer=3", "trainer.KEY=VALUE")),
        (["~seed"], says("seed", "", "missing")),
        (["~data.split.seed"], says("data.split.seed", "", "missing")),
        (
            ["trainer.stop_after=2", "sweep.pruner=asha", "sweep.pruner_options.min_epochs=3"],
            says("sweep.pruner_options.min_epochs=3", "2, or sweep.pruner=none", "2"),
        ),
        (
            ["optimizer=choice(sgd,adam)", "optimizer.momentum=0.8"],
            says("optimizer.momentum=0.8", "optimizer=momentum or nesterov", "optimizer=sgd"),
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_mistake_is_reported_with_its_remedy(arguments: list[str], problem: ExpectedProblem) -> None:
    assert problems(*arguments)[0] == problem


def test_a_space_that_is_no_group_is_reported() -> None:
    assert problems("sweep.space=3")[0] == says("sweep.space=3", "sweep.space.KEY=VALUE")


def test_a_depth_of_one_value_is_told_what_to_fix_instead() -> None:
    assert says("model.depth=2", "model.hidden=[64,64]", "several values") in problems("model.depth=2")
