"""Tables of signals: put together as one would by hand, and the same after they were mapped."""

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from datalib.optout.model import Carrier, Reading, Signal, State
from datalib.optout.signal_table import mapped_table, merged, of_signals, write_table

TIMES = ("", "2026-05-01T10:00:00Z", "2026-06-01T10:00:00Z", "2027-01-01T00:00:00Z")
states = st.sampled_from(State)
signals = st.builds(
    Signal,
    signal=st.sampled_from(["tdmrep", "registry"]),
    carrier=st.sampled_from(Carrier),
    locator=st.sampled_from(["#headers", "a/b"]),
    raw=st.text(st.characters(codec="utf-8"), max_size=4),
    sha256=st.sampled_from(["a" * 64, "b" * 64]),
    observed_at=st.sampled_from(TIMES),
    spec=st.builds(Reading, tdm=states),
    strict=st.builds(Reading, train_any=states, search=states),
    note=st.sampled_from(["", "for GPTBot"]),
)
Numbered = list[tuple[int, Signal]]
numbered = st.lists(st.tuples(st.integers(0, 9), signals), max_size=6)


def rows(items: Numbered) -> Numbered:
    """Give of each number the earliest observation; one without a time counts as the latest."""
    best: dict[int, Signal] = {}
    for number, signal in sorted(items, key=lambda item: item[1].observed_at or "~"):
        best.setdefault(number, signal)
    return sorted(best.items(), key=lambda item: item[0])


def table(items: Numbered) -> object:
    return of_signals([number for number, _ in items], [signal for _, signal in items])


@given(st.dictionaries(st.integers(0, 9), signals, max_size=6), st.lists(numbered, min_size=1, max_size=4))
def test_each_number_stands_once_as_compiled_else_as_seen_first(first: dict[int, Signal], late: list[Numbered]) -> None:
    others = [item for part in late for item in part if item[0] not in first]
    tables = [table(sorted(first.items())), *map(table, late)]
    if not any(map(len, tables)):  # type: ignore[arg-type] # a table of Arrow, which has no types
        return
    wanted = dict(first) | dict(rows(others))
    found = merged(tables).to_pylist()
    assert [row["id"] for row in found] == sorted(wanted)
    assert [row["observed_at"] for row in found] == [wanted[row["id"]].observed_at for row in found]
    said = [*first.items(), *others]
    assert all((row["id"], row["raw"]) in [(number, signal.raw) for number, signal in said] for row in found)
    assert all(row["raw"] == first[row["id"]].raw for row in found if row["id"] in first)


@given(numbered)
def test_a_mapped_table_is_the_one_that_was_written(items: Numbered) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "made"
        write_table(path, table(items))
        found = mapped_table(path).to_pylist()
    assert [(row["id"], row["raw"], row["carrier"], row["note"]) for row in found] == [
        (number, signal.raw, signal.carrier.value, signal.note) for number, signal in items
    ]
    assert [row["strict_train_any"] for row in found] == [signal.strict.train_any.label for _, signal in items]
    assert [row["spec_tdm"] for row in found] == [signal.spec.tdm.label for _, signal in items]
