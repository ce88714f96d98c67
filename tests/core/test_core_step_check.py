"""The check of whole steps: it passes every right way to train, and catches each fault that training could have."""

# mypy: disable-error-code="has-type"
from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from nnlab.core import (
    L1,
    L2,
    SGD,
    Activation,
    Adam,
    Constant,
    Cosine,
    Dense,
    Dropout,
    Exponential,
    Momentum,
    Nesterov,
    Network,
    StepDecay,
    TimeDecay,
)
from nnlab.core import batches as batches_module
from nnlab.core import learner as learner_module
from nnlab.core.activations import InvertedDropout, Sigmoid
from nnlab.core.batches import BatchLoader
from nnlab.core.fused import FusedMomentum, FusedNesterov, FusedSGD
from nnlab.core.graph import Program
from nnlab.core.learner import Learner
from nnlab.core.losses import CrossEntropyWithSoftmax
from nnlab.core.node import Calls, call, in_float64
from nnlab.core.objective import Objective
from nnlab.core.optimizers import Optimizer
from nnlab.core.regularizers import Regularizer
from nnlab.core.rows import Rows, Scaling
from nnlab.core.schedules import Schedule
from nnlab.core.step_check import StepCheck, check_steps

LABELS = np.array([0, 1, 2, 2, 1, 0, 0, 1])
X = np.random.default_rng(37).normal(size=(8, 5))


def check(
    optimizer: Optimizer | None = None,
    schedule: Schedule | None = None,
    *,
    dtype: Any = np.float64,
    hidden: str = "tanh",
    output: str = "softmax",
    loss: str = "cross_entropy",
    regularizer: Regularizer | None = None,
    dropout: float = 0.0,
    clip_norm: float | None = None,
    batch_size: int = 3,
    rows: Rows | None = None,
    reports_penalty: bool = False,
) -> list[StepCheck]:
    rows = rows or Rows.whole(X.astype(dtype), LABELS)
    layers = [
        Dense(8, kernel_regularizer=regularizer, bias_initializer="normal"),
        Activation(hidden),
        Dropout(dropout),
        Dense(3, kernel_regularizer=regularizer, bias_initializer="normal"),
        Activation(output),
    ]
    network = Network(layers, features=rows.x.shape[1:], rng=np.random.default_rng(38), dtype=dtype)
    stream = np.random.default_rng(39)
    objective = Objective(network, loss, dropout=stream, reports_penalty=reports_penalty)
    before = network.parameters.values_vector.tobytes()
    checks = check_steps(
        objective,
        rows,
        optimizer or SGD(lr=0.1),
        schedule or Constant(),
        dropout=stream,
        batch_size=batch_size,
        epochs=5,
        clip_norm=clip_norm,
    )
    assert network.parameters.values_vector.tobytes() == before
    return checks


def wrong(**choices: Any) -> set[str]:
    """The parts that are found wrong: losses, gradients, steps, epochs."""
    return {item.name.split(",")[0] for item in check(**choices) if not item.is_right}


OPTIMIZERS = [SGD(lr=0.1), SGD(lr=3.0), Momentum(lr=0.05), Nesterov(lr=0.05), Adam(lr=0.01)]
SCHEDULES = [
    Constant(),
    Constant(warmup=2.5),
    TimeDecay(decay=0.1),
    StepDecay(every=2),
    Exponential(decay=0.5, warmup=1.0),
    Cosine(floor=0.01),
    Cosine(),
]
MODELS: list[dict[str, Any]] = [
    {"hidden": "relu"},
    {"hidden": "softmax"},
    {"hidden": "sigmoid", "output": "sigmoid", "loss": "binary_cross_entropy"},
    {"output": "sigmoid", "loss": "half_squared_error"},
    {"output": "identity", "loss": "mean_squared_error", "regularizer": L2(1e-6)},
    {"dropout": 0.5, "regularizer": L2(0.05), "reports_penalty": True},
    {"regularizer": L1(0.01), "clip_norm": 0.3},
    {"regularizer": L2(0.01), "clip_norm": 1e6},
]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=str)
@pytest.mark.parametrize("model", MODELS, ids=str)
def test_every_model_takes_the_steps_of_its_optimizer(model: dict[str, Any], optimizer: Optimizer, dtype: Any) -> None:
    checks = check(optimizer, dtype=dtype, **model)
    assert all(item.is_right for item in checks), checks
    assert len(checks) == 4


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("schedule", SCHEDULES, ids=str)
@pytest.mark.parametrize("optimizer", [SGD(lr=0.1), Momentum(lr=0.05), Adam()], ids=str)
def test_every_schedule_leads_the_steps_of_every_optimizer(
    optimizer: Optimizer, schedule: Schedule, dtype: Any
) -> None:
    checks = check(optimizer, schedule, dtype=dtype, regularizer=L2(0.05), batch_size=4)
    assert all(item.is_right for item in checks), checks


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    "choices",
    [
        {"rows": Rows.whole(400.0 * X, LABELS), "hidden": "sigmoid"},
        {"rows": Rows.whole(1e-9 * X, LABELS), "hidden": "tanh"},
        {"rows": Rows.whole(0.0 * X, LABELS), "hidden": "relu"},
        {"rows": Rows.whole(1e3 * X, LABELS), "hidden": "identity"},
        {"rows": Rows((X > 0).astype(np.uint8) * 200, LABELS, np.arange(8)[::-1], Scaling(1 / 255))},
        {"rows": Rows.whole(X, np.eye(3)[LABELS]), "loss": "mean_squared_error", "output": "identity"},
    ],
    ids=["saturated", "tiny", "zero", "logits of thousands", "bytes", "columns"],
)
def test_gradients_that_vanish_raise_no_false_alarm(choices: dict[str, Any], dtype: Any) -> None:
    checks = check(dtype=dtype, **choices)
    assert all(item.is_right for item in checks), checks


Patch = pytest.MonkeyPatch


def replaced(owner: Any, name: str, new: Callable[..., Any]) -> Callable[[Patch], None]:
    """A fault: `new` in place of a method, given the right one first."""
    right = getattr(owner, name)
    if isinstance(right, property):
        return lambda patch: patch.setattr(owner, name, property(lambda self: new(right.fget, self)))
    return lambda patch: patch.setattr(owner, name, lambda *args, **kwargs: new(right, *args, **kwargs))


def without_its_factor(right: Any, self: Any, x: Any, out: Any, saved: Any) -> Calls:
    yield from right(self, x, out, saved)
    yield call(np.copyto, saved.mask, saved.kept)
    yield call(np.multiply, x, saved.mask, out)


def both_ways(change: Callable[..., Any]) -> Callable[[Patch], None]:
    """A fault in the loss and, alike, in its derivative."""
    faults = [replaced(CrossEntropyWithSoftmax, name, change) for name in ("forward", "backward")]

    def fault(patch: Patch) -> None:
        for each in faults:
            each(patch)

    return fault


def times_rows(right: Any, self: Any, *arrays: Any) -> Calls:
    """A sum over the rows, where there should be a mean: of value and derivative alike."""
    yield from right(self, *arrays)
    result = arrays[2] if len(arrays) == 4 else arrays[-2]
    yield call(np.multiply, result, len(arrays[0]), result)


def by_the_full_batch(right: Any, self: Any, *arrays: Any) -> Calls:
    yield from right(self, *arrays)
    result = arrays[2] if len(arrays) == 4 else arrays[-2]
    yield call(np.multiply, result, len(arrays[0]) / 3, result)


def rotated(right: Any, y: Any, *args: Any) -> Iterator[Any]:
    return right(np.roll(y, 1), *args)  # type: ignore[no-any-return]


def as_momentum(right: Any, self: Any, w: Any, r: Any, state: Any) -> None:
    Momentum(momentum=self._momentum).step(w, r, state, 1.0)


def at_the_base_rate(right: Any, self: Any, w: Any, r: Any, state: Any, decay: float) -> None:
    right(self, w, r, state, 0.1 * 2 * 0.05 if decay else 0.0)


def times(factor: float) -> Callable[[Patch], None]:
    """Every backward pass that has the learning rate in it is of another multiple of the loss."""
    return replaced(
        Program, "backward", lambda right, self, scale=1.0: right(self, scale if scale == 1.0 else factor * scale)
    )


def lost_in_float32(right: Any, self: Any, x: Any, out: Any) -> Calls:
    yield from right(self, x, out)
    if out.dtype == np.float32:
        yield call(np.add, out, 0.01, out)


FAULTS: dict[str, tuple[Callable[[Patch], None], dict[str, Any], set[str]]] = {
    "a doubled rate": (replaced(Learner, "lr", lambda right, self: 2 * right(self)), {}, {"steps"}),
    "a doubled loss": (times(2.0), {}, {"steps"}),
    "a rate that is doubled in the update": (
        replaced(Learner, "update", lambda right, self, lr: right(self, 2 * lr)),
        {"optimizer": Adam()},
        {"steps"},
    ),
    "a doubled factor": (
        replaced(TimeDecay, "factor", lambda right, *args: 2 * right(*args)),
        {"schedule": TimeDecay()},
        {"steps"},
    ),
    "no schedule": (
        replaced(Learner, "lr", lambda right, self: self.optimizer.lr),
        {"schedule": Exponential(decay=0.5)},
        {"steps"},
    ),
    "a schedule that is a step late": (
        replaced(StepDecay, "shape", lambda right, self, step, horizon: right(self, max(0, step - 1), horizon)),
        {"schedule": StepDecay(every=1)},
        {"steps"},
    ),
    "an update that does nothing": (replaced(Learner, "update", lambda *args: None), {}, {"steps"}),
    "an optimizer that does nothing": (
        replaced(FusedMomentum, "step", lambda *args: None),
        {"optimizer": Momentum()},
        {"steps"},
    ),
    "an update against the sign": (
        times(-1.0),
        {},
        {"steps"},
    ),
    "dropout without 1/(1 − p)": (
        replaced(InvertedDropout, "forward", without_its_factor),
        {"dropout": 0.4},
        {"losses", "gradients"},
    ),
    "dropout of the wrong elements": (
        replaced(InvertedDropout, "__init__", lambda right, self, x, rate, rng: right(self, x, 0.5 * rate, rng)),
        {"dropout": 0.6},
        {"losses", "gradients"},
    ),
    "dropout in an evaluation": (
        replaced(Network, "connect", lambda right, self, drop=None: right(self, drop or np.random.default_rng(0))),
        {"dropout": 0.4},
        {"losses"},
    ),
    "rotated labels": (
        lambda patch: patch.setattr(batches_module, "_classes", lambda *args: rotated(RIGHT_CLASSES, *args)),
        {},
        {"losses", "gradients"},
    ),
    "no mean over the rows": (
        both_ways(times_rows),
        {},
        {"losses", "gradients"},
    ),
    "a last batch that counts as a full one": (
        both_ways(by_the_full_batch),
        {},
        {"losses", "gradients"},
    ),
    "a last batch that is left out": (
        lambda patch: patch.setattr(
            learner_module, "chunks", lambda ids, n: (p for p in RIGHT_CHUNKS(ids, n) if len(p) == n)
        ),
        {},
        {"losses", "steps"},
    ),
    "batches in another order": (
        lambda patch: patch.setattr(
            learner_module, "chunks", lambda ids, n: reversed(list(RIGHT_CHUNKS(ids, n)))
        ),
        {},
        {"epochs"},
    ),
    "a row twice": (
        replaced(BatchLoader, "load", lambda right, self, ids: right(self, np.append(ids[:-1], ids[0]))),
        {},
        {"losses", "gradients"},
    ),
    "no clipping": (
        lambda patch: patch.setattr(learner_module, "clip_global_norm", lambda *args: 0.0),
        {"clip_norm": 0.1},
        {"steps"},
    ),
    "clipping of the penalty's gradient aside": (
        lambda patch: patch.setattr(
            learner_module, "clip_global_norm", lambda g, limit: RIGHT_CLIP(g[: len(g) // 2], limit)
        ),
        {"clip_norm": 0.1, "regularizer": L2(0.05)},
        {"steps"},
    ),
    "no decay": (
        replaced(FusedSGD, "decaying_step", lambda right, self, w, r, state, decay: right(self, w, r, state, 0.0)),
        {"regularizer": L2(0.05)},
        {"steps"},
    ),
    "a decay at the base rate": (
        replaced(FusedSGD, "decaying_step", at_the_base_rate),
        {"regularizer": L2(0.05), "schedule": Exponential(decay=0.5)},
        {"steps"},
    ),
    "half a penalty": (
        replaced(L2, "add_gradient", lambda right, self, w, dw, s, scale: right(self, w, dw, s, 0.5 * scale)),
        {"regularizer": L2(0.05), "optimizer": Nesterov()},
        {"steps"},
    ),
    "a penalty that is not reported": (
        replaced(Objective, "reported_penalty", lambda right, self: 0.0),
        {"regularizer": L2(0.05), "reports_penalty": True},
        {"losses"},
    ),
    "Nesterov's momentum without looking ahead": (
        replaced(FusedNesterov, "step", as_momentum),
        {"optimizer": Nesterov()},
        {"steps"},
    ),
    "Adam without its correction": (
        replaced(Adam, "step", lambda right, self, w, g, state, lr: (
            state["t"].__setitem__((), 1000), right(self, w, g, state, lr))),
        {"optimizer": Adam()},
        {"steps"},
    ),
    "numbers that are off in float32 alone": (
        replaced(Sigmoid, "forward", lost_in_float32),
        {"hidden": "sigmoid", "dtype": np.float32},
        {"losses", "gradients"},
    ),
}  # fmt: skip

RIGHT_CLASSES, RIGHT_CHUNKS = batches_module._classes, learner_module.chunks  # type: ignore[attr-defined]
RIGHT_CLIP = learner_module.clip_global_norm  # type: ignore[attr-defined]


@pytest.mark.parametrize(("fault", "choices", "parts"), FAULTS.values(), ids=FAULTS.keys())
def test_a_fault_is_caught_where_it_is(
    fault: Callable[[Patch], None], choices: dict[str, Any], parts: set[str], monkeypatch: Patch
) -> None:
    assert wrong(**choices) == set()
    fault(monkeypatch)
    assert parts <= wrong(**choices)


def test_a_loss_that_is_no_number_is_not_right(monkeypatch: Patch) -> None:
    right = CrossEntropyWithSoftmax.forward

    def broken(self: Any, *arrays: Any) -> Calls:
        yield from right(self, *arrays)
        yield call(in_float64, operator.mul, arrays[2], np.nan, arrays[2])

    monkeypatch.setattr(CrossEntropyWithSoftmax, "forward", broken)
    with np.errstate(all="ignore"):
        assert "losses" in wrong()
