"""What no stored diff has: the usual files of secrets, and secrets wherever they stand."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from test_runs_git import git, source, write

from nnlab.runs.git import git_state
from nnlab.runs.git_withheld import secret_in, usually_holds_secrets

REPOSITORY = Path(__file__).resolve().parents[2]

__all__ = ["source"]

USUAL = (
    *(".envrc", "prod.env.bak", ".env/plain.txt", "secrets/plain.txt", ".aws/config", ".ssh/config", "my_secrets.yaml"),
    *("passwords.txt", "client_secret.json", "prod_credentials.json", "key.pem.bak", "api_key.txt", "token.txt"),
)
HELD: dict[str, str | bytes] = {
    "text.py": 'KEY = """-----BEGIN RSA PRIVATE KEY-----\nhunter2\n"""\n',
    "line.py": 'KEY = "-----BEGIN EC PRIVATE KEY-----\\nhunter2"\n',
    "indented.yaml": "key: |\n  -----BEGIN PRIVATE KEY-----\n  hunter2\n",
    "old.txt": "PuTTY-User-Key-File-2: ssh-rsa\nhunter2\n",
    "binary.txt": "-----BEGIN PRIVATE KEY-----\nhunter2\n".encode("utf-16"),
    "address.yaml": "uri: postgresql://bob:hunter2@host/db\n",
    "password.py": "login(password='hunter2')\n",
    "mapped.py": "login({'api_key': 'hunter2'})\n",
    "plain.yaml": "server:\n  password: hunter2\n",
    "exported.sh": "export API_TOKEN=hunter2\n",
    "marked.py": f"use('ghp_{'hunter2' * 6}')\n",
}
HARMLESS = {
    "names.py": "password = getpass()\ntoken = next(tokens)\nPRIVATE_KEY = 'holds a private key'\n",
    "place.py": "x = f'http://{user}:{password}@{host}'  # scheme://user:password@host, or http://host:5000/a@b\n",
    "place.yaml": "password: null\ntoken: ${oc.env:TOKEN}\nsecret: ???\nurl: http://host:5000/#/x\n",
}


def test_files_and_folders_of_secrets_are_left_out(source: Path) -> None:
    for name in USUAL:
        write(source / "nnlab" / name, "hunter2\n")
    state = git_state(source)
    assert state.diff == b""
    assert {each.name for each in state.left_out} == {f"nnlab/{name}" for name in USUAL}


def test_what_looks_like_a_secret_is_left_out_with_its_file(source: Path) -> None:
    for name, content in (HELD | HARMLESS).items():
        write(source / "nnlab" / name, content)
    state = git_state(source)
    assert {each.name for each in state.left_out} == {f"nnlab/{name}" for name in HELD}
    for name in HARMLESS:
        assert name.encode() in state.diff


def test_a_secret_file_under_another_name_is_left_out(source: Path) -> None:
    write(source / "nnlab/.env", "TOKEN=hunter2\n")
    git(source, "add", "-Af")
    git(source, "commit", "-qm", "two")
    (source / "nnlab/.env").rename(source / "nnlab/settings.txt")
    assert git_state(source).diff == b""


def test_the_folder_that_a_checkout_lies_in_says_nothing(tmp_path: Path) -> None:
    write(tmp_path / "secrets/tree/nnlab/a.py", "a = 1\n")
    git(tmp_path, "init", "-q")
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", "one")
    assert git_state(tmp_path / "secrets/tree").left_out == ()


def test_nnlab_itself_holds_none() -> None:
    names = [name for name in git(REPOSITORY, "ls-files", "nnlab", "conf", "experiments").split("\n") if name]
    assert not [name for name in names if usually_holds_secrets(name)]
    for name in names:
        content = (REPOSITORY / name).read_bytes()
        if name.endswith((".py", ".yaml", ".md")):
            assert secret_in(content, name) is None, name


@pytest.mark.parametrize("piece", [b"a", b"token", b"://a:", b"pass_key=", b"- ", b" ", b"\n", b"-----BEGIN "])
def test_the_search_is_quick_whatever_a_file_has(piece: bytes) -> None:
    started = time.process_time()
    secret_in(piece * (300_000 // len(piece)), "x.txt")
    assert time.process_time() - started < 20  # a second at most where no other process is; without bound it was hours
