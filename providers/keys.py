"""Which key a call uses: the request's own, else the environment's, else the vault's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from providers.errors import KeyMissing, KeyProblem
from providers.secret import Secret
from providers.vault import Vault


@dataclass(frozen=True, slots=True)
class KeyName:
    """A key that a provider needs.

    Attributes:
        provider: Whose it is in the vault; two adapters of one company may share it.
        key_id: Its name there.
        variables: The environment variables that may hold it, the first one first.
    """

    provider: str
    key_id: str
    variables: tuple[str, ...]


class KeyOrigin(Enum):
    """Where a key was found."""

    REQUEST = "request"
    ENVIRONMENT = "environment"
    VAULT = "vault"


@dataclass(frozen=True, slots=True)
class FoundKey:
    """A key and where it was found."""

    secret: Secret
    origin: KeyOrigin


@dataclass(frozen=True, slots=True)
class Keys:
    """Resolves the keys of providers.

    Attributes:
        request: Keys that came with this request only, by provider and key id.
    """

    environment: Mapping[str, str] = field(repr=False)
    vault: Vault | None
    request: Mapping[tuple[str, str], Secret] = field(default_factory=dict)
    _used: set[Secret] = field(default_factory=set, init=False, compare=False)

    def resolve(self, name: KeyName) -> FoundKey:
        """Return the key.

        Raises:
            KeyMissing: it is nowhere.
            KeyProblem: it has characters that no key has, or the vault does not open.
        """
        found = self._found(name)
        self._used.add(found.secret)
        return found

    def scrubbed(self, text: str) -> str:
        """Return a text without any key that was resolved here: services echo what they were sent."""
        for secret in tuple(self._used):
            text = secret.scrubbed(text)
        return text

    def _found(self, name: KeyName) -> FoundKey:
        given = self.request.get((name.provider, name.key_id))
        if given is not None:
            return FoundKey(clean_key(given.reveal(), "the request's key"), KeyOrigin.REQUEST)
        for variable in name.variables:
            if self.environment.get(variable, "").strip():
                return FoundKey(clean_key(self.environment[variable], variable), KeyOrigin.ENVIRONMENT)
        stored = self.vault.get(name.provider, name.key_id) if self.vault is not None else None
        if stored is not None:
            return FoundKey(stored, KeyOrigin.VAULT)
        raise KeyMissing(
            f"there is no {name.provider} key; set {name.variables[0]} or run: deltacut keys set {name.provider}",
            provider=name.provider,
        )

    def has(self, name: KeyName) -> bool:
        """Return whether there is such a key, without opening the vault."""
        if (name.provider, name.key_id) in self.request:
            return True
        if any(self.environment.get(variable, "").strip() for variable in name.variables):
            return True
        return self.vault is not None and (name.provider, name.key_id) in self.vault.names()


def clean_key(text: str, origin: str) -> Secret:
    """Return a key without the blanks around it that pasting leaves.

    Raises:
        KeyProblem: it is empty, or holds characters that no key has and no header may.
    """
    text = text.strip()
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        raise KeyProblem(f"{origin} is empty or has blanks, line breaks or other characters that no key has")
    return Secret(text)
