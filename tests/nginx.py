"""A real nginx on the loopback, for tests that are marked ``system``."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
MISSING = NGINX is None and "CI" not in os.environ


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def nginx(work: Path, servers: str) -> Iterator[None]:
    """Run nginx with some server blocks, its files in ``work``; it listens when the block begins."""
    assert NGINX is not None, "nginx is not installed"
    work.mkdir()
    places = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    configuration = [
        "user root;" if os.geteuid() == 0 else "",
        f"pid {work}/pid;",
        f"error_log {work}/error.log;",
        "worker_processes 1;",
        "events { worker_connections 64; }",
        "http {",
        f"access_log {work}/access.log;",
        *(f"{name}_temp_path {work}/{name};" for name in places),
        servers,
        "}",
    ]
    (work / "nginx.conf").write_text("\n".join(configuration), encoding="utf-8")
    command = [NGINX, "-p", str(work), "-c", str(work / "nginx.conf"), "-e", str(work / "error.log")]
    subprocess.run(command, check=True, capture_output=True)
    try:
        yield
    finally:
        subprocess.run([*command, "-s", "stop"], check=True, capture_output=True)
