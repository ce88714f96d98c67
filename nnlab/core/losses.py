"""Loss functions. Each is the mean over the n rows of a batch; each states what is summed within a row.

Each states the targets that it is defined for, which are checked where training is set up.
"""

from __future__ import annotations

import operator
from typing import ClassVar, NamedTuple

import numpy as np

from nnlab.core.activations import sigmoid
from nnlab.core.node import CLIP, Array, Calls, Memory, Node, Shape, call, in_float64, scalar
from nnlab.core.target_ranges import ClassLabels, TargetRange


class LossFunction(Node):
    """A mean over rows, of a prediction (its first input) and a target (its second)."""

    targets: ClassVar[TargetRange | ClassLabels]
    """The targets that it is defined for."""

    def _number(self, what: str, one: Shape, other: Shape) -> Shape:
        """The shape of a number, if the two inputs have one shape."""
        if one != other or not one:
            raise ValueError(f"`{type(self).__name__}` needs {what} of one shape (n, ...), but got {one} and {other}.")
        return ()


class _SquaredError(LossFunction):
    """c · Σ (p − t)² over all elements of prediction p (n, k) and target t (n, k), any finite numbers."""

    class Saved(NamedTuple):
        """p − t, and a number."""

        difference: Array
        number: Array

    targets = TargetRange("A squared error")

    def __init__(self, prediction: Node, target: Node) -> None:
        super().__init__(prediction, target)

    def factor(self, shape: Shape) -> float:
        """c, for predictions of this shape."""
        raise TypeError("a squared error says its factor")

    def shape(self, *inputs: Shape) -> Shape:
        """A scalar."""
        return self._number("predictions and targets", *inputs)

    def saved(self, memory: Memory, *inputs: Shape) -> Saved:
        """(n, k) and ()."""
        return self.Saved(difference=memory.empty(inputs[0]), number=memory.empty(()))

    def forward(self, p: Array, t: Array, out: Array, saved: Saved) -> Calls:
        """Write c · Σ (p − t)²."""
        difference, number = saved
        elements = difference.reshape(-1)
        yield call(np.subtract, p, t, difference)  # d = p − t
        # Not in place, which takes NumPy three times as long where there are no dimensions.
        yield call(elements.dot, elements, number)  # s = Σ d²
        yield call(np.multiply, number, scalar(self.factor(p.shape), out), out)  # out = c s

    def backward(
        self, p: Array, t: Array, out: Array, saved: Saved, dout: Array, dp: Array | None, dt: Array | None
    ) -> Calls:
        """dp = dout · 2c (p − t), dt = −dp."""
        difference, number = saved
        yield call(in_float64, operator.mul, dout, 2.0 * self.factor(p.shape), number)  # a = dout 2c
        if dp is not None:
            yield call(np.multiply, difference, number, dp)  # dp = (p − t) a
        if dt is not None:
            yield call(np.multiply, difference, number, dt)  # dt = (p − t) a
            yield call(np.negative, dt, dt)  # dt = −(p − t) a


class HalfSquaredError(_SquaredError):
    """½ Σ_k (p_k − t_k)² for prediction p and target t, averaged over the rows: c = 1 / (2n)."""

    def factor(self, shape: Shape) -> float:
        """1 / (2n)."""
        return 0.5 / shape[0]


class MeanSquaredError(_SquaredError):
    """(p − t)² for prediction p and target t, averaged over all elements: c = 1 / (nk). As Keras and PyTorch."""

    def factor(self, shape: Shape) -> float:
        """1 / (nk)."""
        return 1.0 / max(1, int(np.prod(shape)))


class CrossEntropyWithSoftmax(LossFunction):
    """−log softmax(z)[label], averaged over the rows, from logits z (n, k) and integer labels (n,).

    Fused, since log(softmax) of its own overflows or loses all digits: with m the row's maximum,
    −log softmax(z)_l = log Σ_j exp(z_j − m) − (z_l − m), which is finite for any finite logits.

    Reference: I. Goodfellow, Y. Bengio, A. Courville, "Deep Learning", 2016, sections 4.1 and 6.2.2.3.
    """

    class Saved(NamedTuple):
        """What forward leaves for backward, and arrays to work in.

        Attributes:
            p: the probabilities softmax(z), (n, k).
            first: where each row starts among all n·k elements, (n,).
            place: where each row's label is among them, (n,).
            row: a number for each row, (n, 1).
            chosen: the element of each row's label, (n,).
            number: ().
        """

        p: Array
        first: Array
        place: Array
        row: Array
        chosen: Array
        number: Array

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

    def saved(self, memory: Memory, *inputs: Shape) -> Saved:
        """As `Saved` has it."""
        n, k = inputs[0]
        return self.Saved(
            p=memory.empty((n, k)),
            first=memory.constant(f"multiples of {k}", (n,), lambda shape, dtype: np.arange(0, shape[0] * k, k)),
            place=memory.empty((n,), np.intp),
            row=memory.empty((n, 1)),
            chosen=memory.empty((n,)),
            number=memory.empty(()),
        )

    def forward(self, z: Array, labels: Array, out: Array, saved: Saved) -> Calls:
        """Write the mean of log Σ_j exp(z_j − m) − (z_label − m); keep p = softmax(z)."""
        p, first, place, row, chosen, number = saved
        yield call(np.maximum.reduce, z, axis=1, keepdims=True, out=row)  # m = max_j z_j
        yield call(np.subtract, z, row, p)  # p = z − m
        yield call(np.add, labels, first, place)  # place = k i + label_i in row i
        yield call(p.reshape(-1).take, place, None, chosen, CLIP)  # chosen = z_label − m
        yield call(np.exp, p, p)  # p = exp(z − m)
        yield call(np.add.reduce, p, axis=1, keepdims=True, out=row)  # s = Σ_j exp(z_j − m)
        yield call(np.divide, p, row, p)  # p = exp(z − m) / s = softmax(z)
        yield call(np.log, row, row)  # row = log s
        yield call(np.add.reduce, row, axis=None, out=out)  # out = Σ_rows log s
        yield call(np.add.reduce, chosen, axis=None, out=number)  # number = Σ_rows (z_label − m)
        yield call(np.subtract, out, number, out)  # out = Σ_rows log s − (z_label − m)
        yield call(np.divide, out, scalar(len(z), out), out)  # out = out / n

    def backward(
        self, z: Array, labels: Array, out: Array, saved: Saved, dout: Array, dz: Array, dlabels: None
    ) -> Calls:
        """dz = dout · (softmax(z) − onehot(label)) / n."""
        p, _, place, _, chosen, number = saved
        flat = dz.reshape(-1)
        yield call(in_float64, operator.truediv, dout, len(labels), number)  # a = dout / n
        yield call(np.multiply, p, number, dz)  # dz = p a
        yield call(flat.take, place, None, chosen, CLIP)  # chosen = p_label a
        yield call(np.subtract, chosen, number, chosen)  # chosen = (p_label − 1) a
        yield call(flat.put, place, chosen)  # dz_label = (p_label − 1) a


class BinaryCrossEntropyWithLogits(LossFunction):
    """−t log σ(z) − (1 − t) log(1 − σ(z)) for logits z, targets t (n, k); summed within a row, averaged over rows.

    Computed as log(1 + exp(z)) − t z, which is finite for any finite logits. Summing is the variant of M. Nielsen,
    "Neural Networks and Deep Learning", 2015, equation 63; `MeanBinaryCrossEntropyWithLogits` averages.
    A target is a probability: outside of [0, 1] the sum has no minimum.
    """

    class Saved(NamedTuple):
        """The terms of the sum and t z, both (n, k), and a number."""

        terms: Array
        tz: Array
        number: Array

    targets = TargetRange("Binary cross-entropy", 0.0, 1.0)

    def __init__(self, logits: Node, targets: Node) -> None:
        super().__init__(logits, targets)

    def divisor(self, shape: Shape) -> int:
        """What the sum over all elements is divided by, for logits of this shape."""
        return shape[0]

    def shape(self, *inputs: Shape) -> Shape:
        """A scalar."""
        return self._number("logits and targets", *inputs)

    def saved(self, memory: Memory, *inputs: Shape) -> Saved:
        """As `Saved` has it."""
        return self.Saved(terms=memory.empty(inputs[0]), tz=memory.empty(inputs[0]), number=memory.empty(()))

    def forward(self, z: Array, t: Array, out: Array, saved: Saved) -> Calls:
        """Write Σ log(1 + exp(z)) − t z over all elements, divided.

        Subtracted term by term: two sums of large logits would cancel, and a small loss turn out negative.
        """
        terms, tz, number = saved
        yield call(np.logaddexp, scalar(0.0, z), z, terms)  # terms = log(exp(0) + exp(z))
        yield call(np.multiply, t, z, tz)  # tz = t z
        yield call(np.subtract, terms, tz, terms)  # terms = log(1 + exp(z)) − t z
        yield call(np.add.reduce, terms, axis=None, out=number)  # s = Σ terms
        yield call(np.divide, number, scalar(self.divisor(z.shape), out), out)  # out = s / m

    def backward(
        self, z: Array, t: Array, out: Array, saved: Saved, dout: Array, dz: Array | None, dt: Array | None
    ) -> Calls:
        """dz = dout · (σ(z) − t) / m, dt = −dout · z / m, where m is n, or nk for the average over all elements."""
        number = saved.number
        yield call(in_float64, operator.truediv, dout, self.divisor(z.shape), number)  # a = dout / m
        if dz is not None:
            yield from sigmoid(z, dz)  # dz = σ(z)
            yield call(np.subtract, dz, t, dz)  # dz = σ(z) − t
            yield call(np.multiply, dz, number, dz)  # dz = (σ(z) − t) a
        if dt is not None:
            yield call(np.multiply, z, number, dt)  # dt = z a
            yield call(np.negative, dt, dt)  # dt = −z a


class MeanBinaryCrossEntropyWithLogits(BinaryCrossEntropyWithLogits):
    """−t log σ(z) − (1 − t) log(1 − σ(z)) for logits z, targets t (n, k); averaged over all elements.

    As Keras and PyTorch.
    """

    def divisor(self, shape: Shape) -> int:
        """nk."""
        return max(1, int(np.prod(shape)))
