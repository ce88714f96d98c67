"""JAX with the whole epoch in one jitted scan."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from benchmarks.training.point import Array, Labels, Point, Weights


class _Jax:
    def __init__(self, point: Point, x: Array, labels: Labels) -> None:
        self._batch = point.batch
        self._x, self._labels = jnp.asarray(x), jnp.asarray(labels)
        self._parameters = [(jnp.asarray(weight), jnp.asarray(bias)) for weight, bias in point.initial_weights()]
        self._velocity = jax.tree.map(jnp.zeros_like, self._parameters)

        def loss(parameters: Any, x: jax.Array, labels: jax.Array) -> jax.Array:
            values = x
            for weight, bias in parameters[:-1]:
                values = jax.nn.relu(values @ weight + bias)
            logits = values @ parameters[-1][0] + parameters[-1][1]
            chosen = jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], axis=1)
            return -chosen.mean() + point.penalty * sum(jnp.vdot(weight, weight) for weight, _ in parameters)

        def step(state: Any, ids: jax.Array) -> tuple[Any, jax.Array]:
            parameters, velocity = state
            value, gradients = jax.value_and_grad(loss)(parameters, self._x[ids], self._labels[ids])
            velocity = jax.tree.map(lambda v, g: point.momentum * v - point.lr * g, velocity, gradients)
            return (jax.tree.map(jnp.add, parameters, velocity), velocity), value

        self._epoch = jax.jit(lambda state, order: jax.lax.scan(step, state, order), donate_argnums=0)

    def train(self, order: NDArray[np.intp]) -> None:
        batches = jnp.asarray(order.reshape(-1, self._batch))
        (self._parameters, self._velocity), _ = self._epoch((self._parameters, self._velocity), batches)
        jax.block_until_ready(self._parameters)

    def weights(self) -> Weights:
        return [(np.asarray(weight), np.asarray(bias)) for weight, bias in self._parameters]


def make(point: Point, x: Array, labels: Labels, threads: int) -> _Jax:
    """JAX, the epoch jitted."""
    return _Jax(point, x, labels)
