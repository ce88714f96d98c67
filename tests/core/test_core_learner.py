"""The training step and the epoch around it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from nnlab.core import SGD, Activation, Adam, Constant, Dense, Dropout, Network, TimeDecay
from nnlab.core.batches import BatchLoader, chunks, shuffled
from nnlab.core.learner import Learner, Tally, evaluate
from nnlab.core.network import ROWS_AT_ONCE
from nnlab.core.objective import Objective
from nnlab.core.optimizers import Optimizer
from nnlab.core.rows import Rows, Scaling
from nnlab.core.schedules import Horizon, Schedule


def objective_of(*, dtype: type[np.floating] = np.float32, dropout: float = 0.0) -> Objective:
    layers = [Dense(6), Activation("relu"), Dropout(dropout), Dense(3), Activation("softmax")]
    network = Network(layers, features=(4,), rng=np.random.default_rng(29), dtype=dtype)
    return Objective(network, "cross_entropy", dropout=np.random.default_rng(30))


def bytes_of_pixels(n: int) -> Rows:
    rng = np.random.default_rng(31)
    pixels = rng.integers(0, 256, (n, 4)).astype(np.uint8)
    return Rows.whole(pixels, rng.integers(0, 3, n).astype(np.uint8))


def scaled(rows: Rows) -> Rows:
    return Rows(rows.x, rows.y, rows.index, Scaling(scale=1 / 255))


def learner_of(
    objective: Objective,
    rows: Rows,
    *,
    optimizer: Optimizer | None = None,
    schedule: Schedule | None = None,
    batch_size: int = 8,
    clip_norm: float | None = None,
) -> Learner:
    return Learner(
        objective,
        optimizer or SGD(lr=0.1),
        schedule or Constant(),
        Horizon(-(-len(rows) // batch_size), 3),
        rows=rows,
        batch_size=batch_size,
        clip_norm=clip_norm,
    )


def gradient_of(loader: BatchLoader, ids: np.ndarray) -> bytes:
    program, _ = loader.load(ids)
    program.forward()
    program.backward()
    return loader.objective.network.parameters.gradients_vector.tobytes()


def test_a_last_smaller_batch_gives_the_bits_of_a_network_that_never_saw_a_larger_one() -> None:
    rows = scaled(bytes_of_pixels(40))
    objective = objective_of()
    loader = BatchLoader(rows, objective, objective.training, 32)
    gradient_of(loader, rows.index[:32])
    last = gradient_of(loader, rows.index[32:])

    fresh = objective_of()
    assert last == gradient_of(BatchLoader(rows, fresh, fresh.training, 8), rows.index[32:])
    assert gradient_of(loader, rows.index[:32]) == gradient_of(
        BatchLoader(rows, fresh, fresh.training, 32), rows.index[:32]
    )


def test_labels_that_are_not_integers_are_refused_and_not_cut_off() -> None:
    objective = objective_of()
    rows = Rows.whole(bytes_of_pixels(3).x, np.array([0.0, 1.5, 2.0]))
    with pytest.raises(TypeError, match="float64"):
        BatchLoader(rows, objective, objective.training, 3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "scaling",
    [Scaling(), Scaling(1 / 255), Scaling(1 / 128, -1.0), Scaling(np.array([0.1, 0.2, 0.3, 0.4]), np.full(4, -7.7))],
)
def test_bytes_that_are_scaled_on_the_way_train_as_floats_that_were_scaled_before(
    scaling: Scaling, dtype: type[np.floating]
) -> None:
    stored = bytes_of_pixels(24)
    as_bytes = Rows(stored.x, stored.y, stored.index, scaling)
    as_floats = Rows.whole(as_bytes.inputs(dtype), stored.y)
    trained = []
    for rows in (as_bytes, as_floats):
        objective, tally = objective_of(dtype=dtype), Tally()
        learner_of(objective, rows, optimizer=SGD(lr=0.01)).learn(rows.index, tally)
        trained.append((objective.network.parameters.values_vector.copy(), tally.loss, tally.correct))
    tolerance = 1e-5 if dtype is np.float32 else 1e-13
    np.testing.assert_allclose(trained[0][0], trained[1][0], rtol=tolerance, atol=tolerance)
    assert trained[0][1] == pytest.approx(trained[1][1], rel=tolerance)
    assert trained[0][2] == trained[1][2]


@pytest.mark.parametrize("scaling", [Scaling(1 / 255), Scaling(np.array([0.1, 0.2, 0.3, 0.4]), np.full(4, -7.7))])
def test_the_inputs_that_rows_show_are_those_that_the_network_gets(scaling: Scaling) -> None:
    stored = bytes_of_pixels(24)
    rows = Rows(stored.x, stored.y, stored.index, scaling)
    objective = objective_of()
    program, _ = BatchLoader(rows, objective, objective.training, 24).load(rows.index)
    np.testing.assert_allclose(program.values[objective.network.x], rows.inputs(np.float32), rtol=3e-7, atol=1e-6)


def test_rows_are_brought_in_by_their_position_and_stay_as_they_are_stored() -> None:
    rows = scaled(bytes_of_pixels(10))
    before = rows.x.copy()
    objective = objective_of()
    program, _ = BatchLoader(rows, objective, objective.training, 3).load(np.array([7, 2, 7]))
    expected = before[[7, 2, 7]].astype(np.float64) / 255
    np.testing.assert_allclose(program.values[objective.network.x], expected, rtol=1e-6)
    np.testing.assert_array_equal(program.values[objective.target], rows.y[[7, 2, 7]])
    np.testing.assert_array_equal(rows.x, before)


def test_an_epoch_is_the_steps_that_its_batches_make_one_by_one() -> None:
    rows = scaled(bytes_of_pixels(20))
    whole, stepwise = objective_of(), objective_of()
    tally, single = Tally(), Tally()
    learner_of(whole, rows).learn(rows.index, tally)
    by_hand = learner_of(stepwise, rows)
    for ids in (rows.index[:8], rows.index[8:16], rows.index[16:]):
        by_hand.learn(ids, single)
    assert whole.network.parameters.values_vector.tobytes() == stepwise.network.parameters.values_vector.tobytes()
    assert (tally.loss, tally.correct, tally.rows, by_hand.step) == (single.loss, single.correct, 20, 3)


def test_the_tally_holds_losses_and_decisions_from_before_the_update() -> None:
    rows = scaled(bytes_of_pixels(8))
    objective, tally = objective_of(), Tally()
    before = evaluate(objective, rows)
    learner_of(objective, rows).learn(rows.index, tally)
    assert tally.mean_loss == pytest.approx(before.mean_loss, rel=1e-6)
    assert tally.correct == before.correct
    assert evaluate(objective, rows).mean_loss < before.mean_loss


def test_a_smaller_last_batch_weighs_as_many_rows_as_it_has() -> None:
    rows = scaled(bytes_of_pixels(20))  # batches of 8, 8 and 4
    objective, tally = objective_of(dtype=np.float64), Tally()
    learner_of(objective, rows, optimizer=SGD(lr=1e-30)).learn(rows.index, tally)  # no weight feels such a step
    assert tally.mean_loss == pytest.approx(evaluate(objective, rows).mean_loss, rel=1e-13)


def test_a_step_is_the_learning_rate_times_the_gradient() -> None:
    rows = scaled(bytes_of_pixels(8))
    objective = objective_of(dtype=np.float64)
    parameters = objective.network.parameters
    start = parameters.values_vector.copy()
    gradient = np.frombuffer(gradient_of(BatchLoader(rows, objective, objective.training, 8), rows.index))
    learner_of(objective, rows, optimizer=SGD(lr=0.25)).learn(rows.index, Tally())
    np.testing.assert_allclose(start - parameters.values_vector, 0.25 * gradient, rtol=1e-9, atol=1e-15)


def test_a_clipped_step_has_the_limits_length_and_the_direction_of_the_full_one() -> None:
    rows = scaled(bytes_of_pixels(8))
    moves = []
    for limit in (None, 0.01, 1e6):
        objective = objective_of(dtype=np.float64)
        start = objective.network.parameters.values_vector.copy()
        learner_of(objective, rows, optimizer=SGD(lr=1.0), clip_norm=limit).learn(rows.index, Tally())
        moves.append(objective.network.parameters.values_vector - start)
    full, clipped, loose = moves
    assert np.linalg.norm(full) > 0.01
    assert np.linalg.norm(clipped) == pytest.approx(0.01, rel=1e-9)
    np.testing.assert_allclose(clipped / 0.01, full / np.linalg.norm(full), atol=1e-12)
    np.testing.assert_array_equal(loose, full)


def test_the_learning_rate_follows_the_schedule_update_by_update() -> None:
    rows = scaled(bytes_of_pixels(24))
    learner = learner_of(objective_of(), rows, schedule=TimeDecay(decay=1.0))
    assert (learner.step, learner.lr) == (0, pytest.approx(0.1))  # type: ignore[comparison-overlap]
    learner.learn(rows.index, Tally())
    assert learner.step == 3
    assert learner.last_lr == pytest.approx(0.1 / 3)  # t = 0, 1, 2
    assert learner.lr == pytest.approx(0.1 / 4)


def test_continuing_from_saved_parameters_state_step_and_stream_gives_the_same_bits() -> None:
    rows = scaled(bytes_of_pixels(24))

    def start() -> tuple[Objective, Learner, np.random.Generator]:
        stream = np.random.default_rng(32)
        layers = [Dense(6), Activation("relu"), Dropout(0.5), Dense(3), Activation("softmax")]
        network = Network(layers, features=(4,), rng=np.random.default_rng(29))
        objective = Objective(network, "cross_entropy", dropout=stream)
        return objective, learner_of(objective, rows, optimizer=Adam(), schedule=TimeDecay(decay=0.1)), stream

    straight, learner, stream = start()
    learner.learn(rows.index, Tally())
    resumed, other, other_stream = start()
    resumed.network.parameters.load(straight.network.parameters.named())
    for name, array in learner.state[0].items():
        other.state[0][name][...] = array
    other.step = learner.step
    other_stream.bit_generator.state = stream.bit_generator.state

    learner.learn(rows.index, Tally())
    other.learn(rows.index, Tally())
    assert resumed.network.parameters.values_vector.tobytes() == straight.network.parameters.values_vector.tobytes()


def test_divergence_shows_in_the_tally_and_raises_nothing() -> None:
    rows = scaled(bytes_of_pixels(8))
    objective, tally = objective_of(), Tally()
    learner = learner_of(objective, rows, optimizer=SGD(lr=1e30))
    for _ in range(5):
        learner.learn(rows.index, tally)
    assert not math.isfinite(tally.loss)


def test_an_evaluation_counts_every_row_once_however_they_are_cut() -> None:
    rows = scaled(bytes_of_pixels(2 * ROWS_AT_ONCE + 100))
    objective = objective_of(dtype=np.float64, dropout=0.5)
    probabilities = objective.network.predict(rows.inputs(np.float64))
    tally = evaluate(objective, rows)
    assert tally.rows == len(rows)
    expected = -np.log(probabilities[np.arange(len(rows)), rows.y]).mean()
    assert tally.mean_loss == pytest.approx(expected, rel=1e-12)
    assert tally.correct == np.count_nonzero(probabilities.argmax(axis=1) == rows.y)


def test_an_epoch_visits_every_row_of_the_split_once_in_an_order_of_its_own() -> None:
    rows = Rows(np.zeros((50, 4)), np.zeros(50, int), np.arange(10, 40))
    rng = np.random.default_rng(33)
    first, second = shuffled(rows, rng), shuffled(rows, rng)
    np.testing.assert_array_equal(np.sort(first), rows.index)
    np.testing.assert_array_equal(np.sort(second), rows.index)
    assert first.tolist() != second.tolist()
    assert shuffled(rows, np.random.default_rng(33)).tolist() == first.tolist()


def test_chunks_are_all_of_the_size_but_the_last() -> None:
    assert [piece.tolist() for piece in chunks(np.arange(7), 3)] == [[0, 1, 2], [3, 4, 5], [6]]
    assert list(chunks(np.arange(0), 3)) == []


def test_a_tally_of_nothing_has_no_mean() -> None:
    assert math.isnan(Tally().mean_loss)
    assert math.isnan(Tally().accuracy)


def test_the_one_hot_rows_are_made_once_for_batches_of_all_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = scaled(bytes_of_pixels(20))
    network = Network([Dense(3)], features=(4,), rng=np.random.default_rng(29))
    objective = Objective(network, "mean_squared_error", dropout=np.random.default_rng(30))
    loader = BatchLoader(rows, objective, objective.training, 8)

    def again(*args: object, **kwargs: object) -> None:
        raise AssertionError("np.eye was called while a batch was loaded")

    monkeypatch.setattr(np, "eye", again)
    for ids in chunks(rows.index, 8):  # two sizes: 8 and 4
        program, _ = loader.load(ids)
        assert program.values[objective.target].argmax(axis=1).tolist() == rows.y[ids].tolist()
        assert program.values[objective.target].sum(axis=1).tolist() == [1.0] * len(ids)


def test_targets_that_are_not_labels_need_no_one_hot_rows() -> None:
    """As many would be the square of the outputs."""
    network = Network([Dense(200_000, use_bias=False)], features=(1,), rng=np.random.default_rng(29))
    objective = Objective(network, "mean_squared_error", dropout=np.random.default_rng(30))
    rows = Rows.whole(np.ones((1, 1), np.float32), np.ones((1, 200_000), np.float32))
    program, correct = BatchLoader(rows, objective, objective.evaluation, 1).load(rows.index)
    assert correct is None
    assert program.values[objective.target].tolist() == rows.y.tolist()
