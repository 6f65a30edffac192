"""Tables of signals: put together as one would by hand, and the same after they were mapped."""

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from datalib.optout.model import Carrier, Reading, Signal, State
from datalib.optout.sections import Name, SectionWriter, section_of
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


def table(items: Numbered) -> object:
    return of_signals([number for number, _ in items], [signal for _, signal in items])


@given(st.lists(numbered, min_size=1, max_size=4))
def test_each_number_stands_once_as_in_the_first_table_that_has_it(parts: list[Numbered]) -> None:
    wanted: dict[int, Signal] = {}
    for number, signal in (item for part in parts for item in part):
        wanted.setdefault(number, signal)
    found = merged([table(part) for part in parts]).to_pylist()
    assert [row["id"] for row in found] == sorted(wanted)
    for row in found:
        signal = wanted[row["id"]]
        assert (row["raw"], row["observed_at"], row["note"]) == (signal.raw, signal.observed_at, signal.note)


@given(numbered)
def test_a_mapped_table_is_the_one_that_was_written(items: Numbered) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "made"
        with SectionWriter(path) as out:
            with out.section(Name.USED) as file:
                file.write(b"before")
            with out.section(Name.MADE) as file:
                write_table(file, table(items))
        found = mapped_table(section_of(path, Name.MADE)).to_pylist()
    assert [(row["id"], row["raw"], row["carrier"], row["note"]) for row in found] == [
        (number, signal.raw, signal.carrier.value, signal.note) for number, signal in items
    ]
    assert [row["strict_train_any"] for row in found] == [signal.strict.train_any.label for _, signal in items]
    assert [row["spec_tdm"] for row in found] == [signal.spec.tdm.label for _, signal in items]
