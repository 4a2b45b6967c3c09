"""What packets make one coded unit."""

from __future__ import annotations

import numpy as np
import pytest

from engine.index.units import joined
from engine.media.bitstream.units import Structure, UnitFacts
from engine.media.demux import PacketTable
from engine.model.frame_index import UnitKind

# A letter is a packet: I an entry, p a frame, h a hidden one, t and b the fields of a frame, T an entry's first field.
PACKETS = {
    "I": UnitFacts(UnitKind.IDR),
    "p": UnitFacts(UnitKind.OTHER),
    "h": UnitFacts(UnitKind.OTHER, shown=False),
    "t": UnitFacts(UnitKind.OTHER, structure=Structure.TOP_FIELD, number=1),
    "b": UnitFacts(UnitKind.OTHER, structure=Structure.BOTTOM_FIELD, number=1),
    "T": UnitFacts(UnitKind.IDR, structure=Structure.TOP_FIELD, number=1),
}

CASES = {
    "a packet is a frame": ("Ippp", "I p p p"),
    "a hidden frame belongs to the frame it is followed by": ("Iphpp", "I p hp p"),
    "so do two": ("Ihhp", "I hhp"),
    "an entry is a unit's first packet, so a hidden frame before it is left alone": ("IphIp", "I p h I p"),
    "a hidden frame at the end is left alone": ("Iph", "I p h"),
    "two fields are a frame": ("Tbtbbt", "Tb tb bt"),
    "two equal fields are not": ("Tbttb", "Tb t tb"),
    "a lone field at the end is a frame": ("Tbt", "Tb t"),
}


def table(letters: str) -> PacketTable:
    count = len(letters)
    numbers, flags = np.arange(count, dtype=np.int64), np.zeros(count, np.bool_)
    facts = tuple(PACKETS[letter] for letter in letters)
    return PacketTable(numbers, numbers, numbers, numbers, numbers, flags, flags, facts)


@pytest.mark.parametrize("name", CASES)
def test_packets_are_joined(name):
    letters, expected = CASES[name]
    units = joined(table(letters))
    found = [
        letters[first : first + count] for first, count in zip(units.first_packet, units.packet_count, strict=True)
    ]
    assert " ".join(found) == expected
    assert [unit[-1] != "h" for unit in found] == units.shown.tolist()
    assert [kind == UnitKind.IDR for kind in units.kind] == [unit[0] in "IT" for unit in found]


def test_the_shown_packet_tells_the_time_of_a_unit_with_a_hidden_frame_and_the_first_field_that_of_a_pair():
    assert joined(table("IhpTb")).timed_packet.tolist() == [0, 2, 3]
