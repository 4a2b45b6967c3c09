"""What the fakes of all services have in common: faults in a queue, an account of what was charged.

A fault is a name, as in `kling.fail("submit", "rate")`; a prompt that contains `[fake:rate]` has the same effect once.
The faults that every service knows::

    slow=SECONDS        the right answer, late
    html                a web page with status 200 in place of the service (not charged)
    redirect            a captive portal's redirect (not charged)
    hang_up             the connection ends without an answer; the request was not taken
    lost                the same, but the request WAS taken (and charged)
    cut_off             the right answer breaks off half-way (taken, charged)
    half_json           the right answer is shorter than JSON can be, and looks whole (taken, charged)
    500 503             not taken; 503 says Retry-After
    502 504             a gateway's; not taken
    502_taken 504_taken a gateway's, but the request was taken (and charged)
"""

from __future__ import annotations

import re
import threading
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal

from tests.fakes.http import Received, Reply, Transfer, html_reply, json_reply

NOT_TAKEN = frozenset({"html", "redirect", "hang_up", "500", "503", "502", "504"})
TAKEN = frozenset({"lost", "cut_off", "half_json", "502_taken", "504_taken"})
COMMON = NOT_TAKEN | TAKEN
_IN_PROMPT = re.compile(r"\[fake:([\w=.]+)\]")


@dataclass(frozen=True)
class Charge:
    """Something that was charged: to which name of ours (or which prompt), and how much."""

    name: str
    usd: Decimal


class Service:
    """A fake service."""

    name = ""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.charges: list[Charge] = []
        self._faults: dict[str, deque[str]] = defaultdict(deque)
        self._spent_prompts: set[str] = set()

    def fail(self, operation: str, *faults: str) -> None:
        """Let the next calls of an operation ("submit", "poll", "download", ...) fail; "ok" lets one succeed."""
        with self.lock:
            self._faults[operation].extend(faults)

    def clear_faults(self) -> None:
        with self.lock:
            self._faults.clear()

    def charge(self, name: str, usd: Decimal) -> None:
        with self.lock:
            self.charges.append(Charge(name, usd))

    def next_fault(self, operation: str, prompt: str = "") -> str:
        with self.lock:
            if self._faults[operation]:
                return self._faults[operation].popleft()
            found = _IN_PROMPT.search(prompt)
            if found and prompt not in self._spent_prompts:
                self._spent_prompts.add(prompt)
                return found[1]
            return "ok"


def with_fault(fault: str, answer: Callable[[], Reply]) -> Reply:
    """Return the answer as a common fault leaves it."""
    if fault.startswith("slow="):
        return replace(answer(), delay_s=float(fault.removeprefix("slow=")))
    match fault:
        case "html":
            return html_reply()
        case "redirect":
            return Reply(302, b"", "text/html", {"location": "/portal/login"})
        case "hang_up":
            return Reply(200, b"", transfer=Transfer.HANG_UP)
        case "lost":
            answer()
            return Reply(200, b"", transfer=Transfer.HANG_UP)
        case "cut_off":
            return replace(answer(), transfer=Transfer.CUT_OFF)
        case "half_json":
            whole = answer()
            return replace(whole, body=whole.body[: len(whole.body) // 2])
        case "503":
            return json_reply({"error": {"code": 503, "message": "overloaded"}}, 503, {"retry-after": "1"})
        case "500":
            return json_reply({"error": {"code": 500, "message": "internal"}}, 500)
        case "502" | "504":
            return html_reply(int(fault))
        case "502_taken" | "504_taken":
            answer()
            return html_reply(int(fault[:3]))
    return answer()


def portal(received: Received) -> Reply:
    """The page that a captive portal redirects to; a client that goes there has leaked its key."""
    return html_reply()
