"""Where the vault's master key comes from: the environment, the keyring, or a passphrase.

A malformed KEY_VAULT_MASTER_KEY is an error and never a reason to look further; a vault whose master key is gone never
gets a new one.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from providers.errors import KeyringUnusable, MasterKeyMalformed, MasterKeyMissing, VaultDamaged
from providers.keyring_store import KeyringStore
from providers.sealing import KEY_BYTES

VARIABLE = "KEY_VAULT_MASTER_KEY"
SALT_BYTES = 16

# RFC 7914: N = 2^17, r = 8 needs 128 MiB. A file may ask for less or somewhat more, not for all the memory there is.
SCRYPT_N = 1 << 17
SCRYPT_R = 8
SCRYPT_P = 1
_MEMORY_LIMIT_BYTES = 1 << 30


@dataclass(frozen=True, slots=True)
class FromEnvironment:
    """The master key is in KEY_VAULT_MASTER_KEY."""


@dataclass(frozen=True, slots=True)
class FromKeyring:
    """The master key is in the operating system's keyring, under a name of its own."""

    name: str


@dataclass(frozen=True, slots=True)
class FromPassphrase:
    """The master key is derived from a passphrase by scrypt."""

    salt: bytes
    n: int = SCRYPT_N
    r: int = SCRYPT_R
    p: int = SCRYPT_P


Origin = FromEnvironment | FromKeyring | FromPassphrase


@dataclass(frozen=True, slots=True)
class MasterKey:
    """A master key and where it came from."""

    origin: Origin
    key: bytes = field(repr=False)


class MasterKeys:
    """Finds the master key of a vault, and makes the one of a new vault."""

    def __init__(
        self,
        environment: Mapping[str, str],
        keyring: KeyringStore | None,
        ask_passphrase: Callable[[], str] | None = None,
    ) -> None:
        self._environment = environment
        self._keyring = keyring
        self._ask_passphrase = ask_passphrase

    def existing(self, origin: Origin) -> MasterKey:
        """Return the master key of a vault that was made with one from `origin`; the environment goes first.

        Raises:
            MasterKeyMalformed: the variable is set, but not to a key.
            MasterKeyMissing: it is not to be found.
            KeyringUnusable: the keyring cannot be asked.
        """
        if self._environment.get(VARIABLE):
            return MasterKey(FromEnvironment(), decode_master_key(self._environment[VARIABLE]))
        match origin:
            case FromEnvironment():
                raise MasterKeyMissing(
                    f"the vault was made with {VARIABLE}, which is not set; set it to open the vault"
                )
            case FromKeyring(name):
                return MasterKey(origin, self._from_keyring(name))
            case FromPassphrase():
                return MasterKey(origin, derive(self._passphrase(), origin))

    def fresh(self) -> MasterKey:
        """Make the master key of a new vault: the environment's, else a random one in the keyring, else a passphrase's.

        Raises:
            MasterKeyMalformed: the variable is set, but not to a key.
            KeyringUnusable: no variable, no usable keyring, nobody to ask for a passphrase.
        """
        if self._environment.get(VARIABLE):
            return MasterKey(FromEnvironment(), decode_master_key(self._environment[VARIABLE]))
        try:
            return self.fresh_in_keyring()
        except KeyringUnusable:
            if self._ask_passphrase is None:
                raise
        return self.fresh_from_passphrase(self._passphrase())

    def fresh_in_keyring(self) -> MasterKey:
        """Make a random master key and put it into the keyring."""
        if self._keyring is None:
            raise KeyringUnusable(f"there is no keyring; set {VARIABLE} or use a passphrase")
        key = os.urandom(KEY_BYTES)
        origin = FromKeyring(f"vault-{os.urandom(8).hex()}")
        self._keyring.put(origin.name, base64.b64encode(key).decode())
        return MasterKey(origin, key)

    def fresh_from_passphrase(self, passphrase: str) -> MasterKey:
        """Derive a master key from a passphrase with a new salt."""
        origin = FromPassphrase(os.urandom(SALT_BYTES))
        return MasterKey(origin, derive(passphrase, origin))

    def drop(self, origin: Origin) -> None:
        """Remove a master key that no vault uses any more."""
        if isinstance(origin, FromKeyring) and self._keyring is not None:
            self._keyring.delete(origin.name)

    def _from_keyring(self, name: str) -> bytes:
        if self._keyring is None:
            raise KeyringUnusable("the vault's master key is in the keyring, and there is none here")
        text = self._keyring.get(name)
        if text is None:
            raise MasterKeyMissing(
                f"the keyring has no {name!r}, the vault's master key; unlock or restore the keyring, or remove the "
                "vault's file and set the keys again"
            )
        return decode_master_key(text, f"the keyring's {name!r}")

    def _passphrase(self) -> str:
        if self._ask_passphrase is None:
            raise MasterKeyMissing("the vault opens with a passphrase, and there is nobody to ask for it")
        passphrase = self._ask_passphrase()
        if not passphrase:
            raise MasterKeyMissing("the passphrase is empty")
        return passphrase


def decode_master_key(text: str, name: str = VARIABLE) -> bytes:
    """Return the 32 bytes that `text` spells in base64.

    Raises:
        MasterKeyMalformed: it does not; the message does not repeat it.
    """
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        key = None
    if key is None:
        raise MasterKeyMalformed(f"{name} is not base64; make one with: openssl rand -base64 {KEY_BYTES}")
    if len(key) != KEY_BYTES:
        raise MasterKeyMalformed(f"{name} spells {len(key)} bytes, not {KEY_BYTES}")
    return key


def derive(passphrase: str, origin: FromPassphrase) -> bytes:
    """Return the 32 bytes that scrypt (RFC 7914) makes of the passphrase."""
    return Scrypt(salt=origin.salt, length=KEY_BYTES, n=origin.n, r=origin.r, p=origin.p).derive(passphrase.encode())


def origin_as_json(origin: Origin) -> dict[str, str | int]:
    """Return the form in which a vault's file names its master key's origin."""
    match origin:
        case FromEnvironment():
            return {"kind": "environment"}
        case FromKeyring(name):
            return {"kind": "keyring", "name": name}
        case FromPassphrase(salt, n, r, p):
            return {"kind": "passphrase", "salt": base64.b64encode(salt).decode(), "n": n, "r": r, "p": p}


def origin_from_json(entry: Mapping[str, Any]) -> Origin:
    """Read what `origin_as_json` wrote.

    Raises:
        VaultDamaged: an unknown kind, or scrypt parameters out of bounds.
        KeyError, TypeError, ValueError: fields missing or of the wrong type.
    """
    match entry["kind"]:
        case "environment":
            return FromEnvironment()
        case "keyring":
            return FromKeyring(str(entry["name"]))
        case "passphrase":
            n, r, p = int(entry["n"]), int(entry["r"]), int(entry["p"])
            weak = n < 1 << 14 or n & (n - 1) or r < 1 or p < 1
            if weak or 128 * n * r * p > _MEMORY_LIMIT_BYTES:
                raise VaultDamaged(f"the vault asks for scrypt with {n = }, {r = }, {p = }, which is out of bounds")
            return FromPassphrase(base64.b64decode(entry["salt"], validate=True), n, r, p)
        case kind:
            raise VaultDamaged(f"the vault's master key comes from {str(kind)[:40]!r}, which is unknown")
