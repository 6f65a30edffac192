"""Table Schema of Parquet and Arrow files, from the file's own metadata: no row is ever read.

Only the footer (Parquet, Arrow file) or the first message (Arrow stream) is taken from the file, and its length is
checked first, so a file of any size costs the memory of its footer.
"""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, BinaryIO, Final, TypeVar

from datalib.errors import Refused

if TYPE_CHECKING:
    import pyarrow as pa

Read = TypeVar("Read")

#: Longest footer that is read, in bytes. A footer of 10,000 row groups of 50 columns stays below it.
FOOTER_LIMIT: Final = 64 << 20

_PARQUET: Final = b"PAR1"
_PARQUET_ENCRYPTED: Final = b"PARE"
_ARROW: Final = b"ARROW1"
_ARROW_HEAD: Final = b"ARROW1\0\0"
_FEATHER_V1: Final = b"FEA1"
_CONTINUATION: Final = b"\xff\xff\xff\xff"


def parquet_fields(file: BinaryIO, path: str) -> list[dict[str, Any]]:
    """Read the fields of a Parquet file from its footer; errors as those of `parquet_schema`."""
    return _fields(_footer(file, path), path)


def parquet_schema(file: BinaryIO, path: str) -> "pa.Schema":
    """Read the Arrow schema of a Parquet file from its footer.

    Raises ``Refused`` (``E-TABLE-READ``) if the footer is damaged, encrypted or longer than `FOOTER_LIMIT`.
    Source: Apache Parquet format, "File format".
    """
    return _read(_footer(file, path), path)


def _footer(file: BinaryIO, path: str) -> "Callable[[], pa.Schema]":
    tail = _tail(file, 8, path)
    if tail[4:] == _PARQUET_ENCRYPTED:
        raise Refused("E-TABLE-READ", path, "the Parquet footer is encrypted")
    if tail[4:] != _PARQUET:
        raise Refused("E-TABLE-READ", path, "no Parquet footer: the file is cut short or is no Parquet file")
    length = int.from_bytes(tail[:4], "little")
    footer = _tail(file, _bounded(length, path) + 8, path)

    def schema() -> "pa.Schema":
        import pyarrow as pa
        import pyarrow.parquet as pq

        return pq.read_schema(pa.BufferReader(_PARQUET + footer))

    return schema


def arrow_fields(file: BinaryIO, path: str) -> tuple[list[dict[str, Any]], bool]:
    """Read the fields of an Arrow IPC file (Feather 2) or stream; the second value says that it is a stream.

    Raises ``Refused`` (``E-TABLE-READ``) if the metadata is damaged or longer than `FOOTER_LIMIT`, and for Feather 1.
    Source: Apache Arrow columnar format, "Serialization and interprocess communication".
    """
    file.seek(0)
    head = file.read(8)
    if head[:4] == _FEATHER_V1:
        raise Refused("E-TABLE-READ", path, "Feather version 1 is not read: write it again as version 2")
    if head == _ARROW_HEAD:
        return _fields(_file_schema(file, path), path), False
    return _fields(_stream_schema(file, head, path), path), True


def _file_schema(file: BinaryIO, path: str) -> Any:
    tail = _tail(file, 10, path)
    if tail[4:] != _ARROW:
        raise Refused("E-TABLE-READ", path, "no Arrow footer: the file is cut short")
    length = int.from_bytes(tail[:4], "little", signed=True)
    footer = _tail(file, _bounded(length, path) + 10, path)

    def schema() -> "pa.Schema":
        import pyarrow as pa

        return pa.ipc.open_file(pa.BufferReader(_ARROW_HEAD + footer)).schema

    return schema


def _stream_schema(file: BinaryIO, head: bytes, path: str) -> Any:
    # Streams written before Arrow 0.15 lack the continuation mark: then the first four bytes are the length.
    start = head[4:] if head[:4] == _CONTINUATION else head[:4]
    length = _bounded(int.from_bytes(start, "little", signed=True) if len(start) == 4 else -1, path)  # noqa: PLR2004 -- a 32-bit length
    file.seek(0)
    message = file.read(length + 8)

    def schema() -> "pa.Schema":
        import pyarrow as pa

        return pa.ipc.read_schema(pa.BufferReader(message))

    return schema


def _bounded(length: int, path: str) -> int:
    if not 0 < length <= FOOTER_LIMIT:
        raise Refused(
            "E-TABLE-READ", path, f"its metadata says it is {length} bytes long; 1 to {FOOTER_LIMIT} are read"
        )
    return length


def _tail(file: BinaryIO, length: int, path: str) -> bytes:
    size = file.seek(0, os.SEEK_END)
    if size < length:
        raise Refused("E-TABLE-READ", path, "the file is shorter than its own metadata")
    file.seek(size - length)
    return file.read(length)


def _fields(schema: "Callable[[], pa.Schema]", path: str) -> list[dict[str, Any]]:
    return _read(lambda: [_field(field) for field in schema()], path)


def _read(found: Callable[[], Read], path: str) -> Read:
    """Call ``found``; what pyarrow raises on damaged bytes becomes one refusal."""
    import pyarrow as pa

    try:
        return found()
    except (pa.ArrowException, OSError, ValueError, KeyError) as problem:  # the bytes are in memory: no disk speaks
        reason = str(problem).splitlines()[0] if str(problem) else type(problem).__name__
        raise Refused("E-TABLE-READ", path, f"its metadata cannot be read: {reason[:200]}") from problem


def _field(field: "pa.Field") -> dict[str, Any]:
    described: dict[str, Any] = {"name": field.name, **field_type(field.type)}
    if not field.nullable:
        described["constraints"] = {"required": True}
    return described


def field_type(kind: "pa.DataType") -> dict[str, Any]:
    """Map an Arrow type to ``type`` (and ``format``) of Table Schema; a type without a counterpart is ``any``."""
    import pyarrow as pa

    while isinstance(kind, pa.BaseExtensionType):
        if kind.extension_name == "arrow.uuid":
            return {"type": "string", "format": "uuid"}
        kind = kind.storage_type
    types = pa.types
    if types.is_dictionary(kind) or types.is_run_end_encoded(kind):
        return field_type(kind.value_type)
    if types.is_map(kind):
        text_keys = types.is_string(kind.key_type) or types.is_large_string(kind.key_type)
        return {"type": "object" if text_keys else "array"}
    for matches, described in (
        (types.is_boolean, {"type": "boolean"}),
        (types.is_integer, {"type": "integer"}),
        (types.is_floating, {"type": "number"}),
        (types.is_decimal, {"type": "number"}),
        (types.is_string, {"type": "string"}),
        (types.is_large_string, {"type": "string"}),
        (types.is_string_view, {"type": "string"}),
        (types.is_binary, {"type": "string", "format": "binary"}),
        (types.is_large_binary, {"type": "string", "format": "binary"}),
        (types.is_binary_view, {"type": "string", "format": "binary"}),
        (types.is_fixed_size_binary, {"type": "string", "format": "binary"}),
        (types.is_date, {"type": "date"}),
        (types.is_timestamp, {"type": "datetime"}),
        (types.is_time, {"type": "time"}),
        (types.is_duration, {"type": "duration"}),
        (types.is_struct, {"type": "object"}),
        (_is_list, {"type": "array"}),
    ):
        if matches(kind):
            return dict(described)
    return {"type": "any"}


def _is_list(kind: "pa.DataType") -> bool:
    from pyarrow import types

    return any(
        matches(kind)
        for matches in (
            types.is_list,
            types.is_large_list,
            types.is_fixed_size_list,
            types.is_list_view,
            types.is_large_list_view,
        )
    )
