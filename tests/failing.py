"""Scans in processes of their own in which parts are missing or fail: by an import hook, never by a double of ours."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from tests.scanning import NOW

_HOOK = """
import importlib.abc, importlib.machinery, json, os, sys
PLAN = json.loads(os.environ["DATALIB_TEST_FAILURES"])

class Loader(importlib.abc.Loader):
    def __init__(self, inner, names):
        self.inner, self.names = inner, names
    def create_module(self, spec):
        return self.inner.create_module(spec)
    def exec_module(self, module):
        self.inner.exec_module(module)
        for name in self.names:
            assert hasattr(module, name), (module.__name__, name)
            def fail(*_, **__):
                raise RuntimeError("injected")
            setattr(module, name, fail)

class Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name in PLAN["missing"]:
            raise ModuleNotFoundError(name, name=name)
        if name not in PLAN["failing"]:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        spec.loader = Loader(spec.loader, PLAN["failing"][name])
        return spec

sys.meta_path.insert(0, Finder())
"""
_RUN = """
import json, sys
from pathlib import Path
from typing import Any
from datalib.errors import DatalibError
from datalib.optout.scan import scan
request = json.loads(sys.argv[1])
options = {k: [Path(p) for p in v] if k in {"sites", "registries"} else v for k, v in request["options"].items()}
try:
    scan([Path(p) for p in request["works"]], out=Path(request["out"]), now=request["now"], **options)
except DatalibError as error:
    sys.exit(f"{error.code}")
"""


def scan_with(
    folder: Path,
    works: Iterable[Path],
    *,
    missing: Iterable[str] = (),
    failing: dict[str, list[str]] | None = None,
    **options: Any,
) -> tuple[dict[str, str], str]:
    """Scan with modules missing and functions failing; give the verdicts by work, and what was said on stopping."""
    hook = folder / "hook"
    hook.mkdir(parents=True, exist_ok=True)
    (hook / "sitecustomize.py").write_text(_HOOK, encoding="utf-8")
    plan = {"missing": list(missing), "failing": failing or {}}
    request = {"works": [str(path) for path in works], "out": str(folder / "out"), "now": NOW, "options": options}
    known = os.pathsep.join([str(hook), str(Path(__file__).parent.parent)])
    done = subprocess.run(
        [sys.executable, "-c", _RUN, json.dumps(request)],
        env=os.environ | {"PYTHONPATH": known, "DATALIB_TEST_FAILURES": json.dumps(plan)},
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    if done.returncode:
        assert not (folder / "out" / "scan.json").exists()
        return {}, done.stderr.strip()
    parts = sorted((folder / "out" / "decisions").iterdir())
    rows = (row for path in parts for row in pq.read_table(path).to_pylist())
    return {row["work_id"]: f"{row['verdict']} {row['reason']}" for row in rows}, ""
