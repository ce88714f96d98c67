"""What is written of results: the columns that others rely on, the same bytes for the same results."""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from pathlib import Path

import pytest

from experiments.claims import OWN, Claim, Measured, hypothesis
from experiments.experiment import Answer, Experiment, Findings
from experiments.figures import new_axes
from experiments.lab import Lab
from experiments.registry import EXPERIMENTS
from experiments.report import BEGIN, END, RULE, judged_by_experiment, write_report

HOME = Path(__file__).resolve().parents[2] / "experiments"
LAB = Lab(("data=mnist_5k",), "five thousand digits", 3, False, 1, "runs", None)
GOOD = Measured(Claim("accuracy of a | net", "A. Author, 1998", 0.95), [0.94, 0.95, 0.96], 12.34, "python -m nnlab.run")
WIDE = Measured(Claim("of one run", "A. Author, 1998", 0.96), [0.93, 0.94, 0.96], 1.0, "again", "runs differ")
MISSED = Measured(Claim("loss", "B. Author", 0.5, lower_is_better=True), [0.7, 0.7, 0.7], 1.0, "again", "too few rows")
DIFFERENCE = hypothesis("a gain", [0.3, -0.2, 0.1], seconds=1.0, command="again")
CHECK = Measured(Claim("a difference", OWN, 0.0, "check"), [0.0, 0.0, 0.1], 1.0, "again", "they differ")


def answer() -> Answer:
    figure, axes = new_axes("epoch", "accuracy")
    axes.plot([1, 2], [0.5, 0.9])
    experiment = Experiment("net", "How good is a net?", lambda lab: [], lambda lab, runs: Findings([]))
    rows = [GOOD, WIDE, MISSED, DIFFERENCE, CHECK]
    return Answer(experiment, Findings(rows, "Good, and bad.", {"curve": figure}, {"digits": 3}))


def test_the_table_has_the_columns_that_others_read(tmp_path: Path) -> None:
    write_report([answer()], LAB, ["a fact"], tmp_path, into_readmes=False)
    with (tmp_path / "results.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[0] == {
        "claim": "accuracy of a | net", "source": "A. Author, 1998", "claimed": "0.95", "mean": "0.95", "std": "0.01",
        # t for 2 degrees of freedom is 4.303: 4.303 * 0.01 / sqrt(3) = 0.02484.
        "ci_low": "0.925159", "ci_high": "0.974841", "seeds": "3", "reproduced": "yes", "seconds": "12.3",
        "command": "python -m nnlab.run",
    }  # fmt: skip
    assert [row["reproduced"] for row in rows] == ["yes", "spread", "no", "no", "no"]


def test_what_is_missed_is_shown_with_its_reason(tmp_path: Path) -> None:
    write_report([answer()], LAB, ["a fact"], tmp_path, into_readmes=False)
    text = (tmp_path / "RESULTS.md").read_text(encoding="utf-8")
    assert text.startswith("# Results on five thousand digits\n\n- **1 of 3 published claims are reproduced")
    assert "0 of 1 hypotheses" in text
    assert "0 of 1 checks" in text
    for row in (WIDE, MISSED, CHECK):
        assert f"- **{row.claim.text}**: {row.reason}\n" in text
    assert "- **accuracy of a" not in text
    assert "![curve](net/curve.png)" in text
    assert "accuracy of a \\| net" in text, "a bar would begin another cell"


def test_how_often_the_test_split_was_evaluated_is_shown_for_each_experiment_and_in_all(tmp_path: Path) -> None:
    write_report([answer(), answer()], LAB, [], tmp_path, into_readmes=False)
    head, *experiments = (tmp_path / "RESULTS.md").read_text(encoding="utf-8").split("\n## ")
    assert "6 times on digits" in head
    assert [" 3 times on digits" in each for each in experiments] == [True, True]


def test_hypotheses_of_all_experiments_are_one_family(tmp_path: Path) -> None:
    faint = hypothesis("faint", [0.004, 0.010, 0.018, 0.012, 0.006], seconds=1.0, command="again")  # p = 0.0145
    one = replace(answer(), findings=Findings([faint], "Found."))
    assert [each.verdict for experiment in judged_by_experiment([one]) for each in experiment] == ["yes"]
    assert [each.verdict for experiment in judged_by_experiment([one] * 4) for each in experiment] == ["no"] * 4


def test_the_same_results_are_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_report([answer()], LAB, ["a fact"], tmp_path / name, into_readmes=False)
    first, second = ({p.name: p.read_bytes() for p in (tmp_path / name).rglob("*.*")} for name in ("one", "two"))
    assert first == second
    assert set(first) == {"RESULTS.md", "results.csv", "curve.png"}


def test_the_findings_go_between_the_marks_of_a_readme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "net"
    folder.mkdir()
    monkeypatch.setattr(Experiment, "folder", folder)
    readme = folder / "README.md"
    readme.write_text(f"Before.\n{BEGIN}\nformer findings\n{END}\nAfter.\n", encoding="utf-8")
    for _ in range(2):
        write_report([answer()], LAB, [], tmp_path, into_readmes=True)
    text = readme.read_text(encoding="utf-8")
    assert text.startswith(f"Before.\n{BEGIN}\n")
    assert text.endswith(f"{END}\nAfter.\n")
    assert text.count("Good, and bad.") == 1
    assert "former findings" not in text
    readme.write_text("no marks", encoding="utf-8")
    with pytest.raises(ValueError, match="must hold the marks"):
        write_report([answer()], LAB, [], tmp_path, into_readmes=True)


@pytest.fixture(scope="module")
def committed() -> str:
    """RESULTS.md as it was last generated."""
    return (HOME / "RESULTS.md").read_text(encoding="utf-8")


def test_the_committed_report_states_this_rule_and_every_claim_of_the_table(committed: str) -> None:
    assert RULE in committed
    with (HOME / "results.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            assert f"| {row['claim']} |" in committed


@pytest.mark.parametrize("experiment", EXPERIMENTS.values(), ids=EXPERIMENTS)
def test_the_committed_readmes_show_what_the_report_shows(experiment: Experiment, committed: str) -> None:
    assert f"## [{experiment.title}]({experiment.name}/README.md)" in committed
    readme = (experiment.folder / "README.md").read_text(encoding="utf-8")
    assert readme.startswith(f"# {experiment.title}\n")
    (found,) = re.findall(f"{re.escape(BEGIN)}\n(.*){re.escape(END)}", readme, re.DOTALL)
    for line in found.replace("](", f"]({experiment.name}/").splitlines():
        assert f"{line}\n" in committed, line
