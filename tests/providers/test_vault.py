"""The vault: sealed keys that only their owner, with the right master key, can read, and that no accident loses."""

from __future__ import annotations

import base64
import json
import os
import stat
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from providers import vault as vault_module
from providers.errors import (
    KeyMissing,
    KeyProblem,
    KeyringUnusable,
    MasterKeyMalformed,
    MasterKeyMissing,
    VaultDamaged,
    VaultError,
    VaultLocked,
    VaultUnsafe,
)
from providers.keyring_store import SystemKeyring
from providers.keys import KeyName, KeyOrigin, Keys
from providers.master_key import VARIABLE, FromKeyring, MasterKey, MasterKeys, decode_master_key
from providers.secret import Secret
from providers.vault import FILE_NAME, EntryInfo, Vault

MASTER = base64.b64encode(bytes(range(32))).decode()
OTHER_MASTER = base64.b64encode(bytes(range(1, 33))).decode()
CANARY = "sk-canary-6f1d9c0b7e5a4321"


class DictKeyring:
    def __init__(self):
        self.stored = {}

    def get(self, name):
        return self.stored.get(name)

    def put(self, name, text):
        self.stored[name] = text

    def delete(self, name):
        self.stored.pop(name, None)


def from_environment(folder, master=MASTER, keyring=None):
    return Vault(folder, MasterKeys({VARIABLE: master}, keyring))


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "vault"


def test_a_key_comes_back_and_the_file_shows_nothing_of_it(folder):
    from_environment(folder).put("gemini", "api-key", Secret(CANARY))
    again = from_environment(folder)
    assert again.get("gemini", "api-key") == Secret(CANARY)
    assert again.entries() == (EntryInfo("gemini", "api-key", "4321"),)
    assert again.get("kling", "api-key") is None
    text = (folder / FILE_NAME).read_text()
    for part in (CANARY, "canary", "4321", base64.b64encode(CANARY.encode()).decode(), MASTER):
        assert part not in text


def test_there_is_no_vault_until_a_key_is_stored(folder):
    vault = from_environment(folder)
    assert not vault.exists
    assert vault.get("gemini", "api-key") is None
    assert vault.entries() == ()
    assert not vault.remove("gemini", "api-key")
    with pytest.raises(VaultError, match="nothing to rotate"):
        vault.rotate(MasterKeys({}, DictKeyring()).fresh_in_keyring())


def test_the_file_is_readable_by_its_owner_only(folder):
    from_environment(folder).put("gemini", "api-key", Secret(CANARY))
    assert stat.S_IMODE((folder / FILE_NAME).stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_every_write_takes_a_fresh_nonce(folder):
    vault = from_environment(folder)
    nonces = set()
    for _ in range(20):
        vault.put("gemini", "api-key", Secret(CANARY))
        nonces.add(json.loads((folder / FILE_NAME).read_text())["entries"][0]["nonce"])
    assert len(nonces) == 20


def test_an_entry_moved_to_another_provider_does_not_open(folder):
    vault = from_environment(folder)
    vault.put("gemini", "api-key", Secret(CANARY))
    edited(folder, lambda content: content["entries"][0].update(provider="kling"))
    with pytest.raises(VaultDamaged, match="kling/api-key"):
        vault.get("kling", "api-key")


def test_a_damaged_entry_is_named_and_the_others_open_and_it_survives_a_write(folder):
    vault = from_environment(folder)
    vault.put("gemini", "api-key", Secret(CANARY))
    vault.put("kling", "api-key", Secret("other-key-000000"))
    edited(folder, lambda content: content["entries"][0].update(sealed="AAAA"))
    damaged = json.loads((folder / FILE_NAME).read_text())["entries"][0]
    vault = from_environment(folder)
    with pytest.raises(VaultDamaged, match="gemini/api-key"):
        vault.get("gemini", "api-key")
    assert vault.get("kling", "api-key") == Secret("other-key-000000")
    vault.put("elevenlabs", "api-key", Secret("third-key-000000"))
    assert damaged in json.loads((folder / FILE_NAME).read_text())["entries"]
    with pytest.raises(VaultDamaged):
        vault.rotate(MasterKeys({}, DictKeyring()).fresh_in_keyring())
    vault.put("gemini", "api-key", Secret(CANARY))
    assert vault.get("gemini", "api-key") == Secret(CANARY)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_a_vault_with_any_byte_changed_never_yields_another_key(tmp_path, data):
    folder = Path(tempfile.mkdtemp(dir=tmp_path))
    vault = from_environment(folder)
    vault.put("gemini", "api-key", Secret(CANARY))
    path = folder / FILE_NAME
    content = bytearray(path.read_bytes())
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content) - 1)) :]
    else:
        at = data.draw(st.integers(0, len(content) - 1))
        content[at] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    try:
        found = from_environment(folder).get("gemini", "api-key")
    except VaultError:
        return
    assert found in (None, Secret(CANARY))


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"{}", b'{"format": "deltacut-vault"}', b"[" * 100_000])
def test_a_file_that_is_no_vault_is_a_clear_error_and_is_not_overwritten(folder, content):
    from_environment(folder).put("gemini", "api-key", Secret(CANARY))
    (folder / FILE_NAME).write_bytes(content)
    for act in (lambda v: v.get("gemini", "api-key"), lambda v: v.put("gemini", "api-key", Secret(CANARY))):
        with pytest.raises(VaultDamaged, match="restore it from a backup"):
            act(from_environment(folder))
    assert (folder / FILE_NAME).read_bytes() == content


def test_a_vault_of_a_later_version_is_left_alone(folder):
    from_environment(folder).put("gemini", "api-key", Secret(CANARY))
    edited(folder, lambda content: content.update(version=2))
    with pytest.raises(VaultError, match="update"):
        from_environment(folder).get("gemini", "api-key")


def test_the_wrong_master_key_is_said_to_be_wrong_and_nothing_is_lost(folder):
    from_environment(folder).put("gemini", "api-key", Secret(CANARY))
    before = (folder / FILE_NAME).read_bytes()
    wrong = from_environment(folder, OTHER_MASTER)
    for act in (
        lambda: wrong.get("gemini", "api-key"),
        lambda: wrong.put("gemini", "api-key", Secret("x" * 20)),
        wrong.entries,
    ):
        with pytest.raises(VaultLocked, match="not made with this master key"):
            act()
    assert (folder / FILE_NAME).read_bytes() == before


def test_a_damaged_check_is_told_from_a_wrong_master_key(folder):
    from_environment(folder).put("gemini", "api-key", Secret(CANARY))
    edited(folder, lambda content: content["check"].update(sealed="AAAA"))
    with pytest.raises(VaultDamaged, match="its check does not open"):
        from_environment(folder).get("gemini", "api-key")


@pytest.mark.parametrize(
    "text", ["not base64!", base64.b64encode(b"x" * 16).decode(), base64.b64encode(b"x" * 33).decode(), "=", "é"]
)
def test_a_malformed_master_key_is_an_error_and_never_a_reason_to_look_further(folder, text):
    keyring = DictKeyring()
    Vault(folder, MasterKeys({}, keyring)).put("gemini", "api-key", Secret(CANARY))
    with pytest.raises(MasterKeyMalformed) as caught:
        from_environment(folder, text, keyring).get("gemini", "api-key")
    assert text not in str(caught.value) or text == "="
    fresh = folder.with_name("fresh")
    with pytest.raises(MasterKeyMalformed):
        from_environment(fresh, text, keyring).put("gemini", "api-key", Secret(CANARY))
    assert not (fresh / FILE_NAME).exists()


def test_a_vault_whose_master_key_is_gone_never_gets_a_new_one(folder):
    keyring = DictKeyring()
    Vault(folder, MasterKeys({}, keyring)).put("gemini", "api-key", Secret(CANARY))
    before = (folder / FILE_NAME).read_bytes()
    kept = dict(keyring.stored)
    keyring.stored.clear()
    lost = Vault(folder, MasterKeys({}, keyring))
    for act in (lambda: lost.get("gemini", "api-key"), lambda: lost.put("kling", "api-key", Secret("y" * 20))):
        with pytest.raises(MasterKeyMissing):
            act()
    assert keyring.stored == {}
    assert (folder / FILE_NAME).read_bytes() == before
    keyring.stored.update(kept)
    assert lost.get("gemini", "api-key") == Secret(CANARY)


def test_a_vault_of_the_environment_needs_the_environment(folder):
    from_environment(folder).put("gemini", "api-key", Secret(CANARY))
    with pytest.raises(MasterKeyMissing, match=VARIABLE):
        Vault(folder, MasterKeys({}, DictKeyring())).get("gemini", "api-key")


def test_a_key_can_be_removed_without_the_master_key(folder):
    from_environment(folder).put("gemini", "api-key", Secret(CANARY))
    lost = Vault(folder, MasterKeys({}, DictKeyring()))
    assert lost.names() == (("gemini", "api-key"),)
    assert lost.remove("gemini", "api-key")
    assert lost.names() == ()


def test_a_passphrase_opens_the_vault_where_there_is_no_keyring(folder):
    def vault(passphrase):
        return Vault(folder, MasterKeys({}, None, lambda: passphrase))

    vault("correct horse").put("gemini", "api-key", Secret(CANARY))
    assert "correct" not in (folder / FILE_NAME).read_text()
    assert vault("correct horse").get("gemini", "api-key") == Secret(CANARY)
    with pytest.raises(VaultLocked):
        vault("wrong horse").get("gemini", "api-key")
    with pytest.raises(MasterKeyMissing, match="empty"):
        vault("").get("gemini", "api-key")
    with pytest.raises(MasterKeyMissing, match="nobody to ask"):
        Vault(folder, MasterKeys({}, None)).get("gemini", "api-key")


@pytest.mark.parametrize("change", [{"n": 1 << 30}, {"n": 1024}, {"n": 100_000}, {"r": 0}, {"r": 1 << 20}, {"p": -1}])
def test_a_file_cannot_ask_for_all_the_memory_nor_for_a_weak_derivation(folder, change):
    Vault(folder, MasterKeys({}, None, lambda: "correct horse")).put("gemini", "api-key", Secret(CANARY))
    edited(folder, lambda content: content["master"].update(change))
    with pytest.raises(VaultDamaged, match="out of bounds"):
        Vault(folder, MasterKeys({}, None, lambda: "correct horse")).get("gemini", "api-key")


def test_without_any_place_for_a_master_key_nothing_is_stored_and_environment_keys_still_work(folder):
    vault = Vault(folder, MasterKeys({}, None))
    with pytest.raises(KeyringUnusable, match="set KEY_VAULT_MASTER_KEY or use a passphrase"):
        vault.put("gemini", "api-key", Secret(CANARY))
    assert not vault.exists
    name = KeyName("gemini", "api-key", ("GEMINI_API_KEY",))
    assert Keys({"GEMINI_API_KEY": "from-env"}, vault).resolve(name).secret == Secret("from-env")


def test_rotation_leaves_the_old_master_key_useless_and_every_key_readable(folder):
    keyring = DictKeyring()
    keys = MasterKeys({}, keyring)
    vault = Vault(folder, keys)
    for number in range(5):
        vault.put(f"p{number}", "api-key", Secret(f"key-number-{number}-0000"))
    old = dict(keyring.stored)
    before = (folder / FILE_NAME).read_bytes()
    vault.rotate(keys.fresh_in_keyring())
    assert set(keyring.stored).isdisjoint(old)
    assert Vault(folder, MasterKeys({}, keyring)).get("p3", "api-key") == Secret("key-number-3-0000")
    (folder / FILE_NAME).write_bytes(before)
    with pytest.raises(MasterKeyMissing):
        Vault(folder, MasterKeys({}, keyring)).get("p3", "api-key")


def test_rotation_from_one_environment_key_to_another(folder):
    from_environment(folder).put("gemini", "api-key", Secret(CANARY))
    from_environment(folder).rotate(
        MasterKey(MasterKeys({VARIABLE: OTHER_MASTER}, None).fresh().origin, decode_master_key(OTHER_MASTER))
    )
    assert from_environment(folder, OTHER_MASTER).get("gemini", "api-key") == Secret(CANARY)
    with pytest.raises(VaultLocked):
        from_environment(folder).get("gemini", "api-key")


@pytest.mark.parametrize("broken", ["replace", "fsync", "_write_private"])
def test_a_rotation_that_fails_at_any_step_leaves_the_vault_as_it_was(folder, monkeypatch, broken):
    keyring = DictKeyring()
    keys = MasterKeys({}, keyring)
    Vault(folder, keys).put("gemini", "api-key", Secret(CANARY))
    before = (folder / FILE_NAME).read_bytes()

    def fail(*_args, **_kwargs):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        if broken == "replace":
            patch.setattr(Path, "replace", fail)
        elif broken == "fsync":
            patch.setattr(os, "fsync", fail)
        else:
            patch.setattr(vault_module, "_write_private", fail)
        with pytest.raises(OSError, match="No space"):
            Vault(folder, keys).rotate(keys.fresh_in_keyring())
    assert (folder / FILE_NAME).read_bytes() == before
    assert sorted(path.name for path in folder.iterdir()) == [FILE_NAME, "lock"]
    assert Vault(folder, keys).get("gemini", "api-key") == Secret(CANARY)


def test_a_process_killed_while_writing_leaves_a_whole_vault(folder):
    from_environment(folder).put("p", "api-key", Secret("key-0000-0000"))
    script = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from pathlib import Path
from providers.vault import Vault
from providers.master_key import MasterKeys
from providers.secret import Secret
vault = Vault(Path({str(folder)!r}), MasterKeys({{"KEY_VAULT_MASTER_KEY": {MASTER!r}}}, None))
print("ready", flush=True)
for number in range(100_000):
    vault.put("p", "api-key", Secret(f"key-{{number:04d}}-0000"))
"""
    for wait_s in (0.0, 0.003, 0.011, 0.027):
        with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as process:
            process.stdout.readline()
            threading.Event().wait(wait_s)
            process.kill()
        assert from_environment(folder).get("p", "api-key").reveal().startswith("key-")
    from_environment(folder).put("p", "api-key", Secret("key-last-0000"))
    assert sorted(path.name for path in folder.iterdir()) == [FILE_NAME, "lock"]


def test_many_writers_at_once_lose_no_key(folder):
    def write(number):
        from_environment(folder).put(f"p{number}", "api-key", Secret(f"key-number-{number:04d}"))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(from_environment(folder).entries()) == 12


def test_a_file_that_others_may_read_is_refused(folder):
    from_environment(folder).put("gemini", "api-key", Secret(CANARY))
    (folder / FILE_NAME).chmod(0o644)
    with pytest.raises(VaultUnsafe, match="chmod 600"):
        from_environment(folder).get("gemini", "api-key")


def test_a_link_in_place_of_the_file_or_the_folder_is_not_followed(folder, tmp_path):
    from_environment(folder).put("gemini", "api-key", Secret(CANARY))
    elsewhere = tmp_path / "elsewhere"
    (folder / FILE_NAME).rename(elsewhere)
    (folder / FILE_NAME).symlink_to(elsewhere)
    with pytest.raises(VaultUnsafe, match="a link is not followed"):
        from_environment(folder).get("gemini", "api-key")
    linked = tmp_path / "linked"
    linked.symlink_to(folder)
    with pytest.raises(VaultUnsafe, match="is a link"):
        from_environment(linked).put("gemini", "api-key", Secret(CANARY))


def test_a_folder_that_others_may_write_to_is_refused_and_one_they_may_read_is_closed(folder):
    folder.mkdir()
    folder.chmod(0o777)
    with pytest.raises(VaultUnsafe, match="others may write"):
        from_environment(folder).put("gemini", "api-key", Secret(CANARY))
    folder.chmod(0o755)
    from_environment(folder).put("gemini", "api-key", Secret(CANARY))
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def backend_named(module, name, **methods):
    return type(name, (), {"__module__": module, "__qualname__": name, **methods})()


def encrypted(stored, **methods):
    return backend_named(
        "keyring.backends.SecretService",
        "Keyring",
        **{
            "get_password": lambda self, service, user: stored.get((service, user)),
            "set_password": lambda self, service, user, text: stored.__setitem__((service, user), text),
            "delete_password": lambda self, service, user: stored.pop((service, user)),
            **methods,
        },
    )


def test_an_encrypted_keyring_holds_the_master_key(folder):
    stored = {}
    keyring = SystemKeyring(lambda: encrypted(stored))
    Vault(folder, MasterKeys({}, keyring)).put("gemini", "api-key", Secret(CANARY))
    ((service, name),) = stored
    assert service == "deltacut"
    assert json.loads((folder / FILE_NAME).read_text())["master"] == {"kind": "keyring", "name": name}
    assert Vault(folder, MasterKeys({}, keyring)).get("gemini", "api-key") == Secret(CANARY)
    keyring.delete(name)
    keyring.delete(name)
    assert stored == {}


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("keyring.backends.null", "Keyring"),
        ("keyring.backends.fail", "Keyring"),
        ("keyrings.alt.file", "PlaintextKeyring"),
        ("keyring.backends.SecretService", "Keyring.Nested"),
    ],
)
def test_a_keyring_that_is_not_known_to_encrypt_is_refused_by_name(folder, module, name):
    keyring = SystemKeyring(lambda: backend_named(module, name))
    with pytest.raises(KeyringUnusable, match=rf"found: {module}"):
        Vault(folder, MasterKeys({}, keyring)).put("gemini", "api-key", Secret(CANARY))
    assert not (folder / FILE_NAME).exists()


def test_the_real_null_keyring_is_refused(folder):
    import keyring.backends.null

    with pytest.raises(KeyringUnusable, match=r"keyring\.backends\.null"):
        SystemKeyring(keyring.backends.null.Keyring).put("vault-1", MASTER)


def test_a_subclass_of_an_encrypted_keyring_is_not_trusted():
    stored = {}
    parent = type(encrypted(stored))
    child = type("Keyring", (parent,), {"__module__": "somewhere"})()
    with pytest.raises(KeyringUnusable, match=r"somewhere\.Keyring"):
        SystemKeyring(lambda: child).put("vault-1", MASTER)


def test_of_a_chain_the_first_encrypted_keyring_is_taken():
    stored = {}
    chain = backend_named(
        "keyring.backends.chainer",
        "ChainerBackend",
        backends=[backend_named("keyrings.alt.file", "PlaintextKeyring"), encrypted(stored)],
    )
    SystemKeyring(lambda: chain).put("vault-1", MASTER)
    assert stored == {("deltacut", "vault-1"): MASTER}


def test_a_keyring_that_drops_what_it_is_given_is_found_out(folder):
    dropping = encrypted({}, set_password=lambda self, service, user, text: None)
    with pytest.raises(KeyringUnusable, match="does not give it back"):
        Vault(folder, MasterKeys({}, SystemKeyring(lambda: dropping))).put("gemini", "api-key", Secret(CANARY))
    assert not (folder / FILE_NAME).exists()


def test_a_keyring_that_hangs_is_given_up():
    hanging = encrypted({}, get_password=lambda self, service, user: threading.Event().wait(30))
    with pytest.raises(KeyringUnusable, match=r"did not answer within 0\.05 s"):
        SystemKeyring(lambda: hanging, timeout_s=0.05).get("vault-1")


def test_a_keyring_s_error_text_is_not_repeated():
    def fail(self, service, user, text):
        raise RuntimeError(f"cannot store {text}")

    with pytest.raises(KeyringUnusable) as caught:
        SystemKeyring(lambda: encrypted({}, set_password=fail)).put("vault-1", MASTER)
    assert MASTER not in str(caught.value)
    assert "RuntimeError" in str(caught.value)


def test_a_keyring_with_garbage_in_it_is_a_clear_error(folder):
    keyring = DictKeyring()
    Vault(folder, MasterKeys({}, keyring)).put("gemini", "api-key", Secret(CANARY))
    for name in keyring.stored:
        keyring.stored[name] = "garbage!"
    with pytest.raises(MasterKeyMalformed, match="the keyring's"):
        Vault(folder, MasterKeys({}, keyring)).get("gemini", "api-key")


def test_the_request_s_key_comes_before_the_environment_s_and_that_before_the_vault_s(folder):
    vault = from_environment(folder)
    name = KeyName("gemini", "api-key", ("GEMINI_API_KEY", "GOOGLE_API_KEY"))
    with pytest.raises(KeyMissing, match="set GEMINI_API_KEY or run: deltacut keys set gemini"):
        Keys({}, vault).resolve(name)
    assert not Keys({}, vault).has(name)
    vault.put("gemini", "api-key", Secret("in-the-vault"))
    assert Keys({}, vault).has(name)
    steps = [
        (Keys({}, vault), "in-the-vault", KeyOrigin.VAULT),
        (Keys({"GOOGLE_API_KEY": " second\n"}, vault), "second", KeyOrigin.ENVIRONMENT),
        (Keys({"GOOGLE_API_KEY": "second", "GEMINI_API_KEY": "first"}, vault), "first", KeyOrigin.ENVIRONMENT),
        (Keys({"GEMINI_API_KEY": "  "}, vault), "in-the-vault", KeyOrigin.VAULT),
        (
            Keys({"GEMINI_API_KEY": "first"}, vault, {("gemini", "api-key"): Secret("with-it")}),
            "with-it",
            KeyOrigin.REQUEST,
        ),
    ]
    for keys, text, origin in steps:
        found = keys.resolve(name)
        assert (found.secret.reveal(), found.origin) == (text, origin)
        assert keys.has(name)


@pytest.mark.parametrize("text", ["two words", "line\nbreak", "naïve", "null\0byte"])
def test_a_key_that_no_header_could_carry_is_refused_without_repeating_it(text):
    with pytest.raises(KeyProblem) as caught:
        Keys({"X_KEY": text}, None).resolve(KeyName("x", "api-key", ("X_KEY",)))
    assert text not in str(caught.value)


def test_neither_vault_nor_keys_show_a_key_in_their_repr(folder):
    vault = from_environment(folder)
    vault.put("gemini", "api-key", Secret(CANARY))
    keys = Keys({"GEMINI_API_KEY": CANARY}, vault, {("gemini", "api-key"): Secret(CANARY)})
    found = keys.resolve(KeyName("gemini", "api-key", ()))
    shown = f"{vault!r} {keys!r} {found!r} {MasterKeys({VARIABLE: MASTER}, None).fresh()!r}"
    assert CANARY not in shown
    assert MASTER not in shown
    assert repr(bytes(range(32)))[2:-1] not in shown


def test_the_keyring_name_of_a_master_key_says_nothing_of_it():
    keyring = DictKeyring()
    master = MasterKeys({}, keyring).fresh_in_keyring()
    assert isinstance(master.origin, FromKeyring)
    assert master.key.hex() not in master.origin.name


def edited(folder, change):
    path = folder / FILE_NAME
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
