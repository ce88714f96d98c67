"""The benchmarks run and say what they measured; what they measure is nobody's assertion."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.__main__ import main
from benchmarks.registry import BENCHMARKS
from benchmarks.report import Report, Row, Table
from benchmarks.sweeps import TimedSweep

ROOT = Path(__file__).resolve().parents[1]


def test_overhead_is_how_much_longer_the_sweep_took_than_its_workers_trained() -> None:
    # Twelve trials of 5 s on two workers need 30 s; in 33 s that is a tenth more, or a quarter of a second a trial.
    sweep = TimedSweep(workers=2, trials=12, wall=33.0, searching=31.0, recording=1.0, training=60.0, work=62.0)
    assert sweep.overhead(sweep.training) == pytest.approx(0.1)
    assert sweep.overhead_a_trial(sweep.training) == pytest.approx(0.25)
    # 12 in 33 s are 12 * 3600 / 33 an hour.
    assert sweep.rate == pytest.approx(1309.09, abs=0.01)


def test_a_table_shows_medians_and_their_spread_beside_the_target() -> None:
    text = str(Table("trials", [Row("rate", [3000.4, 1000.0, 2000.0]), Row("ratio", [1.5], "x", ">= 1.8x")]))
    title, _, rate, ratio = text.splitlines()
    assert title == "trials"
    assert rate.split() == ["rate", "2,000", "1,000", "-", "3,000"]
    assert ratio.split() == ["ratio", "1.5x", ">=", "1.8x"]


def test_what_was_measured_is_shown_beside_the_next_time_on_the_same_machine(tmp_path: Path) -> None:
    first = Report.on("a machine", tmp_path)
    assert "last time" not in first.add("training", Table("title", [Row("epoch", [2.0, 4.0, 3.0], " s")]), ("0", "0"))
    first.write(tmp_path, {})
    again = Table("title", [Row("epoch", [5.0], " s"), Row("new", [1.0])])
    _, heads, epoch, new, _ = Report.on("a machine", tmp_path).add("training", again, ("0", "0")).splitlines()
    assert heads.split() == ["median", "spread", "last", "time", "target"]
    assert epoch.split() == ["epoch", "5", "s", "3", "s"]
    assert new.split() == ["new", "1"]
    assert "last time" not in Report.on("another", tmp_path).add("training", again, ("0", "0"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sweep-rat"], "there is no benchmark named sweep-rat; "),
        (["--data", "idx"], "--data idx and --root DIR belong together"),
        (["--data", "idx", "--root", "/nowhere"], "--root must be a folder, but there is no /nowhere"),
        (["--rounds", "0"], "--rounds must be at least 1, but is 0"),
    ],
)
def test_a_wrong_argument_is_named(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match=r"^2$"):
        main(arguments)
    assert message in capsys.readouterr().err


@pytest.mark.slow
def test_every_benchmark_runs_on_the_embedded_digits() -> None:
    command = [sys.executable, "-m", "benchmarks", "--quick", "--data", "digits"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("machine ")
    for name in BENCHMARKS:
        assert f"\n{name}: " in done.stdout
    assert "NOT full MNIST" in done.stdout
