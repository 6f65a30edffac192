"""Run opt-out cases against datalib: ``python -m tests.conformance.optout CASES.jsonl…``.

Each line of a file is one case: ``kind`` names a function of the product, ``input`` (or ``input_b64``, ``input_ref``,
or a ``file`` beside the list) what goes in, ``expected`` what must come out. Printed are every failure (id, expected,
got), every case that is argued with its argument, and last ``N passed, M failed``. The exit status is 1 when a case
failed.

``DATALIB_SHARED`` names the folder that holds the real inputs some cases point to; they are argued when it is missing.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.conformance import optout_kinds, optout_site_kinds, optout_unit_kinds
from tests.conformance.optout_arguments import argue_case, argue_field

Case = dict[str, Any]
HANDLERS = {**optout_kinds.HANDLERS, **optout_site_kinds.HANDLERS, **optout_unit_kinds.HANDLERS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of one case: ``failures`` are (field, expected, got); ``arguments`` say why something was not run."""

    name: str
    failures: tuple[tuple[str, Any, Any], ...] = ()
    arguments: tuple[str, ...] = ()
    ran: bool = True


def read_cases(path: Path) -> Iterator[Case]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            if line.strip():
                yield {"folder": str(path.parent), **json.loads(line)}


def run_case(case: Case) -> Result:
    """Run one case."""
    name = f"{case.get('suite', '?')}/{case.get('id', '?')}"
    argument = argue_case(case)
    if argument:
        return Result(name=name, arguments=(argument,), ran=False)
    handler = HANDLERS.get(case["kind"])
    if handler is None:
        return Result(name=name, failures=(("kind", case["kind"], "not known to this runner"),))
    try:
        outcome = handler(case)
    except optout_kinds.NotHereError as missing:
        return Result(name=name, arguments=(str(missing),), ran=False)
    failures: list[tuple[str, Any, Any]] = []
    arguments: list[str] = []
    for field, (expected, got) in outcome.items():
        if expected == got:
            continue
        reason = argue_field(case, field)
        if reason:
            arguments.append(f"{field}: {reason}")
        else:
            failures.append((field, expected, got))
    return Result(name=name, failures=tuple(failures), arguments=tuple(arguments))


def main(arguments: list[str]) -> int:
    """Run the files named on the command line."""
    write = sys.stdout.write
    passed = failed = 0
    for path in map(Path, arguments):
        for case in read_cases(path):
            result = run_case(case)
            for field, expected, got in result.failures:
                write(f"FAILED {result.name} {field}: expected {expected!r}, got {got!r}\n")
            for argument in result.arguments:
                write(f"ARGUED {result.name}: {argument}\n")
            failed += bool(result.failures)
            passed += result.ran and not result.failures
    write(f"{passed} passed, {failed} failed\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
