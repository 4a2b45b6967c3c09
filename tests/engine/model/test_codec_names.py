"""What people call codecs."""

from __future__ import annotations

import pytest

from engine.model.codec_names import codec_name
from engine.model.export_preset import SoundCodec


@pytest.mark.parametrize(
    ("codec", "name"),
    [
        ("h264", "H.264"),
        ("pcm_s16be", "16-bit PCM"),
        ("pcm_f32le", "32-bit float PCM"),
        ("pcm_mulaw", "PCM"),
        ("libmp3lame", "MP3"),
        ("gsm", "GSM"),
        ("", "unknown"),
    ],
)
def test_a_codec_is_called_as_people_call_it(codec, name):
    assert codec_name(codec) == name


def test_no_preset_speaks_of_its_sound_in_the_words_of_a_library():
    assert {codec_name(one.value) for one in SoundCodec} == {"AAC", "24-bit PCM"}
