"""Whether encoded packets between copied ones decode to the sound that they should, the copied neighbours included."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext

from engine.media.packets import packet_of
from engine.media.samples import PACKED, Samples, samples_of
from engine.media.sound_cut import SoundForm

_LEAST_SNR_DB = 6.0
_QUIET = 10.0 ** (-70 / 10)
"""Mean square of an error that is not heard, whatever it stands beside."""


def decodes_alike(
    packets: Sequence[bytes], wanted: Samples, checked: Sequence[int], form: SoundForm, config: bytes, frame: int
) -> bool:
    """Tell whether some frames of a run of packets decode as they should.

    Args:
        packets: from some packets before the first frame that is looked at, whose overlap it needs.
        wanted: float32 [channels, frames * frame]: what each packet should give.
        checked: numbers of the frames that are looked at.
        form: codec, rate, channels.
        config: an AudioSpecificConfig, b"" for codecs without.
        frame: samples per packet.
    """
    context = cast(AudioCodecContext, av.CodecContext.create(form.codec, "r"))
    if config:
        context.extradata = config
    context.sample_rate, context.layout = form.rate, form.layout
    given: list[Samples] = []
    resampler = av.AudioResampler(format=PACKED, layout=form.layout, rate=form.rate)
    for data in packets:
        try:
            frames = context.decode(packet_of(data))
        except av.error.InvalidDataError:
            return False
        for decoded in frames:
            decoded.pts = None
            given += [samples_of(block) for block in resampler.resample(decoded)]
    wave = np.concatenate(given, axis=1) if given else np.zeros_like(wanted[:, :0])
    if wave.shape[1] < (max(checked) + 1) * frame:
        return False
    for number in checked:
        part = slice(number * frame, (number + 1) * frame)
        error = float(np.square(wave[:, part] - wanted[:, part], dtype=np.float64).mean())
        power = float(np.square(wanted[:, part], dtype=np.float64).mean())
        if error > _QUIET and power < error * 10 ** (_LEAST_SNR_DB / 10):
            return False
    return True
