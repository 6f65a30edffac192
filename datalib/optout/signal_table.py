"""Signals as a table: as they stand in ``signals.parquet``, and in what a shard leaves for it."""

from collections.abc import Sequence
from functools import cache
from typing import Any, BinaryIO, Final

import numpy as np
import pyarrow as pa

from datalib.optout.compiled import Template
from datalib.optout.model import CATEGORIES, Signal, State
from datalib.optout.sections import Section

_WORDS: Final = pa.dictionary(pa.int32(), pa.string())
_TEXTS: Final = ("signal", "carrier", "locator", "raw", "sha256", "observed_at")
SIGNALS_SCHEMA: Final = pa.schema([
    pa.field("id", pa.int64(), nullable=False),
    *(pa.field(name, pa.string(), nullable=False) for name in _TEXTS),
    *(pa.field(f"{reading}_{name}", _WORDS, nullable=False) for reading in ("spec", "strict") for name in CATEGORIES),
    pa.field("note", pa.string(), nullable=False),
])  # fmt: skip


@cache
def _labels() -> Any:
    # No array is made while modules are imported: with its first one Arrow imports pandas, wherever that is installed.
    return pa.array([state.label for state in sorted(State)], pa.string())


def table_of(columns: dict[str, Any]) -> Any:
    """Put columns into a table of signals."""
    return pa.table([columns[name] for name in SIGNALS_SCHEMA.names], schema=SIGNALS_SCHEMA)


def of_signals(ids: Sequence[int], signals: Sequence[Signal]) -> Any:
    """Put signals, whose numbers are given, into a table."""
    numbers: dict[Template, int] = {}
    kinds = [numbers.setdefault(Template.of(signal), len(numbers)) for signal in signals]
    columns: dict[str, Any] = {"id": pa.array(ids, pa.int64())}
    for name in ("locator", "raw", "sha256", "observed_at"):
        columns[name] = pa.array([getattr(signal, name) for signal in signals], pa.string())
    return table_of(columns | of_kinds(list(numbers), pa.array(kinds, pa.int32())))


def of_kinds(templates: Sequence[Template], kinds: Any) -> dict[str, Any]:
    """Give what signals have from their templates, as columns; ``kinds``: the place of each signal's template."""
    columns: dict[str, Any] = {
        name: pa.array([getattr(template, name) for template in templates], pa.string())
        for name in ("signal", "carrier", "note")
    }
    for reading in ("spec", "strict"):
        for place, name in enumerate(CATEGORIES):
            states = pa.array([getattr(template, reading)[place] for template in templates], pa.int32())
            columns[f"{reading}_{name}"] = pa.DictionaryArray.from_arrays(states, _labels())
    return {name: values.take(kinds) for name, values in columns.items()}


def merged(tables: Sequence[Any]) -> Any:
    """Put tables together by number, each number once: as in the first table that has it."""
    whole = pa.concat_tables(tables).combine_chunks()
    return whole.take(np.unique(whole["id"].to_numpy(), return_index=True)[1])


def write_table(file: BinaryIO, table: Any) -> None:
    """Write a table so that it can be mapped; nothing of an empty one."""
    if len(table):
        with pa.ipc.new_stream(file, table.schema) as out:
            out.write_table(table)


def mapped_table(section: Section) -> Any:
    """Map a table that `write_table` wrote."""
    return pa.ipc.open_stream(section.mapped()).read_all() if section.size else SIGNALS_SCHEMA.empty_table()
