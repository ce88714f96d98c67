"""What a person would write instead of `make sweep`: Optuna's TPE and median pruner, scikit-learn's network, an epoch
at a time, and MLflow, in two processes. Nothing of nnlab is used.

    python benchmarks/search/plain_script.py ROWS.npz FOLDER SEED TRIALS

It prints the best validation loss, and when it was known, in seconds since 1970.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"  # two processes on two cores

import json
import multiprocessing
import sys
from collections.abc import Callable
from pathlib import Path

import mlflow
import numpy as np
import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from sklearn.metrics import accuracy_score, log_loss
from sklearn.neural_network import MLPClassifier

PROCESSES, EPOCHS = 2, 15


def main() -> None:
    """Search, and say what was found."""
    rows, folder, seed, trials = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    study = optuna.create_study(study_name="plain", storage=_storage(folder))
    counts = [trials // PROCESSES + (place < trials % PROCESSES) for place in range(PROCESSES)]
    context = multiprocessing.get_context("spawn")
    workers = [
        context.Process(target=work, args=(rows, folder, seed + place, count)) for place, count in enumerate(counts)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
        if worker.exitcode:
            sys.exit(worker.exitcode)
    best = study.best_trial
    assert best.datetime_complete is not None
    print(json.dumps({"loss": best.value, "at": best.datetime_complete.timestamp()}))


def work(rows: str, folder: Path, seed: int, trials: int) -> None:
    """One of the processes."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
    mlflow.set_experiment("plain")
    data = np.load(rows, allow_pickle=False)
    study = optuna.load_study(
        study_name="plain",
        storage=_storage(folder),
        sampler=optuna.samplers.TPESampler(seed=seed),
        pruner=optuna.pruners.MedianPruner(),
    )
    study.optimize(objective(*(data[name] for name in ("x", "y", "x_val", "y_val")), seed=seed), n_trials=trials)


def objective(
    x: np.ndarray, y: np.ndarray, x_val: np.ndarray, y_val: np.ndarray, *, seed: int
) -> Callable[[optuna.Trial], float]:
    """The validation loss of a trial at its best epoch."""
    classes = np.unique(y)

    def train(trial: optuna.Trial) -> float:
        depth = trial.suggest_int("depth", 1, 3)
        network = MLPClassifier(
            hidden_layer_sizes=[trial.suggest_categorical(f"width_{i}", [32, 64, 128, 256]) for i in range(depth)],
            solver="sgd",
            momentum=0.9,
            nesterovs_momentum=False,
            alpha=0.0,
            learning_rate_init=trial.suggest_float("lr", 0.003, 0.3, log=True),
            batch_size=trial.suggest_categorical("batch_size", [16, 32, 64, 128]),
            random_state=seed,
        )
        losses = []
        with mlflow.start_run(run_name=f"trial {trial.number}"):
            mlflow.log_params(trial.params)
            for epoch in range(1, EPOCHS + 1):
                network.partial_fit(x, y, classes=classes)
                probabilities = network.predict_proba(x_val)
                if not np.isfinite(probabilities).all():
                    raise optuna.TrialPruned
                loss = float(log_loss(y_val, probabilities, labels=classes))
                accuracy = accuracy_score(y_val, classes[probabilities.argmax(1)])
                values = {"train/loss": network.loss_, "val/loss": loss, "val/accuracy": accuracy}
                mlflow.log_metrics(values, step=epoch)
                losses.append(loss)
                trial.report(loss, epoch)
                if trial.should_prune():
                    raise optuna.TrialPruned
        return min(losses)

    return train


def _storage(folder: Path) -> JournalStorage:
    return JournalStorage(JournalFileBackend(str(folder / "optuna.log")))


if __name__ == "__main__":
    main()
