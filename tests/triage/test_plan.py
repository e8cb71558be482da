"""Units keep every stream, in order, and stay small."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from forensics.case.findings import PendingStream
from forensics.triage.plan import UNIT_BYTES, UNIT_STREAMS, units


@given(st.lists(st.integers(0, 2 * UNIT_BYTES), max_size=500))
def test_every_stream_is_in_one_unit_in_order(sizes: list[int]) -> None:
    streams = [PendingStream(n, f"E1/p1/ext4:{n}", size, "allocated", "a", None) for n, size in enumerate(sizes)]
    planned = list(units(streams))
    assert [task.stream_id for unit in planned for task in unit.tasks] == list(range(len(sizes)))
    for unit in planned:
        assert 0 < len(unit.tasks) <= UNIT_STREAMS
        assert sum(task.size for task in unit.tasks[:-1]) < UNIT_BYTES


@given(st.integers(1, UNIT_STREAMS))
def test_halving_comes_down_to_single_streams(count: int) -> None:
    (unit,) = units(PendingStream(n, "E1", 1, "allocated", "a", None) for n in range(count))
    waiting, alone = [unit], []
    while waiting:
        halves = waiting.pop(0).halves()
        alone += [half.tasks[0].stream_id for half in halves if len(half.tasks) == 1]
        waiting += [half for half in halves if len(half.tasks) > 1]
    assert sorted(alone) == list(range(count))
