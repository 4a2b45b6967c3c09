"""Codecs in which every frame stands for itself: ProRes, DNxHD, Motion JPEG, and FFV1 where it is coded so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import product

from engine.errors import UnsupportedMedia
from engine.media.encoders.common import colour_options, field_order, plan_for
from engine.media.encoders.context import open_decoder, open_encoder, sample_packet
from engine.media.encoders.plan import (
    CannotEncode,
    ContextFlag,
    EncoderPlan,
    FieldOrder,
    PictureTypes,
    QualityControl,
    QualityScale,
)
from engine.media.fidelity import IDENTICAL_DB, noise_frame, psnr_db
from engine.model.media import VideoStream

_FIXED = QualityScale(QualityControl.FIXED)
_LOSSLESS = QualityScale(QualityControl.LOSSLESS)

# Apple's names of the profiles (SMPTE RDD 36), and the encoder's.
_PRORES = {"apco": "proxy", "apcs": "lt", "apcn": "standard", "apch": "hq", "ap4h": "4444", "ap4x": "4444xq"}

# A quantiser of 2 ** (figure / 6): from 1 to 16.
_MJPEG_SCALE = QualityScale(
    QualityControl.QUANTISER, finest=6, coarsest=24, first=(6, 12), db_per_step=0.6, growth_per_step=1.08
)

# FFmpeg's names of the profiles for any size (SMPTE ST 2019-1), and its encoder's.
_DNXHR = {
    "DNXHR LB": "dnxhr_lb",
    "DNXHR SQ": "dnxhr_sq",
    "DNXHR HQ": "dnxhr_hq",
    "DNXHR HQX": "dnxhr_hqx",
    "DNXHR 444": "dnxhr_444",
}

_FFV1_SLICES = (4, 6, 9, 12, 15, 16, 20, 24, 25, 30)


def choose_prores(video: VideoStream, packets: Sequence[bytes], _keyframe_interval: int) -> EncoderPlan | CannotEncode:
    """Choose prores_ks in the source's profile."""
    profile = _PRORES.get(video.codec_tag)
    if profile is None:
        return CannotEncode(f"the ProRes profile {video.codec_tag!r} is not known")
    options = (("profile", profile), ("vendor", "apl0"), *colour_options(video))
    plan = _intra(video, "prores_ks", _FIXED, options)
    # FFmpeg decodes 4:4:4 to 12 bits and encodes 10: the two that are rounded off are far below what ProRes keeps.
    plan = replace(plan, coded_pix_fmt=video.pix_fmt.replace("444p12", "444p10"))
    return plan if _opens(plan) else _refused(video, "prores_ks")


def choose_dnxhd(video: VideoStream, packets: Sequence[bytes], _keyframe_interval: int) -> EncoderPlan | CannotEncode:
    """Choose the dnxhd encoder at the source's own size of a frame, which names its profile."""
    sizes = {len(packet) for packet in packets}
    if len(sizes) != 1:
        return CannotEncode("the DNx frames are not all of one size")
    (size,) = sizes
    if video.profile in _DNXHR:
        plan = _intra(video, "dnxhd", _FIXED, (("profile", _DNXHR[video.profile]), *colour_options(video)))
        same = _opens(plan) and len(sample_packet(plan)) == size
        return plan if same else CannotEncode(f"the dnxhd encoder's {video.profile} frames are not {size} bytes long")
    # Rates are named in whole megabits, which the encoder rounds to a profile of that very frame size.
    rate = round(size * 8 * float(video.rate) / 1e6)
    for megabits in sorted(range(max(1, rate - 12), rate + 13), key=lambda m: abs(m - rate)):
        plan = _intra(video, "dnxhd", _FIXED, (("b", f"{megabits}M"), *colour_options(video)))
        if _opens(plan):
            return plan
    return _refused(video, "dnxhd")


def choose_mjpeg(video: VideoStream, packets: Sequence[bytes], _keyframe_interval: int) -> EncoderPlan | CannotEncode:
    """Choose the mjpeg encoder; a JPEG brings all of its tables."""
    if field_order(video) is not FieldOrder.PROGRESSIVE:
        return CannotEncode("the JPEG pictures hold one field each")
    plan = _intra(video, "mjpeg", _MJPEG_SCALE, (("strict", "unofficial"), *colour_options(video)))
    return plan if _opens(plan) else _refused(video, "mjpeg")


def choose_ffv1(video: VideoStream, packets: Sequence[bytes], _keyframe_interval: int) -> EncoderPlan | CannotEncode:
    """Choose the ffv1 settings whose frames decode under the source's header, which stands beside the packets.

    The header is range-coded and differs from version to version of its writer where nothing depends on it, so it is
    not compared but tried: a frame of noise has to come back as it went in.
    """
    if not video.extradata:
        return CannotEncode("FFV1 of version 1 and 2 keeps its header in its keyframes")
    for options in _ffv1_settings():
        plan = _intra(video, "ffv1", _LOSSLESS, options)
        if _comes_back(plan):
            return plan
    return CannotEncode("no setting of the FFV1 encoder fits this stream's header")


def _comes_back(plan: EncoderPlan) -> bool:
    noise = noise_frame(plan.width, plan.height, plan.coded_pix_fmt)
    try:
        encoder = open_encoder(plan, 0.0, threads=1)
        packets = [*encoder.encode(noise), *encoder.encode(None)]
        decoder = open_decoder(plan.codec, plan.extradata, size=(plan.width, plan.height))
        frames = [*(frame for packet in packets for frame in decoder.decode(packet)), *decoder.decode(None)]
    except Exception:  # a setting that does not fit fails in any way it likes
        return False
    return len(frames) == 1 and psnr_db(noise, frames[0]) == IDENTICAL_DB


def _ffv1_settings() -> Iterator[tuple[tuple[str, str], ...]]:
    for coder, context, check, slices in product(("rice", "range_def", "range_tab"), "01", "10", _FFV1_SLICES):
        yield (
            ("level", "3"), ("coder", coder), ("context", context), ("slicecrc", check), ("slices", str(slices)),
            ("strict", "experimental"),
        )  # fmt: skip


def _intra(video: VideoStream, encoder: str, scale: QualityScale, options: tuple[tuple[str, str], ...]) -> EncoderPlan:
    fields = field_order(video)
    flags = ContextFlag.NONE if fields is FieldOrder.PROGRESSIVE else ContextFlag.INTERLACED_DCT
    plan = plan_for(
        video,
        encoder,
        scale,
        options,
        keyframe_interval=1,
        picture_types=PictureTypes.INTRA,
        flags=flags | ContextFlag.BITEXACT,
        fields=fields,
    )
    return replace(plan, sar=video.sar or Fraction(1))


def _opens(plan: EncoderPlan) -> bool:
    try:
        open_encoder(plan, plan.scale.first[0], threads=1)
    except UnsupportedMedia:
        return False
    return True


def _refused(video: VideoStream, encoder: str) -> CannotEncode:
    return CannotEncode(f"the {encoder} encoder does not take {video.pix_fmt} {video.width}x{video.height}")
