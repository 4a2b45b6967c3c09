"""Google Nano Banana: a region of a picture edited, through the `google-genai` SDK.

There is no mask parameter: the mask goes along as a second picture, and the text says what it means. The answer comes
at once (`start` returns the Generation), at another size, and often a little shifted and tinted; fitting it is the
caller's. Refusals come with HTTP 200.
"""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from providers.contract import (
    Cancellation,
    Disclosure,
    EditTask,
    Generation,
    Picture,
    PictureSize,
    Quote,
    Request,
    Running,
    Sent,
    SentKind,
    Ticket,
    Traits,
    Work,
    picture_item,
    reject_unknown_work,
    text_item,
)
from providers.errors import AmbiguousSubmit, BadResponse, Charge, JobLost, PolicyBlocked, RequestRejected, translated
from providers.google_client import Cloud, close_google_client, google_client
from providers.google_errors import google_failure
from providers.keys import KeyName, Keys
from providers.layers import Operation
from providers.pictures import PictureInfo, is_complete, nearest_ratio, picture_info
from providers.pricing import ModelPrices, PriceTable
from providers.secret import Secret
from providers.settings import ServiceSettings, host_of
from providers.wire import missing, short

if TYPE_CHECKING:
    from google.genai import Client, types

NAME = "gemini"
KEY = KeyName("gemini", "api-key", ("GEMINI_API_KEY", "GOOGLE_API_KEY"))
URL = "https://generativelanguage.googleapis.com"
API_VERSION = "v1"
DEFAULT_MODEL = "gemini-3-pro-image"

# Shut down, but still named by saved projects.
ALIASES = {"gemini-3-pro-image-preview": DEFAULT_MODEL, "nano-banana-pro-preview": DEFAULT_MODEL}

# The sizes of 1K answers; 2K doubles and 4K quadruples both sides.
SIZES_1K = {
    (1, 1): (1024, 1024),
    (2, 3): (848, 1264),
    (3, 2): (1264, 848),
    (3, 4): (896, 1200),
    (4, 3): (1200, 896),
    (4, 5): (928, 1152),
    (5, 4): (1152, 928),
    (9, 16): (768, 1376),
    (16, 9): (1376, 768),
    (21, 9): (1584, 672),
}
_SCALES = {PictureSize.ONE_K: 1, PictureSize.TWO_K: 2, PictureSize.FOUR_K: 4}

TRAITS = Traits(
    name=NAME,
    title="Google Nano Banana",
    telemetry_name="gcp.gemini",
    works=frozenset({Work.EDIT}),
    default_model=DEFAULT_MODEL,
    ratios=tuple(SIZES_1K),
)

INSTRUCTION = (
    "Edit the first picture. The second picture is its mask: change only what is white in the mask and keep everything "
    "that is black exactly as it is. Keep the framing, the perspective, the light, the grain and the sharpness of the "
    "first picture.{references} The change: {prompt}"
)
_REFERENCES = " The pictures after the mask are references for the change."

# These finish reasons come with an answer; every other one, also one that is newer than this file, is a refusal.
_FINISHED = frozenset({"STOP", "MAX_TOKENS", "FINISH_REASON_UNSPECIFIED"})


class Gemini:
    """The adapter."""

    traits = TRAITS

    def __init__(self, settings: ServiceSettings, keys: Keys, prices: PriceTable) -> None:
        self._settings = settings
        self._keys = keys
        self._prices = prices
        self._url = home(settings)
        self._client: Client | None = None
        self._client_key: Secret | None = None

    def quote(self, request: Request) -> Quote:
        """Return what the request would cost and send."""
        task = _edit_task(request)
        model = self._model(request)
        prices = self._prices_of(model)
        size = picture_size(task)
        ratio = nearest_ratio(task.picture.width_px, task.picture.height_px, tuple(SIZES_1K))
        parameters = {"size": size.value, "ratio": f"{ratio[0]}:{ratio[1]}"}
        if request.seed is not None:
            parameters["seed"] = str(request.seed)
        return Quote(
            NAME,
            model,
            prices.picture_usd(size.value),
            prices.as_of,
            Disclosure(NAME, host_of(self._url), sent_items(task)),
            pictures=1,
            parameters=parameters,
        )

    async def start(self, request: Request) -> Generation:
        """Edit the picture."""
        quote = self.quote(request)
        client = await self._connect()
        response = await translated(
            client.aio.models.generate_content(
                model=quote.model,
                contents=_content(quote.sends.items),
                config=_config(quote.parameters["ratio"], quote.parameters["size"], request.seed),
            ),
            google_failure(NAME, Operation.START),
        )
        usage = response.usage_metadata
        return Generation(
            NAME,
            response.model_version or quote.model,
            request.external_id,
            _picture(response),
            remote_id=response.response_id,
            usd=_billed(response, self._prices_of(quote.model)),
            input_tokens=usage.prompt_token_count if usage else None,
            output_tokens=usage.candidates_token_count if usage else None,
        )

    async def find(self, request: Request) -> Ticket | None:
        """Say that a lost answer cannot be looked up here."""
        raise AmbiguousSubmit(f"{self.traits.title} cannot be asked what became of a request", provider=NAME)

    async def poll(self, ticket: Ticket) -> Running | Generation:
        """Say that there are no jobs here: an edit is answered at once."""
        raise JobLost(f"{self.traits.title} keeps no jobs: {ticket.remote_id!r}", provider=NAME)

    async def cancel(self, ticket: Ticket) -> Cancellation:
        """There is nothing to cancel but the call itself."""
        return Cancellation.UNSUPPORTED

    async def forget(self, ticket: Ticket) -> None:
        """There is nothing kept."""

    async def check(self) -> None:
        """Ask for the model's description."""
        client = await self._connect()
        model = ALIASES.get(self._settings.model or DEFAULT_MODEL, self._settings.model or DEFAULT_MODEL)
        await translated(client.aio.models.get(model=model), google_failure(NAME, Operation.CHECK))

    async def close(self) -> None:
        """Close the connections."""
        await close_google_client(self._client)
        self._client = None

    async def _connect(self) -> Client:
        # The vault may ask the keyring, which may block: never in the loop.
        key = (await asyncio.to_thread(self._keys.resolve, KEY)).secret
        if self._client is None or key != self._client_key:
            await close_google_client(self._client)
            self._client = google_client(
                Cloud.DEVELOPER,
                url=self._url,
                api_version=self._settings.api_version or API_VERSION,
                timeout_s=self._settings.timeout_s,
                key=key,
            )
            self._client_key = key
        return self._client

    def _model(self, request: Request) -> str:
        model = request.model or self._settings.model or DEFAULT_MODEL
        return ALIASES.get(model, model)

    def _prices_of(self, model: str) -> ModelPrices:
        return self._prices.of(model, like=DEFAULT_MODEL)


def home(settings: ServiceSettings) -> str:
    """Return the service's address."""
    return settings.url or URL


def picture_size(task: EditTask) -> PictureSize:
    """Return the size to ask for: for FIT the smallest that is not smaller than the crop, at most 4K."""
    if task.size is not PictureSize.FIT:
        return task.size
    ratio = nearest_ratio(task.picture.width_px, task.picture.height_px, tuple(SIZES_1K))
    width, height = SIZES_1K[ratio]
    for size, scale in _SCALES.items():
        if task.picture.width_px <= width * scale and task.picture.height_px <= height * scale:
            return size
    return PictureSize.FOUR_K


def sent_items(task: EditTask) -> tuple[Sent, ...]:
    """Return everything that an edit sends, in the order in which it goes."""
    text = INSTRUCTION.format(prompt=task.prompt, references=_REFERENCES if task.references else "")
    return (
        text_item(text),
        picture_item(SentKind.PICTURE, task.picture),
        picture_item(SentKind.MASK, task.mask),
        *(picture_item(SentKind.REFERENCE, reference) for reference in task.references),
    )


def _edit_task(request: Request) -> EditTask:
    reject_unknown_work(TRAITS, request)
    task = request.task
    assert isinstance(task, EditTask)
    picture, mask = task.picture, task.mask
    if (picture.width_px, picture.height_px) != (mask.width_px, mask.height_px):
        raise RequestRejected(
            f"the mask has {mask.width_px} x {mask.height_px} pixels, its picture {picture.width_px} x "
            f"{picture.height_px}",
            provider=NAME,
        )
    return task


def _content(items: tuple[Sent, ...]) -> types.Content:
    from google.genai import types

    parts = [
        types.Part.from_text(text=item.data.decode())
        if item.kind is SentKind.TEXT
        else types.Part.from_bytes(data=item.data, mime_type=item.mime)
        for item in items
    ]
    return types.Content(role="user", parts=parts)


def _config(ratio: str, size: str, seed: int | None) -> types.GenerateContentConfig:
    from google.genai import types

    return types.GenerateContentConfig(
        response_modalities=["IMAGE"],
        image_config=types.ImageConfig(aspect_ratio=ratio, image_size=size),
        seed=seed,
    )


def _picture(response: types.GenerateContentResponse) -> Picture:
    """Return the last picture that is not a thought.

    Raises:
        PolicyBlocked: the answer is a refusal.
        BadResponse: the answer has neither a picture nor a reason.
    """
    feedback = response.prompt_feedback
    if feedback is not None and feedback.block_reason is not None:
        raise _refusal([_enum_name(feedback.block_reason)], feedback.block_reason_message)
    candidates = response.candidates or []
    parts = [part for candidate in candidates for part in (candidate.content and candidate.content.parts) or ()]
    pictures = [part.inline_data.data for part in parts if not part.thought and part.inline_data is not None]
    if pictures:
        return _checked(pictures[-1] or b"")
    reasons = [_enum_name(candidate.finish_reason) for candidate in candidates if candidate.finish_reason is not None]
    words = " ".join(part.text for part in parts if part.text and not part.thought)
    if any(reason not in _FINISHED for reason in reasons):
        message = next((candidate.finish_message for candidate in candidates if candidate.finish_message), None)
        raise _refusal([reason for reason in reasons if reason not in _FINISHED], message or words)
    if words and "STOP" in reasons:
        raise _refusal(["TEXT_ONLY"], words)
    raise missing("picture and no reason", NAME)


def _checked(data: bytes) -> Picture:
    info = picture_info(data)
    if not isinstance(info, PictureInfo) or not is_complete(data):
        raise BadResponse(f"{NAME}'s picture is broken ({len(data)} bytes)", charge=Charge.POSSIBLE, provider=NAME)
    return Picture(data, info.mime, info.width_px, info.height_px)


def _refusal(reasons: list[str], words: str | None) -> PolicyBlocked:
    said = f": {short(words)}" if words else ""
    return PolicyBlocked(
        f"{TRAITS.title} refuses ({', '.join(reasons)}){said}; change the prompt or the region",
        reasons=reasons,
        provider=NAME,
    )


def _billed(response: types.GenerateContentResponse, prices: ModelPrices) -> Decimal | None:
    """Return the price of the tokens that the answer says were used; None if it does not say or the table has none."""
    usage = response.usage_metadata
    if usage is None or usage.candidates_token_count is None or not prices.tokens:
        return None
    drawn: int = sum(
        detail.token_count or 0
        for detail in usage.candidates_tokens_details or ()
        if _enum_name(detail.modality) == "IMAGE"
    )
    drawn = drawn or usage.candidates_token_count
    written = usage.candidates_token_count - drawn + (usage.thoughts_token_count or 0)
    used = {"input": usage.prompt_token_count or 0, "output_picture": drawn, "output_text": max(0, written)}
    return sum(
        (prices.tokens.get(kind, Decimal(0)) * count / 1_000_000 for kind, count in used.items()), start=Decimal(0)
    )


def _enum_name(value: Any) -> str:  # noqa: ANN401 an enum of the SDK, or the text of a value that it does not know
    return str(getattr(value, "value", value))
