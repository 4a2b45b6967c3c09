"""What a provider can be asked and what comes back: plain values, and the one Protocol that all adapters fulfil.

No network here, no files, no Qt, nothing of the engine: bytes, PNGs and durations in, bytes out.

A provider that answers at once (a picture edit, a transcript) returns its `Generation` from `start`. One that takes
minutes (video) returns a `Ticket`, which is saved before the first `poll`: from then on the job cannot be paid twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Protocol

from providers.errors import RequestRejected
from providers.pictures import PictureInfo, picture_info


class Work(Enum):
    """The kinds of work."""

    EDIT = "edit"
    MOTION = "motion"
    TRANSCRIBE = "transcribe"
    EMOTION = "emotion"


@dataclass(frozen=True, slots=True)
class Picture:
    """An encoded picture: PNG in requests; PNG, JPEG or WebP in results."""

    data: bytes = field(repr=False)
    mime: str
    width_px: int
    height_px: int

    @classmethod
    def of(cls, data: bytes) -> Picture:
        """Return the picture in `data`, its size read from its header.

        Raises:
            RequestRejected: it is not a PNG, JPEG or WebP picture.
        """
        info = picture_info(data)
        if not isinstance(info, PictureInfo):
            raise RequestRejected(f"not a picture that can be sent: {len(data)} bytes of {info}")
        return cls(data, info.mime, info.width_px, info.height_px)


class PictureSize(Enum):
    """The size of an edited picture; FIT takes the smallest that does not lose the crop's pixels."""

    FIT = "fit"
    ONE_K = "1K"
    TWO_K = "2K"
    FOUR_K = "4K"


class VideoSize(Enum):
    """The size of a generated video."""

    HD = "720p"
    FULL_HD = "1080p"
    UHD = "4k"


class Speakers(Enum):
    """Whether a transcript tells the speakers apart."""

    APART = "apart"
    TOGETHER = "together"


@dataclass(frozen=True, slots=True)
class EditTask:
    """Change the white part of `mask` in `picture` as the prompt says; both have the same size."""

    prompt: str = field(repr=False)
    picture: Picture
    mask: Picture
    references: tuple[Picture, ...] = ()
    size: PictureSize = PictureSize.FIT


@dataclass(frozen=True, slots=True)
class MotionTask:
    """Film the motion from `first` to `last` (or onward from `first`); `duration_ms` is the wish, not the result."""

    prompt: str = field(repr=False)
    first: Picture
    last: Picture | None
    duration_ms: int
    size: VideoSize = VideoSize.HD


@dataclass(frozen=True, slots=True)
class TranscribeTask:
    """Write down what is said in `audio` (a whole encoded file of type `mime`)."""

    audio: bytes = field(repr=False)
    mime: str
    duration_ms: int
    language: str | None = None
    speakers: Speakers = Speakers.APART
    keyterms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EmotionTask:
    """Label how those who are heard in `audio` (a whole encoded file of type `mime`) feel, stretch by stretch."""

    audio: bytes = field(repr=False)
    mime: str
    duration_ms: int


Task = EditTask | MotionTask | TranscribeTask | EmotionTask


@dataclass(frozen=True, slots=True)
class Request:
    """A task for a provider.

    Attributes:
        external_id: Our own name of this attempt: `[a-z0-9-]`, at most 63 characters, never used for two attempts. It
            goes to the provider wherever it has a place for it, so that a lost answer can be looked up.
        model: The model's id; None for the provider's default.
        seed: For a repeatable result, where the provider has that.
        variant: Distinguishes wished-for further results of the same request; 0 for the first.
    """

    task: Task
    external_id: str
    model: str | None = None
    seed: int | None = None
    variant: int = 0

    @property
    def work(self) -> Work:
        """The kind of work of the task."""
        return work_of(self.task)


def work_of(task: Task) -> Work:
    """Return the kind of work of a task."""
    match task:
        case EditTask():
            return Work.EDIT
        case MotionTask():
            return Work.MOTION
        case TranscribeTask():
            return Work.TRANSCRIBE
        case EmotionTask():
            return Work.EMOTION


class SentKind(Enum):
    """What a thing is that leaves the machine."""

    PICTURE = "picture"
    MASK = "mask"
    REFERENCE = "reference"
    FIRST_FRAME = "first frame"
    LAST_FRAME = "last frame"
    TEXT = "text"
    AUDIO = "audio"


@dataclass(frozen=True, slots=True)
class Sent:
    """One thing that leaves the machine, whole: what is shown is what goes."""

    kind: SentKind
    mime: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Disclosure:
    """Everything that a request sends, and where to."""

    provider: str
    host: str
    items: tuple[Sent, ...]

    @property
    def kinds(self) -> frozenset[SentKind]:
        """The kinds of things in it."""
        return frozenset(item.kind for item in self.items)

    @property
    def size_bytes(self) -> int:
        """The bytes of content that leave the machine."""
        return sum(len(item.data) for item in self.items)


@dataclass(frozen=True, slots=True)
class Quote:
    """What a request would cost and send, known before anything is sent.

    Attributes:
        model: The model that would do it, aliases resolved.
        usd: The estimate, from the price table of `priced_on`.
        pictures: Pictures that are paid for.
        seconds: Seconds of video or sound that are paid for.
        parameters: Everything of the request, beyond task and model, that decides the result.
    """

    provider: str
    model: str
    usd: Decimal
    priced_on: date
    sends: Disclosure
    pictures: int = 0
    seconds: Decimal = Decimal(0)
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ticket:
    """The receipt of a job that a provider works on."""

    provider: str
    model: str
    remote_id: str
    external_id: str


@dataclass(frozen=True, slots=True)
class Running:
    """A job that is not done yet; `progress` from 0 to 1 where the provider tells it."""

    ticket: Ticket
    progress: float | None = None


class WordKind(Enum):
    """What a piece of a transcript is."""

    WORD = "word"
    SPACING = "spacing"
    EVENT = "audio_event"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Word:
    """A piece of a transcript; times count from the start of the audio."""

    text: str
    start_ms: int
    end_ms: int
    kind: WordKind
    speaker: str | None = None
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was said."""

    language: str
    text: str = field(repr=False)
    words: tuple[Word, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Video:
    """An encoded video file."""

    data: bytes = field(repr=False)
    mime: str


class Emotion(Enum):
    """The emotions that there are labels for."""

    NEUTRAL = "neutral"
    JOYFUL = "joyful"
    CALM = "calm"
    SAD = "sad"
    ANGRY = "angry"
    FEARFUL = "fearful"
    SURPRISED = "surprised"
    DISGUSTED = "disgusted"


@dataclass(frozen=True, slots=True)
class EmotionStretch:
    """A stretch of the sound with one emotion; times count from its start, `confidence` from 0 to 1."""

    start_ms: int
    end_ms: int
    emotion: Emotion
    confidence: float


@dataclass(frozen=True, slots=True)
class Emotions:
    """What a model hears of emotions: stretches in order, none of which overlap; between them nobody is heard."""

    stretches: tuple[EmotionStretch, ...]


Output = Picture | Video | Transcript | Emotions


@dataclass(frozen=True, slots=True)
class Generation:
    """A result.

    Attributes:
        model: The model's version as the provider names it in the answer, else the one asked for.
        usd: What the provider says it cost; None where it does not say, and the estimate stands.
        input_tokens: As the provider counts them; None where it does not say.
        output_tokens: As the provider counts them; None where it does not say.
    """

    provider: str
    model: str
    external_id: str
    output: Output
    remote_id: str | None = None
    usd: Decimal | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None


class Cancellation(Enum):
    """What became of a wish to cancel at the provider."""

    CANCELLED = "cancelled"
    UNSUPPORTED = "unsupported"
    TOO_LATE = "too late"


class Lookup(Enum):
    """Whether a provider can be asked for a job by our own id."""

    BY_EXTERNAL_ID = "by external id"
    NONE = "none"


class Place(Enum):
    """Where a provider works; a LOCAL one needs no key, no consent, no network and no money."""

    REMOTE = "remote"
    LOCAL = "local"


@dataclass(frozen=True, slots=True)
class Traits:
    """The fixed facts of a provider.

    Attributes:
        name: The name in files and commands.
        title: The name that a person reads.
        telemetry_name: The value of `gen_ai.provider.name`.
        ratios: Width to height of the pictures it takes, empty for any; a crop is snapped to one of them.
        poll_interval_s: The pause between polls.
    """

    name: str
    title: str
    telemetry_name: str
    works: frozenset[Work]
    default_model: str
    place: Place = Place.REMOTE
    lookup: Lookup = Lookup.NONE
    ratios: tuple[tuple[int, int], ...] = ()
    poll_interval_s: float = 5.0


class Provider(Protocol):
    """One service (or the local tools), all of it async, so that a call can be cancelled at once."""

    @property
    def traits(self) -> Traits:
        """The fixed facts."""
        ...

    def quote(self, request: Request) -> Quote:
        """Return what the request would cost and send; touches no network and needs no key.

        Raises:
            RequestRejected: this provider cannot do it.
        """
        ...

    async def start(self, request: Request) -> Ticket | Generation:
        """Submit the request.

        Raises:
            CallError: AmbiguousSubmit where it may have been started.
            KeyMissing: there is no key.
        """
        ...

    async def find(self, request: Request) -> Ticket | None:
        """Return the job that an earlier `start` of the same request left at the provider, None if there is none.

        Raises:
            CallError: the provider cannot tell (where `traits.lookup` is NONE: AmbiguousSubmit, always).
        """
        ...

    async def poll(self, ticket: Ticket) -> Running | Generation:
        """Return how far the job is, or its result, which is downloaded whole."""
        ...

    async def cancel(self, ticket: Ticket) -> Cancellation:
        """Ask the provider to stop the job."""
        ...

    async def forget(self, ticket: Ticket) -> None:
        """Delete the provider's copy of a result that is safely stored here."""
        ...

    async def check(self) -> None:
        """Ask something that costs nothing and needs the key.

        Raises:
            AuthFailed: the key is wrong.
        """
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...


def text_item(text: str) -> Sent:
    """Return a text as a thing that is sent."""
    return Sent(SentKind.TEXT, "text/plain", text.encode())


def picture_item(kind: SentKind, picture: Picture) -> Sent:
    """Return a picture as a thing that is sent."""
    return Sent(kind, picture.mime, picture.data)


def reject_unknown_work(traits: Traits, request: Request) -> None:
    """Raise RequestRejected unless the provider does this kind of work."""
    if request.work not in traits.works:
        done: Sequence[str] = sorted(work.value for work in traits.works)
        raise RequestRejected(
            f"{traits.title} does not do {request.work.value!r}, only {', '.join(done)}", provider=traits.name
        )
