"""One entry per adapter: how to build it against the fakes, a request that it can do, and what its errors mean."""

from __future__ import annotations

import functools
import io
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

import av
import numpy as np

from providers.contract import (
    EditTask,
    EmotionTask,
    Generation,
    MotionTask,
    Picture,
    Provider,
    Request,
    Running,
    Task,
    Ticket,
    TranscribeTask,
    VideoSize,
)
from providers.elevenlabs import ElevenLabs
from providers.errors import (
    AmbiguousSubmit,
    AuthFailed,
    BadResponse,
    BillingExhausted,
    JobFailed,
    JobLost,
    PolicyBlocked,
    RateLimited,
    RequestRejected,
    Transient,
)
from providers.gemini import Gemini
from providers.gemini_audio import GeminiAudio
from providers.keys import Keys
from providers.kling import Kling
from providers.kling_legacy import KlingLegacy
from providers.omni import Omni
from providers.pricing import load_prices
from providers.settings import ServiceSettings
from providers.veo import Veo
from tests.fakes.gemini_audio import FakeGeminiAudio
from tests.fakes.media import encoded
from tests.fakes.world import World

KEYS = {
    "GEMINI_API_KEY": "fake-gemini-key-0123456789",
    "VERTEX_API_KEY": "fake-vertex-key-0123456789",
    "KLING_API_KEY": "fake-kling-key-0123456789",
    "KLING_ACCESS_KEY": "fake-access-key",
    "KLING_SECRET_KEY": "fake-secret-key-0123456789",
    "ELEVENLABS_API_KEY": "fake-elevenlabs-key-0123456789",
}

_numbers = itertools.count(1)


@functools.cache
def photo(width: int, height: int, seed: int = 1) -> Picture:
    """A picture with something in it, so that shifts can be seen."""
    random = np.random.default_rng(seed)
    small = random.integers(0, 256, (9, 16, 3)).astype(np.uint8)
    import cv2

    return Picture.of(encoded(cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)))


@functools.cache
def mask(width: int, height: int) -> Picture:
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[height // 3 : 2 * height // 3, width // 3 : 2 * width // 3] = 255
    return Picture.of(encoded(pixels))


@functools.cache
def tone(seconds: float = 4.0) -> bytes:
    """A FLAC file."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="flac") as container:
        stream = container.add_stream("flac", rate=16_000, layout="mono")
        samples = (np.sin(np.arange(int(seconds * 16_000)) / 10) * 8000).astype(np.int16)[None]
        frame = av.AudioFrame.from_ndarray(samples, "s16", "mono")
        frame.sample_rate = 16_000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return buffer.getvalue()


def edit_task(prompt: str = "a red door", width: int = 640, height: int = 360) -> EditTask:
    return EditTask(prompt, photo(width, height), mask(width, height))


def motion_task(prompt: str = "it opens", duration_ms: int = 3000, size: VideoSize = VideoSize.HD) -> MotionTask:
    return MotionTask(prompt, photo(640, 360), photo(640, 360, 2), duration_ms, size)


def transcribe_task(prompt: str = "") -> TranscribeTask:
    return TranscribeTask(tone(), "audio/flac", 4000, keyterms=(prompt,) if prompt else ())


def emotion_task(prompt: str = "") -> EmotionTask:
    return EmotionTask(tone() + prompt.encode(), "audio/flac", 4000)


# What the faults mean that every service knows: of a submit, and of a poll.
COMMON_OF_SUBMIT = {
    "html": BadResponse,
    "redirect": BadResponse,
    "hang_up": AmbiguousSubmit,
    "lost": AmbiguousSubmit,
    "cut_off": AmbiguousSubmit,
    "half_json": BadResponse,
    "500": Transient,
    "503": Transient,
    "502": AmbiguousSubmit,
    "504": AmbiguousSubmit,
    "502_taken": AmbiguousSubmit,
    "504_taken": AmbiguousSubmit,
}
COMMON_OF_POLL = {
    "html": BadResponse,
    "redirect": BadResponse,
    "hang_up": Transient,
    "cut_off": Transient,
    "half_json": BadResponse,
    "500": Transient,
    "503": Transient,
    "502": Transient,
    "504": Transient,
}
GOOGLE = {
    "rate_minute": RateLimited,
    "rate_no_delay": RateLimited,
    "rate_day": RateLimited,
    "rate_bare": RateLimited,
    "quota_zero": BillingExhausted,
    "billing": BillingExhausted,
    "unpaid": BillingExhausted,
    "bad_key": AuthFailed,
    "unauthenticated": AuthFailed,
    "forbidden": AuthFailed,
    "invalid": RequestRejected,
    "not_found": RequestRejected,
    "aborted": Transient,
}
KLING = {
    **{f"auth_{code}": AuthFailed for code in range(1000, 1005)},
    "unauthorised": AuthFailed,
    "ip": AuthFailed,
    "account": BillingExhausted,
    "arrears": BillingExhausted,
    "depleted": BillingExhausted,
    "invalid": RequestRejected,
    "invalid_value": RequestRejected,
    "no_method": RequestRejected,
    "no_model": RequestRejected,
    "policy": PolicyBlocked,
    "content": PolicyBlocked,
    "rate": RateLimited,
    "concurrency": RateLimited,
    "rate_in_200": RateLimited,
    "server_5000": Transient,
    "server_5001": Transient,
    "server_5002": AmbiguousSubmit,
    "new_code": RequestRejected,
    "no_id": BadResponse,
}


@dataclass(frozen=True)
class AdapterCase:
    """An adapter under test.

    Attributes:
        service: The fake behind it.
        key_header: Where its key goes.
        submit_faults: What its service's own faults mean, at a submit.
        poll_faults: The same at a poll; empty where there are no polls.
        price: What one success costs, as the fake charges it.
    """

    name: str
    service: str
    build: Callable[..., Provider]
    task: Callable[..., Task]
    key_header: str
    submit_faults: Mapping[str, type[Exception]]
    price: Decimal
    poll_faults: Mapping[str, type[Exception]] = field(default_factory=dict)

    def adapter(self, world: World, keys: Mapping[str, str] | None = None, **settings: object) -> Provider:
        configuration = ServiceSettings(**{"url": world.url, "timeout_s": 20.0, **settings})  # type: ignore[arg-type]
        return self.build(configuration, Keys(KEYS if keys is None else keys, None), load_prices())

    def request(self, **wishes: object) -> Request:
        return Request(self.task(**wishes), f"test-{self.name}-{next(_numbers)}")


CASES = {
    case.name: case
    for case in (
        AdapterCase(
            "gemini",
            "gemini",
            Gemini,
            edit_task,
            "x-goog-api-key",
            GOOGLE
            | {
                reason: PolicyBlocked
                for reason in (
                    "prompt_blocked",
                    "IMAGE_SAFETY",
                    "IMAGE_PROHIBITED_CONTENT",
                    "NO_IMAGE",
                    "IMAGE_OTHER",
                    "IMAGE_RECITATION",
                    "PROHIBITED_CONTENT",
                    "SOMETHING_NEW",
                    "text_only",
                )
            }
            | {
                oddity: BadResponse
                for oddity in (
                    "empty",
                    "no_parts",
                    "broken_picture",
                    "cut_picture",
                    "list",
                    "bad_base64",
                    "other_json",
                )
            },
            Decimal("0.13676"),
        ),
        AdapterCase(
            "gemini-audio",
            "gemini-audio",
            GeminiAudio,
            emotion_task,
            "x-goog-api-key",
            GOOGLE
            | dict.fromkeys(FakeGeminiAudio.REFUSALS, PolicyBlocked)
            | dict.fromkeys(FakeGeminiAudio.ODDITIES, BadResponse),
            Decimal("0.009741"),
        ),
        AdapterCase(
            "veo",
            "veo",
            Veo,
            motion_task,
            "x-goog-api-key",
            GOOGLE | {"policy": PolicyBlocked, "no_name": BadResponse},
            Decimal("3.20"),
            {
                "rai": PolicyBlocked,
                "rai_words": PolicyBlocked,
                "code_3": PolicyBlocked,
                "code_7": AuthFailed,
                "code_8": JobFailed,
                "code_13": JobFailed,
                "no_video": BadResponse,
                "no_done_word": BadResponse,
                "gone": JobLost,
                "rate_minute": RateLimited,
            },
        ),
        AdapterCase(
            "omni",
            "omni",
            Omni,
            motion_task,
            "x-goog-api-key",
            GOOGLE | {"no_id": BadResponse},
            Decimal("0.30"),
            {
                "refusal": PolicyBlocked,
                "failed": JobFailed,
                "failed_policy": PolicyBlocked,
                "cancelled": JobFailed,
                "incomplete": JobFailed,
                "budget_exceeded": BillingExhausted,
                "no_status": BadResponse,
                "gone": JobLost,
                "rate_minute": RateLimited,
            },
        ),
        AdapterCase(
            "kling",
            "kling",
            Kling,
            motion_task,
            "authorization",
            KLING,
            Decimal("0.252"),
            {
                "failed": JobFailed,
                "failed_policy": PolicyBlocked,
                "failed_billed": JobFailed,
                "no_status": BadResponse,
                "gone": JobLost,
                "rate": RateLimited,
                "server_5002": Transient,
            },
        ),
        AdapterCase(
            "kling-legacy",
            "kling",
            KlingLegacy,
            motion_task,
            "authorization",
            KLING,
            Decimal("0.42"),
            {
                "failed": JobFailed,
                "failed_policy": PolicyBlocked,
                "no_model": JobLost,
                "rate": RateLimited,
                "server_5002": Transient,
            },
        ),
        AdapterCase(
            "elevenlabs",
            "elevenlabs",
            ElevenLabs,
            transcribe_task,
            "xi-api-key",
            {
                "concurrent": RateLimited,
                "rate": RateLimited,
                "busy": Transient,
                "bad_key": AuthFailed,
                "permissions": AuthFailed,
                "forbidden": AuthFailed,
                "quota": BillingExhausted,
                "payment": BillingExhausted,
                "invalid_file": RequestRejected,
                "invalid": RequestRejected,
                "text_detail": RequestRejected,
                "too_large": RequestRejected,
                "no_words": BadResponse,
                "no_text": BadResponse,
                "no_times": BadResponse,
                "backwards": BadResponse,
                "empty": BadResponse,
                "list": BadResponse,
            },
            Decimal("0.22") * 4 / 3600,
        ),
    )
}


async def finished(provider: Provider, started: Ticket | Generation, polls: int = 20) -> Generation:
    """Poll until the result is there."""
    outcome: Ticket | Running | Generation = started
    for _ in range(polls):
        if isinstance(outcome, Generation):
            return outcome
        assert isinstance(started, Ticket)
        outcome = await provider.poll(started)
    raise AssertionError("not done after many polls")
