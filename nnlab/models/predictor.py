"""What MLflow runs to load a logged model: `mlflow.pyfunc.load_model(...)`, from code, without pickle.

MLflow executes this file beside a copy of `nnlab.core`; nothing of nnlab needs to be installed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel, PythonModelContext

from nnlab.models.saved_model import load_model


class Predictor(PythonModel):
    """Takes rows as the data source stores them, (n, features); gives the network's outputs, (n, outputs)."""

    def load_context(self, context: PythonModelContext) -> None:
        """Read the network and check its weights against their recorded SHA-256."""
        files = context.artifacts
        self._model = load_model(Path(files["architecture"]), Path(files["weights"]))

    def predict(
        self, context: PythonModelContext, model_input: np.ndarray, params: dict[str, Any] | None = None
    ) -> np.ndarray:
        """The outputs for an array or a data frame of rows."""
        return self._model.predict(np.asarray(model_input))


set_model(Predictor())
