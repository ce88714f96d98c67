"""Downloads from mirrors on this machine that fail in every way that mirrors do."""

from __future__ import annotations

import hashlib
import http.server
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from idx_samples import tiny_digits, write_idx_folder

from nnlab.data import DataSettings, SplitSettings, load, published
from nnlab.data.download import Published, cache_folder, fetch
from nnlab.errors import UserError

FIRST = "train-images-idx3-ubyte.gz"


class Mirror:
    """A web server whose first path element says how it behaves; it counts what it was asked for."""

    def __init__(self, folder: Path) -> None:
        self.asked: list[str] = []
        mirror = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                manner, name = self.path.strip("/").split("/")
                mirror.asked.append(f"{manner}/{name}")
                times = mirror.asked.count(f"{manner}/{name}")
                contents = (folder / name).read_bytes()
                if manner == "absent" or (manner == "flaky" and times == 1):
                    self.send_error(404 if manner == "absent" else 503)
                    return
                if manner == "changed":
                    contents = contents[:-1] + bytes([contents[-1] ^ 1])
                if manner in ("slow", "patient"):
                    time.sleep(1.0 if manner == "slow" else 0.2)
                self.send_response(200)
                self.send_header("Content-Length", str(len(contents)))
                self.end_headers()
                self.wfile.write(contents[: len(contents) // 2] if manner == "broken" else contents)

            def log_message(self, *args: object) -> None:
                """Stay silent."""

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def address(self, manner: str) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/{manner}/"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def mirror(idx_folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Mirror]:
    monkeypatch.setenv("NNLAB_DATA_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = Mirror(idx_folder)
    yield server
    server.close()


def tiny(idx_folder: Path, *addresses: str) -> Published:
    files = {FIRST: ""} | {file.name: "" for file in sorted(idx_folder.glob("*.gz"))}
    digests = {name: hashlib.md5((idx_folder / name).read_bytes()).hexdigest() for name in files}
    return Published("tiny", digests, addresses, timeouts=(0.5, 0.3), pause=0.0)


def check_whole(folder: Path, idx_folder: Path) -> None:
    """The four files, and nothing beside them but the lock."""
    assert {file.name for file in folder.iterdir()} - {".lock"} == {file.name for file in idx_folder.glob("*.gz")}
    for file in idx_folder.glob("*.gz"):
        assert (folder / file.name).read_bytes() == file.read_bytes()


def test_files_are_fetched_once_and_then_found(mirror: Any, idx_folder: Path, tmp_path: Path) -> None:
    wanted = tiny(idx_folder, mirror.address("good"))
    for _ in range(2):
        assert fetch(wanted) == tmp_path / "cache" / "tiny"
        check_whole(tmp_path / "cache" / "tiny", idx_folder)
    assert sorted(mirror.asked) == sorted(f"good/{name}" for name in wanted.files)


@pytest.mark.parametrize("manner", ["absent", "changed", "slow", "broken"])
def test_a_mirror_that_fails_is_passed_over_for_the_next(manner: str, mirror: Any, idx_folder: Path) -> None:
    folder = fetch(tiny(idx_folder, mirror.address(manner), mirror.address("good")))
    check_whole(folder, idx_folder)
    counts = Counter(request.partition("/")[0] for request in mirror.asked)
    # The mirror that gave the first file is asked first for the others.
    assert counts == {manner: 1, "good": 4}


def test_a_mirror_that_fails_once_is_asked_again(mirror: Any, idx_folder: Path) -> None:
    folder = fetch(tiny(idx_folder, mirror.address("flaky")))
    check_whole(folder, idx_folder)
    assert mirror.asked.count(f"flaky/{FIRST}") == 2


def test_a_mirror_that_does_not_exist_is_passed_over(mirror: Any, idx_folder: Path) -> None:
    check_whole(fetch(tiny(idx_folder, "http://127.0.0.1:9/", mirror.address("good"))), idx_folder)


def test_one_message_says_what_was_tried_and_what_to_do_instead(mirror: Any, idx_folder: Path, tmp_path: Path) -> None:
    manners = ("absent", "changed", "slow")
    addresses = [*(mirror.address(manner) for manner in manners), "http://127.0.0.1:9/"]
    with pytest.raises(UserError, match=f"needs {FIRST}, which is not in .*, and no mirror") as raised:
        fetch(tiny(idx_folder, *addresses))
    reasons = (
        "status 404",
        "a different checksum",
        "no answer in time",
        "the connection failed",
    )
    for address, reason in zip(addresses, reasons, strict=True):
        assert f"{address}: {reason}" in str(raised.value).replace("its file has ", "")
    for remedy in ("data=mnist_5k", "data=digits", "data=toy", "data=idx data.root=", "NNLAB_DATA_DIR"):
        assert remedy in str(raised.value)
    assert [file.name for file in (tmp_path / "cache" / "tiny").iterdir()] == [".lock"]


@pytest.mark.parametrize("damage", [b"", b"other contents"], ids=["emptied", "changed"])
def test_a_damaged_file_in_the_cache_is_replaced(damage: Any, mirror: Any, idx_folder: Path) -> None:
    wanted = tiny(idx_folder, mirror.address("good"))
    folder = fetch(wanted)
    (folder / FIRST).write_bytes(damage)
    check_whole(fetch(wanted), idx_folder)
    assert mirror.asked.count(f"good/{FIRST}") == 2
    assert len(mirror.asked) == 5


def test_a_whole_cache_needs_no_mirror_and_no_right_to_write(
    mirror: Any, idx_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = cache_folder() / "tiny"
    write_idx_folder(folder)
    monkeypatch.setattr(Path, "mkdir", lambda *args, **kwargs: pytest.fail("the cache was written to"))
    assert fetch(tiny(idx_folder, mirror.address("good"))) == folder
    assert mirror.asked == []


def test_a_cache_that_cannot_be_written_is_named(
    mirror: Any, idx_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("NNLAB_DATA_DIR", str(tmp_path / "file"))
    with pytest.raises(UserError, match=r"cannot be written: Not a directory\. Set NNLAB_DATA_DIR to a folder"):
        fetch(tiny(idx_folder, mirror.address("good")))


def test_without_the_variable_the_cache_is_in_the_users_cache_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("NNLAB_DATA_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "nnlab"


@pytest.mark.slow
def test_two_processes_that_start_at_once_download_each_file_once(
    mirror: Any, idx_folder: Path, tmp_path: Path
) -> None:
    wanted = tiny(idx_folder, mirror.address("patient"))
    program = (
        "from nnlab.data.download import Published, fetch\n"
        f"print(fetch(Published('tiny', {dict(wanted.files)!r}, {wanted.mirrors!r})))"
    )
    command = [sys.executable, "-c", program]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    for process in running:
        output, errors = process.communicate(timeout=60)
        assert (output.strip(), errors) == (str(tmp_path / "cache" / "tiny"), "")
    assert sorted(mirror.asked) == sorted(f"patient/{name}" for name in wanted.files)
    check_whole(tmp_path / "cache" / "tiny", idx_folder)


def test_the_bar_is_shown_on_stderr_only_if_asked_for(
    mirror: Any, idx_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = tiny(idx_folder, mirror.address("good"))
    folder = fetch(wanted)
    assert capsys.readouterr() == ("", "")
    for file in folder.glob("*.gz"):
        file.unlink()
    fetch(wanted, progress=True)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert FIRST in shown.err


def test_mnist_is_what_the_mirror_gave_with_its_own_test_split(
    mirror: Any, idx_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(published, "MNIST", tiny(idx_folder, mirror.address("good")))
    dataset = load(DataSettings(name="mnist"))
    np.testing.assert_array_equal(dataset.train.x, tiny_digits(40, seed=0)[0].reshape(40, 12))
    assert (len(dataset.train), len(dataset.validation), len(dataset.test)) == (34, 6, 20)
    assert dataset.class_names == tuple("0123456789")


@pytest.mark.parametrize("state", ["absent", "other rows", "damaged"])
def test_fashion_mnist_is_downloaded_unless_the_package_has_the_published_rows(
    state: Any,
    mirror: Any,
    idx_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    package = tmp_path / "package"
    if state != "absent":
        write_idx_folder(package)
    if state == "damaged":
        (package / FIRST).write_bytes(b"")
    monkeypatch.setattr(published, "DEBIAN_FASHION", package)
    monkeypatch.setattr(published, "FASHION_MNIST", tiny(idx_folder, mirror.address("good")))
    dataset = load(DataSettings(name="fashion_mnist"))
    assert len(mirror.asked) == 4
    assert dataset.class_names[0] == "T-shirt/top"
    assert dataset.class_names[-1] == "Ankle boot"
    explained = {"absent": "", "other rows": "a different digest", "damaged": "IDX header of"}[state]
    assert explained in caplog.text
    assert (caplog.text == "") == (state == "absent")


@pytest.mark.skipif(not published.DEBIAN_FASHION.is_dir(), reason="Debian's dataset-fashion-mnist is not installed")
def test_fashion_mnist_of_debians_package_is_used_without_a_download(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NNLAB_DATA_DIR", str(tmp_path / "cache"))
    dataset = load(DataSettings(name="fashion_mnist", split=SplitSettings(validation=0)))
    assert not (tmp_path / "cache").exists()
    # "Each class has 6,000 training and 1,000 test images" (the publishers' description).
    np.testing.assert_array_equal(np.bincount(dataset.train.targets()), [6000] * 10)
    np.testing.assert_array_equal(np.bincount(dataset.test.targets()), [1000] * 10)
