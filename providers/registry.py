"""The adapters by name, and the layers around each: the one place where providers are put together.

To add an adapter, write its file (`traits`, `quote`, `start`, `find`, `poll`, `cancel`, `forget`, `check`, `close`) and
add a line to ADAPTERS, its limits to `resources/limits.json` and its prices to `resources/prices.json`.

The layers, from the outside in: keys taken out of messages; a span around everything; consent; the network; the ledger;
retries; limits; and inside, the adapter. A retry counts as another request in the windows and as the same one in the
ledger.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from importlib.resources import files
from pathlib import Path
from typing import Protocol

from providers import elevenlabs, gemini, gemini_audio, google_answers, kling, kling_legacy, omni, veo
from providers.consent import ConsentLayer, Consents
from providers.contract import Place, Provider, Traits
from providers.elevenlabs import ElevenLabs
from providers.errors import SetupError, UnknownProvider
from providers.gemini import Gemini
from providers.gemini_audio import GeminiAudio
from providers.keys import KeyName, Keys
from providers.kling import Kling
from providers.kling_errors import kling_home
from providers.kling_legacy import KlingLegacy
from providers.layers import Layer, Layered, ScrubLayer
from providers.ledger import Caps, Ledger, LedgerLayer
from providers.limits import Limiter, LimitLayer, Limits
from providers.network import Network, NetworkLayer
from providers.omni import Omni
from providers.pricing import PriceTable
from providers.retry import Patience, RetryLayer
from providers.settings import ServiceSettings, host_of, service_settings
from providers.traces import TraceLayer, Tracer
from providers.veo import Veo


class Build(Protocol):
    """Makes an adapter."""

    def __call__(self, settings: ServiceSettings, keys: Keys, prices: PriceTable) -> Provider:
        """Return the adapter; it connects when it is first used."""
        ...


@dataclass(frozen=True, slots=True)
class Adapter:
    """A line of the registry."""

    traits: Traits
    build: Build
    home: Callable[[ServiceSettings], str]
    keys: tuple[KeyName, ...]


ADAPTERS: Mapping[str, Adapter] = {
    adapter.traits.name: adapter
    for adapter in (
        Adapter(gemini.TRAITS, Gemini, google_answers.home, (google_answers.KEY,)),
        Adapter(gemini_audio.TRAITS, GeminiAudio, google_answers.home, (google_answers.KEY,)),
        Adapter(omni.TRAITS, Omni, omni.home, (omni.KEY,)),
        Adapter(veo.TRAITS, Veo, veo.home, (veo.KEY,)),
        Adapter(kling.TRAITS, Kling, kling_home, (kling.KEY,)),
        Adapter(kling_legacy.TRAITS, KlingLegacy, kling_home, (kling_legacy.ACCESS_KEY, kling_legacy.SECRET_KEY)),
        Adapter(elevenlabs.TRAITS, ElevenLabs, elevenlabs.home, (elevenlabs.KEY,)),
    )
}

# A place of the concurrency is held this long beyond what one request may take.
LEASE_MARGIN_S = 60.0


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the layers work with, for one project.

    Attributes:
        local: Adapters of the application (its own tools behind the contract), by name.
        stored_settings: The user's settings by provider.
    """

    project: str
    keys: Keys
    prices: PriceTable
    limiter: Limiter
    limits: Mapping[str, Limits]
    ledger: Ledger
    caps: Caps
    consents: Consents
    network: Network
    tracer: Tracer
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    stored_settings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    local: Mapping[str, Provider] = field(default_factory=dict)
    patience: Patience = field(default_factory=Patience)
    clock: Callable[[], float] = time.time


def open_providers(surroundings: Surroundings) -> dict[str, Provider]:
    """Return all providers, layered, by name; nothing is connected or imported before one is used."""
    remote = {name: open_provider(name, surroundings) for name in ADAPTERS}
    local = {
        name: layered(adapter, "", ServiceSettings(), surroundings) for name, adapter in surroundings.local.items()
    }
    return {**remote, **local}


def open_provider(name: str, surroundings: Surroundings) -> Provider:
    """Return one provider, layered.

    Raises:
        UnknownProvider: there is none of that name.
    """
    if name not in ADAPTERS:
        raise UnknownProvider(f"there is no provider {name!r}; there are {', '.join(sorted(ADAPTERS))}")
    adapter = ADAPTERS[name]
    settings = service_settings(name, surroundings.environment, surroundings.stored_settings.get(name))
    built = adapter.build(settings, surroundings.keys, surroundings.prices)
    return layered(built, adapter.home(settings), settings, surroundings)


def layered(adapter: Provider, url: str, settings: ServiceSettings, surroundings: Surroundings) -> Provider:
    """Return an adapter with the layers around it."""
    traits = adapter.traits
    if settings.poll_interval_s is not None:
        traits = replace(traits, poll_interval_s=settings.poll_interval_s)
    layers: list[Layer] = [ScrubLayer(surroundings.keys.scrubbed), TraceLayer(surroundings.tracer)]
    if traits.place is Place.REMOTE:
        limits = surroundings.limits.get(traits.name, Limits())
        layers += [
            ConsentLayer(surroundings.consents, surroundings.project),
            NetworkLayer(surroundings.network, host_of(url)),
            LedgerLayer(surroundings.ledger, surroundings.project, surroundings.caps),
            RetryLayer(surroundings.patience, surroundings.clock),
            LimitLayer(surroundings.limiter, limits, settings.timeout_s + LEASE_MARGIN_S),
        ]
    return Layered(adapter, layers, traits)


def load_limits(user_file: Path | None = None) -> dict[str, Limits]:
    """Return the shipped limits, with those of the user's file (where it exists) in place of the shipped ones.

    Raises:
        SetupError: a file that is no table of limits.
    """
    limits = parse_limits(files("resources").joinpath("limits.json").read_text(encoding="utf-8"), "limits.json")
    if user_file is not None and user_file.exists():
        limits |= parse_limits(user_file.read_text(encoding="utf-8", errors="replace"), str(user_file))
    return limits


def parse_limits(text: str, origin: str) -> dict[str, Limits]:
    """Return the limits in a JSON text, by provider.

    Raises:
        SetupError: it is no table of limits.
    """
    names = {"per_minute", "per_day", "concurrent"}
    try:
        table = json.loads(text)
        for provider, entry in table.items():
            for name, value in entry.items():
                if name not in names or isinstance(value, bool) or not isinstance(value, int) or value < 0:
                    raise SetupError(
                        f"{origin}: {provider}: {name} = {value!r} is no limit ({', '.join(sorted(names))})"
                    )
        return {provider: Limits(**entry) for provider, entry in table.items()}
    except (ValueError, AttributeError, TypeError) as error:
        raise SetupError(f"{origin} is no table of limits: {error}") from error
