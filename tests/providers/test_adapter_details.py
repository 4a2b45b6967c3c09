"""What each adapter does in its own way: sizes, aliases, lengths, odd but good answers, signing."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import itertools
import json
import sys
from dataclasses import replace
from decimal import Decimal
from subprocess import run as run_process

import google.auth.credentials
import pytest

from providers.contract import (
    EditTask,
    Emotion,
    EmotionTask,
    MotionTask,
    Picture,
    PictureSize,
    Speakers,
    TranscribeTask,
    VideoSize,
    WordKind,
)
from providers.errors import AuthFailed, BadResponse, JobLost, KeyMissing, RequestRejected, SetupError, Transient
from providers.gemini import Gemini, picture_size
from providers.keys import Keys
from providers.kling_legacy import signed_token
from providers.pricing import load_prices
from providers.secret import Secret
from providers.settings import ServiceSettings, checked_url, service_settings
from providers.veo import Veo
from providers.wire import retry_after_s
from tests.fakes.http import Reply, Server
from tests.fakes.world import World
from tests.providers.adapter_cases import CASES, KEYS, edit_task, finished, mask, motion_task, photo, tone


@pytest.fixture(scope="module")
def world():
    with World(video_height=48) as world:
        yield world
        assert world.mistakes == []


@pytest.fixture(autouse=True)
def _fresh(world):
    world.received.clear()
    for service in world.services.values():
        service.charges.clear()


def using(adapter, act):
    async def main():
        try:
            return await act(adapter)
        finally:
            await adapter.close()

    return asyncio.run(main())


def result_of(world, name, *, task=None, seed=None, model=None, **settings):
    case = CASES[name]
    request = replace(case.request(), seed=seed, model=model)
    if task is not None:
        request = replace(request, task=task)
    adapter = case.adapter(world, **settings)
    return using(adapter, lambda adapter: _run(adapter, request))


async def _run(adapter, request):
    return await finished(adapter, await adapter.start(request))


def sent(world):
    return json.loads(world.received[0].body)


# Gemini


def test_thought_pictures_are_skipped_and_the_last_real_one_is_taken(world):
    world.gemini.fail("submit", "thought")
    output = result_of(world, "gemini").output
    assert (output.width_px, output.height_px) == (1376, 768)


@pytest.mark.parametrize(
    ("fault", "size"),
    [
        ("new_reason", (1376, 768)),
        ("small", (100, 60)),
        ("wrong_ratio", (1024, 1024)),
        ("shifted", (1376, 768)),
        ("tinted", (1376, 768)),
    ],
)
def test_a_picture_is_taken_whatever_its_size_and_its_finish_reason(world, fault, size):
    world.gemini.fail("submit", fault)
    output = result_of(world, "gemini").output
    assert (output.width_px, output.height_px) == size


def test_a_jpeg_is_known_by_its_content_not_by_its_label(world):
    world.gemini.fail("submit", "jpeg")
    assert result_of(world, "gemini").output.mime == "image/jpeg"


@pytest.mark.parametrize("old", ["gemini-3-pro-image-preview", "nano-banana-pro-preview"])
def test_the_names_of_models_that_were_shut_down_still_work(world, old):
    result_of(world, "gemini", model=old)
    assert world.received[0].path == "/v1/models/gemini-3-pro-image:generateContent"


def test_model_and_api_version_are_configuration(world):
    result = result_of(world, "gemini", model="gemini-3.1-flash-image")
    assert result.model == "gemini-3.1-flash-image"
    result_of(world, "gemini", api_version="v1beta")
    assert world.received[-1].path.startswith("/v1beta/models/")


def test_the_crop_s_ratio_and_size_decide_what_is_asked_for(world):
    expected = {
        (1000, 1000): ("1:1", PictureSize.ONE_K),
        (1920, 1080): ("16:9", PictureSize.TWO_K),
        (700, 1300): ("9:16", PictureSize.ONE_K),
        (3840, 2160): ("16:9", PictureSize.FOUR_K),
        (6000, 2570): ("21:9", PictureSize.FOUR_K),
    }
    adapter = CASES["gemini"].adapter(world)
    for (width, height), (ratio, size) in expected.items():
        task = EditTask("x", Picture(b"", "image/png", width, height), Picture(b"", "image/png", width, height))
        assert picture_size(task) is size
        request = replace(CASES["gemini"].request(), task=task)
        quote = adapter.quote(request)
        assert quote.parameters == {"size": size.value, "ratio": ratio}
        assert quote.usd == (Decimal("0.24") if size is PictureSize.FOUR_K else Decimal("0.134"))


def test_the_wire_is_what_the_service_documents(world):
    task = replace(edit_task(), references=(photo(64, 64, 5),), size=PictureSize.ONE_K)
    result_of(world, "gemini", task=task, seed=7)
    body = sent(world)
    texts = [part["text"] for part in body["contents"][0]["parts"] if "text" in part]
    assert len(texts) == 1
    assert "a red door" in texts[0]
    assert "references" in texts[0]
    assert len(body["contents"][0]["parts"]) == 4
    assert body["generationConfig"] == {
        "responseModalities": ["IMAGE"],
        "imageConfig": {"aspectRatio": "16:9", "imageSize": "1K"},
        "seed": 7,
    }


def test_a_mask_of_another_size_is_refused(world):
    task = EditTask("x", photo(640, 360), mask(320, 180))
    with pytest.raises(RequestRejected, match="320 x 180"):
        result_of(world, "gemini", task=task)


def test_a_prompt_with_braces_is_sent_as_it_is(world):
    result_of(world, "gemini", task=edit_task("{weird} {0} 100%"))
    assert "{weird} {0} 100%" in sent(world)["contents"][0]["parts"][0]["text"]


def test_the_sdk_does_not_look_at_the_environment_s_cloud_switch(world, monkeypatch):
    monkeypatch.setenv("GOOGLE_GENAI_USE_VERTEXAI", "true")
    monkeypatch.setenv("GOOGLE_API_KEY", "another-key-in-the-environment")
    result_of(world, "gemini")
    assert world.received[0].path.startswith("/v1/models/")


def test_a_key_that_was_replaced_is_used_for_the_next_call(world):
    environment = dict(KEYS)
    adapter = Gemini(ServiceSettings(url=world.url), Keys(environment, None), load_prices())

    async def act(adapter):
        await adapter.check()
        environment["GEMINI_API_KEY"] = "no-longer-valid"
        with pytest.raises(AuthFailed):
            await adapter.check()

    using(adapter, act)


# Veo and Omni


class CloudLogin(google.auth.credentials.Credentials):
    def refresh(self, request):
        self.token = "fake-vertex-token"


def test_veo_signs_in_with_a_cloud_project_where_there_is_no_key(world):
    settings = ServiceSettings(url=world.url, cloud_project="film-1", cloud_location="europe-west1")
    adapter = Veo(settings, Keys({}, None), load_prices(), CloudLogin())
    using(adapter, lambda adapter: _run(adapter, CASES["veo"].request()))
    assert world.received[0].path == (
        "/v1/projects/film-1/locations/europe-west1/publishers/google/models/veo-3.1-generate-001:predictLongRunning"
    )
    assert world.received[0].headers["authorization"] == "Bearer fake-vertex-token"


def test_veo_without_any_login_says_which_there_are(world, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    settings = ServiceSettings(url=world.url, cloud_project="film-1")
    with pytest.raises(KeyMissing, match="VERTEX_API_KEY"):
        using(Veo(settings, Keys({}, None), load_prices()), lambda adapter: adapter.start(CASES["veo"].request()))


def test_a_region_has_its_own_veo_host():
    quote = Veo(ServiceSettings(cloud_location="us-central1"), Keys({}, None), load_prices()).quote(
        CASES["veo"].request()
    )
    assert quote.sends.host == "us-central1-aiplatform.googleapis.com"


@pytest.mark.parametrize(
    ("name", "wish_ms", "last", "seconds", "usd"),
    [
        ("veo", 3000, True, "8", "3.20"),
        ("veo", 3000, False, "4", "1.60"),
        ("veo", 6001, False, "8", "3.20"),
        ("veo", 20000, False, "8", "3.20"),
        ("omni", 1000, True, "3", "0.30"),
        ("omni", 4001, True, "5", "0.50"),
        ("omni", 60000, True, "10", "1.00"),
        ("kling", 1000, True, "3", "0.252"),
        ("kling", 14500, True, "15", "1.260"),
        ("kling", 99000, True, "15", "1.260"),
        ("kling-legacy", 3000, True, "5", "0.420"),
        ("kling-legacy", 5001, True, "10", "0.840"),
    ],
)
def test_the_wished_length_becomes_one_that_the_service_sells(world, name, wish_ms, last, seconds, usd):
    task = motion_task(duration_ms=wish_ms)
    if not last:
        task = MotionTask(task.prompt, task.first, None, wish_ms)
    quote = CASES[name].adapter(world).quote(replace(CASES[name].request(), task=task))
    assert quote.parameters["duration"] == seconds
    assert quote.seconds == int(seconds)
    assert quote.usd == Decimal(usd)


@pytest.mark.parametrize("name", ["veo", "omni", "kling-legacy"])
def test_a_size_that_the_service_does_not_have_is_refused(world, name):
    with pytest.raises(RequestRejected, match="has no 4k; choose 1080p"):
        CASES[name].adapter(world).quote(CASES[name].request(size=VideoSize.UHD))


@pytest.mark.parametrize("name", ["veo", "omni"])
def test_an_upright_picture_asks_for_an_upright_video(world, name):
    task = MotionTask("x", photo(360, 640), None, 4000)
    quote = CASES[name].adapter(world).quote(replace(CASES[name].request(), task=task))
    assert quote.parameters["ratio"] == "9:16"


def test_omni_names_its_frames_in_the_text_and_asks_for_one_shot(world):
    result_of(world, "omni")
    body = sent(world)
    items = body["input"][0]["content"]
    assert [item["type"] for item in items] == ["image", "image", "text"]
    for wish in ("it opens", "<FIRST_FRAME>", "<LAST_FRAME>", "Single continuous shot"):
        assert wish in items[2]["text"]
    assert body["response_format"] == {
        "type": "video",
        "aspect_ratio": "16:9",
        "duration": "3s",
        "resolution": "720p",
        "delivery": "uri",
    }
    assert (body["background"], body["store"]) == (True, True)


def test_omni_takes_a_video_inside_the_answer_too_and_keeps_on_through_a_status_it_does_not_know(world):
    adapter = CASES["omni"].adapter(world)

    async def act(adapter):
        ticket = await adapter.start(CASES["omni"].request())
        world.omni.fail("poll", "new_status", "inline")
        await adapter.poll(ticket)
        return await adapter.poll(ticket)

    result = using(adapter, act)
    assert result.output.mime == "video/mp4"
    assert (result.input_tokens, result.output_tokens) == (600, 28_000)


def test_omni_deletes_its_copy_only_when_told_to_and_twice_does_no_harm(world):
    adapter = CASES["omni"].adapter(world)

    async def act(adapter):
        ticket = await adapter.start(CASES["omni"].request())
        await finished(adapter, ticket)
        assert world.omni.deleted == []
        await finished(adapter, ticket)
        await adapter.forget(ticket)
        assert world.omni.deleted == [ticket.remote_id]
        world.omni.fail("delete", "gone")
        await adapter.forget(ticket)

    using(adapter, act)


# Kling


def test_kling_s_wire_is_what_its_service_documents(world):
    case = CASES["kling"]
    request = case.request(size=VideoSize.FULL_HD)
    using(case.adapter(world), lambda adapter: adapter.start(request))
    body = sent(world)
    assert world.received[0].path == "/image-to-video/kling-3.0"
    assert [item["type"] for item in body["contents"]] == ["prompt", "first_frame", "last_frame"]
    assert base64.b64decode(body["contents"][1]["url"]) == request.task.first.data
    assert body["settings"] == {"multi_shot": False, "audio": "off", "resolution": "1080p", "duration": 3}
    assert body["options"] == {"external_task_id": request.external_id}


def test_of_two_tasks_with_one_external_id_the_one_that_did_not_fail_is_found(world):
    case = CASES["kling"]
    request = case.request()

    async def act(adapter):
        world.kling.fail("submit", "duplicate")
        ticket = await adapter.start(request)
        found = await adapter.find(request)
        assert found == ticket

    using(case.adapter(world), act)


@pytest.mark.parametrize(("fault", "usd"), [("ok", "0.252"), ("no_billing", None), ("billing_units", None)])
def test_kling_s_bill_is_read_where_it_is_in_dollars(world, fault, usd):
    case = CASES["kling"]

    async def act(adapter):
        ticket = await adapter.start(case.request())
        world.kling.fail("poll", "ok", fault)
        return await finished(adapter, ticket)

    assert using(case.adapter(world), act).usd == (None if usd is None else Decimal(usd))


def test_kling_says_what_a_failed_task_cost(world):
    case = CASES["kling"]

    async def act(adapter):
        ticket = await adapter.start(case.request())
        world.kling.fail("poll", "failed_billed")
        with pytest.raises(Exception, match="gave the job up") as caught:
            await adapter.poll(ticket)
        assert caught.value.billed_usd == Decimal("0.252")

    using(case.adapter(world), act)


def test_a_task_without_its_video_or_in_a_new_status_is_met(world):
    case = CASES["kling"]

    async def act(adapter):
        ticket = await adapter.start(case.request())
        world.kling.fail("poll", "new_status", "no_outputs")
        await adapter.poll(ticket)
        with pytest.raises(BadResponse, match="has no video"):
            await adapter.poll(ticket)
        world.kling.fail("download", "moved")
        assert (await adapter.poll(ticket)).output.mime == "video/mp4"
        world.kling.fail("download", "gone")
        with pytest.raises(Transient, match="404"):
            await adapter.poll(ticket)

    using(case.adapter(world), act)


@pytest.mark.parametrize(("width", "height"), [(299, 400), (900, 350), (350, 900)])
@pytest.mark.parametrize("name", ["kling", "kling-legacy"])
def test_pictures_that_kling_does_not_take_are_refused_before_they_are_sent(world, name, width, height):
    task = MotionTask("x", Picture(b"", "image/png", width, height), None, 3000)
    with pytest.raises(RequestRejected, match="draw a larger region"):
        CASES[name].adapter(world).quote(replace(CASES[name].request(), task=task))
    task = MotionTask("x" * 2501, photo(640, 360), None, 3000)
    with pytest.raises(RequestRejected, match="2501 characters"):
        CASES[name].adapter(world).quote(replace(CASES[name].request(), task=task))


def test_the_legacy_token_is_signed_as_rfc_7519_says():
    token = signed_token(Secret("access"), Secret("secret"), 1_800_000_000.7).reveal()
    head, claims, signature = token.split(".")
    expected = hmac.new(b"secret", f"{head}.{claims}".encode(), hashlib.sha256).digest()
    assert base64.urlsafe_b64encode(expected).rstrip(b"=").decode() == signature
    assert json.loads(base64.urlsafe_b64decode(head + "==")) == {"alg": "HS256", "typ": "JWT"}
    assert json.loads(base64.urlsafe_b64decode(claims + "==")) == {
        "iss": "access",
        "exp": 1_800_001_800,
        "nbf": 1_799_999_995,
    }


def test_a_result_from_a_host_without_https_is_not_fetched(world):
    async def act(adapter):
        ticket = await adapter.start(CASES["kling"].request())
        world.kling.url, own = "http://other.example", world.kling.url
        try:
            await adapter.poll(ticket)
            with pytest.raises(BadResponse, match="not served by https"):
                await adapter.poll(ticket)
        finally:
            world.kling.url = own

    using(CASES["kling"].adapter(world), act)


def test_the_legacy_api_forgets_a_task_too(world):
    async def act(adapter):
        ticket = await adapter.start(CASES["kling-legacy"].request())
        world.kling.tasks.clear()
        with pytest.raises(JobLost):
            await adapter.poll(ticket)

    using(CASES["kling-legacy"].adapter(world), act)


# ElevenLabs


def test_a_transcript_has_words_with_times_speakers_and_events(world):
    transcript = result_of(world, "elevenlabs").output
    words = transcript.words
    assert transcript.language == "eng"
    assert words[0].text == "Welcome"
    assert {word.kind for word in words} == {WordKind.WORD, WordKind.SPACING, WordKind.EVENT}
    assert {word.speaker for word in words if word.kind is WordKind.WORD} == {"speaker_0", "speaker_1"}
    assert all(before.start_ms <= after.start_ms for before, after in itertools.pairwise(words))
    assert words[-1].end_ms <= 4000
    assert words[0].confidence == pytest.approx(0.951, abs=0.001)


def test_the_wishes_for_a_transcript_reach_the_service(world):
    task = TranscribeTask(tone(), "audio/flac", 4000, "de", Speakers.TOGETHER, ("Deltacut", "GOP"))
    result = result_of(world, "elevenlabs", task=task)
    body = world.received[0].body
    for part in (b'name="language_code"\r\n\r\nde', b'name="diarize"\r\n\r\nfalse', b'name="keyterms"\r\n\r\nDeltacut'):
        assert part in body
    assert result.usd == Decimal("0.22") * 4 / 3600 * Decimal("1.2")
    assert world.elevenlabs.charges[0].usd == result.usd


@pytest.mark.parametrize("fault", ["new_kind", "silence", "no_duration"])
def test_odd_but_sound_transcripts_are_taken(world, fault):
    world.elevenlabs.fail("submit", fault)
    result = result_of(world, "elevenlabs")
    if fault == "new_kind":
        assert result.output.words[0].kind is WordKind.OTHER
    if fault == "silence":
        assert result.output.words == ()
    if fault == "no_duration":
        assert result.usd is None


def test_what_scribe_cannot_take_is_refused_before_it_is_sent(world):
    for task in (TranscribeTask(b"x", "audio/flac", 10 * 3600 * 1000 + 1), TranscribeTask(b"", "audio/flac", 0)):
        with pytest.raises(RequestRejected):
            CASES["elevenlabs"].adapter(world).quote(replace(CASES["elevenlabs"].request(), task=task))


# Settings and start-up


def test_the_environment_configures_a_service_and_wins_over_stored_settings():
    settings = service_settings(
        "kling-legacy",
        {"DELTACUT_KLING_LEGACY_URL": "https://api.example/", "DELTACUT_KLING_LEGACY_POLL_S": "0.5"},
        {"url": "https://other.example", "model": "kling-v4"},
    )
    assert settings.url == "https://api.example"
    assert settings.model == "kling-v4"
    assert settings.poll_interval_s == 0.5
    assert service_settings("veo", {"GOOGLE_CLOUD_PROJECT": "film-1"}).cloud_project == "film-1"
    with pytest.raises(SetupError, match="no number"):
        service_settings("kling", {"DELTACUT_KLING_TIMEOUT_S": "soon"})


@pytest.mark.parametrize(
    "url", ["http://api.example", "ftp://api.example", "api.example", "", "https://u:p@api.example", "https://a.b/?k=v"]
)
def test_an_address_that_would_send_the_key_in_the_clear_is_refused(url):
    with pytest.raises(SetupError):
        checked_url(url, "kling")
    assert checked_url("http://127.0.0.1:8080/", "kling") == "http://127.0.0.1:8080"


@pytest.mark.parametrize(
    ("text", "seconds"), [("7", 7.0), ("-1", 0.0), ("", None), ("soon", None), ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0)]
)
def test_retry_after_is_seconds_or_a_date(text, seconds):
    assert retry_after_s({"retry-after": text}) == seconds


def test_a_redirect_of_a_result_leaves_the_key_at_home(world):
    async def act(adapter):
        ticket = await adapter.start(CASES["omni"].request())
        await adapter.poll(ticket)
        location = elsewhere.url + "/file.mp4"
        original = world.omni._download
        world.omni._download = lambda remote_id: Reply(302, b"", headers={"location": location})
        try:
            with pytest.raises(BadResponse, match="not served by https"):
                await adapter.poll(ticket)
        finally:
            world.omni._download = original

    elsewhere = Server(lambda received: Reply(200, b"", "video/mp4")).start()
    using(CASES["omni"].adapter(world), act)
    assert elsewhere.received == []
    elsewhere.stop()


# Gemini listening


def test_labels_come_with_their_times_and_thoughts_are_no_part_of_them(world):
    labels = result_of(world, "gemini-audio").output
    assert [stretch.emotion.value for stretch in labels.stretches] == ["joyful", "neutral", "sad", "angry"]
    assert (labels.stretches[0].start_ms, labels.stretches[0].end_ms, labels.stretches[0].confidence) == (0, 900, 0.9)


def test_a_sound_in_which_nobody_is_heard_has_no_labels(world):
    world.gemini_audio.fail("submit", "silence")
    assert result_of(world, "gemini-audio").output.stretches == ()


def test_a_label_that_ends_a_little_behind_the_sound_ends_with_it(world):
    world.gemini_audio.fail("submit", "a_little_beyond")
    assert result_of(world, "gemini-audio").output.stretches[-1].end_ms == 4000


def test_the_list_of_labels_goes_along_as_a_schema(world):
    world.received.clear()
    result_of(world, "gemini-audio")
    schema = sent(world)["generationConfig"]["responseJsonSchema"]
    names = schema["properties"]["stretches"]["items"]["properties"]["emotion"]["enum"]
    assert names == [emotion.value for emotion in Emotion]
    assert world.received[0].path == "/v1beta/models/gemini-3.5-flash:generateContent"


def test_a_sound_that_is_too_large_or_empty_is_refused_before_it_is_sent(world):
    adapter = CASES["gemini-audio"].adapter(world)
    for audio, words in ((bytes(14_000_001), "shorter film"), (b"", "no sound")):
        request = replace(CASES["gemini-audio"].request(), task=EmotionTask(audio, "audio/flac", 1000))
        with pytest.raises(RequestRejected, match=words):
            adapter.quote(request)


def test_no_sdk_is_imported_before_it_is_needed():
    code = (
        "import sys; import providers.gemini, providers.gemini_audio, providers.veo, providers.omni; "
        "import providers.kling, providers.kling_legacy, "
        "providers.elevenlabs; "
        "print([name for name in ('google.genai', 'elevenlabs', 'httpx', 'keyring') if name in sys.modules])"
    )
    done = run_process([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
