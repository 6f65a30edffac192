"""Lines of JSON that wait for the types that all of them share: in a file without a name, so that none are held."""

import io
import json
import re
import secrets
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from datalib.library.store import TEMPORARY
from datalib.optout.rows import text_of

#: The column of lines that stay what they were.
WHOLE: Final = "json"
#: Bytes of lines that are read at once; one line may have more. Each line takes room for the members of all others.
BLOCK: Final = 1 << 18
#: Members, at whatever depth, and lists in lists that lines may have to become a table.
LEAVES: Final = 500
DEPTH: Final = 32
#: Integers with fewer digits are kept by a double.
_LONG: Final = re.compile(rb"[0-9]{16}")


class NoTypesError(Exception):
    """The lines share no types that keep all their values."""


class Lines:
    """Some lines, each a JSON object. ``folder`` is where they wait, until they are closed.

    ``columns``: the members by which they were judged.
    """

    def __init__(self, folder: Path, columns: Sequence[str]) -> None:
        self._columns = columns
        self._whole = next(name for name in (WHOLE, f"{WHOLE}_line") if name not in columns)
        path = folder / f"{TEMPORARY}{secrets.token_hex(8)}"  # as what interrupted writes leave: the next run sweeps it
        self._file = path.open("w+b")
        path.unlink()

    def add(self, lines: Iterable[bytes]) -> None:
        """Append lines."""
        self._file.writelines(line.strip() + b"\n" for line in lines)

    def typed(self) -> Iterator[Any]:
        """Give the lines as batches of one schema. Raises NoTypesError, at whichever batch."""
        try:
            schema = self._schema()
            doubtful = any(_has_double(field.type) for field in schema)
            for block in self._blocks():
                if doubtful and not all(_is_kept(line, schema) for line in block if _LONG.search(line)):
                    raise NoTypesError
                yield from _read(block, schema).to_batches()
        except MemoryError:  # which Arrow's are too: the result must not depend on the machine
            raise
        except (pa.ArrowException, ValueError, OverflowError, RecursionError) as error:
            raise NoTypesError from error

    def _schema(self) -> Any:
        """Find the types that all lines share. Raises NoTypesError, ArrowException."""
        schema = pa.schema([])
        for block in self._blocks():
            schema = pa.unify_schemas([schema, _plain(_read(block).schema)], promote_options="permissive")
            if sum(_leaves(field.type) for field in schema) > LEAVES:
                raise NoTypesError
        if any(_is_empty(field.type) for field in schema):
            raise NoTypesError
        return pa.schema([field.with_type(_filled(field.type)) for field in schema])

    def plain(self) -> Iterator[Any]:
        """Give the lines as they are, in a column ``json``, behind the members by which they were judged, as texts."""
        for block in self._blocks():
            values = list(map(json.loads, block))
            columns = {
                name: pa.array([text_of(value.get(name)) for value in values], pa.string()) for name in self._columns
            }
            lines = pa.array([line.rstrip() for line in block], pa.binary())
            yield pa.record_batch(columns | {self._whole: pc.cast(lines, pa.string(), safe=False)})

    def close(self) -> None:
        """Let go of the lines."""
        self._file.close()

    def _blocks(self) -> Iterator[list[bytes]]:
        self._file.seek(0)
        while block := self._file.readlines(BLOCK):
            yield block


def _read(block: list[bytes], schema: Any = None) -> Any:
    import pyarrow.json as arrow_json

    text = b"".join(block)
    table = arrow_json.read_json(
        io.BytesIO(text),
        read_options=arrow_json.ReadOptions(use_threads=False, block_size=len(text) + 1),
        parse_options=arrow_json.ParseOptions(explicit_schema=schema, newlines_in_values=False),
    )
    if len(table) != len(block):
        raise pa.ArrowInvalid("rows were lost")
    if schema is not None:
        table.validate(full=True)
    return table


def _plain(schema: Any) -> Any:
    """Give a schema in which texts that could be times are texts."""
    return pa.schema([field.with_type(_text(field.type, DEPTH)) for field in schema])


def _text(kind: Any, depth: int) -> Any:
    if not depth:
        raise NoTypesError
    if pa.types.is_temporal(kind):
        return pa.string()
    if pa.types.is_list(kind):
        return pa.list_(_text(kind.value_type, depth - 1))
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(_text(field.type, depth - 1)) for field in kind])
    return kind


def _inner(kind: Any) -> list[Any]:
    """Give the types in a type."""
    return [kind.value_type] if pa.types.is_list(kind) else [field.type for field in kind] if _is_struct(kind) else []


def _is_struct(kind: Any) -> bool:
    return bool(pa.types.is_struct(kind))


def _leaves(kind: Any) -> int:
    return sum(map(_leaves, _inner(kind))) or 1


def _is_empty(kind: Any) -> bool:
    """Say whether a type holds an object without members, which Parquet cannot."""
    return (_is_struct(kind) and not kind.num_fields) or any(map(_is_empty, _inner(kind)))


def _filled(kind: Any) -> Any:
    """Let lists of which nobody knows what they hold be lists of texts: Arrow reads nulls in the others wrongly."""
    if pa.types.is_list(kind):
        inner = kind.value_type
        return pa.list_(pa.string() if pa.types.is_null(inner) else _filled(inner))
    return pa.struct([field.with_type(_filled(field.type)) for field in kind]) if _is_struct(kind) else kind


def _has_double(kind: Any) -> bool:
    return bool(pa.types.is_float64(kind)) or any(map(_has_double, _inner(kind)))


def _is_kept(line: bytes, schema: Any) -> bool:
    """Say whether no integer of a line is changed by being a double."""
    return _fits(json.loads(line), pa.struct(list(schema)))


def _fits(value: Any, kind: Any) -> bool:
    if isinstance(value, dict):
        return all(_fits(value[field.name], field.type) for field in kind if field.name in value)
    if isinstance(value, list):
        return all(_fits(one, kind.value_type) for one in value)
    return not (pa.types.is_float64(kind) and isinstance(value, int)) or int(float(value)) == value
