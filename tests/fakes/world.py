"""All fakes behind one address."""

from __future__ import annotations

import json
from types import TracebackType

from tests.fakes.elevenlabs import FakeElevenLabs
from tests.fakes.gemini_audio import FakeGeminiAudio
from tests.fakes.google import FakeGemini, FakeOmni, FakeVeo
from tests.fakes.http import Received, Reply, Server, json_reply
from tests.fakes.kling import FakeKling
from tests.fakes.media import TYPICAL, Drift
from tests.fakes.service import Service, portal

DEFAULT_VIDEO_HEIGHT = 720


class World:
    """The fakes, started and stopped together.

    Besides the services, `POST /fakes/faults` with `{"service": ..., "operation": ..., "faults": [...]}` queues faults
    from another process, and `GET /fakes/charges` tells what was charged.
    """

    def __init__(
        self, *, polls: int = 2, video_height: int = DEFAULT_VIDEO_HEIGHT, drift: Drift = TYPICAL, port: int = 0
    ) -> None:
        self.gemini = FakeGemini(drift)
        self.gemini_audio = FakeGeminiAudio()
        self.veo = FakeVeo(polls, video_height)
        self.omni = FakeOmni(polls, video_height)
        self.kling = FakeKling(polls, video_height)
        self.elevenlabs = FakeElevenLabs()
        self.services: dict[str, Service] = {
            service.name: service
            for service in (self.gemini_audio, self.gemini, self.veo, self.omni, self.kling, self.elevenlabs)
        }
        self._server = Server(self._answer, port)
        self.omni.url = self.kling.url = self.url

    @property
    def url(self) -> str:
        return self._server.url

    @property
    def received(self) -> list[Received]:
        return self._server.received

    @property
    def mistakes(self) -> list[str]:
        """Exceptions of the fakes themselves."""
        return self._server.mistakes

    def environment(self) -> dict[str, str]:
        """Return the variables that point Deltacut at the fakes."""
        variables = {
            f"DELTACUT_{name}_URL": self.url
            for name in ("GEMINI", "GEMINI_AUDIO", "OMNI", "VEO", "KLING", "KLING_LEGACY", "ELEVENLABS")
        }
        polls = {f"DELTACUT_{name}_POLL_S": "0.05" for name in ("OMNI", "VEO", "KLING", "KLING_LEGACY")}
        return (
            variables
            | polls
            | {
                "GEMINI_API_KEY": self.gemini.key,
                "VERTEX_API_KEY": self.veo.key,
                "KLING_API_KEY": self.kling.key,
                "KLING_ACCESS_KEY": self.kling.access_key,
                "KLING_SECRET_KEY": self.kling.secret_key,
                "ELEVENLABS_API_KEY": self.elevenlabs.key,
            }
        )

    def __enter__(self) -> World:
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop()

    def _answer(self, received: Received) -> Reply:
        if received.path == "/fakes/faults":
            wish = received.json()
            self.services[wish["service"]].fail(wish["operation"], *wish["faults"])
            return json_reply({})
        if received.path == "/fakes/charges":
            return json_reply(
                {
                    name: [{"name": charge.name, "usd": str(charge.usd)} for charge in service.charges]
                    for name, service in self.services.items()
                }
            )
        for service in self.services.values():
            reply = service.answer(received)  # type: ignore[attr-defined]
            if reply is not None:
                return reply
        if received.path.startswith("/portal"):
            return portal(received)
        return Reply(404, json.dumps({"error": {"code": 404, "message": "no such path"}}).encode())
