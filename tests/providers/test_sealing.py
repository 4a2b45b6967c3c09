"""AES-256-GCM against published vectors: each is either computed as published, or refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from providers.sealing import KEY_BYTES, NONCE_BYTES, SealBroken, Sealed, seal, unseal

WYCHEPROOF = Path(__file__).resolve().parents[3] / "shared" / "vectors" / "aes_gcm_test.json"

# McGrew and Viega, "The Galois/Counter Mode of Operation", appendix B, test cases 13 to 16 (AES-256, 96-bit IV), as
# published by NIST: key, IV, plaintext, additional data, ciphertext, tag.
NIST = [
    ("00" * 32, "00" * 12, "", "", "", "530f8afbc74536b9a963b4f1c4cb738b"),
    (
        "00" * 32,
        "00" * 12,
        "00" * 16,
        "",
        "cea7403d4d606b6e074ec5d3baf39d18",
        "d0d1c8a799996bf0265b98b5d48ab919",
    ),
    (
        "feffe9928665731c6d6a8f9467308308" * 2,
        "cafebabefacedbaddecaf888",
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525"
        "b16aedf5aa0de657ba637b391aafd255",
        "",
        "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838"
        "c5f61e6393ba7a0abcc9f662898015ad",
        "b094dac5d93471bdec1a502270e3cc6c",
    ),
    (
        "feffe9928665731c6d6a8f9467308308" * 2,
        "cafebabefacedbaddecaf888",
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525"
        "b16aedf5aa0de657ba637b39",
        "feedfacedeadbeeffeedfacedeadbeefabaddad2",
        "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838"
        "c5f61e6393ba7a0abcc9f662",
        "76fc6ece0f4e1768cddf8853bb2d551b",
    ),
]


@pytest.mark.parametrize(("key", "iv", "text", "context", "ciphertext", "tag"), NIST)
def test_nist_s_cases_open_and_any_changed_tag_does_not(key, iv, text, context, ciphertext, tag):
    sealed = Sealed(bytes.fromhex(iv), bytes.fromhex(ciphertext + tag))
    assert unseal(bytes.fromhex(key), sealed, bytes.fromhex(context)).hex() == text
    for bit in range(128):
        broken = bytearray(sealed.ciphertext)
        broken[-1 - bit // 8] ^= 1 << bit % 8
        with pytest.raises(SealBroken):
            unseal(bytes.fromhex(key), Sealed(sealed.nonce, bytes(broken)), bytes.fromhex(context))


def test_wycheproof_s_cases_open_or_are_refused():
    if not WYCHEPROOF.exists():
        pytest.skip("Wycheproof's vectors (../shared/vectors) are not on this machine")
    opened = refused = 0
    for group in json.loads(WYCHEPROOF.read_text())["testGroups"]:
        ours = group["keySize"] == 8 * KEY_BYTES and group["ivSize"] == 8 * NONCE_BYTES and group["tagSize"] == 128
        for case in group["tests"]:
            key, nonce, context, text, body, tag = (
                bytes.fromhex(case[name]) for name in ("key", "iv", "aad", "msg", "ct", "tag")
            )
            if ours and case["result"] == "valid":
                assert unseal(key, Sealed(nonce, body + tag), context) == text, case["tcId"]
                opened += 1
            else:
                with pytest.raises((SealBroken, ValueError)):
                    unseal(key, Sealed(nonce, body + tag), context)
                refused += 1
    assert (opened, refused) == (39, 277)


def test_what_was_sealed_opens_with_its_key_and_context_only():
    key = bytes(range(32))
    sealed = seal(key, b"text", b"context")
    assert unseal(key, sealed, b"context") == b"text"
    for other_key, other_context in ((bytes(32), b"context"), (key, b"contexts")):
        with pytest.raises(SealBroken):
            unseal(other_key, sealed, other_context)


@pytest.mark.parametrize("size", [0, 16, 24, 31, 33])
def test_a_key_of_another_size_is_refused(size):
    with pytest.raises(ValueError, match="32 bytes"):
        seal(bytes(size), b"", b"")
