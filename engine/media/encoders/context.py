"""Open the encoder of a plan."""

from __future__ import annotations

from typing import cast

from av.codec.context import CodecContext, ThreadType
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from engine.errors import UnsupportedMedia
from engine.media.encoders.plan import Effort, EncoderPlan, QualityControl

# FF_QP2LAMBDA of libavutil/avutil.h.
_QP2LAMBDA = 118

_CHEAP_TO_HOLD_PIXELS = 1280 * 720

# FFmpeg's own decoder of this name only drives hardware.
_DECODERS = {"av1": "libdav1d"}


def open_encoder(plan: EncoderPlan, figure: float, threads: int, effort: Effort = Effort.QUICK) -> VideoCodecContext:
    """Open the plan's encoder.

    Raises:
        UnsupportedMedia: the encoder refuses the settings.
    """
    try:
        context = cast(VideoCodecContext, CodecContext.create(plan.encoder, "w"))
        context.width, context.height, context.pix_fmt = plan.width, plan.height, plan.coded_pix_fmt
        context.time_base, context.framerate = plan.clock or 1 / plan.rate, plan.rate
        context.sample_aspect_ratio = plan.sar
        context.gop_size = plan.keyframe_interval
        context.thread_count = min(threads, plan.most_threads)
        if plan.encoder == "libx264" and plan.width * plan.height <= _CHEAP_TO_HOLD_PIXELS:
            # Else it cuts each frame into a slice per thread, which costs small pictures up to 4 % of their bytes.
            # Large ones it costs nearly nothing, and the frames on their way in other threads take 100 MB at 1080p.
            context.thread_type = ThreadType.FRAME
        flags = int(plan.flags)
        context.flags = flags - (1 << 32) if flags >= 1 << 31 else flags
        options = plan.options_for(effort)
        if plan.scale.control is QualityControl.CRF:
            options["crf"] = f"{figure:g}"
        elif plan.scale.control is QualityControl.QUANTISER:
            # The one way from here: AVFrame.quality, which AV_CODEC_FLAG_QSCALE asks for, is out of reach.
            options["lmin"] = options["lmax"] = str(round(_QP2LAMBDA * quantiser(figure)))
        elif plan.scale.control is QualityControl.BOUNDS:
            options["qmin"] = options["qmax"] = f"{figure:g}"
        context.options = options
        context.open()
    except Exception as error:  # FFmpeg's errors and those of its wrapper
        raise UnsupportedMedia(
            f"the encoder {plan.encoder} refuses {plan.coded_pix_fmt} {plan.width}x{plan.height}: {error}"
        ) from error
    return context


def sample_packet(plan: EncoderPlan) -> bytes:
    """Return the keyframe that the plan's encoder makes of an empty picture: it tells what headers it writes.

    Raises:
        UnsupportedMedia: the encoder refuses the settings or the picture.
    """
    encoder = open_encoder(plan, plan.scale.coarsest, threads=1)
    picture = VideoFrame(plan.width, plan.height, plan.coded_pix_fmt)
    for plane in picture.planes:
        plane.update(bytes(plane.buffer_size))
    picture.pts, picture.time_base = 0, 1 / plan.rate
    try:
        packets = [*encoder.encode(picture), *encoder.encode(None)]
    except Exception as error:
        raise UnsupportedMedia(f"the encoder {plan.encoder} failed: {error}") from error
    return bytes(packets[0])


def quantiser(figure: float) -> float:
    """Return the quantiser that a figure of QualityControl.QUANTISER stands for."""
    return float(2.0 ** (figure / 6.0))


def open_decoder(
    codec: str, extradata: bytes, options: dict[str, str] | None = None, size: tuple[int, int] | None = None
) -> VideoCodecContext:
    """Return a decoder of one thread, not opened yet; FFV1's has to know the size of the pictures beforehand."""
    context = cast(VideoCodecContext, CodecContext.create(_DECODERS.get(codec, codec), "r"))
    context.extradata = extradata or None
    if size is not None:
        context.width, context.height = size
    context.options = options or {}
    context.thread_count = 1
    return context
