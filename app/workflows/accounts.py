"""Where the user's keys, spending and consents are kept on this machine, and the one edge to the providers' errors."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import engine.errors
from app.workflows.places import data_folder
from engine.errors import DeltacutError, InputError
from providers import errors
from providers.accounts import Accounts, Preferences
from providers.errors import ProviderError
from providers.ledger import Caps
from providers.network import Connectivity

OFFLINE_VARIABLE = "DELTACUT_OFFLINE"
"""Set to anything but 0: nothing is sent."""

_BAD_INPUT = (errors.AuthFailed, errors.WorkflowInvalid, errors.PricesInvalid, errors.StoreDamaged, errors.VaultDamaged)


class ProviderFailure(DeltacutError):
    """A provider's error as a command ends with it; `kind` is the error's own name."""

    def __init__(self, message: str, exit_status: int, kind: str) -> None:
        super().__init__(message)
        self.exit_status = exit_status
        self.kind = kind


@contextmanager
def open_accounts(ask_passphrase: Callable[[], str] | None = None) -> Iterator[Accounts]:
    """Open the user's accounts for the block.

    Args:
        ask_passphrase: asks for the vault's passphrase; None where nobody can be asked.

    Raises:
        ProviderFailure: one of the files cannot be used, or what the block does with them fails.
        InputError: the settings cannot be read.
    """
    with provider_errors():
        folder = data_folder()
        preferences = read_preferences(folder / "settings.json", os.environ)
        accounts = Accounts(folder, dict(os.environ), preferences, ask_passphrase=ask_passphrase)
        try:
            yield accounts
        finally:
            accounts.close()


@contextmanager
def provider_errors() -> Iterator[None]:
    """Turn what providers raise into what a command ends with.

    Raises:
        ProviderFailure: in place of a ProviderError.
    """
    try:
        yield
    except ProviderError as error:
        raise ProviderFailure(str(error), exit_status_of(type(error)), type(error).__name__) from None


def exit_status_of(kind: type[ProviderError]) -> int:
    """Return the exit status of a command that ends with such an error."""
    return InputError.exit_status if issubclass(kind, _BAD_INPUT) else kind.exit_status


def exit_status_of_kind(kind: str) -> int:
    """Return the same for an error's name, as a job keeps it."""
    found = getattr(errors, kind, None)
    if isinstance(found, type) and issubclass(found, ProviderError):
        return exit_status_of(found)
    other = getattr(engine.errors, kind, None)
    if isinstance(other, type) and issubclass(other, DeltacutError):
        return other.exit_status
    return DeltacutError.exit_status


def read_preferences(path: Path, environment: Mapping[str, str]) -> Preferences:
    """Return what the user chose: the caps, the offline switch, the services' addresses and models.

    The file is JSON and need not exist: `{"caps": {"project_usd": "5.00", "month_usd": "20.00"}, "offline": false,
    "services": {"gemini": {"model": ...}}}`.

    Raises:
        InputError: it is no such file.
    """
    content: Any = {}
    try:
        if path.exists():
            content = json.loads(path.read_text("utf-8"))
        caps = content.get("caps", {})
        amounts = {name: None if caps.get(name) is None else _usd(caps[name]) for name in ("project_usd", "month_usd")}
        offline = bool(content.get("offline", False))
        services = {name: dict(values) for name, values in content.get("services", {}).items()}
    except (OSError, ValueError, AttributeError, TypeError, InvalidOperation) as error:
        raise InputError(f"the settings {path} cannot be read ({error}); mend the file or remove it") from error
    if environment.get(OFFLINE_VARIABLE, "0") not in ("", "0"):
        offline = True
    return Preferences(
        caps=Caps(**amounts),
        connectivity=Connectivity.OFFLINE if offline else Connectivity.AUTOMATIC,
        services=services,
    )


def _usd(value: object) -> Decimal:
    amount = Decimal(str(value))
    if not amount.is_finite() or amount < 0:
        raise ValueError(f"{value!r} is no amount")
    return amount
