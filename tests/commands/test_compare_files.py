"""What `nnlab.compare` writes into files, and which names of files it refuses before it compares anything."""

from __future__ import annotations

import argparse
import os
import stat
from pathlib import Path

import pytest
from made_comparisons import compared, group
from PIL import Image

from nnlab.analysis.comparison.comparison import Comparison
from nnlab.commands.compare_files import add_files, figure_of, files_of, write_files
from nnlab.errors import RunFailedError, UserError


def options(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_files(parser)
    return parser.parse_args(arguments)


def two_groups() -> Comparison:
    return compared(group("relu", (0.95, 0.96)), group("sigmoid", (0.9, 0.91)))


def test_every_file_that_was_asked_for_is_written(tmp_path: Path) -> None:
    names = {"csv": "a.csv", "markdown": "a.md", "latex": "a.tex", "figure": "a.png"}
    files = files_of(options(*(part for kind, name in names.items() for part in (f"--{kind}", str(tmp_path / name)))))
    assert not any(tmp_path.iterdir())
    written = write_files(two_groups(), files)
    assert sorted(path.name for path in written) == ["a-differences.csv", "a.csv", "a.md", "a.png", "a.tex"]
    assert {*tmp_path.iterdir()} == {*written}
    assert all(path.stat().st_size for path in written)
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.width > 900


def test_one_group_has_no_file_of_differences(tmp_path: Path) -> None:
    alone = Comparison("val/accuracy", False, two_groups().groups[:1], [], [])
    assert write_files(alone, files_of(options("--csv", str(tmp_path / "a.csv")))) == [tmp_path / "a.csv"]


def test_nothing_asked_for_is_nothing_written() -> None:
    assert write_files(two_groups(), files_of(options())) == []


@pytest.mark.parametrize(("ending", "start"), [(".png", b"\x89PNG"), (".svg", b"<?xml"), (".pdf", b"%PDF")])
def test_a_figure_has_the_format_of_its_name_and_the_same_bytes_whenever(ending: str, start: bytes) -> None:
    first, second = (figure_of(two_groups(), ending) for _ in range(2))
    assert first.startswith(start)
    assert first == second
    assert b"Matplotlib" not in first


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--csv", "missing/a.csv"], r"mkdir -p .*/missing"),
        (["--csv", "."], "plain file"),
        (["--latex", ""], "plain file"),
        (["--markdown", "/dev/null"], "plain file"),
        (["--figure", "a.jpg"], r"--figure a\.png"),
        (["--figure", "a b"], r"--figure 'a b\.png'"),
        (["--csv", "a", "--latex", "a"], "two of them"),
        (["--csv", "a.csv", "--latex", "./a-differences.csv"], "two of them"),
    ],
)
def test_what_cannot_be_written_is_refused_at_once(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=said):
        files_of(options(*arguments))
    assert not any(tmp_path.iterdir())


def test_a_device_stays_a_device() -> None:
    with pytest.raises(UserError):
        files_of(options("--csv", os.devnull))
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)


def test_a_link_is_written_through(tmp_path: Path) -> None:
    (tmp_path / "link.csv").symlink_to(tmp_path / "target.csv")
    write_files(two_groups(), files_of(options("--csv", str(tmp_path / "link.csv"))))
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "target.csv").read_text().startswith("group,")


def test_a_file_that_cannot_be_written_keeps_its_old_content(tmp_path: Path) -> None:
    name = "a" * 250  # too long once the draft's ending is added
    (tmp_path / name).write_text("old")
    with pytest.raises(RunFailedError, match="--markdown must be written"):
        write_files(two_groups(), files_of(options("--markdown", str(tmp_path / name))))
    assert (tmp_path / name).read_text() == "old"
    assert len([*tmp_path.iterdir()]) == 1
