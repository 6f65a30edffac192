"""Columns that hold nothing but their rows: after a filter, dictionaries and shared buffers still have the others."""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc


def compacted(batch: Any) -> Any:
    """Give a batch of the same schema and rows, without values that are in none of them.

    Raises ArrowNotImplementedError for types of which that cannot be done.
    """
    return pa.record_batch(list(map(_compacted, batch.columns)), schema=batch.schema)


def plain(batch: Any) -> Any:
    """Give the rows of a batch with their values in the place of codes, but where the order of codes has a meaning.

    What is put together of plain batches does not depend on how the rows were parted.
    """
    columns = [column if _is_ordered(column.type) else column.cast(_plain(column.type)) for column in batch.columns]
    return pa.record_batch(columns, names=batch.schema.names)


def coded(table: Any, schema: Any) -> Any:
    """Give a table that was put together of plain batches the types of a schema, where they can be made of values.

    To be written as Parquet, which holds the values of rows only.
    """
    columns = [_coded(column.combine_chunks(), field.type) for column, field in zip(table.columns, schema, strict=True)]
    fields = [field.with_type(column.type) for column, field in zip(columns, schema, strict=True)]
    return pa.table(columns, pa.schema(fields, schema.metadata))


def _coded(array: Any, kind: Any) -> Any:
    if _is_ordered(kind):
        return _compacted(array)
    if array.type == kind:
        return array
    if pa.types.is_dictionary(kind):
        made = pa.chunked_array([array]).dictionary_encode().combine_chunks()
        return pa.DictionaryArray.from_arrays(made.indices.cast(kind.index_type), made.dictionary.cast(kind.value_type))
    try:
        return array.cast(kind)
    except pa.ArrowNotImplementedError:
        return array


class Dictionaries:
    """What rows use of the dictionaries that all batches of a file share; for formats in which there is only one."""

    def __init__(self) -> None:
        self._used: dict[int, Any] = {}
        self._dictionaries: dict[int, Any] = {}

    def add(self, batch: Any) -> None:
        """Note what some rows use."""
        for number, column in enumerate(batch.columns):
            if pa.types.is_dictionary(column.type):
                known = self._used.get(number)
                found = column.indices if known is None else pa.concat_arrays([column.indices, known])
                self._used[number] = pc.unique(found)
                longest = self._dictionaries.get(number, ())
                self._dictionaries[number] = max(column.dictionary, longest, key=len)  # later ones may add to it

    def compacted(self, batch: Any) -> Any:
        """Do as the function does, with dictionaries of what all the rows use that were noted."""
        columns = [
            _recoded(column, self._dictionaries[number], self._used[number])
            if pa.types.is_dictionary(column.type)
            else _compacted(column)
            for number, column in enumerate(batch.columns)
        ]
        return pa.record_batch(columns, schema=batch.schema)


def _compacted(array: Any) -> Any:
    kind = array.type
    if not _outlives(kind):
        return array
    if pa.types.is_dictionary(kind):
        return _recoded(array, array.dictionary, pc.unique(array.indices))
    plain = _plain(kind)
    if _outlives(plain):
        raise pa.ArrowNotImplementedError(f"values of {kind} cannot be parted from others")
    return array.cast(plain).cast(kind)


def _recoded(array: Any, dictionary: Any, used: Any) -> Any:
    """Give a dictionary array with the used entries only, in their order."""
    used = used.drop_null().sort()
    indices = pc.index_in(array.indices, value_set=used).cast(array.type.index_type)
    return pa.DictionaryArray.from_arrays(indices, _compacted(dictionary.take(used)), ordered=array.type.ordered)


def _is_ordered(kind: Any) -> bool:
    return bool(pa.types.is_dictionary(kind) and kind.ordered)


def _outlives(kind: Any) -> bool:
    """Say whether a filter leaves values of a type that no row has."""
    types = pa.types
    sharing = (types.is_dictionary, types.is_string_view, types.is_binary_view, types.is_list_view)
    if any(shares(kind) for shares in (*sharing, types.is_large_list_view)):
        return True
    inner = kind.storage_type if isinstance(kind, pa.BaseExtensionType) else None
    inner = kind.value_type if types.is_run_end_encoded(kind) else inner
    fields = range(kind.num_fields) if inner is None else ()
    return _outlives(inner) if inner is not None else any(_outlives(kind.field(number).type) for number in fields)


def _plain(kind: Any) -> Any:
    """Give a type for the same values, of which a filter leaves none behind, where there is one."""
    types = pa.types
    if types.is_dictionary(kind):
        kind = _plain(kind.value_type)
    elif types.is_string_view(kind):
        kind = pa.large_string()
    elif types.is_binary_view(kind):
        kind = pa.large_binary()
    elif types.is_nested(kind):
        fields = [kind.field(number) for number in range(kind.num_fields)]
        kind = _nested(kind, [field.with_type(_plain(field.type)) for field in fields])
    return kind


def _nested(kind: Any, fields: list[Any]) -> Any:
    types = pa.types
    if types.is_struct(kind):
        return pa.struct(fields)
    if types.is_list(kind):
        return pa.list_(*fields)
    if types.is_large_list(kind):
        return pa.large_list(*fields)
    return pa.list_(*fields, kind.list_size) if types.is_fixed_size_list(kind) else kind
