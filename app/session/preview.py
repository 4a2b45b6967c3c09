"""Pictures of the timeline for the views: made by threads of their own, kept, and made ahead of the playhead.

A picture is exactly that of its frame, or there is none yet. Nothing here blocks the main thread, and nothing that a
film does to its decoder leaves these threads as anything but a message.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum

import cv2
import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Qt, QThread, QTimer, Signal, Slot
from PySide6.QtGui import QImage

from app.session.decoded import DecodedFrames
from app.session.document import Document
from app.session.jobs import STACK_BYTES
from app.session.picture_memory import PictureMemory
from app.session.scene import Scene, depends_on_following, new_scene
from app.session.transport import Transport
from app.workflows.follow import pictures_in
from engine.errors import Cancelled, DeltacutError, EditRefused
from engine.media.pixels import Care, Frame, to_screen
from engine.model.edits import Edit
from engine.model.picture import Picture
from engine.model.project import Project
from engine.model.recipe import Recipe
from engine.render.comparison_pictures import heat_map
from engine.render.film import Film
from engine.render.moving import Late, Moving

_LOG = logging.getLogger(__name__)
CACHE_BYTES = 88 << 20
"""Of pictures that are kept: 11 of 1080p at full size, 40 at the size of a usual window."""
SHELF_BYTES = 160 << 20
"""Of source frames while a patch is followed: 50 of 1080p, so that what goes backwards seldom decodes a frame twice."""
THREADS = 3
_AHEAD_PLAYING = 10
_AHEAD_STANDING = 60
_BEHIND_STANDING = 6
_MOST_KEYS = 4000
_PATIENCE_MS = 300
"""A tried value gives way to the next one then, whether or not its picture is there."""
_PAINTING_MS = 8
"""After a picture that was waited for nothing is made so long that can wait: it is painted first."""
_HEATING = threading.Lock()
_LARGEST_SHARE = 0.85
"""Of the cache may be made ahead: what was just seen is not to be pushed out by what may never be."""


class Show(Enum):
    """What a picture shows of a frame."""

    AFTER = "after"
    BEFORE = "before"
    HEAT = "heat"


@dataclass(frozen=True, slots=True)
class Look:
    """How a view sees frames.

    Attributes:
        show: what. size: width and height in pixels as displayed. gain: the amplification of a heat map, else 1.
    """

    show: Show
    size: tuple[int, int]
    gain: int = 1


@dataclass(frozen=True, slots=True)
class Want:
    """A timeline frame that a view wants to see."""

    frame: int
    look: Look


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """A picture that is there.

    Attributes:
        want: what it is. image: 32 bits a pixel; `pixels` holds its memory. care: how exactly it was converted.
    """

    want: Want
    image: QImage
    pixels: NDArray[np.uint8]
    care: Care


class Urgency(Enum):
    """Why a picture is made."""

    WAITED_FOR = "waited for"
    DUE_SOON = "due soon"
    """While it plays; or a careful one in place of a quick one."""
    SPARE_TIME = "spare time"


class Key:
    """What a picture depends on; its hash is worked out once, since it is looked up again and again."""

    __slots__ = ("_hash", "_parts")

    def __init__(self, recipe: Recipe, look: Look, followings: int) -> None:
        self._parts = (recipe, look, followings)
        self._hash = hash(self._parts)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return isinstance(other, Key) and self._hash == other._hash and self._parts == other._parts


class Preview(QObject):
    """Makes the pictures that views ask for, the latest asked for first.

    Signals:
        scene_changed: other pictures are to be asked for; those of unchanged frames are still there.
        trial_changed: the same, of a change that is tried out and not made.
        arrived(Shown): a picture. failed(Want, str): why there is none.
        worked(str, object): what a view had worked out.
    """

    scene_changed = Signal()
    trial_changed = Signal()
    arrived = Signal(object)
    failed = Signal(object, str)
    worked = Signal(str, object)
    _scene_made = Signal(object, object, object)
    _made = Signal(object, object, object)

    def __init__(
        self,
        document: Document,
        transport: Transport,
        parent: QObject | None = None,
        *,
        cache_bytes: int = CACHE_BYTES,
        threads: int = THREADS,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._transport = transport
        self._kept = _Pictures(cache_bytes)
        self._queue = _Queue(self)
        self._workers = [_Worker(self._queue) for _ in range(threads)]
        self._reading: _Reading | None = None
        self._scene: Scene | None = None
        self._asked: OrderedDict[str, tuple[Want, ...]] = OrderedDict()
        self._ahead: dict[str, tuple[Look, ...]] = {}
        self._keys: dict[Want, Key] = {}
        self._failures: dict[Key, str] = {}
        self._followings = 0
        self._why_not = ""
        self._tried: Project | None = None
        self._next_try: Project | None = None
        self._patience = QTimer(self)
        self._patience.setSingleShot(True)
        self._patience.setInterval(_PATIENCE_MS)
        self._patience.timeout.connect(self._try_next)
        self._painted = QTimer(self)
        self._painted.setSingleShot(True)
        self._painted.setInterval(_PAINTING_MS)
        self._painted.timeout.connect(self._queue.go_on)
        queued = Qt.ConnectionType.QueuedConnection
        self._scene_made.connect(self._on_scene, queued)
        self._made.connect(self._on_made, queued)
        document.opened.connect(self._reopen)
        document.films_changed.connect(self._reopen)
        document.closed.connect(self._close)
        document.changed.connect(self._changed)
        transport.playing_changed.connect(self._plan)
        transport.loop_changed.connect(self._plan)

    # --- what views do ----------------------------------------------------------------------------------------------

    @property
    def scene(self) -> Scene | None:
        """Return the project as it is drawn now, None where there is nothing to draw."""
        return self._scene

    @property
    def why_not(self) -> str:
        """Return why there is nothing to draw, empty where there is or nothing is open."""
        return self._why_not

    @property
    def moving(self) -> Moving | None:
        """Return what follows patches in the open project."""
        return None if self._reading is None else self._reading.moving

    def find(self, want: Want) -> Shown | None:
        """Return a picture that is there."""
        key = self._key(want)
        if key is None:
            return None
        found = self._kept.find(key)
        if found is None:
            return None
        # The same picture may stand on many frames.
        return found if found.want == want else replace(found, want=want)

    def failure(self, want: Want) -> str:
        """Return why a picture could not be made, empty where that is not known."""
        key = self._key(want)
        return "" if key is None else self._failures.get(key, "")

    def ask(self, view: str, wants: Sequence[Want], ahead: Sequence[Look] = ()) -> None:
        """Have pictures made for a view, instead of those that it asked for before.

        Args:
            view: its name.
            wants: the first is wanted most.
            ahead: how it will want to see the frames that come after.
        """
        self._asked.pop(view, None)
        self._ahead.pop(view, None)
        if wants:
            self._asked[view] = tuple(wants)
            self._ahead[view] = tuple(ahead)
        self._plan()

    @property
    def is_idle(self) -> bool:
        """Whether everything that was asked for, and what is made ahead, has been made."""
        return self._queue.is_idle

    @Slot()
    def try_again(self) -> None:
        """Make once more what could not be made."""
        self._failures.clear()
        if self._scene is None:
            self._rebuild()
        else:
            self.scene_changed.emit()
            self._plan()

    def forget_pictures(self) -> None:
        """Make all pictures anew when they are asked for."""
        self._kept.clear()

    def work_out(self, view: str, work: Callable[[Scene], object]) -> None:
        """Have something worked out in the background, instead of what the view asked for before; see `worked`.

        Work must not touch a QObject. An error of ours is its result.
        """
        scene, reading = self._scene, self._reading
        if scene is not None and reading is not None:
            self._queue.set_work(view, _Work(view, work, scene, reading))

    def try_out(self, edit: Edit | None) -> None:
        """Show what an edit would do until the project changes, or until None is given; nothing is changed.

        Of edits that come faster than their pictures the newest is shown. One that the project refuses is not, nor
        one whose patches would have to be followed first.
        """
        if edit is None:
            self._forget_tries()
            if self._scene is not None and self._scene.project is not self._document.project:
                self._rebuild()
            return
        try:
            project = edit.apply(self._document.project)
        except EditRefused:
            return
        self._next_try = project
        if not self._patience.isActive():
            self._try_next()

    @Slot()
    def _try_next(self) -> None:
        project, self._next_try = self._next_try, None
        self._patience.stop()
        if project is not None and self._reading is not None:
            self._tried = project
            self._patience.start()
            self._queue.set_project(_Build(project, self._reading, self._transport.frame))

    def _forget_tries(self) -> None:
        self._tried = self._next_try = None
        self._patience.stop()

    def forget_followed(self) -> None:
        """Make pictures anew that depend on patches having been followed."""
        self._followings += 1
        self._failures.clear()
        self._keys.clear()
        self.scene_changed.emit()
        self._plan()

    def shut_down(self) -> None:
        """End the threads and close the films."""
        self._close()
        self._queue.end()
        for worker in self._workers:
            worker.wait()

    # --- the project ------------------------------------------------------------------------------------------------

    @Slot()
    def _reopen(self) -> None:
        """Read from the films that are at hand now."""
        if not self._document.is_open:
            return
        document, reading = self._document, self._reading
        if reading is not None and reading.films == dict(document.films):
            return
        self._let_go()
        file, cache, films = document.file, document.cache, dict(document.films)
        times = {source.id: source.picture.times for source in document.project.sources if source.picture is not None}
        frames = DecodedFrames(films, {source_id: times[source_id] for source_id in films})
        picture = pictures_in(file)
        identities = {source_id: film.identity for source_id, film in films.items()}
        moving = Moving(frames, picture, cache, identities, Late.LEAVE_OUT, SHELF_BYTES)
        self._reading = _Reading(films, frames, picture, moving)
        for worker in self._workers:
            if not worker.isRunning():
                worker.start()
        self._rebuild()

    @Slot()
    def _close(self) -> None:
        self._let_go()
        self._kept.clear()
        self._queue.memory.clear()
        self._asked.clear()
        self._ahead.clear()
        self._why_not = ""
        self.scene_changed.emit()

    def _let_go(self) -> None:
        self._forget_tries()
        reading, self._reading, self._scene = self._reading, None, None
        self._failures.clear()
        self._keys.clear()
        self._queue.clear()
        if reading is not None:
            reading.retire()

    @Slot()
    def _changed(self) -> None:
        self._forget_tries()
        self._rebuild()

    def _rebuild(self) -> None:
        if self._reading is not None:
            self._queue.set_project(_Build(self._document.project, self._reading))

    @Slot(object, object, object)
    def _on_scene(self, build: _Build, scene: Scene | None, error: DeltacutError | None) -> None:
        if build.reading is not self._reading or build.project is not (self._tried or self._document.project):
            return
        if build.tried_at is not None:
            self._show_trial(scene)
            return
        self._scene = scene
        self._why_not = "" if error is None else str(error)
        self._failures.clear()
        self._keys.clear()
        self.scene_changed.emit()
        self._plan()

    def _show_trial(self, scene: Scene | None) -> None:
        if scene is None:
            self._try_next()
            return
        self._scene = scene
        self._failures.clear()
        self._keys.clear()
        self.trial_changed.emit()
        self._plan()

    # --- pictures ---------------------------------------------------------------------------------------------------

    def _key(self, want: Want) -> Key | None:
        if self._scene is None:
            return None
        known = self._keys.get(want)
        if known is not None:
            return known
        recipe = self._scene.recipe(want.frame)
        if recipe is None:
            return None
        if want.look.show is Show.BEFORE:
            recipe = Recipe(recipe.base, recipe.placement)
        if len(self._keys) >= _MOST_KEYS:
            self._keys.clear()
        followings = self._followings if recipe.ops and depends_on_following(recipe) else 0
        made = self._keys[want] = Key(recipe, want.look, followings)
        return made

    @Slot()
    def _plan(self) -> None:
        """Say to the threads what is to be made, in order."""
        scene, reading = self._scene, self._reading
        if scene is None or reading is None:
            return
        standing = not self._transport.is_playing
        care = Care.CAREFUL if standing else Care.QUICK
        tasks: dict[Key, _Task] = {}
        for wants in reversed(self._asked.values()):
            for want in wants:
                self._add(tasks, want, care, Urgency.WAITED_FOR, scene, reading)
        looks = tuple(dict.fromkeys(look for looks in self._ahead.values() for look in looks))
        urgency = Urgency.SPARE_TIME if standing else Urgency.DUE_SOON
        if looks and self._tried is None:
            share = self._kept.most_bytes * _LARGEST_SHARE
            room = int(share // max(1, sum(4 * look.size[0] * look.size[1] for look in looks)))
            for frame in self._frames_ahead(room):
                for look in looks:
                    self._add(tasks, Want(frame, look), Care.QUICK, urgency, scene, reading)
        self._queue.set_tasks(tasks)

    def _add(
        self,
        tasks: dict[Key, _Task],
        want: Want,
        care: Care,
        urgency: Urgency,
        scene: Scene,
        reading: _Reading,
    ) -> None:
        key = self._key(want)
        if key is None or key in tasks or key in self._failures:
            return
        found = self._kept.find(key)
        if found is None:
            # What is waited for shows as soon as it can; the careful picture takes its place a moment later.
            tasks[key] = _Task(key, want, Care.QUICK, urgency, scene, reading)
        elif care is Care.CAREFUL and found.care is Care.QUICK:
            tasks[key] = _Task(key, want, Care.CAREFUL, Urgency.DUE_SOON, scene, reading)

    def _frames_ahead(self, room: int) -> list[int]:
        """Return the frames that will be wanted soon, the most likely first."""
        transport = self._transport
        played, at = transport.playing_range, transport.frame
        if transport.is_playing:
            way = 1 if transport.speed > 0 else -1
            ahead = [at + way * k for k in range(1, min(_AHEAD_PLAYING, room) + 1)]
        else:
            # Where there is little room it is for what lies ahead.
            behind = min(_BEHIND_STANDING, max(1, room // 5))
            ahead = [at + 1, at - 1, *(at + k for k in range(2, min(_AHEAD_STANDING, room - behind) + 1))]
            ahead += [at - k for k in range(2, behind + 1)]
        if transport.loops and played:
            return [played.start + (frame - played.start) % len(played) for frame in ahead]
        return [frame for frame in ahead if 0 <= frame <= transport.last_frame]

    @Slot(object, object, object)
    def _on_made(self, task: _Task, pixels: NDArray[np.uint8] | None, error: str | None) -> None:
        self._painted.start()
        if task.reading is not self._reading:
            return
        if pixels is not None:
            height, width = pixels.shape[:2]
            # Wrapped here, not in the thread: Qt's Python objects are made and found without a lock of their own.
            image = QImage(pixels.data, width, height, 4 * width, QImage.Format.Format_RGB32)
            shown = Shown(task.want, image, pixels, task.care)
            self._kept.put(task.key, shown)
            self.arrived.emit(shown)
            if task.urgency is Urgency.WAITED_FOR:
                self._plan()
                if self._tried is not None and task.scene.project is self._tried:
                    self._try_next()
        elif error is not None:
            self._failures[task.key] = error
            self.failed.emit(task.want, error)


class _Reading:
    """The films of an open project; closed once it is retired and no thread reads any more."""

    def __init__(
        self, films: dict[str, Film], frames: DecodedFrames, pictures: Callable[[str], Picture], moving: Moving
    ) -> None:
        self.films = films
        self.frames = frames
        self.pictures = pictures
        self.moving = moving
        self._users = 0
        self._retired = False
        self._lock = threading.Lock()

    @property
    def is_retired(self) -> bool:
        return self._retired

    def retire(self) -> None:
        self.moving.stop()
        with self._lock:
            self._retired = True
            closes = self._users == 0
        if closes:
            self.frames.close()

    def __enter__(self) -> None:
        with self._lock:
            self._users += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._users -= 1
            closes = self._retired and self._users == 0
        if closes:
            self.frames.close()


@dataclass(frozen=True, slots=True, eq=False)
class _Build:
    """A value of the project that is to be drawn."""

    project: Project
    reading: _Reading
    tried_at: int | None = None
    """The frame on which it is tried out; None of the project as it is."""


@dataclass(frozen=True, slots=True, eq=False)
class _Task:
    """A picture to be made."""

    key: Key
    want: Want
    care: Care
    urgency: Urgency
    scene: Scene
    reading: _Reading


@dataclass(frozen=True, slots=True, eq=False)
class _Work:
    """Something that a view wants to know."""

    view: str
    work: Callable[[Scene], object]
    scene: Scene
    reading: _Reading


class _Queue:
    """What the threads have to do; replaced as a whole by whoever asks, so that the newest wish wins."""

    def __init__(self, preview: Preview) -> None:
        self._preview = preview
        self.memory = PictureMemory()
        self._changed = threading.Condition()
        self._build: _Build | None = None
        self._tasks: dict[Key, _Task] = {}
        self._work: OrderedDict[str, _Work] = OrderedDict()
        self._busy: set[Key] = set()
        self._at_work: set[str] = set()
        self._holds = False
        self._ended = False

    def set_project(self, build: _Build) -> None:
        with self._changed:
            self._build = build
            self._changed.notify_all()

    def set_tasks(self, tasks: dict[Key, _Task]) -> None:
        with self._changed:
            self._tasks = tasks
            self._changed.notify_all()

    def go_on(self) -> None:
        """Make again what nobody waits for."""
        with self._changed:
            self._holds = False
            self._changed.notify_all()

    def set_work(self, view: str, work: _Work) -> None:
        with self._changed:
            self._work[view] = work
            self._changed.notify_all()

    def clear(self) -> None:
        with self._changed:
            self._build = None
            self._tasks = {}
            self._work.clear()

    def end(self) -> None:
        with self._changed:
            self._ended = True
            self._tasks = {}
            self._changed.notify_all()

    @property
    def is_idle(self) -> bool:
        """Whether everything that was asked for has been made."""
        with self._changed:
            return self._build is None and not self._tasks and not self._work and not self._busy and not self._at_work

    def is_wanted(self, key: Key) -> bool:
        return key in self._tasks

    def next(self) -> _Build | _Task | _Work | None:
        """Wait for something to do; None at the end."""
        with self._changed:
            while not self._ended:
                if self._build is not None:
                    build, self._build = self._build, None
                    return build
                task = self._next_task()
                view = next((view for view in self._work if view not in self._at_work), None)
                # At most one thread works for views while there are pictures to be made.
                if view is not None and (task is None or not self._at_work):
                    self._at_work.add(view)
                    return self._work.pop(view)
                if task is not None:
                    self._busy.add(task.key)
                    return task
                self._changed.wait()
            return None

    def _next_task(self) -> _Task | None:
        task = next((task for key, task in self._tasks.items() if key not in self._busy), None)
        if task is not None and self._holds and (task.urgency is Urgency.SPARE_TIME or task.care is Care.CAREFUL):
            return None
        if task is None or task.urgency is not Urgency.SPARE_TIME:
            return task
        # What may never be wanted does not take the processor from what is waited for.
        waited_for = any(key in self._tasks and self._tasks[key].urgency is Urgency.WAITED_FOR for key in self._busy)
        return None if waited_for else task

    def run(self, item: _Build | _Task | _Work) -> None:
        preview = self._preview
        match item:
            case _Build():
                with item.reading:
                    scene, error = _built(item)
                preview._scene_made.emit(item, scene, error)
            case _Task():
                with item.reading:
                    pixels, message = _pictured(item, self)
                with self._changed:
                    self._busy.discard(item.key)
                    self._holds = self._holds or (pixels is not None and item.urgency is Urgency.WAITED_FOR)
                    wanted = self._tasks.get(item.key)
                    is_better = wanted is not None and wanted.care is Care.CAREFUL and item.care is Care.QUICK
                    if (pixels is not None or message is not None) and not is_better:
                        # It is on its way to the cache, which the main thread keeps.
                        self._tasks.pop(item.key, None)
                    self._changed.notify_all()
                preview._made.emit(item, pixels, message)
            case _Work():
                with item.reading:
                    result = _worked(item)
                with self._changed:
                    self._at_work.discard(item.view)
                    self._changed.notify_all()
                if not item.reading.is_retired:
                    preview.worked.emit(item.view, result)


class _Worker(QThread):
    """One of the threads."""

    def __init__(self, queue: _Queue) -> None:
        super().__init__()
        self._queue = queue
        self.setStackSize(STACK_BYTES)

    def run(self) -> None:
        while (item := self._queue.next()) is not None:
            self._queue.run(item)


def _built(build: _Build) -> tuple[Scene | None, DeltacutError | None]:
    reading = build.reading
    try:
        scene = new_scene(build.project, reading.films, reading.frames, reading.pictures, reading.moving)
        if build.tried_at is not None and reading.moving.missing(
            [run for run in scene.runs if build.tried_at in run.timeline_range]
        ):
            return None, None
        return scene, None
    except DeltacutError as error:
        return None, error
    except Exception as error:  # the thread's edge
        _LOG.exception("the project cannot be drawn")
        return None, DeltacutError(f"this project cannot be shown ({type(error).__name__}: {error})")


def _pictured(task: _Task, queue: _Queue) -> tuple[NDArray[np.uint8] | None, str | None]:
    frames = task.reading.frames
    frames.wanted_while(lambda: queue.is_wanted(task.key))
    try:
        pixels = _pixels(task, queue.memory)
    except Cancelled:
        return None, None
    except DeltacutError as error:
        return None, str(error)
    except Exception as error:  # the thread's edge: FFmpeg's and OpenCV's errors have no common root
        if task.reading.is_retired:
            return None, None
        _LOG.exception("frame %d cannot be shown", task.want.frame)
        return None, f"frame {task.want.frame} cannot be shown ({type(error).__name__}: {error})"
    return pixels, None


def _pixels(task: _Task, memory: PictureMemory) -> NDArray[np.uint8]:
    scene, want = task.scene, task.want
    look, rotation = want.look, scene.video.rotation
    match look.show:
        case Show.AFTER:
            frame = scene.after.compose(want.frame)
        case Show.BEFORE:
            frame = scene.before.compose(want.frame)
        case Show.HEAT:
            # One at a time: it takes fifty megabytes of whole pictures in between.
            with _HEATING:
                heat = heat_map(scene.before.compose(want.frame), scene.after.compose(want.frame), rotation, look.gain)
                small = cv2.resize(heat, look.size, interpolation=cv2.INTER_AREA)
            result = memory.new(*small.shape[:2])
            cv2.cvtColor(small, cv2.COLOR_RGB2BGRA, dst=result)
            return result
    return to_screen(frame, _decoded_size(look.size, frame, rotation), rotation, task.care, memory.new)


def _decoded_size(size: tuple[int, int], frame: Frame, rotation: int) -> tuple[int, int]:
    width, height = size if rotation % 180 == 0 else size[::-1]
    return min(width, frame.width), min(height, frame.height)


def _worked(item: _Work) -> object:
    try:
        item.reading.frames.wanted_while(lambda: not item.reading.is_retired)
        return item.work(item.scene)
    except DeltacutError as error:
        return error
    except Exception as error:  # the thread's edge
        if not item.reading.is_retired:
            _LOG.exception("work for %s failed", item.view)
        return DeltacutError(f"this could not be worked out ({type(error).__name__}: {error})")


class _Pictures:
    """Pictures by key up to a number of bytes, the least recently used go first; for the main thread alone."""

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self._pictures: OrderedDict[Key, Shown] = OrderedDict()
        self._bytes = 0

    def find(self, key: Key) -> Shown | None:
        shown = self._pictures.get(key)
        if shown is not None:
            self._pictures.move_to_end(key)
        return shown

    def put(self, key: Key, shown: Shown) -> None:
        old = self._pictures.pop(key, None)
        if old is not None:
            self._bytes -= old.pixels.nbytes
        self._pictures[key] = shown
        self._bytes += shown.pixels.nbytes
        while self._bytes > self.most_bytes and len(self._pictures) > 1:
            _, gone = self._pictures.popitem(last=False)
            self._bytes -= gone.pixels.nbytes

    def clear(self) -> None:
        self._pictures.clear()
        self._bytes = 0
