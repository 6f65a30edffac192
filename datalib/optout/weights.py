"""How many bytes the rows of a table hold: by their values alone, whatever batches they come in."""

from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

_NUMBER: Final = 8  # bytes of a value, or of where it begins
_Weights = NDArray[np.int64]


def weights_of(batch: Any) -> _Weights:
    """Give the bytes of each row of a batch, nearly: each value as a number, texts and bytes with their length."""
    return _sum(batch.columns, len(batch))


def _sum(arrays: Any, count: int) -> _Weights:
    return sum(map(_weights, arrays), np.zeros(count, dtype=np.int64))


def _weights(array: Any) -> _Weights:
    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    if pa.types.is_string_view(array.type) or pa.types.is_binary_view(array.type):
        array = array.cast(pa.large_binary())
    kind, types = array.type, pa.types
    if types.is_struct(kind):
        return _sum(array.flatten(), len(array))
    if types.is_map(kind):
        return _of_lists(array, _sum([array.keys, array.items], len(array.items)))
    if types.is_list(kind) or types.is_large_list(kind):
        return _of_lists(array, _weights(array.values))
    if types.is_fixed_size_list(kind) and kind.list_size:
        inner = _weights(array.values).reshape(-1, kind.list_size).sum(axis=1)
        return np.where(array.is_valid(), inner[array.offset : array.offset + len(array)], 0)
    if any(is_one(kind) for is_one in (types.is_string, types.is_large_string, types.is_binary, types.is_large_binary)):
        return np.asarray(pc.fill_null(pc.binary_length(array), 0), dtype=np.int64) + _NUMBER
    return np.full(len(array), _NUMBER, dtype=np.int64)


def _of_lists(array: Any, inner: _Weights) -> _Weights:
    """Sum what is in each list; of one that is null, nothing, though something may stand where it points."""
    ends, upto = np.asarray(array.offsets, dtype=np.int64), np.concatenate([[0], np.cumsum(inner)])
    return np.where(array.is_valid(), upto[ends[1:]] - upto[ends[:-1]], 0)
