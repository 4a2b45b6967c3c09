"""Small projects for tests: sources without files, and strategies for edits, allowed or not."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import strategies as st

from engine.model import edits as e
from engine.model.captions import Caption
from engine.model.geometry import AS_IT_IS, Crop, Fit, Geometry
from engine.model.keyframes import Bezier, Curve, Ease, Keyframe
from engine.model.layers import Blend, CaptionMode, LayerKind, LayerSettings
from engine.model.markers import Marker, MarkerKind
from engine.model.overlay import Film, Flat, Overlay, Shape, ShapeForm, Still, Title
from engine.model.patch import Follow, Motion, Patch, ReviewState, Take
from engine.model.place import AtSource, AtTimeline, OnSource, OnTimeline, Ripple
from engine.model.project import Canvas, Project
from engine.model.region import Box, Ellipse, Lasso, Polygon
from engine.model.sound import AtTime, AudioItem, Ducking, Mix, SoundRole, TrackSettings
from engine.model.source import EvenTimes, ListedTimes, PictureFacts, SoundFacts, Source
from engine.model.storyline import Clip, Conformed, Gap, Native
from engine.model.subject import DrawnMatte, FilmMatte, StillMattes, Subject
from engine.model.time import Range
from engine.model.tool import Blur, Fill, Picture, Pixelate, Rgb

RATE = Fraction(30)


def source(id="s", frames=60, rate=RATE, width=64, height=36, sound=True, start=0):
    """Return a source of constant rate."""
    times = EvenTimes(1 / (rate * 100), start, 100, frames)
    picture = PictureFacts(width, height, rate, times)
    facts = (SoundFacts(1, "aac", 2, 48000, Fraction(0), frames / rate),) if sound else ()
    return Source(id, f"{id}.mp4", picture, facts, frames / rate)


def uneven_source(id="v", steps=(3, 2, 4, 3, 3, 5, 1, 3), start=0):
    """Return a source of variable rate; steps: each frame's duration in 1/90 s."""
    ticks = np.cumsum([start, *steps]).astype(np.int64)
    rate = Fraction(len(steps) * 90, sum(steps))
    return Source(id, f"{id}.mp4", PictureFacts(64, 36, rate, ListedTimes.of(ticks, Fraction(1, 90))))


def one_source_project(frames=60, **facts):
    """Return an untouched project of one source "s"."""
    return Project.of_source("p", source(frames=frames, **facts))


def patch(id="patch", frames=(10, 20), source_id="s", tool=None, **fields):
    """Return a patch over source frames, anchored on its first."""
    whole = Range(*frames)
    made = Patch.with_tool(id, source_id, Box(0.25, 0.25, 0.75, 0.75), whole, whole.start, tool or Blur(4.0))
    return made if not fields else __import__("dataclasses").replace(made, **fields)


# --- strategies ------------------------------------------------------------------------------------------------------

ids = st.sampled_from([f"id{n}" for n in range(60)])
shares = st.floats(0, 1).map(lambda x: round(x, 3))
names = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=8)


@st.composite
def ranges(draw, stop):
    """Return a non-empty range below `stop`, now and then one that reaches beyond."""
    end = stop + 3 if draw(st.integers(0, 9)) == 0 else stop
    first = draw(st.integers(0, max(0, end - 1)))
    return Range(first, draw(st.integers(first + 1, max(first + 1, end))))


@st.composite
def regions(draw):
    x, y = draw(shares) * 0.8, draw(shares) * 0.8
    w, h = 0.05 + draw(shares) * 0.15, 0.05 + draw(shares) * 0.15
    corners = ((x, y), (x + w, y), (x + w, y + h), (x, y + h))
    return draw(
        st.sampled_from([Box(x, y, x + w, y + h), Ellipse(x, y, x + w, y + h), Polygon(corners[:3]), Lasso(corners)])
    )


@st.composite
def curves(draw, low, high):
    ats = sorted(draw(st.sets(st.integers(-5, 40), min_size=1, max_size=3)))
    eases = st.sampled_from([*Ease, Bezier(0.42, 0, 0.58, 1)])
    return Curve(tuple(Keyframe(at, draw(st.floats(low, high)), draw(eases)) for at in ats))


def values(low, high):
    return st.one_of(st.floats(low, high), curves(low, high))


geometries = st.one_of(
    st.just(AS_IT_IS),
    st.builds(
        Geometry,
        st.sampled_from(Fit),
        st.one_of(st.none(), st.builds(Crop, values(0, 0.4), st.just(0.1), st.floats(0, 0.4), st.just(0.0))),
        values(0, 1),
        values(0, 1),
        values(0.5, 2),
        st.floats(-90, 90),
    ),
)

colours = st.builds(Rgb, *[st.integers(0, 255)] * 3)
tools = st.one_of(
    st.builds(Blur, st.floats(1, 9)),
    st.builds(Pixelate, st.integers(2, 9)),
    st.builds(Fill, colours),
    st.just(Picture("x")),
)
motions = st.builds(Motion, st.sampled_from(Follow))


@st.composite
def patches(draw, project):
    owner = draw(st.sampled_from(project.sources))
    frames = draw(ranges(max(1, owner.frame_count)))
    takes = tuple(Take(str(n), draw(tools)) for n in range(draw(st.integers(0, 2))))
    return Patch(
        draw(ids),
        owner.id,
        draw(regions()),
        frames,
        draw(st.integers(frames.start, frames.stop - 1)),
        feather_px=draw(st.floats(0, 9)),
        motion=draw(motions),
        takes=takes,
        pick=takes[-1].id if takes else None,
        visible=draw(st.booleans()),
        state=draw(st.sampled_from(ReviewState)),
    )


@st.composite
def places(draw, project):
    ripple = draw(st.sampled_from(Ripple))
    if draw(st.booleans()):
        return OnTimeline(draw(ranges(max(1, project.frame_count + 5))), ripple)
    owner = draw(st.sampled_from(project.sources))
    return OnSource(owner.id, draw(ranges(max(1, owner.frame_count))))


@st.composite
def time_places(draw, project):
    start = Fraction(draw(st.integers(0, 2500)), 1000)
    stop = start + Fraction(draw(st.integers(1, 1500)), 1000)
    if draw(st.booleans()):
        return AtTimeline(start, stop, draw(st.sampled_from(Ripple)))
    return AtSource(draw(st.sampled_from(project.sources)).id, start, stop)


@st.composite
def items(draw, project, kind):
    match kind:
        case LayerKind.PATCHES:
            return draw(patches(project))
        case LayerKind.CAPTIONS:
            return Caption(draw(ids), draw(time_places(project)), draw(st.sampled_from(["Hello", "Two\nlines"])))
        case LayerKind.SUBJECT:
            owner = draw(st.sampled_from(project.sources))
            frames = draw(ranges(max(1, owner.frame_count)))
            drawn = st.builds(DrawnMatte, regions(), st.just(frames.start), motions)
            mattes = st.one_of(drawn, st.just(StillMattes(("a", "b"))), st.just(FilmMatte(owner.id)))
            return Subject(draw(ids), owner.id, frames, draw(mattes), inverted=draw(st.booleans()))
        case _:
            film = st.builds(
                Film, st.sampled_from([s.id for s in project.sources]), st.fractions(0, 1, max_denominator=9)
            )
            shape = st.builds(Shape, st.sampled_from(ShapeForm))
            content = st.one_of(st.just(Still("x")), film, shape, st.just(Title("Hi")), st.builds(Flat, colours))
            return Overlay(draw(ids), draw(places(project)), draw(content), draw(geometries), draw(values(0, 1)))


@st.composite
def clips(draw, project):
    if draw(st.integers(0, 4)) == 0:
        return Gap(draw(ids), draw(st.integers(1, 20)))
    owner = draw(st.sampled_from(project.sources))
    if draw(st.booleans()):
        timing = Native(draw(ranges(max(1, owner.frame_count))))
    else:
        timing = Conformed(draw(st.fractions(0, 1, max_denominator=30)), draw(st.integers(1, 40)))
    return Clip(draw(ids), owner.id, timing, geometry=draw(geometries))


layer_settings = st.builds(
    LayerSettings,
    names,
    st.booleans(),
    st.sampled_from([False, False, False, True]),
    st.sampled_from([1.0, 0.5, 0.0]),
    st.sampled_from(Blend),
    st.sampled_from(CaptionMode),
)
track_settings = st.builds(
    TrackSettings,
    names,
    st.sampled_from(SoundRole),
    st.floats(-20, 20),
    st.booleans(),
    st.booleans(),
    st.sampled_from([False, False, True]),
    st.one_of(st.none(), st.just(Ducking())),
)


@st.composite
def storyline_edits(draw, project):
    """Return an edit of the storyline; it may be refused."""
    end = project.frame_count
    frame = draw(st.integers(0, end + 2))
    clip = st.sampled_from([item.id for item in project.storyline] or ["none"])
    by = st.integers(-12, 12)
    kind = draw(st.integers(0, 14))
    match kind:
        case 0 | 1:
            return e.InsertClip(draw(clips(project)), frame)
        case 2:
            return e.AppendClip(draw(clips(project)))
        case 3:
            return e.OverwriteClip(draw(clips(project)), frame)
        case 4 | 5:
            return e.SplitClip(frame, draw(ids))
        case 6:
            return e.TrimClip(draw(clip), draw(st.sampled_from(e.Edge)), draw(by))
        case 7:
            return e.RollCut(draw(clip), draw(by))
        case 8:
            return e.SlipClip(draw(clip), draw(by))
        case 9:
            return e.SlideClip(draw(clip), draw(by))
        case 10:
            return e.LiftRange(draw(ranges(max(1, end))), draw(ids))
        case 11:
            return e.ExtractRange(draw(ranges(max(1, end))))
        case 12:
            chosen = (draw(clip),)
            return draw(st.sampled_from([e.LiftClips(chosen), e.ExtractClips(chosen)]))
        case 13:
            return e.MoveClip(draw(clip), frame, draw(st.sampled_from(e.MoveMode)))
        case _:
            return e.ReorderClip(draw(clip), draw(st.integers(0, len(project.storyline))))


@st.composite
def layer_edits(draw, project):
    """Return an edit of layers and items; it may be refused."""
    layer = draw(st.sampled_from(project.layers)) if project.layers else None
    if layer is None or draw(st.integers(0, 9)) == 0:
        return e.AddLayer(draw(ids), draw(st.sampled_from(LayerKind)), draw(layer_settings), draw(st.integers(0, 3)))
    item = st.sampled_from([item.id for item in layer.items] or ["none"])
    version = st.sampled_from([v.id for v in layer.versions] or ["none"])
    match draw(st.integers(0, 12)):
        case 0 | 1 | 2 | 3:
            return e.AddItems(layer.id, (draw(items(project, layer.kind)),))
        case 4:
            return e.RemoveItems((draw(item),))
        case 5:
            target = draw(st.sampled_from(project.layers))
            return e.MoveItem(draw(item), target.id, draw(st.integers(0, 2)))
        case 6:
            return e.ChangeLayer(layer.id, draw(layer_settings))
        case 7:
            return e.MoveLayer(layer.id, draw(st.integers(0, len(project.layers))))
        case 8:
            return e.SaveVersion(layer.id, draw(ids), draw(names))
        case 9:
            return e.RestoreVersion(layer.id, draw(version), draw(ids))
        case 10:
            return e.RemoveLayer(layer.id)
        case 11:
            new = draw(items(project, layer.kind))
            return e.ReplaceItem(__import__("dataclasses").replace(new, id=draw(item)))
        case _:
            found = [p for p in project.patches]
            if not found:
                return e.AddPatch(draw(patches(project)))
            chosen = draw(st.sampled_from(found))
            return draw(
                st.sampled_from(
                    [
                        e.RemovePatch(chosen.id),
                        e.ReviewPatch(chosen.id, draw(st.sampled_from(ReviewState))),
                        e.AddTake(chosen.id, Take(draw(ids), draw(tools))),
                        e.PickTake(chosen.id, None),
                    ]
                )
            )


@st.composite
def other_edits(draw, project):
    """Return an edit of anything else; it may be refused."""
    clip = st.sampled_from([item.id for item in project.storyline] or ["none"])
    track = st.sampled_from([t.id for t in project.tracks] or ["none"])
    sound = st.sampled_from([i.id for t in project.tracks for i in t.items] or ["none"])
    match draw(st.integers(0, 12)):
        case 0:
            return e.AddMarkers(
                (Marker(draw(ids), draw(places(project)), draw(st.sampled_from(MarkerKind)), draw(names)),)
            )
        case 1:
            return e.RemoveMarkers((draw(st.sampled_from([m.id for m in project.markers] or ["none"])),))
        case 2:
            return e.SetInOut(draw(st.one_of(st.none(), ranges(max(1, project.frame_count)))))
        case 3:
            rate = draw(st.sampled_from([Fraction(24), Fraction(25), Fraction(30000, 1001), Fraction(60)]))
            return e.SetCanvas(Canvas(64, draw(st.sampled_from([36, 64])), rate))
        case 4:
            rate = draw(st.sampled_from([Fraction(24), Fraction(25), Fraction(30000, 1001)]))
            return e.AddSource(source(draw(ids), draw(st.integers(1, 50)), rate, draw(st.sampled_from([64, 48]))))
        case 5:
            return e.AddSource(
                uneven_source(draw(ids), tuple(draw(st.lists(st.integers(1, 9), min_size=2, max_size=9))))
            )
        case 6:
            return e.AddTrack(draw(ids), draw(track_settings))
        case 7:
            duration = Fraction(draw(st.integers(1, 2000)), 1000)
            position = AtTime(Fraction(draw(st.integers(0, 2000)), 1000), draw(st.sampled_from(Ripple)))
            owner = draw(st.sampled_from(project.sources)).id
            return e.AddSounds(draw(track), (AudioItem(draw(ids), owner, position, Fraction(0), duration),))
        case 8:
            return e.DetachSound(draw(clip), draw(track), draw(ids))
        case 9:
            return draw(st.sampled_from([e.AttachSound(draw(clip)), e.RemoveSound(draw(sound))]))
        case 10:
            return e.SetMix(Mix(keep_original=draw(st.booleans()), loudness_lufs=-23.0))
        case 11:
            old = draw(st.sampled_from(project.sources)).id
            return e.ReplaceSource(old, source(draw(ids), draw(st.integers(30, 80))))
        case _:
            return draw(
                st.sampled_from(
                    [
                        e.RemoveSource(draw(st.sampled_from(project.sources)).id),
                        e.RenameProject(draw(names)),
                        e.RemoveTrack(draw(track)),
                        e.ChangeTrack(draw(track), draw(track_settings)),
                    ]
                )
            )


@st.composite
def any_edits(draw, project):
    """Return any edit, now and then several in one step; it may be refused."""
    if not project.sources:
        return e.AddSource(source(draw(ids), draw(st.integers(1, 50))))
    kinds = [storyline_edits, storyline_edits, layer_edits, layer_edits, other_edits]
    one = st.sampled_from(kinds).flatmap(lambda kind: kind(project))
    if draw(st.integers(0, 9)) == 0:
        return e.Compound("both", (draw(one), draw(one)))
    return draw(one)


@st.composite
def edited_projects(draw, most=12, kinds=any_edits):
    """Return a project after some edits, refused ones left out."""
    from engine.errors import EditRefused

    project = one_source_project(draw(st.integers(1, 60)), start=draw(st.sampled_from([0, 7])))
    for _ in range(draw(st.integers(0, most))):
        try:
            project = draw(kinds(project)).apply(project)
        except EditRefused:
            continue
    return project
