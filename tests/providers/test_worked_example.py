"""The example of the documentation is a whole adapter: one file and one line, and a job runs through it."""

from __future__ import annotations

import asyncio
import base64
import json
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from providers import registry
from providers.accounts import Accounts, Preferences
from providers.cache import Provenance
from providers.contract import Request
from providers.errors import AuthFailed, BadResponse, RateLimited
from providers.jobs import JobState
from providers.keys import Keys
from providers.pricing import ModelPrices, PriceTable
from providers.secret import Secret
from providers.settings import ServiceSettings
from tests.fakes.desk import Desk, workflow
from tests.fakes.http import Reply, Server, html_reply, json_reply
from tests.fakes.scripted import PNG
from tests.providers import example_adapter
from tests.providers.adapter_cases import edit_task

PRICES = PriceTable({"repaint-1": ModelPrices(date(2026, 11, 1), {"1K": Decimal("0.02")}, {}, None, {}, {})})


def answer(received):
    if received.headers.get("authorization") != "Bearer repaint-key-000000":
        return json_reply({}, 401)
    return json_reply({"picture": base64.b64encode(PNG).decode(), "cents": 1.5})


@pytest.fixture
def service():
    server = Server(answer).start()
    yield server
    server.stop()


def test_the_example_runs_a_job_after_one_line_in_the_registry(tmp_path, service, monkeypatch):
    line = registry.Adapter(
        example_adapter.TRAITS, example_adapter.Repaint, example_adapter.home, (example_adapter.KEY,)
    )
    monkeypatch.setattr(registry, "ADAPTERS", {**registry.ADAPTERS, "repaint": line})
    environment = {"DELTACUT_REPAINT_URL": service.url, "REPAINT_API_KEY": "repaint-key-000000"}
    desk = Desk(tmp_path, environment=environment, task=lambda context: edit_task("a red door"))
    desk.surroundings = replace(desk.surroundings, prices=PRICES)
    desk.providers["repaint"] = registry.open_provider("repaint", desk.surroundings)
    desk.agree_to_everything()
    job = desk.orchestrator.add(workflow("repaint"), project="film", title="t", provenance=Provenance("h", 1))
    desk.orchestrator._known_providers = frozenset({"repaint"})
    done = asyncio.run(desk.orchestrator.run(job.job))
    assert done.state is JobState.PUBLISHED
    assert desk.spent() == Decimal("0.015")
    assert json.loads(service.received[0].body)["prompt"] == "a red door"
    desk.close_files()


def test_the_example_s_errors_are_ours(service):
    def started(key, reply=None):
        if reply is not None:
            service._answer = lambda received: reply
        adapter = example_adapter.Repaint(
            ServiceSettings(url=service.url), Keys({"REPAINT_API_KEY": key}, None), PRICES
        )
        return asyncio.run(adapter.start(Request(edit_task(), "x-1")))

    with pytest.raises(AuthFailed):
        started("wrong-key-000")
    with pytest.raises(RateLimited):
        started("repaint-key-000000", Reply(429, b"{}", headers={"retry-after": "7"}))
    with pytest.raises(BadResponse):
        started("repaint-key-000000", html_reply())


def test_everything_of_the_user_is_opened_and_closed_together(tmp_path):
    (tmp_path / "limits.json").write_text('{"kling": {"per_minute": 1}}')
    accounts = Accounts(tmp_path, {"GEMINI_API_KEY": "from-the-environment"}, Preferences())
    surroundings = accounts.surroundings("film", request_keys={("kling", "api-key"): Secret("with-the-request")})
    providers = registry.open_providers(surroundings)
    assert sorted(providers) == sorted(registry.ADAPTERS)
    assert surroundings.limits["kling"].per_minute == 1
    assert surroundings.keys.resolve(registry.ADAPTERS["gemini"].keys[0]).secret.reveal() == "from-the-environment"
    assert surroundings.keys.resolve(registry.ADAPTERS["kling"].keys[0]).secret.reveal() == "with-the-request"
    assert not accounts.vault.exists
    accounts.close()
    assert {path.name for path in tmp_path.iterdir()} == {
        "ledger.sqlite",
        "consents.sqlite",
        "limits.sqlite",
        "traces.sqlite",
        "limits.json",
    }
