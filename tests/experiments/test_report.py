"""What is written of results: the columns that others rely on, the same bytes for the same results."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from experiments.claims import Claim, Measured
from experiments.figures import new_axes
from experiments.lab import Lab
from experiments.report import BEGIN, END, Result, write_report
from experiments.study import Findings, Study

LAB = Lab(("data=mnist_5k",), "five thousand digits", 3, False, 1, "runs", None)
GOOD = Measured(Claim("accuracy of a | net", "A. Author, 1998", 0.95), [0.94, 0.95, 0.96], 12.34, "python -m nnlab.run")
BAD = Measured(Claim("loss", "own question", 0.5, lower_is_better=True), [0.7, 0.8, 0.9], 1.0, "again", "too few rows")


def result() -> Result:
    figure, axes = new_axes("epoch", "accuracy")
    axes.plot([1, 2], [0.5, 0.9])
    study = Study("net", "How good is a net?", lambda lab: [], lambda lab, runs: Findings([], ""))
    return Result(study, Findings([GOOD, BAD], "Good, and bad.", {"curve": figure}))


def test_the_table_has_the_columns_that_others_read(tmp_path: Path) -> None:
    write_report([result()], LAB, ["a fact"], tmp_path, into_readmes=False)
    with (tmp_path / "results.csv").open(encoding="utf-8", newline="") as file:
        good, bad = csv.DictReader(file)
    assert good == {
        "claim": "accuracy of a | net", "source": "A. Author, 1998", "claimed": "0.95", "mean": "0.95", "std": "0.01",
        # t for 2 degrees of freedom is 4.303: 4.303 * 0.01 / sqrt(3) = 0.02484.
        "ci_low": "0.925159", "ci_high": "0.974841", "seeds": "3", "reproduced": "yes", "seconds": "12.3",
        "command": "python -m nnlab.run",
    }  # fmt: skip
    assert bad["reproduced"] == "no"


def test_a_claim_that_is_missed_is_shown_with_its_reason(tmp_path: Path) -> None:
    write_report([result()], LAB, ["a fact"], tmp_path, into_readmes=False)
    text = (tmp_path / "RESULTS.md").read_text(encoding="utf-8")
    assert text.startswith("# Results on five thousand digits\n")
    assert "- 1 of 1 published claims are reproduced; 0 of 1 hypotheses of our own hold\n" in text
    assert "Hypotheses that do not hold:\n\n- **loss**: too few rows\n" in text
    assert "Not reproduced:" not in text
    assert "![curve](net/curve.png)" in text
    assert "accuracy of a \\| net" in text, "a bar would begin another cell"


def test_the_same_results_are_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_report([result()], LAB, ["a fact"], tmp_path / name, into_readmes=False)
    first, second = ({p.name: p.read_bytes() for p in (tmp_path / name).rglob("*.*")} for name in ("one", "two"))
    assert first == second
    assert set(first) == {"RESULTS.md", "results.csv", "curve.png"}


def test_the_findings_go_between_the_marks_of_a_readme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "net"
    folder.mkdir()
    monkeypatch.setattr(Study, "folder", folder)
    readme = folder / "README.md"
    readme.write_text(f"Before.\n{BEGIN}\nold\n{END}\nAfter.\n", encoding="utf-8")
    for _ in range(2):
        write_report([result()], LAB, [], tmp_path, into_readmes=True)
    text = readme.read_text(encoding="utf-8")
    assert text.startswith(f"Before.\n{BEGIN}\n")
    assert text.endswith(f"{END}\nAfter.\n")
    assert text.count("Good, and bad.") == 1
    assert "old" not in text
    readme.write_text("no marks", encoding="utf-8")
    with pytest.raises(ValueError, match="must hold the marks"):
        write_report([result()], LAB, [], tmp_path, into_readmes=True)
