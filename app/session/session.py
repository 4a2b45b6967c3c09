"""Everything that the interface listens to, built once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from app.session.document import Document
from app.session.jobs import Jobs
from app.session.live_plan import LivePlan
from app.session.selection import Selection
from app.session.settings import Settings
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

    def shut_down(self) -> None:
        """Stop all work and close the project."""
        self.transport.pause()
        self.jobs.stop_all()
        self.thumbnails.shut_down()
        self.document.shut_down()


def new_session(data_folder: Path) -> Session:
    """Return a session with nothing open; `data_folder` holds what is kept across starts."""
    settings = Settings(data_folder / "settings.json")
    jobs = Jobs()
    document = Document(jobs)
    return Session(
        settings,
        jobs,
        document,
        Selection(document),
        Transport(document),
        LivePlan(document, jobs),
        Thumbnails(document),
        Waveforms(document, jobs),
    )
