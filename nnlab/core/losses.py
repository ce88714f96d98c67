"""Loss functions. Each is the mean over the n rows of a batch; what is summed within a row is said by each.

Each states the targets that it is defined for, which are checked where training is set up.
"""

from __future__ import annotations

import operator
from typing import ClassVar

import numpy as np

from nnlab.core.activations import sigmoid
from nnlab.core.node import CLIP, Array, Calls, Node, Saved, Shape, call, in_float64, scalar
from nnlab.core.target_ranges import ClassLabels, TargetRange


class LossFunction(Node):
    """A mean over rows, of a prediction (its first input) and a target (its second)."""

    targets: ClassVar[TargetRange | ClassLabels]
    """The targets that it is defined for."""


class _SquaredError(LossFunction):
    """c · Σ (p − t)² over all elements of prediction p (n, k) and target t (n, k), any finite numbers."""

    targets = TargetRange("A squared error")

    def __init__(self, prediction: Node, target: Node) -> None:
        super().__init__(prediction, target)

    def factor(self, shape: Shape) -> float:
        """c, for predictions of this shape."""
        raise TypeError("a squared error says its factor")

    def shape(self, *inputs: Shape) -> Shape:
        """A scalar."""
        if inputs[0] != inputs[1] or not inputs[0]:
            raise ValueError(
                f"`{type(self).__name__}` needs predictions and targets of one shape (n, ...), "
                f"but got {inputs[0]} and {inputs[1]}."
            )
        return ()

    def saved(self, *inputs: Shape) -> tuple[Saved, ...]:
        """p − t, and a number."""
        return (Saved(inputs[0]), Saved(()))

    def forward(self, p: Array, t: Array, out: Array, difference: Array, number: Array) -> Calls:
        """Write c · Σ (p − t)²."""
        elements = difference.reshape(-1)
        yield call(np.subtract, p, t, difference)
        # Not in place, which takes NumPy three times as long where there are no dimensions.
        yield call(elements.dot, elements, number)
        yield call(np.multiply, number, scalar(self.factor(p.shape), out), out)

    def backward(
        self,
        p: Array,
        t: Array,
        out: Array,
        difference: Array,
        number: Array,
        dout: Array,
        dp: Array | None,
        dt: Array | None,
    ) -> Calls:
        """∂/∂p = 2c (p − t) = −∂/∂t."""
        yield call(in_float64, operator.mul, dout, 2.0 * self.factor(p.shape), number)
        if dp is not None:
            yield call(np.multiply, difference, number, dp)
        if dt is not None:
            yield call(np.multiply, difference, number, dt)
            yield call(np.negative, dt, dt)


class HalfSquaredError(_SquaredError):
    """½ Σ_k (p_k − t_k)², summed within a row, averaged over the rows: c = 1 / (2n)."""

    def factor(self, shape: Shape) -> float:
        """1 / (2n)."""
        return 0.5 / shape[0]


class MeanSquaredError(_SquaredError):
    """(p − t)² averaged within a row and over the rows: c = 1 / (nk). Keras' and PyTorch's variant."""

    def factor(self, shape: Shape) -> float:
        """1 / (nk)."""
        return 1.0 / max(1, int(np.prod(shape)))


class CrossEntropyWithSoftmax(LossFunction):
    """−log softmax(z)[label], averaged over the rows, from logits z (n, k) and integer labels (n,).

    Fused, since log(softmax) of its own overflows or loses all digits: with m the row's maximum,
    −log softmax(z)_l = log Σ_j exp(z_j − m) − (z_l − m), which is finite for any finite logits.

    Reference: I. Goodfellow, Y. Bengio, A. Courville, "Deep Learning", 2016, sections 4.1 and 6.2.2.3.
    """

    targets = ClassLabels("Cross-entropy")
    integer_inputs = frozenset({1})

    def __init__(self, logits: Node, labels: Node) -> None:
        super().__init__(logits, labels)

    def shape(self, *inputs: Shape) -> Shape:
        """A scalar."""
        logits, labels = inputs
        if len(logits) != 2 or labels != logits[:1]:
            raise ValueError(
                "`CrossEntropyWithSoftmax` needs logits of shape (n, k) and integer labels of shape (n,), "
                f"but got {logits} and {labels}."
            )
        return ()

    def saved(self, *inputs: Shape) -> tuple[Saved, ...]:
        """The probabilities, where the labels are among all n·k of them, two numbers for each row, and a number."""
        n, _ = inputs[0]
        return (Saved(inputs[0]), Saved((n,), np.intp), Saved((n, 1)), Saved((n,)), Saved(()))

    def forward(
        self, z: Array, labels: Array, out: Array, p: Array, place: Array, row: Array, chosen: Array, number: Array
    ) -> Calls:
        """Write the mean of log Σ_j exp(z_j − m) − (z_label − m); keep p = softmax(z)."""
        n, k = z.shape
        yield call(np.maximum.reduce, z, axis=1, keepdims=True, out=row)
        yield call(np.subtract, z, row, p)
        yield call(np.add, labels, np.arange(0, n * k, k), place)
        yield call(p.reshape(-1).take, place, None, chosen, CLIP)
        yield call(np.exp, p, p)
        yield call(np.add.reduce, p, axis=1, keepdims=True, out=row)
        yield call(np.divide, p, row, p)
        yield call(np.log, row, row)
        yield call(np.add.reduce, row, axis=None, out=out)
        yield call(np.add.reduce, chosen, axis=None, out=number)
        yield call(np.subtract, out, number, out)
        yield call(np.divide, out, scalar(n, out), out)

    def backward(
        self,
        z: Array,
        labels: Array,
        out: Array,
        p: Array,
        place: Array,
        row: Array,
        chosen: Array,
        number: Array,
        dout: Array,
        dz: Array,
        _: None,
    ) -> Calls:
        """∂/∂z = (softmax(z) − onehot(label)) / n."""
        flat = dz.reshape(-1)
        yield call(in_float64, operator.truediv, dout, len(labels), number)
        yield call(np.multiply, p, number, dz)
        yield call(flat.take, place, None, chosen, CLIP)
        yield call(np.subtract, chosen, number, chosen)
        yield call(flat.put, place, chosen)


class BinaryCrossEntropyWithLogits(LossFunction):
    """−t log σ(z) − (1 − t) log(1 − σ(z)), summed within a row and averaged over the rows; z and t (n, k).

    Computed as log(1 + exp(z)) − t z, which is finite for any finite logits. Summing is the variant of M. Nielsen,
    "Neural Networks and Deep Learning", 2015, equation 63; `MeanBinaryCrossEntropyWithLogits` averages.
    A target is a probability: outside of [0, 1] the sum has no minimum.
    """

    targets = TargetRange("Binary cross-entropy", 0.0, 1.0)

    def __init__(self, logits: Node, targets: Node) -> None:
        super().__init__(logits, targets)

    def divisor(self, shape: Shape) -> int:
        """What the sum over all elements is divided by, for logits of this shape."""
        return shape[0]

    def shape(self, *inputs: Shape) -> Shape:
        """A scalar."""
        if inputs[0] != inputs[1] or not inputs[0]:
            raise ValueError(
                "`BinaryCrossEntropyWithLogits` needs logits and targets of one shape (n, ...), "
                f"but got {inputs[0]} and {inputs[1]}."
            )
        return ()

    def saved(self, *inputs: Shape) -> tuple[Saved, ...]:
        """Two arrays of the logits' shape, for the terms, and a number."""
        return (Saved(inputs[0]), Saved(inputs[0]), Saved(()))

    def forward(self, z: Array, t: Array, out: Array, terms: Array, tz: Array, number: Array) -> Calls:
        """Write Σ log(1 + exp(z)) − t z over all elements, divided.

        Subtracted term by term: two sums of large logits would cancel, and a small loss turn out negative.
        """
        yield call(np.logaddexp, scalar(0.0, z), z, terms)
        yield call(np.multiply, t, z, tz)
        yield call(np.subtract, terms, tz, terms)
        yield call(np.add.reduce, terms, axis=None, out=number)
        yield call(np.divide, number, scalar(self.divisor(z.shape), out), out)

    def backward(
        self,
        z: Array,
        t: Array,
        out: Array,
        terms: Array,
        tz: Array,
        number: Array,
        dout: Array,
        dz: Array | None,
        dt: Array | None,
    ) -> Calls:
        """∂/∂z = (σ(z) − t) / n and ∂/∂t = −z / n, where n is the divisor."""
        yield call(in_float64, operator.truediv, dout, self.divisor(z.shape), number)
        if dz is not None:
            yield from sigmoid(z, dz)
            yield call(np.subtract, dz, t, dz)
            yield call(np.multiply, dz, number, dz)
        if dt is not None:
            yield call(np.multiply, z, number, dt)
            yield call(np.negative, dt, dt)


class MeanBinaryCrossEntropyWithLogits(BinaryCrossEntropyWithLogits):
    """−t log σ(z) − (1 − t) log(1 − σ(z)), averaged within a row and over the rows: Keras' and PyTorch's variant."""

    def divisor(self, shape: Shape) -> int:
        """nk."""
        return max(1, int(np.prod(shape)))
