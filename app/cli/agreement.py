"""Asks a person at the terminal whether something may be sent, after showing exactly what it is."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from app.cli.console import Console
from app.workflows.project_jobs import Agreement
from providers.consent import Reach
from providers.contract import Disclosure, Quote, SentKind

_SHOWN = 20_000
"""Characters of a disclosed text that are printed; the first of many spans tell what all hold."""


class TerminalAgreement(Agreement):
    """Asks at the terminal; `agreed` where the command line agreed already, for this request."""

    def __init__(self, console: Console, *, agreed: bool) -> None:
        self._console = console
        self._agreed = agreed

    def consents(self, quote: Quote) -> Reach | None:
        """Show what would be sent; return how far the person agrees."""
        answers = {"p": Reach.PROJECT, "project": Reach.PROJECT}
        return self._asked(quote_text(quote), "Send this? [y]es, this once; for the whole [p]roject; [N]o: ", answers)

    def discloses(self, sends: Disclosure) -> Reach | None:
        """Show what would be sent where nothing is paid for; return how far the person agrees."""
        lines = [f"{sends.host} would get {sends.size_bytes:,} bytes:"]
        lines += [f"  {item.mime}: {item.data[:_SHOWN].decode(errors='replace')}" for item in sends.items]
        answers = {"a": Reach.ALWAYS, "always": Reach.ALWAYS}
        return self._asked("\n".join(lines), "Send this? [y]es, this once; [a]lways to this host; [N]o: ", answers)

    def _asked(self, shown: str, question: str, further: Mapping[str, Reach]) -> Reach | None:
        self._console.say(shown)
        if self._agreed:
            return Reach.REQUEST
        if not sys.stdin.isatty():
            return None
        print(question, end="", file=sys.stderr, flush=True)
        answer = sys.stdin.readline().strip().lower()
        return {"y": Reach.REQUEST, "yes": Reach.REQUEST, **further}.get(answer)

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
