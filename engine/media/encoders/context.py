"""Open the encoder of a plan."""

from __future__ import annotations

from typing import cast

from av.codec.context import CodecContext
from av.video.codeccontext import VideoCodecContext

from engine.errors import UnsupportedMedia
from engine.media.encoders.plan import EncoderPlan, QualityControl

# FF_QP2LAMBDA of libavutil/avutil.h.
_QP2LAMBDA = 118


def open_encoder(plan: EncoderPlan, figure: float, threads: int) -> VideoCodecContext:
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
        flags = int(plan.flags)
        context.flags = flags - (1 << 32) if flags >= 1 << 31 else flags
        options = dict(plan.options)
        if plan.scale.control is QualityControl.CRF:
            options["crf"] = f"{figure:g}"
        elif plan.scale.control is QualityControl.QUANTISER:
            # The one way from here: AVFrame.quality, which AV_CODEC_FLAG_QSCALE asks for, is out of reach.
            options["lmin"] = options["lmax"] = str(round(_QP2LAMBDA * quantiser(figure)))
        context.options = options
        context.open()
    except Exception as error:  # FFmpeg's errors and those of its wrapper
        raise UnsupportedMedia(
            f"the encoder {plan.encoder} refuses {plan.coded_pix_fmt} {plan.width}x{plan.height}: {error}"
        ) from error
    return context


def quantiser(figure: float) -> float:
    """Return the quantiser that a figure of QualityControl.QUANTISER stands for."""
    return float(2.0 ** (figure / 6.0))


def open_decoder(codec: str, extradata: bytes, options: dict[str, str] | None = None) -> VideoCodecContext:
    """Return a decoder of one thread, not opened yet."""
    context = cast(VideoCodecContext, CodecContext.create(codec, "r"))
    context.extradata = extradata or None
    context.options = options or {}
    context.thread_count = 1
    return context
