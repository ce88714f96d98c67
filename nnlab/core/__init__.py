"""The training core, from scratch on NumPy; read it in this order.

**Backpropagation.** Start with `textbook`: forward in topological order, backward in reverse, on plain arrays. It is
the definition of what a graph computes, and takes ten minutes to understand.

- `node`: what an operation is. `ops`, `activations`, `losses`: the operations, each formula beside its derivative.
- `graph`: the same computation, recorded once for each batch size and replayed for every batch. How: `recording`,
  `tracer` (what an operation sees meanwhile), `memory` (the arrays that a graph owns).
- `autodiff`: values and gradients of any expression, for experiments at a prompt.

**A network that learns.** Continue with `learner`: forward, backward, penalties, clipping, a step, batch after batch.

- `layers`, `initializers`, `parameters`, `network`: what predicts. `regularizers`, `objective`: what is minimized.
- `rows`, `scaling`, `targets`, `target_ranges`, `batches`: from stored rows to the inputs of a graph.
- `optimizers`, `schedules`, `clipping`: from gradients to steps, each rule as its formula.
- `fused`: the same steps in fewer passes over memory; read it last.
- `seeding`, `profile`: random streams; where the time goes.

**The proof.** `reference`, `reference_steps`: losses, gradients and steps once more, written without regard to speed.
`gradient_check` and `step_check` hold training to them, and to differences of the loss.

**Keras' interface.** `sequential`: add, compile, fit, evaluate, predict. Its parts: `arguments`, `keras_arguments`,
`keras_names`, `arrays`, `stacking` (what it is given), `progress`, `fitting` (its epochs).
"""

from nnlab.core.activations import ReLU, Sigmoid, Softmax, Tanh
from nnlab.core.autodiff import accuracy, value, value_and_grad
from nnlab.core.graph import Graph
from nnlab.core.initializers import GlorotNormal, GlorotUniform, HeNormal, HeUniform, Normal, Zeros
from nnlab.core.layers import Activation, Dense, Dropout
from nnlab.core.losses import (
    BinaryCrossEntropyWithLogits,
    CrossEntropyWithSoftmax,
    HalfSquaredError,
    MeanSquaredError,
)
from nnlab.core.network import Network
from nnlab.core.node import Input, Node
from nnlab.core.ops import Add, Linear, MatMul, Mul
from nnlab.core.optimizers import SGD, Adam, Momentum, Nesterov
from nnlab.core.regularizers import L1, L2
from nnlab.core.rows import Rows, Scaling
from nnlab.core.schedules import Constant, Cosine, Exponential, StepDecay, TimeDecay
from nnlab.core.sequential import History, Sequential

__all__ = [
    "L1",
    "L2",
    "SGD",
    "Activation",
    "Adam",
    "Add",
    "BinaryCrossEntropyWithLogits",
    "Constant",
    "Cosine",
    "CrossEntropyWithSoftmax",
    "Dense",
    "Dropout",
    "Exponential",
    "GlorotNormal",
    "GlorotUniform",
    "Graph",
    "HalfSquaredError",
    "HeNormal",
    "HeUniform",
    "History",
    "Input",
    "Linear",
    "MatMul",
    "MeanSquaredError",
    "Momentum",
    "Mul",
    "Nesterov",
    "Network",
    "Node",
    "Normal",
    "ReLU",
    "Rows",
    "Scaling",
    "Sequential",
    "Sigmoid",
    "Softmax",
    "StepDecay",
    "Tanh",
    "TimeDecay",
    "Zeros",
    "accuracy",
    "value",
    "value_and_grad",
]
