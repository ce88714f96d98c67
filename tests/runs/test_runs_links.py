"""What another user plants in a runs folder: links, pipes, devices, folders. One's own files are left alone.

The checks are made by a real other user (uid 1234) where the tests run as root; otherwise by oneself.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from nnlab.errors import RunFailedError, UserError
from nnlab.runs.directory import RunDirectory, end_dead_runs, left_alone, run_directories
from nnlab.runs.files import (
    FileLock,
    is_file,
    is_folder,
    make_folder,
    open_binary,
    read_bytes,
    read_text,
    remove,
    write_atomically,
)
from nnlab.runs.journal import Journal, has_started
from nnlab.runs.opening import UnsafeFileError, open_descriptor
from nnlab.runs.resolve import resolve
from nnlab.runs.stored_run import StoredRun

SECRET = b"something private\n"


def link(path: Path, private: Path) -> None:
    path.symlink_to(private)


def dangling(path: Path, private: Path) -> None:
    path.symlink_to(private.with_name("not there"))


def second_name(path: Path, private: Path) -> None:
    path.hardlink_to(private)


def pipe(path: Path, private: Path) -> None:
    os.mkfifo(path)


def listening(path: Path, private: Path) -> None:
    folder = os.open(path.parent, os.O_RDONLY)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(f"/proc/self/fd/{folder}/{path.name}")
    os.close(folder)


def folder(path: Path, private: Path) -> None:
    path.mkdir()


PLANTED = (link, dangling, second_name, pipe, listening, folder)
Plant = Callable[[Path, Path], None]


@pytest.fixture
def private(tmp_path: Path) -> Path:
    path = tmp_path / "private"
    path.write_bytes(SECRET)
    return path


@pytest.fixture(params=PLANTED, ids=lambda plant: plant.__name__)
def planted(request: pytest.FixtureRequest, tmp_path: Path, private: Path) -> Path:
    (tmp_path / "run").mkdir()
    request.param(tmp_path / "run" / "file", private)
    return tmp_path / "run" / "file"


def test_nothing_planted_is_opened_for_writing(planted: Path, private: Path) -> None:
    for flags in (os.O_RDWR | os.O_CREAT, os.O_WRONLY | os.O_APPEND | os.O_CREAT, os.O_WRONLY | os.O_TRUNC):
        with pytest.raises(UnsafeFileError, match=r"plain file|hard links"):
            open_descriptor(planted, flags)
    with pytest.raises(RunFailedError, match="Move that away"):
        Journal(planted)
    with pytest.raises(UnsafeFileError):
        FileLock(planted, wait=False)
    assert private.read_bytes() == SECRET
    assert not private.with_name("not there").exists()


def test_nothing_planted_is_published(planted: Path) -> None:
    with pytest.raises(UnsafeFileError, match=r"plain file|hard links"):
        read_bytes(planted, to_publish=True)


def test_what_is_written_replaces_a_link_and_not_what_it_points_to(planted: Path, private: Path) -> None:
    if planted.is_dir():
        with pytest.raises(RunFailedError, match="Is a directory"):
            write_atomically(planted, "new")
    else:
        write_atomically(planted, "new")
        assert read_text(planted) == "new"
    assert os.listdir(planted.parent) == ["file"]
    assert private.read_bytes() == SECRET


def test_a_draft_that_is_planted_is_not_followed(tmp_path: Path, private: Path) -> None:
    (tmp_path / f".file.{os.getpid()}.tmp").symlink_to(private)
    write_atomically(tmp_path / "file", "new")
    assert private.read_bytes() == SECRET
    assert (tmp_path / "file").read_text() == "new"


def test_what_is_removed_is_a_link_and_not_what_it_points_to(tmp_path: Path, private: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "private").write_bytes(SECRET)
    for name, target in (("a", kept), ("b", private), ("c", tmp_path / "gone")):
        (tmp_path / name).symlink_to(target)
        remove(tmp_path / name)
        assert not os.path.lexists(tmp_path / name)
    (tmp_path / "run" / "model").mkdir(parents=True)
    (tmp_path / "run" / "model" / "link").symlink_to(kept)
    remove(tmp_path / "run")
    remove(tmp_path / "run")
    assert (kept / "private").read_bytes() == private.read_bytes() == SECRET


def test_a_folder_is_made_unless_a_link_has_its_name(tmp_path: Path) -> None:
    make_folder(tmp_path / "a")
    make_folder(tmp_path / "a")
    assert is_folder(tmp_path / "a")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    with pytest.raises(UnsafeFileError, match="symbolic link"):
        make_folder(tmp_path / "b")
    assert not is_folder(tmp_path / "b")


def test_a_file_that_is_one_s_own_is_read_under_each_of_its_names(tmp_path: Path, private: Path) -> None:
    """Copies by `cp -al` have second names, and can be read; only what is written or published must have one name."""
    (tmp_path / "copy").hardlink_to(private)
    assert read_bytes(tmp_path / "copy") == SECRET
    assert is_file(tmp_path / "copy")
    with open_binary(tmp_path / "copy") as file:
        assert file.read() == SECRET


def test_errors_name_the_whole_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FileNotFoundError) as absolute:
        read_bytes(tmp_path / "no" / "file")
    assert absolute.value.filename == str(tmp_path / "no")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "no").mkdir()
    with pytest.raises(FileNotFoundError) as relative:
        read_bytes(Path("no/file"))
    assert relative.value.filename == "no/file"


def test_a_device_is_not_opened(tmp_path: Path) -> None:
    for place in ("/dev/null", "/dev/zero", "/dev/tty"):
        with pytest.raises(UnsafeFileError, match="a device"):
            open_descriptor(Path(place), os.O_RDONLY)


def record(path: Path) -> Path:
    directory = RunDirectory.claim(path)
    journal = Journal(directory.journal_path)
    journal.append("start", goes_on=False)
    journal.append("epoch", epoch=1, metrics={"val/loss": 0.5})
    journal.close()
    directory.release()
    return path


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    """A runs folder with an own run, an own study with a trial, and the directories of others: by links, and by uid."""
    runs_dir = tmp_path / "runs"
    record(runs_dir / "own")
    record(runs_dir / "study")
    record(runs_dir / "study" / "trials" / "trial")
    record(tmp_path / "elsewhere")
    (runs_dir / "linked").symlink_to(tmp_path / "elsewhere")
    (runs_dir / "study" / "trials" / "linked").symlink_to(tmp_path / "elsewhere")
    record(runs_dir / "foreign")
    record(runs_dir / "foreign study" / "trials" / "trial")
    record(runs_dir / "foreign study")
    return runs_dir


@pytest.fixture
def other(shared: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The shared folder, where `foreign` and `foreign study` belong to another user."""
    if os.geteuid() == 0:
        for name in ("foreign", "foreign study"):
            os.chown(shared / name, 1234, 1234)
        return shared
    lstat = os.lstat

    def of_another(path: Path) -> os.stat_result:
        found = lstat(path)
        owned = found.st_uid + 1 if "foreign" in Path(path).name else found.st_uid
        return os.stat_result((*found[:4], owned, *found[5:]))

    monkeypatch.setattr(os, "lstat", of_another)
    return shared


def names(paths: object) -> list[str]:
    return [str(path.name) for path in paths]  # type: ignore[attr-defined]


def test_run_directories_of_others_and_links_are_left_alone_with_a_line(other: Path) -> None:
    assert names(run_directories(other)) == ["own", "study", "trial"]
    assert set(names(run_directories(other, of_others=True))) == {"foreign", "foreign study", "own", "study", "trial"}
    line = left_alone(other)
    assert line is not None
    assert "1 behind links" in line
    assert "2 of " in line
    assert "uid" in line


def test_dead_runs_of_others_are_not_closed(other: Path, tmp_path: Path) -> None:
    before = {
        path: path.read_bytes() for path in (other / "foreign" / "metrics.jsonl", tmp_path / "elsewhere" / "lock")
    }
    end_dead_runs(other)
    assert StoredRun(other / "own").status == "killed"
    assert StoredRun(other / "foreign").status == "running"
    assert StoredRun(tmp_path / "elsewhere").status == "running"
    assert {path: path.read_bytes() for path in before} == before


def test_directories_of_others_and_links_are_not_claimed(other: Path) -> None:
    for name, fact in (("foreign", "uid"), ("linked", "symbolic link")):
        with pytest.raises(UserError, match=fact):
            RunDirectory.claim(other / name)


def test_runs_of_others_can_be_named_and_read(other: Path) -> None:
    assert resolve("foreign", other).name == "foreign"
    assert StoredRun.open("foreign", other).epochs == {1: {"val/loss": 0.5}}


def test_a_folder_of_one_s_own_alone_has_no_line(tmp_path: Path) -> None:
    record(tmp_path / "own")
    (tmp_path / "artifacts").mkdir()
    assert left_alone(tmp_path) is None
    assert left_alone(tmp_path / "not there") is None


def test_a_journal_that_is_no_plain_file_has_not_started(planted: Path) -> None:
    is_plain = is_file(planted)  # under a second name
    planted.rename(planted.with_name("metrics.jsonl"))
    assert has_started(planted.with_name("metrics.jsonl")) == is_plain
