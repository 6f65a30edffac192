"""Lines of JSON that wait for the types that all of them share: in a file without a name, so that none are held."""

import io
import json
import re
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import pyarrow as pa
import pyarrow.compute as pc

#: Bytes of lines that are read at once; one line may have more.
BLOCK: Final = 8 << 20
#: Integers with fewer digits are kept by a double.
_LONG: Final = re.compile(rb"[0-9]{16}")


class NoTypesError(Exception):
    """The lines share no types that keep all their values."""


class Lines:
    """Some lines, each a JSON object. ``folder`` is where they wait, until the ``with`` block ends."""

    def __init__(self, folder: Path) -> None:
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 (closed at the end of the block)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def add(self, lines: Iterable[bytes]) -> None:
        """Append lines."""
        self._file.writelines(line.strip() + b"\n" for line in lines)

    def typed(self) -> Iterator[Any]:
        """Give the lines as batches of one schema. Raises NoTypesError, at whichever batch."""
        try:
            schema = pa.unify_schemas([_plain(_read(block)) for block in self._blocks()], promote_options="permissive")
            doubtful = any(map(_has_double, schema))
            for block in self._blocks():
                if doubtful and not all(_is_kept(line, schema) for line in block if _LONG.search(line)):
                    raise NoTypesError
                yield from _read(block, schema).to_batches()
        except (pa.ArrowException, OverflowError) as error:
            raise NoTypesError from error

    def plain(self) -> Iterator[Any]:
        """Give the lines as they are, in batches of one column ``json``."""
        for block in self._blocks():
            texts = pc.cast(pa.array([line.rstrip() for line in block], pa.binary()), pa.string(), safe=False)
            yield pa.record_batch({"json": texts})

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
    return table


def _plain(table: Any) -> Any:
    """Give the schema of a table, in which texts that could be times are texts."""
    return pa.schema([field.with_type(_text(field.type)) for field in table.schema])


def _text(kind: Any) -> Any:
    if pa.types.is_temporal(kind):
        return pa.string()
    if pa.types.is_list(kind):
        return pa.list_(_text(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(_text(field.type)) for field in kind])
    return kind


def _has_double(field: Any) -> bool:
    kind = field.type
    inner = [kind.value_field] if pa.types.is_list(kind) else list(kind) if pa.types.is_struct(kind) else []
    return bool(pa.types.is_float64(kind)) or any(map(_has_double, inner))


def _is_kept(line: bytes, schema: Any) -> bool:
    """Say whether no integer of a line is changed by being a double."""
    return _fits(json.loads(line), pa.struct(list(schema)))


def _fits(value: Any, kind: Any) -> bool:
    if isinstance(value, dict):
        return all(_fits(value[field.name], field.type) for field in kind if field.name in value)
    if isinstance(value, list):
        return all(_fits(one, kind.value_type) for one in value)
    return not (pa.types.is_float64(kind) and isinstance(value, int)) or int(float(value)) == value
