"""Making the Google SDK's client the way the adapters want it: no retries, no redirects, no surprises."""

from __future__ import annotations

import warnings
from enum import Enum
from typing import TYPE_CHECKING

from providers.secret import Secret

if TYPE_CHECKING:
    from google.auth.credentials import Credentials
    from google.genai import Client


class Cloud(Enum):
    """Which of Google's two platforms a client speaks to, whatever GOOGLE_GENAI_USE_VERTEXAI says."""

    DEVELOPER = False
    VERTEX = True


def google_client(
    cloud: Cloud,
    *,
    url: str,
    api_version: str,
    timeout_s: float,
    key: Secret | None,
    project: str | None = None,
    location: str | None = None,
    credentials: Credentials | None = None,
) -> Client:
    """Return a client that signs in with the key, else with the cloud project's credentials."""
    from google import genai  # one second of imports: only when it is needed
    from google.genai import types

    # The SDK warns on stderr about every enum value that is newer than itself; the adapters read such values by name.
    warnings.filterwarnings("ignore", message=r".* is not a valid \w+", category=UserWarning)
    return genai.Client(
        enterprise=cloud.value,
        api_key=None if key is None else key.reveal(),
        project=None if key is not None else project,
        location=None if key is not None else location,
        credentials=credentials,
        http_options=types.HttpOptions(
            base_url=url,
            api_version=api_version,
            timeout=int(timeout_s * 1000),
            retry_options=types.HttpRetryOptions(attempts=1),
            # The SDK follows redirects and takes x-goog-api-key along to wherever they lead.
            async_client_args={"follow_redirects": False},
        ),
    )


async def close_google_client(client: Client | None) -> None:
    """Close a client's connections."""
    if client is not None:
        await client.aio.aclose()
        client.close()
