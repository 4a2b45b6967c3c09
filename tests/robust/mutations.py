"""Files that were damaged or made to do harm: read, or refused with one of our own errors, and never anything else."""

from __future__ import annotations

import copy
import json
import random
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

from engine.errors import (
    CaptionError,
    DeltacutError,
    EditRefused,
    InterchangeError,
    ProjectError,
    StorageError,
)
from engine.model import edits as e
from engine.model.caption_files import read_captions, write_captions
from engine.store.project_file import ProjectFile
from engine.store.recover import read_what_is_readable
from tests.robust.kills import Outcome
from tests.robust.workload import Memory, first_value, perform

SRT = "\n".join(
    f"{n}\n00:00:{n:02},000 --> 00:00:{n:02},900 X1:3\n<i>Line</i> {n} & more\nsecond\n" for n in range(1, 9)
)
VTT = "WEBVTT - t\n\nNOTE a\nb\n\n" + "\n".join(
    f"c{n}\n00:{n:02}.000 --> 00:{n:02}.500 align:start\n<v A>&lt;{n}\n" for n in range(1, 9)
)
SLOWEST_S = 5.0


def mutation_series(folder: Path, count: int, seed: int) -> Outcome:
    """Mutate project, caption, edit and timeline files; a quarter each (projects take longest)."""
    rng = random.Random(seed)
    path = folder / f"mutated{seed}.dcut"
    with ProjectFile.create(path, first_value()) as file:
        memory = Memory()
        for number in range(40):
            perform(seed, number, memory, file)
    projects = path.read_bytes()
    edits = "[" + ",".join(e.edit_to_json(edit) for edit in _edits()) + "]"
    timeline = _timeline()
    bad = 0
    trouble = ""
    for number in range(count):
        kind = number % 4
        started = time.monotonic()
        try:
            if kind == 0:
                _open_mutated(path, mutated(projects, rng), rng)
            elif kind == 1:
                _read_mutated(mutated(rng.choice([SRT, VTT]).encode(), rng))
            elif kind == 2:
                _apply_mutated(mutated(edits.encode(), rng))
            else:
                damage = mutated if rng.random() < 0.5 else with_other_values
                _exchange_mutated(folder / "mutated.otio", damage(timeline.encode(), rng))
        except DeltacutError as error:
            if not isinstance(error, _EXPECTED[kind]):
                bad += 1
                trouble = trouble or f"mutation {number}: {error!r}"
        except Exception as error:
            bad += 1
            trouble = trouble or f"mutation {number}: {error!r}"
        if time.monotonic() - started > SLOWEST_S:
            bad += 1
            trouble = trouble or f"mutation {number} took {time.monotonic() - started:.1f} s"
    path.unlink()
    return Outcome(count, bad, 0, trouble)


_EXPECTED = ((ProjectError, StorageError), (CaptionError,), (EditRefused,), (InterchangeError, EditRefused))


def _edits() -> list[e.Edit]:
    from engine.model.markers import Marker
    from engine.model.overlay import Overlay, Title
    from engine.model.place import OnTimeline
    from engine.model.storyline import Gap
    from engine.model.time import Range
    from tests.projects import patch, source, uneven_source

    return [
        e.AddPatch(patch("p")),
        e.AddSource(source("b", 25)),
        e.AddSource(uneven_source("v")),
        e.InsertClip(Gap("g", 5), 10),
        e.ExtractRange(Range(20, 30)),
        e.AddItems("overlays", (Overlay("o", OnTimeline(Range(3, 9)), Title("Hello")),)),
        e.AddMarkers((Marker("m", OnTimeline(Range(5, 6))),)),
        e.Compound("both", (e.SplitClip(3, "x"), e.SetInOut(Range(1, 9)))),
    ]


def _timeline() -> str:
    """Return a timeline file of a project that holds something of everything that such a file can."""
    from app.workflows.otio_file import CarriedPlace, CarriedTake, OtioFile, otio_text
    from engine.model.captions import Caption
    from engine.model.interchange_out import described
    from engine.model.place import AtTimeline
    from engine.model.sound import AtTime, AudioItem, TrackSettings
    from tests.projects import one_source_project

    project = one_source_project(60)
    for edit in _edits():
        project = edit.apply(project)
    further: list[e.Edit] = [
        e.AddItems("captions", (Caption("c", AtTimeline(Fraction(1, 2), Fraction(1)), "Hello"),)),
        e.AddTrack("t", TrackSettings("Music")),
        e.AddSounds("t", (AudioItem("a", "s", AtTime(Fraction(1, 4)), Fraction(0), Fraction(1)),)),
    ]
    for edit in further:
        project = edit.apply(project)
    urls = {source.id: f"file:///films/{source.id}.mp4" for source in project.sources}
    takes = {"t": CarriedTake("image/png", b"\x89PNG", {"name": "x"})}
    return otio_text(OtioFile(described(project, urls), takes, {"s": CarriedPlace("/s.mp4", 1, 2, "ab")}))


_EXTREME: list[Any] = [
    *(0, -1, 7, 2**31, 2**63 - 1, 2**64),
    *(0.0, -1.0, 0.3, 1e9, 1e15, 1e308, -1e308, 1e-320),
    *("", "x" * 999, "deltacut", "Clip.2", "Gap.1", "Transition.1", "Stack.1", "\ud800", "file://host/share/x.mp4"),
    *(None, True, [], {}),
]


def with_other_values(data: bytes, rng: random.Random) -> bytes:
    """Return a JSON text whose form is sound and some of whose values are not: extreme, of another kind, elsewhere."""
    text: Any = json.loads(data)
    places: list[tuple[Any, Any]] = []

    def walk(value: Any) -> None:
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            places.append((value, key))
            if isinstance(value[key], dict | list):
                walk(value[key])

    walk(text)
    for _ in range(rng.choice([1, 2, 5])):
        holder, key = rng.choice(places)
        other, name = rng.choice(places)
        kind = type(holder[key])
        # Of the same kind it comes past the library and meets our own checks.
        alike = [value for value in _EXTREME if type(value) is kind] or _EXTREME
        extreme = rng.choice(alike if rng.random() < 0.85 else _EXTREME)
        twin = copy.deepcopy(other[name])
        holder[key] = twin if type(twin) is kind and rng.random() < 0.5 else extreme
    return json.dumps(text).encode()


def mutated(data: bytes, rng: random.Random) -> bytes:
    """Return bytes with some damage: flipped, cut out, doubled, swapped, cut off."""
    result = bytearray(data)
    for _ in range(rng.choice([1, 1, 2, 5, 30])):
        at = rng.randrange(len(result)) if result else 0
        length = rng.choice([1, 4, 60, 4096])
        match rng.randrange(7):
            case 0 | 1 if result:
                result[at] = rng.randrange(256)
            case 2:
                result[at : at + length] = rng.randbytes(len(result[at : at + length]))
            case 3:
                result[at:at] = result[at : at + length]
            case 4:
                del result[at : at + length]
            case 5:
                other = rng.randrange(len(result) + 1)
                piece = bytes(result[at : at + length])
                result[other : other + len(piece)] = piece
            case _ if rng.random() < 0.2:
                del result[at:]
    return bytes(result)


def _open_mutated(path: Path, data: bytes, rng: random.Random) -> None:
    path.write_bytes(data)
    if rng.random() < 0.5:
        read_what_is_readable(path)
        if path.read_bytes() != data:
            raise AssertionError("recovering wrote to the damaged file")
        return
    with ProjectFile.open(path) as file:
        for id in file.take_ids:
            file.take(id)
        file.records("note")
        file.commit(e.RenameProject("still alive"))
        file.undo()


def _read_mutated(data: bytes) -> None:
    file = read_captions(data, "mutated")
    again = read_captions(write_captions(file).encode(), "again")
    if again.cues != file.cues:
        raise AssertionError("what was read is not what is written")


def _exchange_mutated(path: Path, data: bytes) -> None:
    from app.workflows.otio_file import read_otio
    from engine.model.ids import new_id
    from engine.model.interchange_in import rebuilt
    from engine.model.project import Project
    from tests.projects import one_source_project

    path.write_bytes(data)
    found = read_otio(path).timeline
    base = e.project_from_json(found.project) if found.project else Project("new", sources=one_source_project().sources)
    urls = {item.url: base.sources[0].id for track in found.tracks for item in track.items if base.sources}
    e.project_from_json(e.project_to_json(rebuilt(base, found, urls, new_id).project))


def _apply_mutated(data: bytes) -> None:
    from engine.model.recipe import recipe_runs
    from tests.projects import one_source_project

    project = one_source_project(60)
    for edit in e.edits_from_json(data.decode("utf-8", "replace")):
        project = edit.apply(project)
    if project.frame_count < 100_000:
        recipe_runs(project)
