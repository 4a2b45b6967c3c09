"""Pictures of the timeline for the views: made by threads of their own, kept, and made ahead of the playhead.

A picture is exactly that of its frame, or there is none yet. Nothing here blocks the main thread, and nothing that a
film does to its decoder leaves these threads as anything but a message.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QImage

from app.session.decoded import DecodedFrames
from app.session.document import Document
from app.session.picture_queue import Build, Queue, Reading, Task, Work, Worker
from app.session.scene import Scene, depends_on_following
from app.session.shown_pictures import Key, Look, Pictures, Show, Shown, Urgency, Want
from app.session.transport import Transport
from app.workflows.follow import pictures_in
from engine.errors import DeltacutError, EditRefused
from engine.media.pixels import Care
from engine.model.edits import Edit
from engine.model.project import Project
from engine.model.recipe import Recipe
from engine.render.moving import Late, Moving

CACHE_BYTES = 84 << 20
"""Of pictures that are kept: 40 at the size of a usual window."""
_MORE_FOR_LARGE = 1.5
_FEWEST = 18
"""Pictures that are kept even of large ones, as far as half as much memory more goes: enough for a dozen steps."""
SHELF_BYTES = 160 << 20
"""Of source frames while a patch is followed: 50 of 1080p, so that what goes backwards seldom decodes a frame twice."""
THREADS = 3
_AHEAD_PLAYING = 12
_AHEAD_STANDING = 60
_BEHIND_STANDING = 6
_MOST_KEYS = 4000
_PATIENCE_MS = 300
"""A tried value gives way to the next one then, whether or not its picture is there."""
_PAINTING_MS = 8
"""After a view asked, and after a picture that was waited for, nothing is made so long that can wait: it is painted
first."""
_LARGEST_SHARE = 0.85
"""Of the cache may be made ahead: what was just seen is not to be pushed out by what may never be."""


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
        self._cache_bytes = cache_bytes
        self._kept = Pictures(cache_bytes)
        self._queue = Queue(self._scene_made.emit, self._made.emit, self.worked.emit)
        self._workers = [Worker(self._queue) for _ in range(threads)]
        self._reading: Reading | None = None
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
        transport.set_pictures(self.is_ready)

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

    def is_ready(self, frame: int) -> bool:
        """Tell whether nothing that views will want of a frame is still to be made."""
        keys = [self._key(Want(frame, look)) for looks in self._ahead.values() for look in looks]
        return all(key is None or key in self._kept or key in self._failures for key in keys)

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
        # What is there already is painted in this event or the next: nobody takes the processor from that.
        self._queue.hold()
        self._painted.start()
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
            self._queue.set_work(view, Work(view, work, scene, reading))

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
            self._queue.set_project(Build(project, self._reading, self._transport.frame))

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
        self._reading = Reading(films, frames, picture, moving)
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
            self._queue.set_project(Build(self._document.project, self._reading))

    @Slot(object, object, object)
    def _on_scene(self, build: Build, scene: Scene | None, error: DeltacutError | None) -> None:
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
        tasks: dict[Key, Task] = {}
        for wants in reversed(self._asked.values()):
            for want in wants:
                self._add(tasks, want, care, Urgency.WAITED_FOR, scene, reading)
        looks = tuple(dict.fromkeys(look for looks in self._ahead.values() for look in looks))
        urgency = Urgency.SPARE_TIME if standing else Urgency.DUE_SOON
        if looks and self._tried is None:
            each = max(1, sum(4 * look.size[0] * look.size[1] for look in looks))
            most = min(self._cache_bytes * _MORE_FOR_LARGE, _FEWEST * each)
            self._kept.most_bytes = max(self._cache_bytes, int(most))
            room = int(self._kept.most_bytes * _LARGEST_SHARE // each)
            for frame in self._frames_ahead(room):
                for look in looks:
                    self._add(tasks, Want(frame, look), Care.QUICK, urgency, scene, reading)
        self._queue.set_tasks(tasks)

    def _add(
        self,
        tasks: dict[Key, Task],
        want: Want,
        care: Care,
        urgency: Urgency,
        scene: Scene,
        reading: Reading,
    ) -> None:
        key = self._key(want)
        if key is None or key in tasks or key in self._failures:
            return
        found = self._kept.find(key)
        if found is None:
            # What is waited for shows as soon as it can; the careful picture takes its place a moment later.
            tasks[key] = Task(key, want, Care.QUICK, urgency, scene, reading)
        elif care is Care.CAREFUL and found.care is Care.QUICK:
            tasks[key] = Task(key, want, Care.CAREFUL, Urgency.DUE_SOON, scene, reading)

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
    def _on_made(self, task: Task, pixels: NDArray[np.uint8] | None, error: str | None) -> None:
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
