"""Everything about providers that is kept in the user's data folder, opened and closed together.

::

    <user data>/vault/keys.vault    the keys
    <user data>/ledger.sqlite       what was spent, in all projects
    <user data>/consents.sqlite     what may be sent
    <user data>/limits.sqlite       the windows of the limits
    <user data>/traces.sqlite       spans (rebuildable)
    <user data>/prices.json         the user's own prices, if there are any
    <user data>/limits.json         the user's own limits, if there are any

Results and jobs are a project's: `cache.py`, `job_store.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from providers.consent import Consents
from providers.contract import Provider
from providers.keyring_store import KeyringStore, SystemKeyring
from providers.keys import Keys
from providers.ledger import Caps, Ledger
from providers.limits import Limiter
from providers.master_key import MasterKeys
from providers.network import Connectivity, Network
from providers.pricing import load_prices
from providers.registry import Surroundings, load_limits
from providers.secret import Secret
from providers.traces import Content, SpanStore, Tracer
from providers.vault import Vault


@dataclass(frozen=True, slots=True)
class Preferences:
    """What the user chose.

    Attributes:
        caps: What may be spent.
        connectivity: The offline switch.
        content: Whether prompts may be in traces.
        services: Settings by provider ("url", "model", "api_version", ...).
    """

    caps: Caps = field(default_factory=Caps)
    connectivity: Connectivity = Connectivity.AUTOMATIC
    content: Content = Content.WITHHELD
    services: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


class Accounts:
    """The user's vault, ledger, limits, consents and traces."""

    def __init__(
        self,
        folder: Path,
        environment: Mapping[str, str],
        preferences: Preferences,
        *,
        keyring: KeyringStore | None = None,
        ask_passphrase: Callable[[], str] | None = None,
    ) -> None:
        """Open everything; the keyring is not touched before a stored key is needed.

        Raises:
            StoreDamaged: one of the files cannot be used.
            PricesInvalid, SetupError: the user's own prices or limits cannot be read.
        """
        self._environment = environment
        self._preferences = preferences
        self._prices = load_prices(folder / "prices.json")
        self._limits = load_limits(folder / "limits.json")
        self.vault = Vault(folder / "vault", MasterKeys(environment, keyring or SystemKeyring(), ask_passphrase))
        self.ledger = Ledger(folder / "ledger.sqlite")
        self.consents = Consents(folder / "consents.sqlite")
        self.limiter = Limiter(folder / "limits.sqlite")
        self.spans = SpanStore(folder / "traces.sqlite")
        self.tracer = Tracer(self.spans.add, preferences.content)
        self.network = Network(preferences.connectivity)

    def keys(self, request: Mapping[tuple[str, str], Secret] | None = None) -> Keys:
        """Return the keys, with those of a request before all others."""
        return Keys(self._environment, self.vault, request or {})

    def surroundings(
        self,
        project: str,
        *,
        local: Mapping[str, Provider] | None = None,
        request_keys: Mapping[tuple[str, str], Secret] | None = None,
    ) -> Surroundings:
        """Return what `registry.open_providers` needs for a project."""
        return Surroundings(
            project=project,
            keys=self.keys(request_keys),
            prices=self._prices,
            limiter=self.limiter,
            limits=self._limits,
            ledger=self.ledger,
            caps=self._preferences.caps,
            consents=self.consents,
            network=self.network,
            tracer=self.tracer,
            environment=self._environment,
            stored_settings=self._preferences.services,
            local=local or {},
        )

    def close(self) -> None:
        """Close all files."""
        for file in (self.ledger, self.consents, self.limiter, self.spans):
            file.close()
