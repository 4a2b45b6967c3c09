"""The sound of an export with a preset: the source's packets where nothing was cut or mixed, else the mix, encoded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from engine.control import CancelToken, Progress
from engine.errors import UnsupportedMedia, UsageError
from engine.media.coded import CodedUnit
from engine.media.deliver import DeliveredSound, deliver_sound
from engine.media.samples import Samples
from engine.media.sound_cut import SoundForm, encoded_sound
from engine.media.stitch import copied_sound
from engine.model.codec_names import codec_name
from engine.model.export_preset import SoundCodec
from engine.model.media import AudioStream
from engine.model.sound_runs import heard_tracks, original_is_heard, sound_is_original, storyline_sound
from engine.render.audio import Mixer, mixed_loudness, normalising_gain
from engine.render.sound_source import SoundSource
from engine.render.timeline import Timeline

# ISO/IEC 14496-3, table 1.18.
_AAC_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000)
_MP3_RATES = (48000, 44100, 32000)
_USUAL_RATE = 48000
_LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}


@dataclass(frozen=True, slots=True)
class _Container:
    """A file of sound alone: its muxer, what it may hold as it is, and the encoder where that is something else."""

    muxer: str
    copies: tuple[str, ...]
    encoder: str
    most_channels: int = 8


_ALONE = {
    ".m4a": _Container("ipod", ("aac", "alac"), "aac"),
    ".mp3": _Container("mp3", ("mp3",), "libmp3lame", 2),
    ".flac": _Container("flac", ("flac",), "flac"),
    ".wav": _Container("wav", ("pcm_s16le", "pcm_s24le", "pcm_f32le"), "pcm_s24le"),
    ".opus": _Container("opus", ("opus",), "libopus"),
    ".ogg": _Container("ogg", ("vorbis", "opus", "flac"), "libopus"),
    ".mka": _Container("matroska", ("",), "flac"),
}
"""By suffix; "" stands for any codec."""

_SUFFIX_OF = {"aac": ".m4a", "alac": ".m4a", "mp3": ".mp3", "flac": ".flac", "opus": ".opus", "vorbis": ".ogg"}


def film_sounds(
    timeline: Timeline, sounds: Mapping[str, SoundSource], codec: SoundCodec, kbit: int, cancel: CancelToken
) -> tuple[tuple[DeliveredSound, ...], str]:
    """Return the sound tracks of a film, and a sentence on what becomes of them.

    Args:
        timeline: the film.
        sounds: the sources that are heard, by id.
        codec: in which they are encoded; tracks that are coded so already are copied where nothing was cut or mixed.
        kbit: per channel.
        cancel: looked at while they are made.
    """
    original = timeline.film.info.audio
    if sound_is_original(timeline.project):
        copied = tuple(_copied(timeline, stream) for stream in original if _fits(stream, codec))
        if copied and len(copied) == len(original):
            return copied, f"copied ({codec_name(original[0].codec)})"
    if not _has_sound(timeline, sounds):
        return (), ""
    encoder = "aac" if codec is SoundCodec.AAC else codec.value
    form = _form(timeline, sounds, encoder, kbit, most_channels=8)
    return (_mixed(timeline, sounds, form, cancel),), _encoded_as(form)


def sound_alone(
    timeline: Timeline,
    sounds: Mapping[str, SoundSource],
    draft: Path,
    target: Path,
    kbit: int,
    progress: Progress,
    cancel: CancelToken,
) -> str:
    """Write the film's sound alone; return a sentence on what became of it.

    Raises:
        UnsupportedMedia: the film has no sound, or the format cannot hold it. UsageError: the suffix is none for sound.
        NoSpace, StorageError, Cancelled.
    """
    container = _ALONE.get(target.suffix.lower())
    if container is None:
        raise UsageError(f"sound alone is written as {', '.join(_ALONE)}, not as {target.suffix or 'nothing'}")
    if not _has_sound(timeline, sounds):
        raise UnsupportedMedia(f"{timeline.project.name or timeline.film.path.name} has no sound")
    streams = timeline.film.info.audio
    if sound_is_original(timeline.project) and streams:
        stream = streams[0]
        if "" in container.copies or stream.codec in container.copies:
            deliver_sound(_copied(timeline, stream), draft, container.muxer, cancel)
            return f"copied ({codec_name(stream.codec)})"
    form = _form(timeline, sounds, container.encoder, kbit, container.most_channels)
    deliver_sound(_mixed(timeline, sounds, form, cancel, progress), draft, container.muxer, cancel)
    return _encoded_as(form)


def _encoded_as(form: SoundForm) -> str:
    return f"encoded as {codec_name(form.codec)}, {form.rate / 1000:g} kHz, {form.layout}"


def suffix_for_sound(timeline: Timeline) -> str:
    """Return the suffix under which the film's sound can be copied where nothing was cut, else ".m4a"."""
    streams = timeline.film.info.audio
    if not streams or not sound_is_original(timeline.project):
        return ".m4a"
    codec = streams[0].codec
    return ".wav" if codec in _ALONE[".wav"].copies else _SUFFIX_OF.get(codec, ".mka")


def _fits(stream: AudioStream, codec: SoundCodec) -> bool:
    return stream.codec == "aac" if codec is SoundCodec.AAC else stream.codec.startswith("pcm_s")


def _has_sound(timeline: Timeline, sounds: Mapping[str, SoundSource]) -> bool:
    heard = (
        {run.source_id for run in storyline_sound(timeline.project)} if original_is_heard(timeline.project) else set()
    )
    heard |= {item.source_id for track in heard_tracks(timeline.project) for item in track.items}
    return any(source.streams for source_id, source in sounds.items() if source_id in heard)


def _copied(timeline: Timeline, stream: AudioStream) -> DeliveredSound:
    path = timeline.film.path
    shift_s = -timeline.project.picture(timeline.reference).times.time_of(0)
    return DeliveredSound(None, (path, stream.stream), stream.time_base, copied_sound(path, stream.stream, shift_s))


def _mixed(
    timeline: Timeline,
    sounds: Mapping[str, SoundSource],
    form: SoundForm,
    cancel: CancelToken,
    progress: Progress | None = None,
) -> DeliveredSound:
    streams = timeline.film.info.audio
    source = (timeline.film.path, streams[0].stream) if streams else None
    return DeliveredSound(form, source, Fraction(1, form.rate), _units(timeline, sounds, form, cancel, progress))


def _units(
    timeline: Timeline,
    sounds: Mapping[str, SoundSource],
    form: SoundForm,
    cancel: CancelToken,
    progress: Progress | None,
) -> Iterator[CodedUnit]:
    project = timeline.project
    gain_db = 0.0
    if project.mix.loudness_lufs is not None:
        measured = mixed_loudness(project, sounds, cancel, form.rate, form.layout)
        gain_db = normalising_gain(measured, project.mix.loudness_lufs)
    with Mixer(project, sounds, form.rate, form.layout, gain_db) as mixer:
        yield from encoded_sound(_told(mixer, cancel, progress), form)


def _told(mixer: Mixer, cancel: CancelToken, progress: Progress | None) -> Iterator[Samples]:
    done = 0
    for block in mixer.blocks(cancel):
        done += block.shape[1]
        if progress is not None:
            progress.report("Encoding sound", done / max(1, mixer.sample_count))
        yield block


def _form(
    timeline: Timeline, sounds: Mapping[str, SoundSource], encoder: str, kbit: int, most_channels: int
) -> SoundForm:
    streams = [stream for source in sounds.values() for stream in source.streams]
    own = timeline.film.info.audio
    first = own[0] if own else streams[0] if streams else None
    rate = first.sample_rate if first is not None and first.sample_rate else _USUAL_RATE
    channels = min(first.channels if first is not None and first.channels else 2, most_channels)
    allowed = {"aac": _AAC_RATES, "libmp3lame": _MP3_RATES, "libopus": (_USUAL_RATE,)}.get(encoder)
    if allowed is not None and rate not in allowed:
        rate = _USUAL_RATE
    layout = _LAYOUTS.get(channels, "stereo")
    count = {"mono": 1, "stereo": 2, "5.1": 6, "7.1": 8}[layout]
    codec = {"libmp3lame": "mp3", "libopus": "opus"}.get(encoder, encoder)
    most = 320 if encoder == "libmp3lame" else 512 * count
    return SoundForm(codec, encoder, rate, layout, min(kbit * count, most) * 1000)
