"""Send traces to a collector (OTLP) if a person wants that: what leaves is shown before it first does."""

from __future__ import annotations

import json
import os
from importlib.metadata import version

from app.workflows.accounts import open_accounts
from app.workflows.orchestration import run_in_thread
from app.workflows.preferences import preferences
from app.workflows.project_jobs import Agreement
from engine.control import CancelToken
from engine.errors import UsageError
from providers.consent import Reach
from providers.contract import Disclosure, Sent, SentKind
from providers.errors import Offline
from providers.otlp import Collector, configured_collector, export, export_request
from providers.settings import checked_url, host_of

NAME = "otlp"


def export_traces(url: str | None, agreement: Agreement, cancel: CancelToken) -> tuple[int, str]:
    """Send the spans that were not sent yet; return how many, and to which host.

    Args:
        url: the collector's address; None for the settings' (`services.otlp.url`), else that of the OTEL variables.
        agreement: is asked unless a person agreed to this host for good.
        cancel: takes effect at once; what was not taken is kept for the next time.

    Raises:
        UsageError: there is no collector, or a person did not agree.
        ProviderFailure: the collector cannot be reached, or nothing may be sent now.
        Cancelled: on request.
    """
    with open_accounts() as accounts:
        collector = _collector(url)
        host = host_of(collector.url)
        spans = accounts.spans.unexported()
        if not spans:
            return 0, host
        reason = accounts.network.why_offline(host)
        if reason is not None:
            raise Offline(f"the collector {host} cannot be asked: {reason}; the traces are kept", provider=NAME)
        content = json.dumps(export_request(spans, version("deltacut"))).encode()
        sends = Disclosure(NAME, host, (Sent(SentKind.TEXT, "application/json", content),))
        if not accounts.consents.covers(sends, ""):
            reach = agreement.discloses(sends)
            if reach is None:
                raise UsageError(f"nothing was sent to {host}: nobody agreed to it; --yes agrees, this once")
            if reach is not Reach.REQUEST:
                accounts.consents.grant(sends, Reach.ALWAYS, "")
        return run_in_thread(lambda: export(accounts.spans, collector, version("deltacut")), cancel), host


def _collector(url: str | None) -> Collector:
    given = url or preferences().services.get(NAME, {}).get("url")
    if given:
        return Collector(checked_url(given, "the collector"))
    found = configured_collector(os.environ)
    if found is None:
        raise UsageError(
            "there is no collector: name one with --otlp https://host/v1/traces, in the settings, or in "
            "OTEL_EXPORTER_OTLP_ENDPOINT"
        )
    return found
