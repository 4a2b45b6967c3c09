"""Asks a person at the terminal whether something may be sent, after showing exactly what it is."""

from __future__ import annotations

import sys

from app.cli.console import Console
from app.workflows.project_jobs import Agreement
from providers.consent import Reach
from providers.contract import Quote, SentKind


class TerminalAgreement(Agreement):
    """Asks at the terminal; `agreed` where the command line agreed already, for this request."""

    def __init__(self, console: Console, *, agreed: bool) -> None:
        self._console = console
        self._agreed = agreed

    def consents(self, quote: Quote) -> Reach | None:
        """Show what would be sent; return how far the person agrees."""
        self._console.say(quote_text(quote))
        if self._agreed:
            return Reach.REQUEST
        if not sys.stdin.isatty():
            return None
        print("Send this? [y]es, this once; for the whole [p]roject; [N]o: ", end="", file=sys.stderr, flush=True)
        answer = sys.stdin.readline().strip().lower()
        return {"y": Reach.REQUEST, "yes": Reach.REQUEST, "p": Reach.PROJECT, "project": Reach.PROJECT}.get(answer)

    def tell(self, text: str) -> None:
        """Tell the person something on the way."""
        self._console.say(text)


def quote_text(quote: Quote) -> str:
    """Return what would be sent, where to, and what it would cost, a line for each thing."""
    lines = [
        f"{quote.provider} ({quote.sends.host}, {quote.model}) would get {quote.sends.size_bytes:,} bytes, "
        f"for about {quote.usd} USD (prices of {quote.priced_on}):"
    ]
    for item in quote.sends.items:
        if item.kind is SentKind.TEXT:
            lines.append(f"  text: {item.data.decode()}")
        else:
            lines.append(f"  {item.kind.value}: {item.mime}, {len(item.data):,} bytes")
    return "\n".join(lines)
