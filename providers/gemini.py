"""Google Nano Banana: a region of a picture edited, through the `google-genai` SDK.

There is no mask parameter: the mask goes along as a second picture, and the text says what it means. The answer comes
at once (`start` returns the Generation), at another size, and often a little shifted and tinted; fitting it is the
caller's. Refusals come with HTTP 200.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from providers.contract import (
    Disclosure,
    EditTask,
    Generation,
    Picture,
    PictureSize,
    Quote,
    Request,
    Sent,
    SentKind,
    Traits,
    Work,
    picture_item,
    reject_unknown_work,
    text_item,
)
from providers.errors import BadResponse, Charge, RequestRejected
from providers.google_answers import (
    GoogleAnswers,
    answer_parts,
    answer_text,
    enum_name,
    finish_reasons,
    raise_blocked,
    raise_unfinished,
    refused,
    token_usd,
)
from providers.pictures import PictureInfo, is_complete, nearest_ratio, picture_info
from providers.pricing import ModelPrices
from providers.settings import host_of
from providers.wire import missing

if TYPE_CHECKING:
    from google.genai import types

NAME = "gemini"
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

_WAY_OUT = "change the prompt or the region"


class Gemini(GoogleAnswers):
    """The adapter."""

    traits = TRAITS
    api_version = "v1"
    aliases = ALIASES

    def quote(self, request: Request) -> Quote:
        """Return what the request would cost and send."""
        task = _edit_task(request)
        model = self._model(request.model)
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
        config = _config(quote.parameters["ratio"], quote.parameters["size"], request.seed)
        response = await self._answer(quote.model, quote.sends.items, config)
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
    raise_blocked(response, TRAITS, _WAY_OUT)
    pictures = [part.inline_data.data for part in answer_parts(response) if part.inline_data is not None]
    if pictures:
        return _checked(pictures[-1] or b"")
    raise_unfinished(response, TRAITS, _WAY_OUT)
    words = answer_text(response)
    if words and "STOP" in finish_reasons(response):
        raise refused(TRAITS, ["TEXT_ONLY"], words, _WAY_OUT)
    raise missing("picture and no reason", NAME)


def _checked(data: bytes) -> Picture:
    info = picture_info(data)
    if not isinstance(info, PictureInfo) or not is_complete(data):
        raise BadResponse(f"{NAME}'s picture is broken ({len(data)} bytes)", charge=Charge.POSSIBLE, provider=NAME)
    return Picture(data, info.mime, info.width_px, info.height_px)


def _billed(response: types.GenerateContentResponse, prices: ModelPrices) -> Decimal | None:
    """Return the price of the tokens that the answer says were used; None if it does not say or the table has none."""
    usage = response.usage_metadata
    if usage is None or usage.candidates_token_count is None or not prices.tokens:
        return None
    drawn: int = sum(
        detail.token_count or 0
        for detail in usage.candidates_tokens_details or ()
        if enum_name(detail.modality) == "IMAGE"
    )
    drawn = drawn or usage.candidates_token_count
    written = usage.candidates_token_count - drawn + (usage.thoughts_token_count or 0)
    return token_usd(
        prices, {"input": usage.prompt_token_count or 0, "output_picture": drawn, "output_text": max(0, written)}
    )
