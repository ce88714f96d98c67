"""The training core, from scratch on NumPy. Read it in this order.

- `textbook`: backpropagation, all of it, in plain loops.
- `node`, `ops`, `activations`, `losses`: values and operations, forward beside backward.
- `graph`, `memory`, `recording`, `tracer`: the engine, by record and replay; `autodiff`: its use by hand.
- `layers`, `network`, `objective`, `feed`, `learner`: a stack of layers that learns.
- `initializers`, `regularizers`, `optimizers`, `schedules`: the choices.
- `sequential`, with `keras_names`, `arrays`, `calls`, `stacking`, `progress`, `fitting`: the interface of Keras.
- `reference`, `reference_steps`, `gradient_check`, `step_check`: the proof.
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
