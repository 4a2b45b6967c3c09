"""Encoded segments survive the cache byte for byte, and damage is a miss."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.media.coded import CodedUnit, EncodedSegment
from engine.render.segment_blob import from_bytes, to_bytes

ticks = st.integers(-(2**62), 2**62)
units = st.builds(CodedUnit, st.binary(max_size=60), ticks, ticks, st.integers(0, 2**31), st.booleans())
segments = st.builds(
    EncodedSegment,
    st.lists(units, max_size=5).map(tuple),
    st.binary(max_size=40),
    st.floats(0, 100),
    st.floats(-10, 60),
)


@given(segments)
def test_a_segment_comes_back_as_it_was(segment):
    assert from_bytes(to_bytes(segment)) == segment


@given(segments, st.data())
def test_one_flipped_bit_anywhere_is_noticed(segment, data):
    blob = bytearray(to_bytes(segment))
    at = data.draw(st.integers(0, len(blob) - 1))
    blob[at] ^= 1 << data.draw(st.integers(0, 7))
    assert from_bytes(bytes(blob)) is None


@given(segments, st.integers(0, 200))
def test_a_truncated_blob_is_a_miss(segment, length):
    blob = to_bytes(segment)
    assert from_bytes(blob[: min(length, len(blob) - 1)]) is None
