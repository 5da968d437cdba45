"""Network namespaces for tests: made, joined, and always taken away again. Needs root."""

import contextlib
import ctypes
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
CLONE_NEWNET = 0x40000000
_LIBC = ctypes.CDLL(None, use_errno=True)


def can_make_namespaces() -> bool:
    return os.geteuid() == 0 and Path("/dev/net/tun").exists() and Path("/usr/sbin/ip").exists()


def _join(descriptor: int) -> None:
    """setns(2) for the calling thread only (os.setns comes with Python 3.12)."""
    if _LIBC.setns(descriptor, CLONE_NEWNET):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), "setns")


@contextlib.contextmanager
def inside(namespace: str) -> Iterator[None]:
    """Put this thread, and the processes and threads it starts, into `namespace` for a while."""
    with open("/proc/thread-self/ns/net", "rb") as home, open(f"/run/netns/{namespace}", "rb") as there:  # noqa: PTH123
        _join(there.fileno())
        try:
            yield
        finally:
            _join(home.fileno())


class Bed:
    """A set of namespaces and the processes in them; `close` ends and removes all of it."""

    def __init__(self) -> None:
        self.namespaces: list[str] = []
        self._processes: list[subprocess.Popen[str]] = []

    def namespace(self) -> str:
        """Make a namespace with its loopback up and return its name."""
        name = f"lp{secrets.token_hex(4)}"
        subprocess.run(["ip", "netns", "add", name], check=True)
        self.namespaces.append(name)
        self.ip(name, "link set lo up")
        return name

    def ip(self, namespace: str, command: str) -> str:
        """Run `ip COMMAND` in a namespace and return what it prints."""
        return self.run(namespace, "ip", *command.split())

    def run(self, namespace: str, *argv: str) -> str:
        """Run a command in a namespace and return what it prints; it must succeed."""
        argv = ("ip", "netns", "exec", namespace, *argv)
        done = subprocess.run(argv, capture_output=True, text=True, check=False, cwd=ROOT)
        assert done.returncode == 0, f"{argv}: {done.stderr}"
        return done.stdout

    def sysctl(self, namespace: str, key: str, value: str) -> None:
        with inside(namespace):
            Path("/proc/sys", *key.split(".")).write_text(value)

    def veth(self, a: tuple[str, str, str], b: tuple[str, str, str]) -> None:
        """Join two namespaces by a cable. Each end: (namespace, interface, address with prefix length)."""
        self.ip(a[0], f"link add {a[1]} type veth peer name {b[1]} netns {b[0]}")
        for namespace, interface, address in (a, b):
            nodad = " nodad" if ":" in address else ""
            if address:
                self.ip(namespace, f"addr add {address} dev {interface}{nodad}")
            self.ip(namespace, f"link set dev {interface} up")

    def start(self, namespace: str, module: str, *args: str) -> subprocess.Popen[str]:
        """Start `python -m MODULE ARGS` in a namespace and wait until it has printed its first line."""
        argv = [sys.executable, "-m", module, *args]
        with inside(namespace):
            process = subprocess.Popen(argv, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True, cwd=ROOT)
        self._processes.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n", f"{module} did not start"
        return process

    def stop(self, process: subprocess.Popen[str]) -> None:
        """End a process that was started here, and wait for it."""
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        self._processes.remove(process)

    def close(self) -> None:
        for process in list(self._processes):
            self.stop(process)
        for name in self.namespaces:
            subprocess.run(["ip", "netns", "del", name], check=False)
        self.namespaces.clear()
