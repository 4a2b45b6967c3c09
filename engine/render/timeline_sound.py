"""The sound tracks of a timeline's output: copied where nothing was cut, else joined or mixed, and encoded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from engine.control import CancelToken, Progress
from engine.errors import UnsupportedMedia
from engine.media.containers import Family, family, muxer_for
from engine.media.samples import Samples
from engine.media.sound_cut import (
    SoundForm,
    SoundPart,
    encoded_sound,
    form_of,
    joined_sound,
    open_sound_encoder,
)
from engine.media.sound_packets import CannotSplice, SoundPackets, clock_runs_back, read_sound_packets, unspliceable
from engine.media.sound_read import channel_count
from engine.media.stitch import StitchedSound, copied_sound
from engine.model.codec_names import codec_name
from engine.model.media import AudioStream
from engine.model.sound import UNMIXED
from engine.model.sound_runs import (
    SoundRun,
    heard_tracks,
    original_is_heard,
    sound_is_mixed,
    sound_is_original,
    storyline_sound,
)
from engine.render.audio import Mixer, mixed_loudness, normalising_gain
from engine.render.film import Film
from engine.render.timeline import Timeline
from engine.render.timeline_splice import GridRule, SplicedSound, spliced_sound
from engine.render.write import target_family

_LOSSLESS = ("pcm_", "flac", "alac")
_LEAST_MIX_RATE = 44_100
_MIX_RATE = 48_000
_USUAL_CODECS = {Family.ASF: "wmav2", Family.AVI: "mp3", Family.PROGRAM: "mp2"}
"""What a container's players expect where no film of the timeline has sound; elsewhere AAC."""


@dataclass(frozen=True, slots=True)
class CopiedSound:
    """The packets of a stream, `shift_s` seconds later."""

    path: Path
    stream: AudioStream
    shift_s: Fraction


@dataclass(frozen=True, slots=True, eq=False)
class EncodedSound:
    """Sound that is encoded from start to end; `blocks` gives its samples as often as asked."""

    form: SoundForm
    blocks: Callable[[CancelToken], Iterator[Samples]]
    samples: int


@dataclass(frozen=True, slots=True)
class SoundTrack:
    """A sound track of the output.

    Attributes:
        tags: the reference film's stream whose tags it takes, None where that film has no such track.
        title: instead of the title there, "" to keep that.
    """

    content: CopiedSound | EncodedSound | SplicedSound
    tags: int | None
    title: str = ""

    def stitched(self, cancel: CancelToken) -> StitchedSound:
        """Return its packets for the writer."""
        match self.content:
            case CopiedSound(path, stream, shift_s):
                units = copied_sound(path, stream.stream, shift_s)
                return StitchedSound(self.tags, None, stream.time_base, units, self.title)
            case EncodedSound(form, blocks):
                units = encoded_sound(blocks(cancel), form)
                return StitchedSound(self.tags, form, Fraction(1, form.rate), units, self.title)
            case SplicedSound(form):
                return StitchedSound(self.tags, form, Fraction(1, form.rate), self.content.units(cancel), self.title)


@dataclass(frozen=True, slots=True)
class SoundPlan:
    """The sound tracks of an output, and what a person should know about them."""

    tracks: tuple[SoundTrack, ...]
    notes: tuple[str, ...]


def plan_sound(timeline: Timeline, target: Path, progress: Progress, cancel: CancelToken) -> SoundPlan:
    """Decide for each sound track whether it is copied or encoded anew.

    Args:
        timeline: what is exported.
        target: its suffix says what the sound may be.
        progress: of the measuring, where the mix is to be normalised.
        cancel: looked at meanwhile.

    Raises:
        UnsupportedMedia: the sound's codec cannot be encoded here.
        MissingMedia, DamagedMedia: sound that is mixed cannot be read.
        Cancelled: on request.
    """
    project = timeline.project
    if not sound_is_mixed(project) and sound_is_original(project):
        return _own_sound(timeline, target, cancel)
    _refuse_broken_clocks(timeline, cancel)
    if not sound_is_mixed(project):
        return _own_sound(timeline, target, cancel)
    mix = _mix_track(timeline, target, progress, cancel)
    if not project.mix.keep_original:
        return mix
    unmixed = _own_sound(replace(timeline, project=replace(project, tracks=(), mix=UNMIXED)), target, cancel)
    kept = tuple(replace(track, title="Original sound") for track in unmixed.tracks)
    return SoundPlan((*mix.tracks, *kept), (*mix.notes, *unmixed.notes))


def sound_outlook(timeline: Timeline, target: Path) -> tuple[str, ...]:
    """Return what will become of the sound, in sentences, without reading it; none where all of it is copied."""
    project = timeline.project
    mixed, original = sound_is_mixed(project), sound_is_original(project)
    said = []
    if mixed:
        form, _ = _mix_form(timeline, target)
        said.append(f"the sound will be {_heard(timeline)}, encoded anew in {codec_name(form.codec)}")
    if not original and (not mixed or project.mix.keep_original):
        for audio in _template(timeline).info.audio:
            form = _form_like(audio)
            rule = _grid_rule(timeline, audio, form, target)
            said.append(
                _why_anew(audio, form, rule.reason)
                if isinstance(rule, CannotSplice)
                else f"the sound track {audio.stream} ({codec_name(audio.codec)}) is re-encoded around the joins"
            )
    return tuple(said)


def _refuse_broken_clocks(timeline: Timeline, cancel: CancelToken) -> None:
    for film in timeline.films.values():
        if film.index.exact_timestamps or family(film.info.container) not in (Family.TRANSPORT, Family.PROGRAM):
            continue
        if any(clock_runs_back(film.path, audio, cancel) for audio in film.info.audio):
            raise UnsupportedMedia(
                f"{film.path.name}: its clock starts again inside the film (recordings that were put one after the "
                "other), so its sound cannot be cut in step with the picture; take the recordings into the project "
                "one by one"
            )


def _own_sound(timeline: Timeline, target: Path, cancel: CancelToken) -> SoundPlan:
    """Plan the storyline's own sound alone."""
    template = _template(timeline)
    if sound_is_original(timeline.project):
        shift_s = -timeline.project.picture(timeline.reference).times.time_of(0)
        film = timeline.film
        tracks = [SoundTrack(CopiedSound(film.path, audio, shift_s), audio.stream) for audio in film.info.audio]
        return SoundPlan(tuple(tracks), ())
    runs = storyline_sound(timeline.project)
    tracks, notes = [], []
    for number, audio in enumerate(template.info.audio):
        form = _form_like(audio)
        tags = audio.stream if template is timeline.film else None
        parts = _parts(timeline, number, runs, form)
        content: EncodedSound | SplicedSound
        spliced = _spliced(timeline, number, audio, form, parts, target, cancel)
        if isinstance(spliced, SplicedSound):
            content = spliced
            notes.append(_what_is_copied(audio, spliced, _GRID_RULES.get(target_family(timeline.film, target))))
        else:
            content = _joined(parts, form)
            notes.append(_why_anew(audio, form, spliced.reason))
        tracks.append(SoundTrack(content, tags))
    return SoundPlan(tuple(tracks), tuple(notes))


_GRID_RULES = {
    Family.MATROSKA: GridRule.DROP,
    Family.ISO: GridRule.TRIMMED_START,
    Family.TRANSPORT: GridRule.TIMES,
    Family.PROGRAM: GridRule.TIMES,
}


def _spliced(
    timeline: Timeline,
    number: int,
    audio: AudioStream,
    form: SoundForm,
    parts: Sequence[SoundPart],
    target: Path,
    cancel: CancelToken,
) -> SplicedSound | CannotSplice:
    """Plan a track of copied packets; sources of another kind of sound are encoded into it."""
    rule = _grid_rule(timeline, audio, form, target)
    if isinstance(rule, CannotSplice):
        return rule
    own = read_sound_packets(_template(timeline).path, audio, cancel)
    if isinstance(own, CannotSplice):
        return own
    if own.config and own.config != (open_sound_encoder(form).extradata or b"")[:2]:
        return CannotSplice("its AAC is not of the kind that encoders here write")
    shown = {part.path for part in parts}
    packets = {}
    for film in timeline.films.values():
        if film.path not in shown or number >= len(film.info.audio):
            continue
        other = film.info.audio[number]
        if (other.codec, other.sample_rate, other.channels) == (audio.codec, audio.sample_rate, audio.channels):
            found = read_sound_packets(film.path, other, cancel)
            if isinstance(found, SoundPackets) and found.config == own.config:
                packets[str(film.path), other.stream] = found
    alike = replace(form, bit_rate=audio.bit_rate) if audio.codec != "aac" and audio.bit_rate else form
    return spliced_sound(parts, alike, packets, rule, cancel)


def _grid_rule(timeline: Timeline, audio: AudioStream, form: SoundForm, target: Path) -> GridRule | CannotSplice:
    """Return how packets can be cut in the target, or why they cannot, as far as that is known unread."""
    rule = _GRID_RULES.get(target_family(timeline.film, target))
    if rule is None:
        return CannotSplice(f"{target.suffix} files keep no time that is exact to the sample")
    if form.codec != audio.codec or form.rate != audio.sample_rate:
        return CannotSplice(f"nothing here writes {codec_name(audio.codec)}")
    return unspliceable(audio) or rule


def _what_is_copied(stream: AudioStream, sound: SplicedSound, rule: GridRule | None) -> str:
    total, name = sound.copied + sound.encoded, codec_name(stream.codec)
    text = (
        f"of the sound track {stream.stream} ({name}), {sound.copied:,} of {total:,} packets are copied; it is "
        "re-encoded around the joins only"
    )
    if rule is GridRule.DROP:
        return text
    off_ms = -(-500 * sound.frame // sound.form.rate)
    text += f" (in a player that counts samples instead of looking at times, it is at most {off_ms} ms off)"
    if sound.left_out:
        most_ms = -(-1000 * max(sound.left_out) // sound.form.rate)
        joins = "1 join" if len(sound.left_out) == 1 else f"{len(sound.left_out)} joins"
        text += (
            f"; at {joins} up to {most_ms} ms of sound are left out under a fade, since packets can be shortened in "
            ".mkv files only"
        )
    return text


def _template(timeline: Timeline) -> Film:
    """Return the film whose sound tracks the output's are like."""
    films = [timeline.film, *timeline.films.values()]
    return next((film for film in films if film.info.audio), timeline.film)


def _form_like(audio: AudioStream) -> SoundForm:
    form = form_of(audio.codec, audio.sample_rate, audio.layout, audio.channels, audio.bit_rate)
    if form is None:
        # What WebM holds, where Vorbis comes from.
        substitute = "opus" if audio.codec == "vorbis" else "aac"
        form = form_of(substitute, audio.sample_rate, audio.layout, audio.channels, audio.bit_rate)
    assert form is not None
    return form


def _parts(timeline: Timeline, number: int, runs: Sequence[SoundRun], form: SoundForm) -> list[SoundPart]:
    """Return the storyline's sound of the sources' track `number`, part by part."""
    parts = []
    for run in runs:
        # Each end is rounded by itself: the parts never drift from the picture.
        samples = round(run.stop_s * form.rate) - round(run.start_s * form.rate)
        film = timeline.films[run.source_id] if run.source_id is not None else None
        streams = film.info.audio if film is not None else ()
        if film is None or number >= len(streams):
            parts.append(SoundPart(samples))
        else:
            parts.append(SoundPart(samples, film.path, streams[number].stream, run.source_start_s, run.gain_db))
    return parts


def _joined(parts: Sequence[SoundPart], form: SoundForm) -> EncodedSound:
    return EncodedSound(form, lambda cancel: joined_sound(parts, form, cancel), sum(part.samples for part in parts))


def _why_anew(stream: AudioStream, form: SoundForm, reason: str) -> str:
    name = codec_name(stream.codec)
    if form.codec == stream.codec and stream.codec.startswith(_LOSSLESS):
        return f"the sound track {stream.stream} ({name}) is written anew without loss, but for the fades at joins"
    if form.codec != stream.codec:
        why = f"nothing here writes {name}"
        return f"the sound track {stream.stream} is re-encoded as a whole, in {codec_name(form.codec)}: {why}"
    return f"the sound track {stream.stream} ({name}) is re-encoded as a whole: {reason}"


def _mix_track(timeline: Timeline, target: Path, progress: Progress, cancel: CancelToken) -> SoundPlan:
    project, sounds = timeline.project, timeline.sound_sources
    form, tags = _mix_form(timeline, target)
    notes = [f"the sound is {_heard(timeline)}, encoded anew in {codec_name(form.codec)}"]
    gain_db = 0.0
    wanted = project.mix.loudness_lufs
    if wanted is not None:
        progress.report("Measuring the loudness", 0.0)
        measured = mixed_loudness(project, sounds, cancel, form.rate, form.layout)
        gain_db = normalising_gain(measured, wanted)
        if measured.integrated_lufs is None:
            notes.append("the mix is silent, so its loudness stays as it is")
        else:
            reached = measured.integrated_lufs + gain_db
            notes.append(f"the mix is brought from {measured.integrated_lufs:.1f} to {reached:.1f} LUFS")
            if reached < wanted - 0.05:
                notes[-1] += f", not to {wanted:.1f}: its true peak is then at the -1 dBTP that EBU R 128 allows"

    def blocks(cancel: CancelToken) -> Iterator[Samples]:
        with Mixer(project, sounds, form.rate, form.layout, gain_db) as mixer:
            yield from mixer.blocks(cancel)

    with Mixer(project, sounds, form.rate, form.layout) as mixer:
        count = mixer.sample_count
    return SoundPlan((SoundTrack(EncodedSound(form, blocks, count), tags),), tuple(notes))


def _heard(timeline: Timeline) -> str:
    heard = [f"“{track.settings.name}”" if track.settings.name else "music" for track in heard_tracks(timeline.project)]
    if original_is_heard(timeline.project):
        heard.insert(0, "the film's own")
    match heard:
        case []:
            return "silent"
        case [only]:
            return only if only == "the film's own" else f"{only} alone"
        case _:
            return f"a mix of {' and '.join(heard)}"


def _mix_form(timeline: Timeline, target: Path) -> tuple[SoundForm, int | None]:
    """Return how the mix is encoded, and the reference's stream whose tags it takes."""
    film = _template(timeline)
    heard = [audio for source in timeline.sound_sources.values() for audio in source.streams]
    widest = max((audio.channels for audio in heard), default=2)
    if film.info.audio:
        audio = film.info.audio[0]
        if audio.channels == 1 and widest > 1:
            audio = replace(audio, channels=2, layout="stereo", bit_rate=2 * audio.bit_rate)
        if audio.sample_rate < _LEAST_MIX_RATE:
            audio = replace(audio, sample_rate=_MIX_RATE)
        return _form_like(audio), audio.stream if film is timeline.film else None
    try:
        muxer = muxer_for(target, film.info)
    except KeyError:
        raise UnsupportedMedia(f"nothing here writes {film.info.container}; give the export another suffix") from None
    codec = "opus" if muxer == "webm" else _USUAL_CODECS.get(family(muxer), "aac")
    layout = "mono" if widest == 1 else "stereo"
    form = form_of(codec, _MIX_RATE, layout, channel_count(layout), 0)
    assert form is not None
    return form, None
