"""Keys of providers: set, listed by their last four characters, removed, tested, sealed anew. None is ever shown."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

from app.workflows.accounts import ProviderFailure, exit_status_of, open_accounts
from app.workflows.generate import AUTO
from engine.errors import DeltacutError, UsageError
from providers.accounts import Accounts
from providers.contract import Work
from providers.errors import KeyMissing, KeyProblem, ProviderError
from providers.keyring_store import SystemKeyring
from providers.keys import KeyName, clean_key
from providers.master_key import VARIABLE, FromEnvironment, MasterKey, MasterKeys, decode_master_key
from providers.registry import ADAPTERS, open_provider

NEXT_VARIABLE = "KEY_VAULT_NEXT_MASTER_KEY"
"""The master key to rotate to, where it is to come from the environment."""

AskSecret = Callable[[str], str]


class MasterPlace(Enum):
    """Where the vault's master key shall be from now on."""

    KEYRING = "keyring"
    PASSPHRASE = "passphrase"
    ENVIRONMENT = "environment"


class KeyNeeded(DeltacutError):
    """Nothing can be ordered before a key is set."""


@dataclass(frozen=True, slots=True)
class KeyState:
    """What may be shown of a key.

    Attributes:
        users: the providers that use it.
        origin: "environment" or "vault"; empty where there is none.
        tail: its last four characters; empty where there is none or it is too short to spare them.
        problem: why it cannot be used; empty where nothing is wrong.
    """

    provider: str
    key_id: str
    users: tuple[str, ...]
    origin: str
    tail: str
    problem: str


@dataclass(frozen=True, slots=True)
class KeyCheck:
    """What a provider said to a key; problem is empty where it was accepted."""

    provider: str
    problem: str
    exit_status: int


def set_keys(provider: str, ask: AskSecret) -> tuple[KeyState, ...]:
    """Ask for the keys of a provider and put them into the vault.

    Args:
        provider: its name.
        ask: asks a person for a secret, given what it is; nothing of it may be shown.

    Raises:
        UsageError: there is no such provider. ProviderFailure: the key or the vault cannot be used.
    """
    names = key_names(provider)
    with open_accounts(lambda: ask("the vault's passphrase")) as accounts:
        found = [(name, clean_key(ask(f"{name.provider} {name.key_id}"), "what was given")) for name in names]
        for name, secret in found:
            accounts.vault.put(name.provider, name.key_id, secret)
        return tuple(_state(name, accounts) for name in names)


def list_keys(ask: AskSecret) -> tuple[KeyState, ...]:
    """Return what may be shown of all keys that providers use.

    Raises:
        ProviderFailure: the vault cannot be used at all.
    """
    with open_accounts(lambda: ask("the vault's passphrase")) as accounts:
        return tuple(_state(name, accounts) for name in _all_names())


def remove_keys(provider: str) -> int:
    """Remove the keys of a provider from the vault; return how many there were.

    Raises:
        UsageError: there is no such provider. ProviderFailure: the vault cannot be written.
    """
    with open_accounts() as accounts:
        return sum(accounts.vault.remove(name.provider, name.key_id) for name in key_names(provider))


def check_keys(provider: str | None, ask: AskSecret) -> tuple[KeyCheck, ...]:
    """Ask a provider (None: each that there is a key for) something that costs nothing and needs the key.

    Raises:
        UsageError: there is no such provider.
    """
    if provider is not None and provider not in ADAPTERS:
        raise _unknown(provider)
    with open_accounts(lambda: ask("the vault's passphrase")) as accounts:
        keys = accounts.keys()
        ready = [name for name, adapter in ADAPTERS.items() if all(keys.has(key) for key in adapter.keys)]
        return tuple(asyncio.run(_check(name, accounts)) for name in ([provider] if provider else ready))


async def _check(name: str, accounts: Accounts) -> KeyCheck:
    provider = open_provider(name, accounts.surroundings(""))
    try:
        await provider.check()
    except ProviderError as error:
        return KeyCheck(name, str(error), exit_status_of(type(error)))
    finally:
        await provider.close()
    return KeyCheck(name, "", 0)


def rotate_vault(place: MasterPlace, ask: AskSecret) -> None:
    """Seal the vault anew under a new master key; a crash leaves the former vault or the new one, whole.

    Raises:
        UsageError: the new master key is not to be found.
        ProviderFailure: the vault or the new master key cannot be used; nothing was changed.
    """
    with open_accounts(lambda: ask("the vault's passphrase")) as accounts:
        if not accounts.vault.exists:
            raise UsageError("there is no vault yet; deltacut keys set makes one")
        accounts.vault.rotate(_new_master(place, ask))


def _new_master(place: MasterPlace, ask: AskSecret) -> MasterKey:
    makers = MasterKeys({}, SystemKeyring())
    match place:
        case MasterPlace.KEYRING:
            return makers.fresh_in_keyring()
        case MasterPlace.PASSPHRASE:
            passphrase = ask("the new passphrase")
            if not passphrase:
                raise UsageError("the new passphrase is empty")
            return makers.fresh_from_passphrase(passphrase)
        case MasterPlace.ENVIRONMENT:
            text = os.environ.get(NEXT_VARIABLE, "")
            if not text:
                raise UsageError(f"set {NEXT_VARIABLE} to the new master key, and {VARIABLE} to it afterwards")
            return MasterKey(FromEnvironment(), decode_master_key(text, NEXT_VARIABLE))


def has_keys(accounts: Accounts, names: Sequence[str]) -> bool:
    """Tell whether one of these providers could be asked; the vault stays locked."""
    keys = accounts.keys()
    return any(name not in ADAPTERS or all(keys.has(key) for key in ADAPTERS[name].keys) for name in names)


def check_key_for(work: Work, provider: str = AUTO) -> None:
    """Refuse work that no provider could be asked for.

    Raises:
        KeyNeeded: there is no key for any of those that do it.
    """
    names = [name for name, adapter in ADAPTERS.items() if work in adapter.traits.works]
    wanted = names if provider == AUTO else [provider]
    with open_accounts() as accounts:
        if not has_keys(accounts, wanted):
            raise KeyNeeded(f"No key for {ADAPTERS[wanted[0]].traits.title} is set on this computer. Nothing was sent.")


def key_names(provider: str) -> tuple[KeyName, ...]:
    """Return the keys that a provider needs.

    Raises:
        UsageError: there is no such provider.
    """
    if provider in ADAPTERS:
        return ADAPTERS[provider].keys
    shared = tuple(name for name in _all_names() if name.provider == provider)
    if not shared:
        raise _unknown(provider)
    return shared


def _all_names() -> tuple[KeyName, ...]:
    return tuple(dict.fromkeys(name for adapter in ADAPTERS.values() for name in adapter.keys))


def _unknown(provider: str) -> UsageError:
    return UsageError(f"there is no provider {provider!r}; there are {', '.join(sorted(ADAPTERS))}")


def _state(name: KeyName, accounts: Accounts) -> KeyState:
    users = tuple(sorted(user for user, adapter in ADAPTERS.items() if name in adapter.keys))
    try:
        found = accounts.keys().resolve(name)
    except KeyMissing:
        return KeyState(name.provider, name.key_id, users, "", "", "")
    except KeyProblem as error:
        return KeyState(name.provider, name.key_id, users, "vault", "", str(error))
    return KeyState(name.provider, name.key_id, users, found.origin.value, found.secret.tail, "")


def first_failure(checks: tuple[KeyCheck, ...]) -> ProviderFailure | None:
    """Return the error that a command ends with after these checks, None if all keys were accepted."""
    failed = [check for check in checks if check.problem]
    if not failed:
        return None
    message = "; ".join(f"{check.provider}: {check.problem}" for check in failed)
    return ProviderFailure(message, failed[0].exit_status, "")
