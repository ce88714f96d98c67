"""A study's storage outlives what happens to its writers, and says what is wrong with it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import optuna
import pytest
from optuna.storages import BaseStorage
from sweeping import finished, journal_storage, proposals, run_one, study_in, sweep_settings

from nnlab.errors import UserError
from nnlab.runs.files import FileLock
from nnlab.runs.opening import UnsafeFileError
from nnlab.tuning.storage import JOURNAL_FILE, LOCK_SUFFIX, TORN_SUFFIX, check_new_name, open_storage

REPOSITORY = Path(__file__).parents[2]


def attributes(storage: BaseStorage) -> dict[str, int]:
    found: dict[str, int] = storage.get_study_user_attrs(storage.get_study_id_from_name("a-study"))
    return found


def add(storage: BaseStorage, name: str, value: int) -> None:
    storage.set_study_user_attr(storage.get_study_id_from_name("a-study"), name, value)


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """With three records, the last of which says that `third` is 3."""
    storage = journal_storage(tmp_path)
    optuna.create_study(study_name="a-study", storage=storage)
    add(storage, "second", 2)
    add(storage, "third", 3)
    return tmp_path / JOURNAL_FILE


def test_a_journal_that_is_cut_at_any_byte_of_its_last_record_keeps_all_others(journal: Path) -> None:
    *others, last = journal.read_bytes().splitlines(keepends=True)
    torn = journal.with_name(JOURNAL_FILE + TORN_SUFFIX)
    for size in range(1, len(last)):
        journal.write_bytes(b"".join(others) + last[:size])
        torn.unlink(missing_ok=True)
        storage = open_storage(None, journal)
        assert attributes(storage) == {"second": 2}
        assert torn.read_bytes() == last[:size] + b"\n"
        add(storage, "fourth", 4)
        assert attributes(open_storage(None, journal)) == {"second": 2, "fourth": 4}
        assert journal.read_bytes().startswith(b"".join(others))


def test_a_record_torn_by_another_process_is_mended_by_the_next_writer(journal: Path) -> None:
    storage = open_storage(None, journal)
    with journal.open("ab") as file:
        file.write(b'{"op_code":2,"wor')
    add(storage, "fourth", 4)
    assert attributes(open_storage(None, journal)) == {"second": 2, "third": 3, "fourth": 4}
    assert all(json.loads(line) for line in journal.read_bytes().splitlines())


def test_a_whole_journal_is_left_as_it_is(journal: Path) -> None:
    before = journal.read_bytes()
    open_storage(None, journal)
    assert journal.read_bytes() == before
    assert not journal.with_name(JOURNAL_FILE + TORN_SUFFIX).exists()


def python(code: str, *arguments: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", code, *map(str, arguments)], cwd=REPOSITORY)


def test_a_process_killed_inside_the_lock_holds_up_nobody(journal: Path) -> None:
    killed = python(
        "import os, signal, sys; from pathlib import Path\n"
        "from nnlab.tuning.storage import _MendingLock\n"
        "lock = _MendingLock(Path(sys.argv[1])); lock.acquire()\n"
        "os.kill(os.getpid(), signal.SIGKILL)",
        journal,
    )
    assert killed.wait(60) == -signal.SIGKILL
    lock = journal.with_name(JOURNAL_FILE + LOCK_SUFFIX)
    assert lock.exists()
    assert not FileLock.is_held(lock)
    add(open_storage(None, journal), "fourth", 4)
    assert attributes(open_storage(None, journal))["fourth"] == 4


def test_a_lock_that_cannot_be_used_is_given_back(journal: Path) -> None:
    storage = open_storage(None, journal)
    with journal.open("ab") as file:
        file.write(b"torn")
    torn = journal.with_name(JOURNAL_FILE + TORN_SUFFIX)
    torn.mkdir()
    with pytest.raises(UnsafeFileError, match="is a folder"):
        add(storage, "fourth", 4)
    torn.rmdir()
    assert not FileLock.is_held(journal.with_name(JOURNAL_FILE + LOCK_SUFFIX))
    add(storage, "fourth", 4)
    assert attributes(open_storage(None, journal))["fourth"] == 4


def test_processes_that_start_and_write_together_lose_nothing(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; import optuna\n"
        "from nnlab.tuning.storage import open_storage\n"
        "optuna.logging.set_verbosity(optuna.logging.ERROR)\n"
        "storage = open_storage(None, Path(sys.argv[1]))\n"
        "study = optuna.create_study(study_name='a-study', storage=storage, load_if_exists=True)\n"
        "for number in range(10): study.set_user_attr(f'{sys.argv[2]}-{number}', number)\n"
    )
    writers = [python(code, tmp_path / JOURNAL_FILE, name) for name in "abcd"]
    assert [writer.wait(60) for writer in writers] == [0] * 4
    expected = {f"{name}-{number}": number for name in "abcd" for number in range(10)}
    assert attributes(journal_storage(tmp_path)) == expected


@pytest.mark.parametrize(
    "damage", [b"garbage\n", b"[]\n", b"3\n", b'{"a":1}\n', b"\x00\x00\x00\n", b"\xff\xfe\n", b"\n"]
)
@pytest.mark.parametrize("place", [1, 3])
def test_a_line_that_is_no_record_is_reported_with_the_file(damage: bytes, place: int, journal: Path) -> None:
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([*lines[:place], damage, *lines[place:]]))
    with pytest.raises(UserError, match=r"study\.log is damaged: .* restore it"):
        open_storage(None, journal)


def test_a_folder_that_cannot_be_written_is_named() -> None:
    with pytest.raises(UserError, match=r"journal must be readable and writable, but /proc/nowhere/study\.log is not"):
        open_storage(None, Path("/proc/nowhere/study.log"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_journal_that_is_read_only_is_named(journal: Path) -> None:
    journal.chmod(0o400)
    with pytest.raises(UserError, match=r"must be readable and writable.*Permission denied"):
        open_storage(None, journal)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("nonsense", "must be an address like .*, but nonsense is not"),
        ("sqlite:////proc/nowhere/study.db", "unable to open database file"),
        ("nosuch://me:hunter2@127.0.0.1/studies", r"nosuch://\*\*\*@127.0.0.1/studies"),
        ("postgresql+nosuch://me:hunter2@127.0.0.1/studies", r"postgresql\+nosuch://\*\*\*@127.0.0.1/studies"),
        ("mysql+pymysql://me:hunter2@127.0.0.1:1/studies", r"mysql\+pymysql://\*\*\*@127.0.0.1:1/studies"),
        ("postgresql://me:hunter2@127.0.0.1:1/studies", r"postgresql://\*\*\*@127.0.0.1:1/studies"),
    ],
)
def test_an_address_that_leads_nowhere_is_reported_without_its_password(
    url: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=message) as caught:
        open_storage(url, tmp_path / JOURNAL_FILE)
    assert "sweep.storage" in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_database_keeps_a_study_as_the_journal_does(tmp_path: Path) -> None:
    studies = []
    for url in (None, f"sqlite:///{tmp_path / 'study.db'}"):
        storage = open_storage(url, tmp_path / JOURNAL_FILE)
        study = study_in(storage, sweep_settings())
        for _ in range(2):
            run_one(study, storage, finished)
        reopened = study_in(open_storage(url, tmp_path / JOURNAL_FILE), sweep_settings())
        reopened.propose()
        studies.append(proposals(reopened))
    assert studies[0] == studies[1]


def test_the_name_of_a_new_study_must_be_free(tmp_path: Path) -> None:
    storage = journal_storage(tmp_path)
    check_new_name("a-study", storage)
    study_in(storage, sweep_settings())
    check_new_name("another", storage)
    with pytest.raises(UserError, match=r"'a-study'.*sweep\.resume=a-study"):
        check_new_name("a-study", storage)


def test_a_journal_larger_than_any_is_not_opened(journal: Path) -> None:
    add(open_storage(None, journal), "first", 1)
    os.truncate(journal, 2**40)
    with pytest.raises(UserError, match="more than"):
        open_storage(None, journal)
