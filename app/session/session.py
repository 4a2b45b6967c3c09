"""Everything that the interface listens to, built once."""

from __future__ import annotations

from dataclasses import dataclass

from app.session.asking import MainThread
from app.session.collector import MainThreadCollector
from app.session.document import Document
from app.session.features import Features
from app.session.following import Following
from app.session.freed_memory import FreedMemory
from app.session.generating import Generating
from app.session.importing import Importing
from app.session.jobs import Jobs
from app.session.last_place import LastPlace
from app.session.live_plan import LivePlan
from app.session.patching import Patching
from app.session.playback import Playback
from app.session.preview import Preview
from app.session.selection import Selection
from app.session.service_orders import ServiceOrders
from app.session.settings import Settings
from app.session.sound_only import SoundOnly
from app.session.sound_output import Device, PortAudio, SoundOutput
from app.session.take_pictures import TakePictures
from app.session.thumbnails import Thumbnails
from app.session.transport import Transport
from app.session.waveforms import Waveforms


@dataclass(frozen=True, slots=True)
class Session:
    """The open project and what surrounds it."""

    settings: Settings
    jobs: Jobs
    document: Document
    selection: Selection
    transport: Transport
    live_plan: LivePlan
    thumbnails: Thumbnails
    waveforms: Waveforms
    importing: Importing
    features: Features
    preview: Preview
    playback: Playback
    following: Following
    patching: Patching
    take_pictures: TakePictures
    generating: Generating
    service_orders: ServiceOrders
    asking: MainThread
    collector: MainThreadCollector
    freed_memory: FreedMemory

    def shut_down(self) -> None:
        """Stop all work and close the project."""
        self.transport.pause()
        self.asking.close()
        self.playback.shut_down()
        self.jobs.shut_down()
        self.preview.shut_down()
        self.thumbnails.shut_down()
        self.document.shut_down()
        self.freed_memory.shut_down()
        self.collector.stop()


def new_session(settings: Settings, sound: Device | None = None) -> Session:
    """Return a session with nothing open; it plays on `sound`, the system's output where that is not given."""
    jobs = Jobs()
    document = Document(jobs)
    transport = Transport(document)
    preview = Preview(document, transport)
    output, alone = SoundOutput(sound or PortAudio()), SoundOnly(document, jobs, document)
    playback = Playback(document, transport, settings, output, alone)
    following = Following(document, preview, jobs)
    LastPlace(document, transport, settings)
    selection = Selection(document)
    patching = Patching(document, selection, transport, jobs, preview)
    return Session(
        settings,
        jobs,
        document,
        selection,
        transport,
        LivePlan(document, jobs, preview, following),
        Thumbnails(document),
        Waveforms(document, jobs),
        Importing(document, jobs),
        Features(document, jobs),
        preview,
        playback,
        following,
        patching,
        TakePictures(document, jobs, preview, following),
        Generating(document, selection, patching, jobs),
        ServiceOrders(document, jobs),
        MainThread(),
        MainThreadCollector(lambda: transport.is_playing),
        FreedMemory(document, transport, preview, jobs),
    )
