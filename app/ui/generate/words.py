"""What an order says: where it is, what happened, why, and the ways out. No widgets."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from app.session.generating import REASON, Ordered, asked_provider, reason_words
from app.ui.words import seconds_text, usd
from app.workflows.keys import KeyNeeded
from app.workflows.region_takes import Offer
from providers.contract import SentKind
from providers.jobs import Choice, Job, JobState, Question, Reason
from providers.registry import ADAPTERS


class WayOut(Enum):
    """What a button of an order does."""

    SEND_ONCE = "Send this once"
    SEND_ALWAYS = "Send in this project"
    RAISE_CAP = "Raise the cap…"
    ADD_KEY = "Add key…"
    REPLACE_KEY = "Replace key…"
    EDIT_PROMPT = "Edit prompt"
    TRY_AGAIN = "Try again"
    TRY_LOCALLY = "Try locally · free"
    OTHER_PROVIDER = "Use another provider"
    CACHED = "Use an earlier result"
    USE_ANYWAY = "Use it anyway"
    GIVE_UP = "Put away"
    CANCEL = "Cancel"


@dataclass(frozen=True, slots=True)
class Said:
    """What an order shows; error: whether something went wrong."""

    what: str
    why: str = ""
    ways: tuple[WayOut, ...] = ()
    is_error: bool = False


def provider_title(name: str) -> str:
    """Return what a provider is called."""
    return ADAPTERS[name].traits.title if name in ADAPTERS else name.capitalize()


def sent_text(offer: Offer) -> str:
    """Return what leaves the computer, in a few words."""
    kinds = [item.kind for item in offer.sends.items]
    if not kinds:
        return "Nothing is sent"
    references = kinds.count(SentKind.REFERENCE)
    parts = ["1 crop and its mask" if SentKind.MASK in kinds else "1 crop"]
    if references:
        parts.append(f"{references} reference picture" + ("" if references == 1 else "s"))
    return f"Sent: {', '.join(parts)}"


def consent_text(offer: Offer, at: str) -> str:
    """Return the sentence with which the person is asked the first time."""
    name = provider_title(offer.provider)
    return (
        f"{sent_text(offer).replace('Sent: ', f'Sent to {name}: ')}, {offer.width_px} × {offer.height_px} px from {at},"
        f" and your prompt, {offer.sends.size_bytes / 1000:,.0f} kB to {offer.sends.host}."
        " Not sent: the film, sound, file name."
    )


def cap_text(offer: Offer) -> str:
    """Return what is left of the project's cap."""
    if offer.cap_usd is None:
        return f"{usd(float(offer.spent_usd))} spent, no cap" if offer.spent_usd else "No cap"
    left = max(0.0, float(offer.cap_usd - offer.spent_usd))
    return f"{usd(left)} left of the {usd(float(offer.cap_usd))} cap"


def said(entry: Ordered, now: float | None = None) -> Said:
    """Return what an order shows at a moment (Unix time in seconds)."""
    now = time.time() if now is None else now
    if entry.running is not None:
        return _running(entry, now)
    if isinstance(entry.error, KeyNeeded):
        key = (WayOut.ADD_KEY, WayOut.GIVE_UP)
        return Said(f"The {entry.thing} was not made.", str(entry.error), key, is_error=True)
    if entry.error is not None:
        return Said(
            f"The {entry.thing} was not made.", str(entry.error), (WayOut.TRY_AGAIN, WayOut.TRY_LOCALLY), is_error=True
        )
    if entry.question is not None:
        return _asked(entry, entry.question, now)
    if entry.failure is not None:
        ways = [WayOut.TRY_AGAIN, WayOut.TRY_LOCALLY]
        if entry.failure.kind in ("AuthFailed", "KeyProblem", "KeyMissing"):
            ways.insert(0, WayOut.ADD_KEY if entry.failure.kind == "KeyMissing" else WayOut.REPLACE_KEY)
        return Said(
            "The take was not made.", f"{entry.failure.message}. {_spent(entry.job)}", tuple(ways), is_error=True
        )
    if entry.is_in_film:
        return Said(f"The {entry.thing} is there.", _billed(entry.job))
    return Said("It waits.", "It was under way when the project was closed.", (WayOut.TRY_AGAIN, WayOut.GIVE_UP))


def _running(entry: Ordered, now: float) -> Said:
    elapsed = seconds_text(max(0.0, time.monotonic() - entry.since_s))
    if entry.retry_at is not None and entry.retry_at > now:
        at = datetime.fromtimestamp(entry.retry_at).astimezone().strftime("%H:%M:%S")
        wait = seconds_text(max(1.0, entry.retry_at - now))
        return Said(
            f"Retry at {at}, in {wait}.",
            f"{asked_provider(entry) or 'The provider'} asks to wait. It happens by itself; nothing was charged.",
            (WayOut.TRY_LOCALLY, WayOut.CANCEL),
        )
    where = asked_provider(entry) or "the provider"
    # Once a wait is over, that it waited says nothing any more.
    why = (entry.told if entry.retry_at is None else "") or "Keep working; the job is saved and is not paid twice."
    return Said(f"At {where} for {elapsed}.", why, (WayOut.CANCEL,))


def _asked(entry: Ordered, question: Question, now: float) -> Said:
    name = provider_title(question.provider) if question.provider else "The provider"
    more: list[WayOut] = []
    if Choice.NEXT_PROVIDER in question.choices:
        more.append(WayOut.OTHER_PROVIDER)
    if Choice.USE_CACHED in question.choices:
        more.append(WayOut.CACHED)
    again = [WayOut.TRY_AGAIN] if Choice.TRY_AGAIN in question.choices else []
    message = question.message[:1].upper() + question.message[1:]
    if not message.endswith((".", "?")):
        message += "."
    match question.reason:
        case Reason.CONSENT:
            # What it is and how much; the buttons say what can be done.
            message = f"{message.split(';')[0].rstrip('.')}. Nothing was sent yet."
            return Said(f"Send it to {name}?", message, (WayOut.SEND_ONCE, WayOut.SEND_ALWAYS, WayOut.GIVE_UP))
        case Reason.CAP:
            return Said(
                "Not sent.", message, (WayOut.RAISE_CAP, *again, WayOut.TRY_LOCALLY, WayOut.GIVE_UP), is_error=True
            )
        case Reason.KEY:
            tries = () if entry.job is None else entry.job.node(question.node).tries
            failure = tries[-1].failure if tries else None
            is_missing = failure is None or failure.kind == "KeyMissing"
            key = WayOut.ADD_KEY if is_missing else WayOut.REPLACE_KEY
            ways = (key, *again, *more, WayOut.TRY_LOCALLY, WayOut.GIVE_UP)
            why = f"No key for {name} is set on this computer." if is_missing else message
            return Said(f"The {entry.thing} was not made.", f"{why} Nothing was charged.", ways, is_error=True)
        case Reason.POLICY:
            ways = (WayOut.EDIT_PROMPT, *more, WayOut.TRY_LOCALLY, WayOut.GIVE_UP)
            reason = REASON.search(message)
            why = f"Reason given: {reason_words(reason)}." if reason else message
            what_to_do = "Change the words or the region, or use a local tool."
            why = f"{why} Nothing was placed, nothing was passed to another provider. {what_to_do}"
            return Said(f"{name} refused this request.", why, ways, is_error=True)
        case Reason.UNCERTAIN_CHARGE:
            return Said("It may have been charged.", message, (*again, WayOut.GIVE_UP), is_error=True)
        case Reason.NO_ROOM:
            wait = ""
            if question.retry_at is not None and question.retry_at > now:
                at = datetime.fromtimestamp(question.retry_at).astimezone().strftime("%H:%M:%S")
                wait = f" There is room at {at}, in {seconds_text(question.retry_at - now)}."
            ways = (*more, *again, WayOut.TRY_LOCALLY, WayOut.GIVE_UP)
            return Said(f"{name} has no room now.", f"{message}{wait}", ways, is_error=True)
        case Reason.OFFLINE:
            ways = (*more, *again, WayOut.TRY_LOCALLY, WayOut.GIVE_UP)
            return Said("This computer is offline.", f"{message} Nothing was charged.", ways, is_error=True)
        case Reason.QUALITY:
            return Said("The result may not fit.", message, (WayOut.USE_ANYWAY, *again, WayOut.GIVE_UP), is_error=True)


def _spent(job: Job | None) -> str:
    if job is None or not job.spent_usd():
        return "Nothing was charged."
    return f"Billed {usd(float(job.spent_usd()))}."


def _billed(job: Job | None) -> str:
    if job is None or job.state is JobState.CANCELLED:
        return ""
    spent = job.spent_usd()
    return f"Billed {usd(float(spent))}." if spent else "It cost nothing: the same request was made before."
