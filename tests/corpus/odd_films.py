"""Make films that are odd in one way each, with the `ffmpeg` command: a folder for `python -m tests.corpus`.

    python -m tests.corpus.odd_films DIR [--only NAME]

What the real films at hand do not cover: settings of encoders, containers and clocks that other cameras, phones and
programs use. Films that this machine's ffmpeg cannot make are named and left out.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

_SOUND = "sine=frequency=440:sample_rate=48000:duration={s}"


def _source(size: str = "320x180", rate: str = "25", seconds: float = 4) -> list[str]:
    picture = f"testsrc2=size={size}:rate={rate}:duration={seconds},noise=alls=12:allf=t"
    return ["-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", _SOUND.format(s=seconds)]


_MUTE = ["-an"]
_AAC = ["-c:a", "aac", "-b:a", "64k"]
_OPUS = ["-c:a", "libopus", "-b:a", "48k"]
_PCM = ["-c:a", "pcm_s16le"]
_VP9 = ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8"]
_VP8 = ["-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8"]
_AOM = ["-c:v", "libaom-av1", "-cpu-used", "8", "-usage", "realtime"]
_SVT = ["-c:v", "libsvtav1", "-preset", "12"]
_MPEG2 = ["-c:v", "mpeg2video", "-g", "12", "-bf", "2"]
_VFR = ["-vf", "select='not(mod(n\\,3))+gt(mod(n\\,7)\\,4)'", "-fps_mode", "vfr"]


def _x264(params: str, *more: str) -> list[str]:
    return ["-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-x264-params", params, *more]


def _x265(params: str, *more: str) -> list[str]:
    return [
        "-c:v",
        "libx265",
        "-preset",
        "ultrafast",
        "-pix_fmt",
        "yuv420p",
        "-x265-params",
        f"log-level=0:{params}",
        *more,
    ]


def _film(*arguments: str, source: list[str] | None = None) -> list[str]:
    return [*(source or _source()), *arguments]


FILMS: dict[str, list[str]] = {
    # H.264, its tools.
    "h264_open_gop_bframes.mp4": _film(*_x264("keyint=25:open-gop=1:bframes=3:b-pyramid=normal"), *_AAC),
    "h264_open_gop.mkv": _film(*_x264("keyint=25:open-gop=1:bframes=3"), *_AAC),
    "h264_open_gop.ts": _film(*_x264("keyint=25:open-gop=1:bframes=3"), *_AAC),
    "h264_intra_refresh.mp4": _film(*_x264("keyint=25:intra-refresh=1"), *_AAC),
    "h264_many_slices.mp4": _film(*_x264("keyint=25:slices=8"), *_AAC),
    "h264_slice_per_packet.ts": _film(*_x264("keyint=25:slice-max-size=600"), *_AAC),
    "h264_interlaced_tff.mp4": _film(
        *_x264("keyint=25:tff=1", "-flags", "+ildct+ilme"), *_AAC, source=_source("320x192")
    ),
    "h264_interlaced_bff.ts": _film(
        *_x264("keyint=25:bff=1", "-flags", "+ildct+ilme"), *_AAC, source=_source("320x192")
    ),
    "h264_fake_interlaced.mp4": _film(*_x264("keyint=25:fake-interlaced=1"), *_AAC),
    "h264_444.mp4": _film(*_x264("keyint=25", "-pix_fmt", "yuv444p"), *_AAC),
    "h264_422_10bit.mov": _film(*_x264("keyint=25", "-pix_fmt", "yuv422p10le"), *_PCM),
    "h264_10bit.mkv": _film(*_x264("keyint=25", "-pix_fmt", "yuv420p10le"), *_AAC),
    "h264_intra_only.mov": _film(*_x264("keyint=1", "-pix_fmt", "yuv422p10le"), "-c:a", "pcm_s24le"),
    "h264_lossless.mkv": _film(*_x264("keyint=25:qp=0", "-pix_fmt", "yuv444p"), *_AAC),
    "h264_gray.mp4": _film(*_x264("keyint=25", "-pix_fmt", "gray"), *_AAC),
    "h264_full_range.mp4": _film(*_x264("keyint=25", "-pix_fmt", "yuvj420p"), *_AAC),
    "h264_baseline.mp4": _film(*_x264("keyint=25", "-profile:v", "baseline"), *_AAC),
    "h264_one_keyframe.mp4": _film(*_x264("keyint=infinite:scenecut=0"), *_AAC),
    "h264_pyramid_strict.mp4": _film(*_x264("keyint=50:bframes=8:b-pyramid=strict:ref=6"), *_AAC),
    "h264_weighted_refs.mp4": _film(*_x264("keyint=50:weightp=2:ref=16:bframes=5"), *_AAC),
    "h264_nal_hrd_cbr.ts": _film(
        *_x264("keyint=25:nal-hrd=cbr:vbv-maxrate=800:vbv-bufsize=800:bitrate=800"), "-muxrate", "1500k", *_AAC
    ),
    "h264_pic_struct.mkv": _film(*_x264("keyint=25:pic-struct=1:aud=1"), *_AAC),
    "h264_cropped.mp4": _film(*_x264("keyint=25"), *_AAC, source=_source("322x178")),
    "h264_odd_size.mkv": _film(*_x264("keyint=25", "-pix_fmt", "yuv444p"), *_AAC, source=_source("321x179")),
    "h264_annexb.h264": _film(*_x264("keyint=25:bframes=2"), *_MUTE),
    "h264_in_avi.avi": _film(*_x264("keyint=25:bframes=2"), "-c:a", "mp3"),
    "h264_sps_in_band.mp4": _film(*_x264("keyint=25:repeat-headers=1"), "-tag:v", "avc3", *_AAC),
    # HEVC.
    "hevc_open_gop.mp4": _film(*_x265("keyint=25:open-gop=1:bframes=4"), "-tag:v", "hvc1", *_AAC),
    "hevc_closed_gop.mkv": _film(*_x265("keyint=25:open-gop=0"), *_AAC),
    "hevc_slices.mp4": _film(*_x265("keyint=25:slices=4"), "-tag:v", "hvc1", *_AAC, source=_source("640x360")),
    "hevc_wpp_off_ctu16.mp4": _film(*_x265("keyint=25:wpp=0:ctu=16"), "-tag:v", "hev1", *_AAC),
    "hevc_ctu64_amp.mp4": _film(*_x265("keyint=25:ctu=64:rect=1:amp=1"), "-tag:v", "hvc1", *_AAC),
    "hevc_10bit_422.mp4": _film(*_x265("keyint=25", "-pix_fmt", "yuv422p10le"), "-tag:v", "hvc1", *_AAC),
    "hevc_444.mkv": _film(*_x265("keyint=25", "-pix_fmt", "yuv444p"), *_AAC),
    "hevc_12bit.mkv": _film(*_x265("keyint=25", "-pix_fmt", "yuv420p12le"), *_AAC),
    "hevc_intra_refresh.mp4": _film(*_x265("keyint=25:intra-refresh=1"), "-tag:v", "hvc1", *_AAC),
    "hevc_one_keyframe.mp4": _film(*_x265("keyint=-1:scenecut=0"), "-tag:v", "hvc1", *_AAC),
    "hevc_temporal_layers.mp4": _film(
        *_x265("keyint=25:temporal-layers=3:b-adapt=0:bframes=4"), "-tag:v", "hvc1", *_AAC
    ),
    "hevc_lossless.mkv": _film(*_x265("keyint=25:lossless=1"), *_AAC),
    "hevc_interlaced.ts": _film(*_x265("keyint=25:interlace=tff"), *_AAC, source=_source("320x192")),
    "hevc_open_gop.ts": _film(*_x265("keyint=25:open-gop=1:bframes=4"), *_AAC),
    "hevc_hdr10.mp4": _film(
        *_x265(
            "keyint=25:hdr10=1:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc:"
            "master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1):max-cll=1000,400",
            "-pix_fmt",
            "yuv420p10le",
        ),
        "-tag:v",
        "hvc1",
        *_AAC,
    ),
    # AV1, VP9, VP8.
    "av1_svt.mp4": _film(*_SVT, "-g", "25", "-pix_fmt", "yuv420p", *_AAC),
    "av1_svt_10bit_grain.mkv": _film(
        *_SVT, "-g", "25", "-svtav1-params", "film-grain=20", "-pix_fmt", "yuv420p10le", *_OPUS
    ),
    "av1_aom.webm": _film(*_AOM, "-g", "25", "-pix_fmt", "yuv420p", *_OPUS),
    "av1_aom_444.mp4": _film(*_AOM, "-g", "25", "-pix_fmt", "yuv444p", *_AAC),
    "av1_odd_size.mkv": _film(*_AOM, "-g", "25", "-pix_fmt", "yuv420p", *_OPUS, source=_source("321x179")),
    "av1_screen.mp4": _film(*_SVT, "-g", "25", "-svtav1-params", "scm=1", "-pix_fmt", "yuv420p", *_AAC),
    "vp9_altref.webm": _film(*_VP9, "-auto-alt-ref", "1", "-lag-in-frames", "16", "-g", "25", *_OPUS),
    "vp9_odd_size.webm": _film(*_VP9, "-g", "25", *_OPUS, source=_source("321x179")),
    "vp9_444_10bit.mkv": _film(*_VP9, "-g", "25", "-pix_fmt", "yuv444p10le", *_OPUS),
    "vp9_alpha.webm": _film("-vf", "format=yuva420p", *_VP9, "-auto-alt-ref", "0", "-g", "25", *_OPUS),
    "vp9_lossless.webm": _film(*_VP9, "-lossless", "1", "-g", "25", *_OPUS),
    "vp8_altref.webm": _film(*_VP8, "-auto-alt-ref", "1", "-lag-in-frames", "16", "-g", "25", "-c:a", "libvorbis"),
    "vp8_error_resilient.mkv": _film(*_VP8, "-error-resilient", "1", "-g", "25", "-c:a", "libvorbis"),
    # Older and intra codecs.
    "mpeg2_open_gop.mpg": _film(*_MPEG2, "-q:v", "4", "-c:a", "mp2"),
    "mpeg2_closed.ts": _film(*_MPEG2, "-flags", "+cgop", "-sc_threshold", "1000000000", "-q:v", "4", "-c:a", "mp2"),
    "mpeg2_422_interlaced.mov": _film(*_MPEG2, "-q:v", "3", "-pix_fmt", "yuv422p", "-flags", "+ildct+ilme", *_PCM),
    "mpeg2.mkv": _film(*_MPEG2, "-q:v", "4", "-c:a", "ac3"),
    "mpeg2.mxf": _film(*_MPEG2, "-q:v", "4", *_PCM, "-ar", "48000"),
    "mpeg1.mpg": _film("-c:v", "mpeg1video", "-g", "12", "-bf", "2", "-q:v", "4", "-c:a", "mp2"),
    "mpeg4_asp.avi": _film("-c:v", "mpeg4", "-g", "25", "-bf", "2", "-q:v", "4", "-c:a", "mp3"),
    "mpeg4_qpel_4mv.mp4": _film("-c:v", "mpeg4", "-g", "25", "-bf", "2", "-flags", "+qpel+mv4+aic", "-q:v", "4", *_AAC),
    "mpeg4_data_partition.mkv": _film("-c:v", "mpeg4", "-g", "25", "-data_partitioning", "1", "-q:v", "4", *_AAC),
    "h263.3gp": _film(
        "-c:v", "h263", "-g", "12", "-q:v", "4", "-c:a", "aac", "-ar", "16000", "-ac", "1", source=_source("352x288")
    ),
    "prores_4444.mov": _film("-c:v", "prores_ks", "-profile:v", "4", "-pix_fmt", "yuv444p10le", *_PCM),
    "prores_alpha.mov": _film("-vf", "format=yuva444p10le", "-c:v", "prores_ks", "-profile:v", "4", *_PCM),
    "prores_proxy.mkv": _film("-c:v", "prores_ks", "-profile:v", "0", *_PCM),
    "dnxhr_hq.mov": _film("-c:v", "dnxhd", "-profile:v", "dnxhr_hq", "-pix_fmt", "yuv422p", *_PCM),
    "dnxhr_444.mxf": _film("-c:v", "dnxhd", "-profile:v", "dnxhr_444", "-pix_fmt", "yuv444p10le", *_PCM),
    "mjpeg_422.avi": _film("-c:v", "mjpeg", "-q:v", "4", "-pix_fmt", "yuvj422p", *_PCM),
    "mjpeg.mov": _film("-c:v", "mjpeg", "-q:v", "4", "-pix_fmt", "yuvj420p", *_PCM),
    "mjpeg_odd.mkv": _film("-c:v", "mjpeg", "-q:v", "4", "-pix_fmt", "yuvj444p", *_AAC, source=_source("321x179")),
    "ffv1_rgb.mkv": _film("-c:v", "ffv1", "-level", "3", "-pix_fmt", "bgr0", "-c:a", "flac"),
    "ffv1_v1_10bit.avi": _film("-c:v", "ffv1", "-level", "1", "-g", "10", "-pix_fmt", "yuv420p10le", *_PCM),
    "ffv1_gop.mkv": _film("-c:v", "ffv1", "-level", "3", "-g", "12", "-slices", "4", "-c:a", "flac"),
    "huffyuv.avi": _film("-c:v", "huffyuv", "-pix_fmt", "yuv422p", *_PCM),
    "cinepak.avi": _film("-c:v", "cinepak", *_PCM, source=_source("160x96", "10", 2)),
    "theora.ogv": _film("-c:v", "libtheora", "-q:v", "6", "-g", "25", "-c:a", "libvorbis"),
    "rawvideo.avi": _film("-c:v", "rawvideo", "-pix_fmt", "yuv420p", *_PCM, source=_source("160x96", "25", 1)),
    "dv_pal.dv": _film("-target", "pal-dv", source=_source("720x576", "25", 2)),
    "dvcpro.mov": _film(
        "-c:v", "dvvideo", "-pix_fmt", "yuv422p", "-s", "720x576", *_PCM, source=_source("720x576", "25", 1)
    ),
    "png.mov": _film("-c:v", "png", *_PCM, source=_source("160x96", "25", 1)),
    "animated.gif": _film(*_MUTE, source=_source("160x96", "10", 2)),
    # Containers and clocks.
    "moov_in_front.mp4": _film(*_x264("keyint=25"), *_AAC, "-movflags", "+faststart"),
    "fragmented.mp4": _film(*_x264("keyint=25"), *_AAC, "-movflags", "+frag_keyframe+empty_moov"),
    "fragmented_cmaf.mp4": _film(*_x264("keyint=25:bframes=2"), *_AAC, "-movflags", "+cmaf+frag_keyframe+delay_moov"),
    "negative_cts.mp4": _film(*_x264("keyint=25:bframes=3"), *_AAC, "-movflags", "+negative_cts_offsets"),
    "no_edit_list.mp4": _film(*_x264("keyint=25:bframes=3"), *_AAC, "-use_editlist", "0"),
    "sound_starts_late.mp4": [
        *_source()[:4],
        "-itsoffset",
        "0.73",
        *_source()[4:],
        *_x264("keyint=25:bframes=2"),
        *_AAC,
    ],
    "picture_starts_late.mp4": ["-itsoffset", "0.5", *_source(), *_x264("keyint=25:bframes=2"), *_AAC],
    "picture_starts_late.mkv": ["-itsoffset", "0.5", *_source(), *_x264("keyint=25:bframes=2"), *_AAC],
    "picture_starts_late.ts": ["-itsoffset", "0.5", *_source(), *_x264("keyint=25:bframes=2"), *_AAC],
    "timescale_90000.mov": _film(
        *_x264("keyint=25:bframes=2"), *_AAC, "-video_track_timescale", "90000", source=_source(rate="30000/1001")
    ),
    "vfr.mp4": _film(*_VFR, *_x264("keyint=20:bframes=2"), *_AAC),
    "vfr.mkv": _film(*_VFR, *_x264("keyint=20:bframes=2"), *_AAC),
    "vfr.webm": _film(*_VFR, *_VP9, "-g", "20", *_OPUS),
    "one_frame.mp4": _film(*_x264("keyint=25"), "-frames:v", "1", *_MUTE),
    "one_frame.mkv": _film(*_x264("keyint=25"), "-frames:v", "1", *_MUTE),
    "two_frames.mp4": _film(*_x264("keyint=25:bframes=2"), "-frames:v", "2", *_MUTE),
    "two_frames.webm": _film(*_VP9, "-frames:v", "2", *_MUTE),
    "high_rate.mp4": _film(*_x264("keyint=240:bframes=2"), *_AAC, source=_source(rate="240", seconds=2)),
    "low_rate.mp4": _film(*_x264("keyint=3"), *_AAC, source=_source(rate="1/2", seconds=20)),
    "tiny_picture.mp4": _film(*_x264("keyint=25"), *_AAC, source=_source("16x16")),
    "two_pixels.mkv": _film(*_x264("keyint=25"), *_AAC, source=_source("2x2")),
    "anamorphic_rotated.mp4": _film(
        "-vf", "setsar=4/3", *_x264("keyint=25:bframes=2"), *_AAC, "-metadata:s:v", "rotate=90"
    ),
    "mono_8khz.mov": _film(*_x264("keyint=25"), "-c:a", "pcm_alaw", "-ar", "8000"),
    "alac.mov": _film(*_x264("keyint=25"), "-c:a", "alac"),
    "two_sounds_51.mkv": [
        *_source(),
        "-map",
        "0:v",
        "-map",
        "1:a",
        "-map",
        "1:a",
        *_x264("keyint=25:bframes=2"),
        "-c:a:0",
        "ac3",
        "-ac:a:0",
        "6",
        "-c:a:1",
        "flac",
    ],
    "no_sound.mov": _film(*_x264("keyint=25:bframes=2"), *_MUTE),
    "h264.flv": _film(*_x264("keyint=25:bframes=2"), *_AAC, "-ar", "44100"),
    "flv1.flv": _film("-c:v", "flv1", "-q:v", "4", "-c:a", "mp3", "-ar", "44100"),
    "h264.nut": _film(*_x264("keyint=25:bframes=2"), *_AAC),
    "h264_latm.ts": _film(*_x264("keyint=25:bframes=2"), *_AAC, "-mpegts_flags", "latm"),
    "h264_m2ts.m2ts": _film(*_x264("keyint=25:bframes=2"), "-c:a", "ac3", "-mpegts_m2ts_mode", "1"),
    "late_clock.ts": _film(*_x264("keyint=25:bframes=2"), *_AAC, "-output_ts_offset", "95440", "-muxdelay", "0"),
    "clock_wraps.ts": _film(*_x264("keyint=25:bframes=2"), *_AAC, "-output_ts_offset", "95441.5", "-muxdelay", "0"),
    "matroska_cues_front.mkv": _film(*_x264("keyint=25:bframes=2"), *_AAC, "-reserve_index_space", "4096"),
    "matroska_live.mkv": _film(*_x264("keyint=25:bframes=2"), *_AAC, "-live", "1"),
    "webm_dash.webm": _film(*_VP9, "-g", "25", *_OPUS, "-cluster_time_limit", "500"),
    "asf_mpeg4.wmv": _film("-c:v", "msmpeg4", "-q:v", "4", "-c:a", "wmav2"),
    "mpeg4_in_ts.ts": _film("-c:v", "mpeg4", "-g", "25", "-bf", "2", "-q:v", "4", "-c:a", "mp2"),
    "vob.vob": _film(*_MPEG2, "-q:v", "4", "-c:a", "ac3", "-f", "vob"),
}


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.corpus.odd_films", description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", default="", help="films whose name contains this")
    given = parser.parse_args(argv)
    given.folder.mkdir(parents=True, exist_ok=True)
    for name, arguments in FILMS.items():
        if given.only not in name or (given.folder / name).exists():
            continue
        left_out = make(given.folder / name, arguments)
        if left_out:
            print(f"{name}: left out ({left_out})")
    return 0


def make(path: Path, arguments: list[str]) -> str:
    """Make one film; return why it cannot be made, or nothing."""
    part = path.with_name(f"part-{path.name}")
    line = ["ffmpeg", "-nostdin", "-v", "error", "-y", *arguments, str(part)]
    done = subprocess.run(line, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        part.unlink(missing_ok=True)
        return (done.stderr.strip().splitlines() or ["no reason given"])[-1]
    part.rename(path)
    return ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
