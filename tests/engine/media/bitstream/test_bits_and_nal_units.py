"""Bits, Exp-Golomb codes, NAL units, emulation prevention."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import DamagedMedia, UnsupportedMedia
from engine.media.bitstream.bits import BitReader, BitWriter, completed, ue_length
from engine.media.bitstream.nal import (
    Framing,
    escaped,
    framing_of_length_size,
    join,
    reframed,
    spans,
    split,
    starts,
    unescaped,
    unit_at,
)

# A busy machine is no failure.
UNHURRIED = settings(deadline=None)

FRAMINGS = st.sampled_from(list(Framing))
# Bytes in which start codes and emulation are common.
HOSTILE = st.lists(st.sampled_from([0, 0, 0, 1, 2, 3, 4, 0x65, 0xFF]), max_size=40).map(bytes)
# A unit: a header, an escaped payload, a stop bit at its end.
UNITS = st.lists(HOSTILE.map(lambda payload: escaped(b"\x65" + payload + b"\x80")), min_size=1, max_size=6)


@UNHURRIED
@given(st.lists(st.one_of(st.tuples(st.just("ue"), st.integers(0, 2**32 - 2)),
                          st.tuples(st.just("se"), st.integers(-(2**31) + 1, 2**31 - 1)),
                          st.tuples(st.just("bits"), st.integers(0, 2**32 - 1))), max_size=20))  # fmt: skip
def test_numbers_come_back_as_they_were_written(values):
    writer = BitWriter()
    for kind, value in values:
        if kind == "bits":
            writer.bits(value, 32)
        else:
            getattr(writer, kind)(value)
    reader = BitReader(writer.aligned())
    read = [(kind, reader.bits(32) if kind == "bits" else getattr(reader, kind)()) for kind, _ in values]
    assert read == values
    assert reader.position == writer.position


@UNHURRIED
@given(st.integers(0, 2**20))
def test_the_length_of_a_code_is_that_of_the_code_written(value):
    writer = BitWriter()
    writer.ue(value)
    assert writer.position == ue_length(value)


def test_the_codes_are_those_of_the_standard():
    # H.264 Table 9-2
    written = {}
    for value in (0, 1, 2, 3, 7):
        writer = BitWriter()
        writer.ue(value)
        written[value] = f"{int.from_bytes(writer.aligned(), 'big'):08b}"[: writer.position]
    assert written == {0: "1", 1: "010", 2: "011", 3: "00100", 7: "0001000"}


@pytest.mark.parametrize("read", [lambda r: r.bits(9), lambda r: r.skip(9), lambda r: r.ue(), lambda r: r.se()])
def test_reading_past_the_end_is_damage(read):
    with pytest.raises(DamagedMedia):
        read(BitReader(b"\x00"))


def test_a_number_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="4 does not fit in 2 bits"):
        BitWriter().bits(4, 2)


@UNHURRIED
@given(st.binary(min_size=1, max_size=20), st.integers(0, 7))
def test_an_rbsp_is_completed_with_the_bits_before_its_stop_bit(payload, read):
    rbsp = payload + b"\x80"
    reader, writer = BitReader(rbsp), BitWriter()
    writer.copy(reader, read)
    assert completed(writer, reader) == rbsp


@UNHURRIED
@given(HOSTILE)
def test_emulation_prevention_leaves_no_start_code_and_can_be_undone(payload):
    unit = escaped(b"\x65" + payload + b"\x80")
    assert all(code not in unit for code in (b"\0\0\0", b"\0\0\1", b"\0\0\2"))
    assert unescaped(unit) == b"\x65" + payload + b"\x80"


def test_trailing_zero_words_get_a_byte_behind_them():
    assert escaped(b"\x65\x80\x00\x00") == b"\x65\x80\x00\x00\x03"
    assert unescaped(b"\x65\x80\x00\x00\x03") == b"\x65\x80\x00\x00"


@UNHURRIED
@given(UNITS, FRAMINGS)
def test_units_come_back_out_of_a_packet(units, framing):
    assert split(join(units, framing), framing) == units


@UNHURRIED
@given(UNITS, FRAMINGS, FRAMINGS)
def test_a_packet_changes_its_framing_and_back(units, source, target):
    packet = join(units, source)
    assert reframed(reframed(packet, source, target), target, source) == packet


@UNHURRIED
@given(UNITS, FRAMINGS)
def test_the_three_walks_through_a_packet_agree(units, framing):
    packet = join(units, framing)
    assert [packet[start:stop] for start, stop in spans(packet, framing)] == units
    assert [unit_at(packet, start, framing) for start in starts(packet, framing)] == units


def test_start_codes_may_be_short_long_or_padded():
    packet = b"\x00\x00\x01\x09\x10\x00\x00\x00\x00\x01\x65\x88\x00\x00\x00"
    assert split(packet, Framing.START_CODES) == [b"\x09\x10", b"\x65\x88"]


def test_a_length_of_256_to_511_is_not_taken_for_a_start_code():
    unit = b"\x65" + b"\xaa" * 299
    packet = join([unit], Framing.LENGTH_4)
    assert packet.startswith(b"\x00\x00\x01")
    assert split(packet, Framing.LENGTH_4) == [unit]


def test_a_unit_that_reaches_beyond_its_packet_is_damage_but_can_be_looked_at():
    packet = join([b"\x65" * 100], Framing.LENGTH_4)[:40]
    with pytest.raises(DamagedMedia, match="100 bytes at byte 4"):
        split(packet, Framing.LENGTH_4)
    assert list(spans(packet, Framing.LENGTH_4)) == [(4, 40)]


def test_a_packet_without_start_codes_is_damage_where_they_are_expected():
    with pytest.raises(DamagedMedia, match="no start code"):
        split(b"\x12\x34\x56", Framing.START_CODES)


def test_a_unit_too_long_for_the_length_field_is_refused():
    with pytest.raises(UnsupportedMedia, match="300 bytes"):
        join([b"\x65" * 300], Framing.LENGTH_1)


def test_lengths_of_three_bytes_are_damage():
    with pytest.raises(DamagedMedia, match="not 3"):
        framing_of_length_size(3)
