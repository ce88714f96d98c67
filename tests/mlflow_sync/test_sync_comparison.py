"""A comparison in MLflow: one run for each question, replaced as a whole or not at all. Oracle: MLflow's own client."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from made_comparisons import compared, group
from mlflow import MlflowClient
from mlflow.entities import Run, ViewType
from mlflow.exceptions import MlflowException
from watching import files

from nnlab.analysis.comparison import logged
from nnlab.analysis.comparison.logged import Logged, log_comparison, metrics_of
from nnlab.errors import RunFailedError, UserError

RELU, SIGMOID = (0.972, 0.974, 0.971, 0.975, 0.973), (0.951, 0.955, 0.953, 0.956, 0.952)
FILES: dict[str, str | bytes] = {"comparison.md": "**a table**\n", "comparison.png": b"\x89PNG"}
KEYS = {"tracking.experiment": "digits of mine"}


@pytest.fixture(autouse=True)
def same_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logged, "prepare_this_process", lambda: None)


@pytest.fixture
def log(uri: str, runs_dir: Path) -> Callable[..., Logged]:
    def log(question: object = "which?", second: str = "sigmoid", **changes: Any) -> Logged:
        made = compared(group("relu", RELU, keys=KEYS), group(second, SIGMOID, keys=KEYS))
        command = ["python", "-m", "nnlab.compare", "relu", "sigmoid"]
        facts: dict[str, Any] = {"uri": uri, "runs_dir": runs_dir, "question": question, "command": command}
        return log_comparison(made, FILES, **facts | changes)

    return log


def active(client: MlflowClient) -> list[Run]:
    experiments = [each.experiment_id for each in client.search_experiments()]
    return [*client.search_runs(experiments, "tags.`nnlab.kind` = 'comparison'", ViewType.ACTIVE_ONLY)]


def test_it_is_a_run_with_its_table_its_files_and_its_numbers(client: MlflowClient, log: Callable[..., Logged]) -> None:
    found = log()
    (run,) = active(client)
    assert (run.info.run_id, run.info.status, run.info.run_name) == (found.run_id, "FINISHED", "relu or sigmoid")
    assert client.get_experiment(run.info.experiment_id).name == found.experiment == "digits of mine"
    assert run.data.tags["mlflow.note.content"] == FILES["comparison.md"]
    assert run.data.tags["nnlab.command"] == "python -m nnlab.compare relu sigmoid"
    assert run.data.params["metric"] == "val/accuracy"
    assert run.data.metrics["mean/relu"] == pytest.approx(0.973)
    assert run.data.metrics["difference/relu - sigmoid"] == pytest.approx(0.0196)
    assert run.data.metrics["n/sigmoid"] == 5
    assert sorted(files(client, found.run_id)) == ["comparison.md", "comparison.png"]


def test_asked_again_the_answer_takes_the_place_of_the_one_before(
    client: MlflowClient, log: Callable[..., Logged]
) -> None:
    first, other, second = log(), log("another question?"), log()
    assert (first.replaced, other.replaced, second.replaced) == (0, 0, 1)
    assert {run.info.run_id for run in active(client)} == {other.run_id, second.run_id}


def test_in_another_experiment_nothing_is_replaced(client: MlflowClient, log: Callable[..., Logged]) -> None:
    log()
    KEYS["tracking.experiment"] = "others"
    try:
        assert log().replaced == 0
    finally:
        KEYS["tracking.experiment"] = "digits of mine"
    assert len(active(client)) == 2


@pytest.mark.parametrize("call", ["log_artifacts", "log_batch", "set_terminated"])
def test_what_fails_halfway_leaves_what_was_there_before(
    call: str, client: MlflowClient, log: Callable[..., Logged], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = log()

    def fail(*arguments: object, **options: object) -> None:
        raise MlflowException("no more space")

    monkeypatch.setattr(MlflowClient, call, fail)
    with pytest.raises(RunFailedError, match=r"no more space.*Nothing of it is left"):
        log()
    assert [run.info.run_id for run in active(client)] == [before.run_id]
    monkeypatch.undo()
    assert client.get_run(before.run_id).info.status == "FINISHED"


def test_what_a_killed_process_left_is_removed_by_the_next(
    client: MlflowClient, log: Callable[..., Logged], monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*arguments: object, **options: object) -> None:
        raise MlflowException("gone")

    monkeypatch.setattr(MlflowClient, "log_batch", die)
    monkeypatch.setattr(MlflowClient, "delete_run", die)
    with pytest.raises(RunFailedError, match="unfinished run may be left there"):
        log()
    monkeypatch.undo()
    monkeypatch.setattr(logged, "prepare_this_process", lambda: None)
    assert [run.info.status for run in active(client)] == ["RUNNING"]
    found = log()
    assert found.replaced == 1
    assert [run.info.run_id for run in active(client)] == [found.run_id]


def test_a_run_whose_creation_was_not_answered_is_removed_too(
    client: MlflowClient, log: Callable[..., Logged], monkeypatch: pytest.MonkeyPatch
) -> None:
    create = MlflowClient.create_run

    def lose_the_answer(*arguments: Any, **options: Any) -> None:
        create(*arguments, **options)
        raise MlflowException("the answer was lost")

    monkeypatch.setattr(MlflowClient, "create_run", lose_the_answer)
    with pytest.raises(RunFailedError, match=r"answer was lost.*Nothing of it is left"):
        log()
    assert active(client) == []


def test_ctrl_c_leaves_nothing(
    client: MlflowClient, log: Callable[..., Logged], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(MlflowClient, "log_batch", interrupt)
    with pytest.raises(KeyboardInterrupt):
        log()
    assert active(client) == []


def test_a_server_that_does_not_answer_is_named_without_its_password(
    log: Callable[..., Logged], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(RunFailedError, match="Connection refused") as caught:
        log(uri="http://me:s3cret@127.0.0.1:9")
    assert "s3cret" not in str(caught.value)


def test_a_deleted_experiment_is_named(client: MlflowClient, log: Callable[..., Logged]) -> None:
    client.delete_experiment(client.create_experiment("digits of mine"))
    with pytest.raises(UserError, match="'digits of mine' is"):
        log()


def test_a_long_table_is_cut_at_a_line(client: MlflowClient, uri: str, runs_dir: Path) -> None:
    long = "\n".join(f"| row {place} |" for place in range(2000))
    made = compared(group("relu", RELU))
    log_comparison(made, {"comparison.md": long}, uri=uri, runs_dir=runs_dir, question=1, command=["python"])
    (run,) = active(client)
    note = run.data.tags["mlflow.note.content"]
    assert 7000 < len(note) <= 8000
    assert long.startswith(note.rpartition("\n\n")[0])


@pytest.mark.parametrize("name", ["..", "/a//b/", "a" * 500, "$x$ | é", "lr=0.1", " ", "a/../b", "日本"])
def test_any_name_gives_metrics_that_mlflow_takes(name: str, client: MlflowClient, log: Callable[..., Logged]) -> None:
    log(second=name)
    (run,) = active(client)
    means = sorted(value for key, value in run.data.metrics.items() if key.startswith("mean/"))
    assert means == pytest.approx([0.9534, 0.973])


def test_names_that_mlflow_cannot_tell_apart_are_numbered() -> None:
    names = ["lr=0.1", "lr:0.1", "lr|0.1"]
    found = metrics_of(compared(*(group(name, [0.1 * place, 0.2]) for place, name in enumerate(names))))
    assert len([key for key in found if key.startswith("mean/")]) == 3


def test_what_is_not_finite_is_no_metric() -> None:
    found = metrics_of(compared(group("relu", [math.nan, 1.0]), group("sigmoid", [math.inf, 1.0])))
    assert all(map(math.isfinite, found.values()))
    assert {"n/relu", "n/sigmoid"} <= found.keys()
