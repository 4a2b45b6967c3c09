"""AES-256-GCM as the vault uses it: 32-byte keys, 12-byte nonces, 16-byte tags, nothing else.

NIST SP 800-38D. The library underneath also takes 16- and 24-byte keys and other nonces; they are refused here.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16


class SealBroken(Exception):
    """Wrong key, wrong context, or changed bytes; which of them cannot be told."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """Encrypted bytes; `ciphertext` ends with the tag."""

    nonce: bytes
    ciphertext: bytes = field(repr=False)


def seal(key: bytes, plaintext: bytes, context: bytes) -> Sealed:
    """Encrypt under a fresh random nonce; `context` is authenticated, not stored.

    Raises:
        ValueError: the key is not 32 bytes.
    """
    nonce = os.urandom(NONCE_BYTES)
    return Sealed(nonce, _cipher(key).encrypt(nonce, plaintext, context))


def unseal(key: bytes, sealed: Sealed, context: bytes) -> bytes:
    """Decrypt.

    Raises:
        SealBroken: the key, the nonce, the context or a byte is not the one it was sealed with.
        ValueError: the key is not 32 bytes.
    """
    cipher = _cipher(key)
    if len(sealed.nonce) != NONCE_BYTES or len(sealed.ciphertext) < TAG_BYTES:
        raise SealBroken
    try:
        return cipher.decrypt(sealed.nonce, sealed.ciphertext, context)
    except InvalidTag:
        pass
    raise SealBroken


def _cipher(key: bytes) -> AESGCM:
    if len(key) != KEY_BYTES:
        raise ValueError(f"a key has {KEY_BYTES} bytes, not {len(key)}")
    return AESGCM(key)
