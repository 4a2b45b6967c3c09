"""A marker; the canvas, where nothing is chosen; several things, where more than one is."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from app.ui.context import Context
from app.ui.inspector.binder import Binder
from app.ui.inspector.page import Page
from app.ui.inspector.section import Section
from app.ui.widgets import EmptyState
from engine.model.edits import RenameProject, ReplaceMarker, SetCanvas, SetMix
from engine.model.markers import Marker, MarkerKind
from engine.model.place import OnTimeline
from engine.model.project import Canvas, Project
from engine.model.sound import Mix
from engine.model.storyline import Clip
from engine.model.time import Range

KINDS = (
    (MarkerKind.PLAIN, "Marker"),
    (MarkerKind.CHAPTER, "Chapter of the exported film"),
    (MarkerKind.CALL_TO_ACTION, "Call to action"),
)
BROADCAST_LUFS = -23.0
"""The programme loudness of EBU R 128."""
_RATES = {Fraction(n, d): t for n, d, t in ((24000, 1001, 23.976), (30000, 1001, 29.97), (60000, 1001, 59.94))}


class MarkerPage(Page):
    """The chosen marker."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._binder = Binder[Marker](context.theme, self.marker, lambda m: self.do(ReplaceMarker(m)), self.refused)
        binder, section = self._binder, self.section("Marker")
        binder.line(section, "Name", lambda m: m.name, lambda m, text: replace(m, name=text.strip()))
        binder.choice(section, "Kind", KINDS, lambda m: m.kind, lambda m, kind: replace(m, kind=kind))
        binder.whole(section, "Frame", lambda m: m.place.frames.start, _moved, 0, 100_000_000)
        binder.whole(section, "Length", lambda m: len(m.place.frames), _long, 1, 100_000_000, " frames")
        binder.text(section, "Note", lambda m: m.note, lambda m, text: replace(m, note=text), 4)

    def refresh(self) -> None:
        self._binder.refresh()

    def marker(self) -> Marker | None:
        """Return the chosen marker."""
        if len(self.selection.items) != 1:
            return None
        (id,) = self.selection.items
        return next((marker for marker in self.document.project.markers if marker.id == id), None)


class CanvasPage(Page):
    """The project: its name, the size and rate of the picture that the timeline makes, and what the sound becomes."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        hint = EmptyState("Select a region, a layer or a clip to see its settings.")
        hint.setContentsMargins(0, 10, 0, 6)
        self.column.addWidget(hint)
        section = self.section("Project")
        self._names = Binder[Project](context.theme, self._project, self._rename, self.refused)
        self._names.line(section, "Name", lambda p: p.name, lambda p, text: replace(p, name=text.strip() or p.name))
        self._binder = Binder[Canvas](
            context.theme, self._canvas, lambda canvas: self.do(SetCanvas(canvas)), self.refused
        )
        binder = self._binder
        binder.whole(section, "Width", lambda c: c.width, lambda c, n: replace(c, width=n), 16, 16384, " px")
        binder.whole(section, "Height", lambda c: c.height, lambda c, n: replace(c, height=n), 16, 16384, " px")
        binder.number(section, "Frame rate", lambda c: _RATES.get(c.rate, float(c.rate)), _rated, 0.1, 1000, 1, 3)
        self._said = section.note()
        self._mix = Binder[Mix](context.theme, self._read_mix, lambda mix: self.do(SetMix(mix)), self.refused)
        self._add_sound(self.section("Sound of the film"))

    def _add_sound(self, section: Section) -> None:
        mix = self._mix
        mix.check(
            section, "Keep the original sound beside the mix", lambda m: m.keep_original,
            lambda m, on: replace(m, keep_original=on),
        )  # fmt: skip
        mix.check(
            section, "Normalise the loudness", lambda m: m.loudness_lufs is not None,
            lambda m, on: replace(m, loudness_lufs=BROADCAST_LUFS if on else None),
        )  # fmt: skip
        loudness = mix.number(
            section, "Loudness", lambda m: BROADCAST_LUFS if m.loudness_lufs is None else m.loudness_lufs,
            lambda m, lufs: replace(m, loudness_lufs=lufs), -70, 0, 0.5, 1, " LUFS",
        )  # fmt: skip
        mix.also(lambda m: section.show_row(loudness, m.loudness_lufs is not None))

    def refresh(self) -> None:
        self._names.refresh()
        self._binder.refresh()
        self._mix.refresh()
        project = self.document.project
        # What only stands in the bin is in nobody's way.
        shown = {item.source_id for item in project.storyline if isinstance(item, Clip)}
        native = any(
            source.picture is not None and source.id in shown and not project.canvas.holds(source.picture)
            for source in project.sources
        )
        self._said.say(
            "A film of another size than the canvas is placed on it, and re-encoded." if native else "", "warning"
        )

    def _project(self) -> Project | None:
        return self.document.project if self.document.is_open else None

    def _canvas(self) -> Canvas | None:
        return self.document.project.canvas if self.document.is_open else None

    def _read_mix(self) -> Mix | None:
        return self.document.project.mix if self.document.is_open else None

    def _rename(self, project: Project) -> None:
        self.do(RenameProject(project.name))


def _moved(marker: Marker, frame: int) -> Marker:
    return _placed(marker, Range(frame, frame + len(marker.place.frames)))


def _long(marker: Marker, length: int) -> Marker:
    return _placed(marker, Range(marker.place.frames.start, marker.place.frames.start + length))


def _placed(marker: Marker, frames: Range) -> Marker:
    place = marker.place
    if isinstance(place, OnTimeline):
        return replace(marker, place=replace(place, frames=frames))
    return replace(marker, place=replace(place, frames=frames))


def _rated(canvas: Canvas, number: float) -> Canvas:
    """Return a canvas at a rate as it is spoken of: 29.97 is 30000/1001."""
    for rate, spoken in _RATES.items():
        if abs(number - spoken) < 0.005:
            return replace(canvas, rate=rate)
    return replace(canvas, rate=Fraction(number).limit_denominator(1000))
