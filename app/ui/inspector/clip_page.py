"""A clip of the storyline, and a sound on a track."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from app.ui.context import Context
from app.ui.inspector.binder import Binder
from app.ui.inspector.page import Page
from app.ui.inspector.style_fields import add_geometry
from app.ui.words import timecode
from engine.model.edits import ChangeClip, Edge, ReplaceSound, SlipClip, TrimClip
from engine.model.sound import AtTime, AudioItem, ClipSound
from engine.model.storyline import Clip, Gap, Native, StoryItem, source_span

SOUNDS = (
    (ClipSound.LINKED, "With the picture"),
    (ClipSound.DETACHED, "On a track of its own"),
    (ClipSound.MUTED, "Muted"),
)


class ClipPage(Page):
    """The chosen clip or gap."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._binder = Binder[Clip](
            context.theme,
            self._clip,
            lambda clip: self.do(ChangeClip(clip)),
            self.refused,
            self._at,
            self._go_to,
            lambda clip: self.try_out(None if clip is None else ChangeClip(clip)),
        )
        self._time = Binder[StoryItem](context.theme, self._item, lambda _: None, self.refused)
        source = self.section("Clip")
        self._film = source.note()
        self._name = self._binder.line(
            source, "Name", lambda c: c.name, lambda c, text: replace(c, name=text.strip() or c.name)
        )
        self._first = self._time.whole(source, "In", self._in, lambda item, _: item, 0, 100_000_000)
        self._length = self._time.whole(source, "Length", len, lambda item, _: item, 1, 100_000_000, " frames")
        self._first.committed.connect(self._slip)
        self._length.committed.connect(self._trim)
        self._where = source.note()
        self._picture, self._sound = self.section("Picture"), self.section("Sound")
        self.build_later(self._build_picture, self._build_sound)
        context.session.transport.frame_changed.connect(self._playhead_moved)

    def _build_picture(self) -> None:
        add_geometry(self._binder, self._picture, lambda c: c.geometry, lambda c, g: replace(c, geometry=g))
        self._binder.keyframes(self._picture)

    def _build_sound(self) -> None:
        self._binder.choice(self._sound, "Plays", SOUNDS, lambda c: c.sound, lambda c, way: replace(c, sound=way))
        self._binder.number(
            self._sound, "Gain", lambda c: c.gain_db, lambda c, gain: replace(c, gain_db=gain), -60, 24, 0.5, 1, " dB",
            slides=True,
        )  # fmt: skip

    def refresh(self) -> None:
        item, clip = self._item(), self._clip()
        if item is None:
            return
        self._picture.setVisible(clip is not None)
        self._sound.setVisible(clip is not None)
        self._name.setEnabled(clip is not None)
        self._first.setEnabled(clip is not None)
        project = self.document.project
        span = next((span for span in self.document.timeline.spans if span.item.id == item.id), None)
        if clip is not None:
            self._film.say(project.source(clip.source_id).name, "2")
        else:
            self._film.say("A gap: black and silence.", "2")
        if span is not None:
            rate = project.canvas.rate
            at, end = (timecode(frame, rate) for frame in (span.timeline_range.start, span.timeline_range.stop))
            shown = "" if clip is None or isinstance(clip.timing, Native) else " Its rate is fitted to the film’s."
            self._where.say(f"On the timeline from {at} to {end}.{shown}")
        self._time.refresh()
        self._binder.refresh()

    def _item(self) -> StoryItem | None:
        if len(self.selection.items) != 1:
            return None
        (id,) = self.selection.items
        return next((item for item in self.document.project.storyline if item.id == id), None)

    def _clip(self) -> Clip | None:
        item = self._item()
        return item if isinstance(item, Clip) else None

    def _in(self, item: StoryItem) -> int:
        """Return the first source frame that a clip shows."""
        if isinstance(item, Gap):
            return 0
        project = self.document.project
        return source_span(item.timing, project.picture(item.source_id).times, project.canvas.rate).start

    def _slip(self, frame: float) -> None:
        item = self._item()
        if item is not None and round(frame) != self._in(item):
            self.do(SlipClip(item.id, round(frame) - self._in(item)))
        self.refresh()

    def _trim(self, length: float) -> None:
        item = self._item()
        if item is not None and round(length) != len(item):
            self.do(TrimClip(item.id, Edge.END, round(length) - len(item)))
        self.refresh()

    def _playhead_moved(self) -> None:
        clip = self._clip()
        if clip is not None and self.isVisible() and clip.geometry.is_animated:
            self._binder.refresh()

    def _at(self, clip: Clip) -> int | None:
        for span in self.document.timeline.spans:
            if span.item.id == clip.id:
                return self.session.transport.frame - span.timeline_range.start
        return None

    def _go_to(self, clip: Clip, at: int) -> None:
        for span in self.document.timeline.spans:
            if span.item.id == clip.id:
                self.session.transport.seek(span.timeline_range.start + at)


class SoundPage(Page):
    """The chosen sound."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._binder = Binder[AudioItem](
            context.theme, self.sound, lambda item: self.do(ReplaceSound(item)), self.refused
        )
        binder, section = self._binder, self.section("Sound")
        binder.line(section, "Name", lambda i: i.name, lambda i, text: replace(i, name=text.strip()))
        binder.number(
            section, "Gain", lambda i: i.gain_db, lambda i, gain: replace(i, gain_db=gain), -60, 24, 0.5, 1, " dB",
            slides=True,
        )  # fmt: skip
        for name, text in (("fade_in_s", "Fade in"), ("fade_out_s", "Fade out")):
            binder.number(
                section, text, lambda i, name=name: float(getattr(i, name)),  # type: ignore[misc]
                lambda i, s, name=name: replace(i, **{name: Fraction(round(s * 1000), 1000)}),  # type: ignore[misc]
                0, 600, 0.1, 2, " s",
            )  # fmt: skip
        self._starts = binder.number(
            section, "Starts at", lambda i: float(i.position.start_s) if isinstance(i.position, AtTime) else 0.0,
            lambda i, s: replace(i, position=replace(i.position, start_s=Fraction(round(s * 1000), 1000)))
            if isinstance(i.position, AtTime) else i,
            0, 360_000, 0.1, 3, " s",
        )  # fmt: skip
        binder.also(lambda i: section.show_row(self._starts, isinstance(i.position, AtTime)))
        binder.check(section, "Muted", lambda i: i.muted, lambda i, on: replace(i, muted=on))

    def refresh(self) -> None:
        self._binder.refresh()

    def sound(self) -> AudioItem | None:
        """Return the chosen sound."""
        if len(self.selection.items) != 1:
            return None
        (id,) = self.selection.items
        for track in self.document.project.tracks:
            for item in track.items:
                if item.id == id:
                    return item
        return None
