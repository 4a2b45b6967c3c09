"""Google Gemini listens: what those who speak in a sound feel, as labels of a fixed list with their times.

It shares the Gemini key. The answer comes at once, as JSON of a schema that goes along; that it keeps to the schema, to
the list and to the sound's length is checked here, for a model promises nothing.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from providers.contract import (
    Disclosure,
    Emotion,
    Emotions,
    EmotionStretch,
    EmotionTask,
    Generation,
    Quote,
    Request,
    Sent,
    SentKind,
    Traits,
    Work,
    reject_unknown_work,
    text_item,
)
from providers.errors import BadResponse, Charge, RequestRejected
from providers.google_answers import (
    GoogleAnswers,
    answer_text,
    finish_reasons,
    raise_blocked,
    raise_unfinished,
    refused,
    token_usd,
)
from providers.settings import host_of
from providers.wire import missing, short

if TYPE_CHECKING:
    from google.genai import types

NAME = "gemini-audio"
DEFAULT_MODEL = "gemini-3.5-flash"
SIZE_LIMIT_BYTES = 14_000_000
"""A request with its sound inside may have 20 MB, in base64; of speech at 32 kb/s that is about 58 minutes."""

TRAITS = Traits(
    name=NAME,
    title="Google Gemini",
    telemetry_name="gcp.gemini",
    works=frozenset({Work.EMOTION}),
    default_model=DEFAULT_MODEL,
)

INSTRUCTION = (
    "Listen to the voices in this sound. Part the times at which somebody speaks, laughs or cries into stretches of "
    "one emotion each, in order and without overlap, at least a second long where it can be. For each give start_s and "
    "end_s in seconds from the start of the sound, the emotion that the voice itself tells (one of {emotions}; neutral "
    "where it tells none), and your confidence in it from 0 to 1. Leave out where nobody is heard."
).format(emotions=", ".join(emotion.value for emotion in Emotion))

_SOUND_TOKENS_PER_S = 32
_TEXT_TOKENS = 150
"""Of the instruction and the schema, about."""
_THOUGHT_TOKENS = 1000
_STRETCH_TOKENS = 36
_USUAL_STRETCH_S = 8
_LATEST_MS = 1000
"""The last stretch may end by so much behind the sound, rounded as models do; it is cut there."""

_EMOTIONS = {emotion.value: emotion for emotion in Emotion}
_WAY_OUT = "label it by hand, or with another provider"


class GeminiAudio(GoogleAnswers):
    """The adapter."""

    traits = TRAITS
    api_version = "v1beta"  # where schemas of answers are documented

    def quote(self, request: Request) -> Quote:
        """Return what the request would cost and send."""
        task = _emotion_task(request)
        model = self._model(request.model)
        prices = self._prices_of(model)
        seconds = Decimal(task.duration_ms) / 1000
        stretches = math.ceil(seconds / _USUAL_STRETCH_S)
        used = {
            "input": math.ceil(seconds * _SOUND_TOKENS_PER_S) + _TEXT_TOKENS,
            "output_text": _THOUGHT_TOKENS + stretches * _STRETCH_TOKENS,
        }
        items = (text_item(INSTRUCTION), Sent(SentKind.AUDIO, task.mime, task.audio))
        return Quote(
            NAME,
            model,
            token_usd(prices, used),
            prices.as_of,
            Disclosure(NAME, host_of(self._url), items),
            seconds=seconds,
            parameters={"instruction": INSTRUCTION},
        )

    async def start(self, request: Request) -> Generation:
        """Label the sound."""
        quote = self.quote(request)
        response = await self._answer(quote.model, quote.sends.items, _config())
        usage = response.usage_metadata
        billed = None
        if usage is not None and usage.prompt_token_count is not None and usage.candidates_token_count is not None:
            written = usage.candidates_token_count + (usage.thoughts_token_count or 0)
            counts = {"input": usage.prompt_token_count, "output_text": written}
            billed = token_usd(self._prices_of(quote.model), counts)
        return Generation(
            NAME,
            response.model_version or quote.model,
            request.external_id,
            _emotions(response, _emotion_task(request).duration_ms),
            remote_id=response.response_id,
            usd=billed,
            input_tokens=usage.prompt_token_count if usage else None,
            output_tokens=usage.candidates_token_count if usage else None,
        )


def _emotion_task(request: Request) -> EmotionTask:
    reject_unknown_work(TRAITS, request)
    task = request.task
    assert isinstance(task, EmotionTask)
    if not task.audio:
        raise RequestRejected("there is no sound to listen to", provider=NAME)
    if len(task.audio) > SIZE_LIMIT_BYTES:
        raise RequestRejected(
            f"{TRAITS.title} takes at most {SIZE_LIMIT_BYTES // 1_000_000} MB of sound at a time, about 58 minutes, "
            f"not {len(task.audio) / 1e6:.1f} MB; label a shorter film",
            provider=NAME,
        )
    return task


def _config() -> types.GenerateContentConfig:
    from google.genai import types

    stretch = {
        "type": "object",
        "properties": {
            "start_s": {"type": "number"},
            "end_s": {"type": "number"},
            "emotion": {"type": "string", "enum": [emotion.value for emotion in Emotion]},
            "confidence": {"type": "number"},
        },
        "required": ["start_s", "end_s", "emotion", "confidence"],
    }
    schema = {
        "type": "object",
        "properties": {"stretches": {"type": "array", "items": stretch}},
        "required": ["stretches"],
    }
    return types.GenerateContentConfig(response_mime_type="application/json", response_json_schema=schema)


def _emotions(response: types.GenerateContentResponse, duration_ms: int) -> Emotions:
    """Return the labels of an answer.

    Raises:
        PolicyBlocked: the answer is a refusal.
        BadResponse: it is not what was asked for.
    """
    raise_blocked(response, TRAITS, _WAY_OUT)
    raise_unfinished(response, TRAITS, _WAY_OUT)
    text = answer_text(response)
    if not text:
        raise missing("text and no reason", NAME)
    content = _json(text)
    if content is None:
        if "MAX_TOKENS" in finish_reasons(response):
            raise _bad("the answer was cut off at the model's limit")
        if not text.lstrip().startswith(("{", "[")):
            raise refused(TRAITS, ["TEXT_ONLY"], text, _WAY_OUT)
        raise _bad(f"the answer is no JSON: {short(text)}")
    entries = content.get("stretches") if isinstance(content, dict) else None
    if not isinstance(entries, list):
        raise _bad("the answer has no list of stretches")
    stretches = tuple(_stretch(entry, duration_ms) for entry in entries)
    for former, stretch in pairwise(stretches):
        if stretch.start_ms < former.end_ms:
            raise _bad(
                f"the stretch at {stretch.start_ms} ms overlaps the one before, which ends at {former.end_ms} ms"
            )
    return Emotions(stretches)


def _json(text: str) -> Any:  # noqa: ANN401 whatever the model wrote
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _stretch(entry: Any, duration_ms: int) -> EmotionStretch:  # noqa: ANN401 whatever the model wrote
    if not isinstance(entry, Mapping):
        raise _bad(f"a stretch is {short(entry)}")
    start_ms, end_ms = (_ms(entry, name) for name in ("start_s", "end_s"))
    if not 0 <= start_ms < end_ms <= duration_ms + _LATEST_MS or start_ms >= duration_ms:
        raise _bad(f"a stretch from {start_ms} to {end_ms} ms does not lie in the sound of {duration_ms} ms")
    confidence = _number(entry, "confidence")
    if not 0 <= confidence <= 1:
        raise _bad(f"a confidence of {confidence} is not from 0 to 1")
    emotion = _EMOTIONS.get(str(entry.get("emotion")))
    if emotion is None:
        raise _bad(f"{short(entry.get('emotion'))!r} is none of the emotions in the list")
    return EmotionStretch(start_ms, min(end_ms, duration_ms), emotion, confidence)


def _ms(entry: Mapping[str, Any], name: str) -> int:
    return round(_number(entry, name) * 1000)


def _number(entry: Mapping[str, Any], name: str) -> float:
    value = entry.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise _bad(f"{name} of a stretch is {short(value)}, not a number")
    return float(value)


def _bad(what: str) -> BadResponse:
    return BadResponse(f"{NAME}'s labels cannot be used: {what}", charge=Charge.POSSIBLE, provider=NAME)
