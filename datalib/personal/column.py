"""Look for identifiers in one column of a table, batch after batch.

Values that are digits and nothing else need a second thought: of any running numbers a tenth has a right check digit by
chance. So where a column holds many, they count only if clearly more than that have one. Numbers lose leading zeros:
in columns of numbers, nine to eleven digits are read as twelve.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from datalib.personal import detectors
from datalib.trust.parties import is_kz_number

if TYPE_CHECKING:
    import pyarrow as pa

_DIGITS: Final = "^[0-9]{9,19}$"
#: From so many values on, so large a share of them has to have a right check digit. Chance gives a tenth.
MANY, SHARE = 20, 0.25
_IIN, _PHONE = 12, 11
_EXACT: Final = float(1 << 53)


@dataclass(slots=True)
class _Digits:
    """Values of one kind that are digits only: how many, how many with a right check digit, how many found."""

    seen: int = 0
    right: int = 0
    found: int = 0

    def add(self, *, right: bool, found: bool) -> None:
        self.seen += 1
        self.right += right
        self.found += found

    @property
    def counted(self) -> int:
        return self.found if self.seen < MANY or self.right >= SHARE * self.seen else 0


@dataclass(slots=True, kw_only=True)
class Column:
    """What a column shows so far. ``binary``: it holds bytes that no detector reads."""

    today: date
    binary: bool = False
    _found: Counter[str] = field(default_factory=Counter)
    _iin: _Digits = field(default_factory=_Digits)
    _card: _Digits = field(default_factory=_Digits)

    def add(self, values: "pa.Array") -> None:
        """Look at some values."""
        import pyarrow as pa

        if isinstance(values, pa.ExtensionArray):
            values = values.storage
        kind = values.type
        if pa.types.is_dictionary(kind):
            values, kind = values.cast(kind.value_type), kind.value_type
        if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
            self._add_texts(values, number=False)
        elif pa.types.is_integer(kind):
            self._add_texts(values.cast(pa.string()), number=True)
        elif pa.types.is_floating(kind):
            self._add_texts(_whole(values), number=True)
        elif pa.types.is_decimal(kind):
            self._add_texts(pa.array([str(value) for value in values.to_pylist()], pa.string()), number=True)
        elif _is_binary(kind):
            self._add_bytes(values)
        elif pa.types.is_nested(kind):
            self._add_leaves(values.to_pylist())
        elif not (pa.types.is_boolean(kind) or pa.types.is_null(kind) or pa.types.is_temporal(kind)):
            self.binary = True  # a type that is not known here

    def counts(self) -> Mapping[str, int]:
        """Give what was found, by kind."""
        found = self._found + Counter(iin=self._iin.counted, card=self._card.counted)
        return dict(sorted(found.items()))

    def _add_texts(self, values: "pa.Array", *, number: bool) -> None:
        import pyarrow as pa
        import pyarrow.compute as pc

        texts = values.cast(pa.large_string()).drop_null()
        digits = pc.match_substring_regex(texts, _DIGITS)
        for value in texts.filter(digits).to_pylist():
            self._add_digits(value, number=number)
        if not number:
            self._found.update(detectors.count("\n".join(_decoded(texts.filter(pc.invert(digits)))), self.today))

    def _add_digits(self, value: str, *, number: bool) -> None:
        if len(value) == _PHONE and detectors.is_number_of_kazakhstan(value):
            self._found["phone"] += 1
        elif len(value) > _IIN:
            self._card.add(right=detectors.luhn(value), found=detectors.is_card(value))
        elif len(value) == _IIN or number:
            whole = value.zfill(_IIN)
            self._iin.add(right=is_kz_number(whole), found=detectors.is_iin(whole, self.today))

    def _add_bytes(self, values: "pa.Array") -> None:
        """Read bytes that are UTF-8: older writers do not say of texts that they are texts."""
        import pyarrow as pa

        try:
            self._add_texts(values.cast(pa.large_binary()).cast(pa.large_string()), number=False)
        except pa.ArrowInvalid:
            self.binary = True

    def _add_leaves(self, values: Iterable[Any]) -> None:
        import pyarrow as pa

        texts, numbers = list[str](), list[str]()
        for leaf in _leaves(values):
            if isinstance(leaf, str):
                texts.append(leaf)
            elif isinstance(leaf, bytes):
                self.binary = True
            elif isinstance(leaf, int) and not isinstance(leaf, bool):
                numbers.append(str(leaf))
        self._add_texts(pa.array(texts, pa.string()), number=False)
        self._add_texts(pa.array(numbers, pa.string()), number=True)


def _decoded(texts: "pa.Array") -> list[str]:
    """Give texts; those that some writer called so and that are no UTF-8 lose the bytes that are not."""
    import pyarrow as pa

    try:
        found: list[str] = texts.to_pylist()
    except UnicodeDecodeError:
        found = [value.decode("utf-8", "replace") for value in texts.cast(pa.large_binary()).to_pylist()]
    return found


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        value = value.values()
    elif not isinstance(value, list | tuple):
        yield value
        return
    for inner in value:
        yield from _leaves(inner)


def _is_binary(kind: "pa.DataType") -> bool:
    import pyarrow as pa

    return any(
        test(kind)
        for test in (
            pa.types.is_binary,
            pa.types.is_large_binary,
            pa.types.is_fixed_size_binary,
            pa.types.is_binary_view,
        )
    )


def _whole(values: "pa.Array") -> "pa.Array":
    """Give the whole numbers among floats as texts: a column of numbers with gaps is often made of floats."""
    import pyarrow as pa
    import pyarrow.compute as pc

    wide = values.cast(pa.float64())
    whole = pc.and_(pc.equal(wide, pc.floor(wide)), pc.less_equal(pc.abs(wide), _EXACT))
    return wide.filter(whole).cast(pa.int64()).cast(pa.string())
