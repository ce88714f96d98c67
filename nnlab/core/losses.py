"""Loss functions. Each is the mean over the n rows of a batch; what is summed within a row is said by each."""

from __future__ import annotations

import numpy as np

from nnlab.core.activations import sigmoid
from nnlab.core.graph import Array, Node, Saved, Shape


class _SquaredError(Node):
    """c · Σ (p − t)² over all elements of prediction p (n, k) and target t (n, k)."""

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

    def forward(self, p: Array, t: Array, out: Array, difference: Array, slope: Array) -> None:
        """Write c · Σ (p − t)²."""
        np.subtract(p, t, difference)
        out[...] = self.factor(p.shape) * np.vdot(difference, difference)

    def backward(
        self,
        p: Array,
        t: Array,
        out: Array,
        difference: Array,
        slope: Array,
        dout: Array,
        dp: Array | None,
        dt: Array | None,
    ) -> None:
        """∂/∂p = 2c (p − t) = −∂/∂t."""
        slope[...] = 2.0 * self.factor(p.shape) * float(dout)
        if dp is not None:
            np.multiply(difference, slope, dp)
        if dt is not None:
            np.multiply(difference, -slope, out=dt)


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


class CrossEntropyWithSoftmax(Node):
    """−log softmax(z)[label], averaged over the rows, from logits z (n, k) and integer labels (n,).

    Fused, since log(softmax) of its own overflows or loses all digits: with m the row's maximum,
    −log softmax(z)_l = log Σ_j exp(z_j − m) − (z_l − m), which is finite for any finite logits.

    Reference: I. Goodfellow, Y. Bengio, A. Courville, "Deep Learning", 2016, sections 4.1 and 6.2.2.3.
    """

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
        """The probabilities, a number for each row, and where the labels are among all n·k probabilities."""
        n, _ = inputs[0]
        return (Saved(inputs[0]), Saved((n, 1)), Saved((n,), np.intp))

    def forward(self, z: Array, labels: Array, out: Array, p: Array, row: Array, place: Array) -> None:
        """Write the mean of log Σ_j exp(z_j − m) − (z_label − m); keep p = softmax(z)."""
        np.maximum.reduce(z, axis=1, keepdims=True, out=row)
        np.subtract(z, row, out=p)
        n, k = z.shape
        np.add(labels, np.arange(0, n * k, k), out=place)
        chosen = p.take(place)
        np.exp(p, out=p)
        np.add.reduce(p, axis=1, keepdims=True, out=row)
        np.divide(p, row, out=p)
        np.log(row, out=row)
        out[...] = (np.add.reduce(row[:, 0]) - np.add.reduce(chosen)) / n

    def backward(
        self,
        z: Array,
        labels: Array,
        out: Array,
        p: Array,
        row: Array,
        place: Array,
        dout: Array,
        dz: Array,
        _: None,
    ) -> None:
        """∂/∂z = (softmax(z) − onehot(label)) / n."""
        weight = float(dout) / len(labels)
        np.multiply(p, weight, out=dz)
        dz.reshape(-1)[place] -= weight


class BinaryCrossEntropyWithLogits(Node):
    """−t log σ(z) − (1 − t) log(1 − σ(z)), summed within a row and averaged over the rows; z and t (n, k).

    Computed as log(1 + exp(z)) − t z, which is finite for any finite logits. Keras and PyTorch average
    within a row as well; summing is the variant of M. Nielsen, "Neural Networks and Deep Learning",
    2015, equation 63, and both agree where k = 1.
    """

    def __init__(self, logits: Node, targets: Node) -> None:
        super().__init__(logits, targets)

    def shape(self, *inputs: Shape) -> Shape:
        """A scalar."""
        if inputs[0] != inputs[1] or not inputs[0]:
            raise ValueError(
                "`BinaryCrossEntropyWithLogits` needs logits and targets of one shape (n, ...), "
                f"but got {inputs[0]} and {inputs[1]}."
            )
        return ()

    def saved(self, *inputs: Shape) -> tuple[Saved, ...]:
        """Two arrays of the logits' shape, for the terms."""
        return (Saved(inputs[0]), Saved(inputs[0]))

    def forward(self, z: Array, t: Array, out: Array, terms: Array, tz: Array) -> None:
        """Write the mean of Σ_k log(1 + exp(z_k)) − t_k z_k.

        Subtracted term by term: two sums of large logits would cancel, and a small loss turn out negative.
        """
        np.logaddexp(0.0, z, out=terms)
        np.multiply(t, z, out=tz)
        np.subtract(terms, tz, out=terms)
        out[...] = terms.sum() / len(z)

    def backward(
        self,
        z: Array,
        t: Array,
        out: Array,
        terms: Array,
        tz: Array,
        dout: Array,
        dz: Array | None,
        dt: Array | None,
    ) -> None:
        """∂/∂z = (σ(z) − t) / n and ∂/∂t = −z / n."""
        weight = float(dout) / len(z)
        if dz is not None:
            sigmoid(z, dz)
            np.subtract(dz, t, out=dz)
            np.multiply(dz, weight, out=dz)
        if dt is not None:
            np.multiply(z, -weight, out=dt)
