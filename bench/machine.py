"""The machine of a measurement: without it a figure says nothing."""

import os
import platform
import ssl
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


def machine(packages: Sequence[str]) -> dict[str, str]:
    """Name processor, cores, memory, system, Python, OpenSSL (it hashes), the packages' versions and the load."""
    return {
        "processor": _line("/proc/cpuinfo", "model name") or platform.processor() or platform.machine(),
        "cores": str(len(os.sched_getaffinity(0))),
        "memory": _line("/proc/meminfo", "MemTotal"),
        "system": platform.platform(),
        "python": platform.python_version(),
        "openssl": ssl.OPENSSL_VERSION,
        "load": " ".join(f"{load:.1f}" for load in os.getloadavg()),
        **{name: release(name) for name in packages},
    }


def release(package: str) -> str:
    """Give the version of an installed package, or say that it is absent."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"


def _line(path: str, key: str) -> str:
    """Find ``key: value`` in a file of the kernel."""
    try:
        lines = Path(path).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    values = [line.partition(":")[2].strip() for line in lines if line.startswith(key)]
    return values[0] if values else ""
