"""Files that were damaged or made to do harm: read, or refused with one of our own errors, and never anything else."""

from __future__ import annotations

import random
import time
from pathlib import Path

from engine.errors import CaptionError, DeltacutError, EditRefused, ProjectError, StorageError
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
    """Mutate project, caption and edit files; a third each (projects take longest)."""
    rng = random.Random(seed)
    path = folder / f"mutated{seed}.dcut"
    with ProjectFile.create(path, first_value()) as file:
        memory = Memory()
        for number in range(40):
            perform(seed, number, memory, file)
    projects = path.read_bytes()
    edits = "[" + ",".join(e.edit_to_json(edit) for edit in _edits()) + "]"
    bad = 0
    trouble = ""
    for number in range(count):
        kind = number % 3
        started = time.monotonic()
        try:
            if kind == 0:
                _open_mutated(path, mutated(projects, rng), rng)
            elif kind == 1:
                _read_mutated(mutated(rng.choice([SRT, VTT]).encode(), rng))
            else:
                _apply_mutated(mutated(edits.encode(), rng))
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


_EXPECTED = ((ProjectError, StorageError), (CaptionError,), (EditRefused,))


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


def _apply_mutated(data: bytes) -> None:
    from engine.model.recipe import recipe_runs
    from tests.projects import one_source_project

    project = one_source_project(60)
    for edit in e.edits_from_json(data.decode("utf-8", "replace")):
        project = edit.apply(project)
    if project.frame_count < 100_000:
        recipe_runs(project)
