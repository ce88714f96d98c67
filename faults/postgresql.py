"""A PostgreSQL server of one's own on 127.0.0.1, to be killed, frozen and started again."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from faults.promise import NotHereError

PASSWORD = "oPen-sesAme"
USER = "nnlab"


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on at this moment."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


class Postgresql:
    """A server; `start` it before use.

    Args:
        programs: the folder of PostgreSQL's programs.
        place: a folder that the server's user may write.
        prefix: what runs a command as that user.
    """

    def __init__(self, programs: Path, place: Path, prefix: list[str]) -> None:
        self._programs, self._place, self._prefix = programs, place, prefix
        self.port = free_port()
        password = place / "password"
        password.write_text(PASSWORD)
        if prefix:
            for path in (place, password):
                shutil.chown(path, "postgres")
        self._do("initdb", "-U", USER, "-A", "scram-sha-256", "--pwfile", password, "--no-sync")

    def address(self, database: str = "postgres", password: str = PASSWORD, user: str = USER) -> str:
        """The address of one of its databases, password included."""
        return f"postgresql+psycopg://{user}:{password}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = f"-c listen_addresses=127.0.0.1 -c port={self.port} -c unix_socket_directories={self._place}"
        self._do("pg_ctl", "-w", "-l", self._place / "server.log", "-o", f"{options} -c fsync=off", "start")

    def stop(self, how: str = "immediate") -> None:
        """Stop it in one of its three ways: smart, fast or immediate, which is a crash."""
        self._do("pg_ctl", "-w", "-m", how, "stop")

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the server and all of its processes."""
        pids = self.pids()
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def pids(self) -> list[int]:
        """The server's process, then its children; empty if it does not run."""
        try:
            leader = int((self._place / "data" / "postmaster.pid").read_text().split()[0])
        except FileNotFoundError:
            return []
        children = subprocess.run(["pgrep", "-P", str(leader)], capture_output=True, text=True, check=False).stdout
        return [leader, *map(int, children.split())]

    def _do(self, program: str, *arguments: object) -> None:
        command = [*self._prefix, str(self._programs / program), "-D", str(self._place / "data"), *map(str, arguments)]
        subprocess.run(command, cwd=self._place, check=True, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)


@contextmanager
def postgresql() -> Iterator[Postgresql]:
    """A server that runs until the end of the block.

    Raises:
        NotHereError: if PostgreSQL is not installed, or may not be run.
    """
    programs, prefix = _programs(), _unprivileged()
    # Not below the caller's folder, which may be closed to whoever may run a server where root may not.
    with tempfile.TemporaryDirectory(prefix="nnlab-postgresql-") as place:
        server = Postgresql(programs, Path(place), prefix)
        server.start()
        try:
            yield server
        finally:
            server.send(signal.SIGCONT)
            with suppress(subprocess.CalledProcessError):  # it was stopped already
                server.stop()


def _programs() -> Path:
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    found = shutil.which("initdb") or (installed[-1] if installed else None)
    if found is None:
        raise NotHereError("needs PostgreSQL's server (apt-get install postgresql)")
    if importlib.util.find_spec("psycopg") is None:
        raise NotHereError("needs psycopg (pip install 'nnlab[cluster]')")
    return Path(found).resolve().parent


def _unprivileged() -> list[str]:
    """What runs a command as somebody who may run a server: root may not."""
    if os.geteuid() != 0:
        return []
    try:
        pwd.getpwnam("postgres")
    except KeyError:
        raise NotHereError("PostgreSQL does not run as root, and there is no user `postgres`") from None
    return ["runuser", "-u", "postgres", "--"]
