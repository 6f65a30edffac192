"""Paths as the command line takes them: never empty, and an address only where a store can be read."""

import re
from pathlib import Path
from typing import Any

import click

from datalib.errors import Misuse

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)


class _Place(click.Path):
    """A path; where only reading is asked for, an address of an object store too, which stays a string."""

    def __init__(self, *, remote: bool) -> None:
        super().__init__(path_type=Path)
        self.remote = remote

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Raise ``Misuse``: ``E-USAGE`` for nothing or an address, ``E-STORE-READ-ONLY`` where a store cannot stand."""
        if value == "":  # an unset variable of a shell; as a path it would be the current folder
            raise Misuse("E-USAGE", _named(param), "empty: name a file or a folder")
        scheme = _ADDRESS.match(value) if isinstance(value, str) else None
        if scheme is None:
            return super().convert(value, param, ctx)
        from datalib.library.opening import is_address

        if not is_address(value):
            where = scheme[0] if "@" in value else value  # what may be a secret is not repeated
            detail = "not a path: copy the file here; addresses of works go into a CSV file with a column url"
            raise Misuse("E-USAGE", where, detail)
        from datalib.library.objects import Address

        address = Address.parse(value)
        if not self.remote:
            raise Misuse("E-STORE-READ-ONLY", address.text)
        return value


def _named(param: click.Parameter | None) -> str:
    """Name an option as it is written, an argument as the usage has it."""
    if isinstance(param, click.Option):
        return max(param.opts, key=len)
    return param.make_metavar(click.get_current_context()).rstrip(".") if param is not None else ""


FILE = _Place(remote=False)
FOLDER = _Place(remote=False)
PLACE = _Place(remote=True)
