"""Ways to write momentum's update in NumPy, behind the products of a layer of 784-300: which of them is faster?

`python -m benchmarks.training.update_forms`, a process of its own, prints a JSON object: microseconds of the two
products and the update, by form.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from itertools import pairwise

import numpy as np

from benchmarks.training.contestants.floor import filled
from benchmarks.training.point import Array

ROUNDS, CALLS = 7, 150
ROWS, INPUTS, UNITS = 50, 784, 300
MOMENTUM, KEPT = np.array(0.9, np.float32), np.array(0.9998, np.float32)


class _Layer:
    """What the forms have in common: a layer's forward product, and the product that gives its gradient."""

    def __init__(self) -> None:
        self.x, self.z, self.dz = filled(ROWS, INPUTS), filled(ROWS, UNITS), filled(ROWS, UNITS)
        # One above the other, as a matrix-vector product wants them.
        self.stack = filled(4, INPUTS * UNITS)
        self.parameters, self.velocity, self.gradients, self.spare = self.stack
        self.weight = self.parameters.reshape(INPUTS, UNITS)
        self.gradient = self.gradients.reshape(INPUTS, UNITS)

    def forward(self) -> None:
        np.dot(self.x, self.weight, out=self.z)

    def products(self) -> None:
        self.forward()
        np.dot(self.x.T, self.dz, out=self.gradient)

    def pieces(self, count: int) -> list[tuple[slice, tuple[Array, Array, Array]]]:
        """Rows of the weight, and the parameters, velocity and gradients in them."""
        edges = [INPUTS * piece // count for piece in range(count + 1)]
        return [
            (
                slice(begin, end),
                (
                    self.parameters[begin * UNITS : end * UNITS],
                    self.velocity[begin * UNITS : end * UNITS],
                    self.gradients[begin * UNITS : end * UNITS],
                ),
            )
            for begin, end in pairwise(edges)
        ]


def _passes(parameters: Array, velocity: Array, gradients: Array) -> None:
    """v ← μv − g; w ← (1 − c)w + v, where g has the learning rate in it."""
    np.multiply(velocity, MOMENTUM, velocity)
    np.subtract(velocity, gradients, velocity)
    np.multiply(parameters, KEPT, parameters)
    np.add(parameters, velocity, parameters)


def _none() -> Callable[[], None]:
    return _Layer().products


def _whole() -> Callable[[], None]:
    layer = _Layer()

    def step() -> None:
        layer.products()
        _passes(layer.parameters, layer.velocity, layer.gradients)

    return step


def _sliced(count: int) -> Callable[[], None]:
    layer = _Layer()
    pieces = layer.pieces(count)

    def step() -> None:
        layer.products()
        for _, vectors in pieces:
            _passes(*vectors)

    return step


def _behind_each_part(count: int) -> Callable[[], None]:
    layer = _Layer()
    parts = [(layer.x[:, rows].T, layer.gradient[rows], vectors) for rows, vectors in layer.pieces(count)]

    def step() -> None:
        layer.forward()
        for inputs, gradient, vectors in parts:
            np.dot(inputs, layer.dz, out=gradient)
            _passes(*vectors)

    return step


def _as_product() -> Callable[[], None]:
    """(1 + μ − c) w − μ w₋ − g, with w₋ the w before, as one product with a row of three numbers.

    It needs no velocity, but puts w into other memory at every step.
    """
    layer = _Layer()
    factors = np.array([KEPT + MOMENTUM, -MOMENTUM, -1.0], np.float32)

    def step() -> None:
        layer.products()
        np.dot(factors, layer.stack[:3], out=layer.spare)

    return step


def _by_two_threads() -> Callable[[], None]:
    layer = _Layer()
    (_, first), (_, second) = layer.pieces(2)
    begun, done = threading.Semaphore(0), threading.Semaphore(0)

    def other() -> None:
        while True:
            begun.acquire()
            _passes(*second)
            done.release()

    threading.Thread(target=other, daemon=True).start()

    def step() -> None:
        layer.products()
        begun.release()
        _passes(*first)
        done.acquire()

    return step


FORMS: dict[str, Callable[[], Callable[[], None]]] = {
    "the products, no update": _none,
    "four passes": _whole,
    "in 4 slices": lambda: _sliced(4),
    "in 16 slices": lambda: _sliced(16),
    "behind each quarter of the gradient": lambda: _behind_each_part(4),
    "one product over w, the w before, and g": _as_product,
    "shared by two Python threads": _by_two_threads,
}


def main() -> None:
    """Measure the forms in turn, and print."""
    steps = {name: form() for name, form in FORMS.items()}
    measured: dict[str, list[float]] = {name: [] for name in steps}
    for number in range(ROUNDS + 1):
        for name, step in steps.items():
            began = time.perf_counter()
            for _ in range(CALLS):
                step()
            if number:  # the first is the warm-up
                measured[name].append(1e6 * (time.perf_counter() - began) / CALLS)
    print(json.dumps(measured))


if __name__ == "__main__":
    main()
