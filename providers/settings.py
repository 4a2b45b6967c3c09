"""Where a service is and which of its models is asked: configuration, never code.

A value in the environment wins over one in the user's settings: `DELTACUT_KLING_URL`, `DELTACUT_GEMINI_MODEL` and so
on, with the provider's name in capitals and `-` as `_`.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlsplit

from providers.errors import SetupError

T = TypeVar("T")

_PREFIX = "DELTACUT"


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """The configuration of one adapter; None for its default.

    Attributes:
        url: The service's address, without a path.
        model: The model's id.
        api_version: The version in the path, where there is one.
        timeout_s: How long one HTTP request may take.
        poll_interval_s: The pause between polls.
        cloud_project: The cloud project to bill, where the service has that.
        cloud_location: The region, where the service has that.
    """

    url: str | None = None
    model: str | None = None
    api_version: str | None = None
    timeout_s: float = 300.0
    poll_interval_s: float | None = None
    cloud_project: str | None = None
    cloud_location: str | None = None


def service_settings(
    provider: str, environment: Mapping[str, str], stored: Mapping[str, str] | None = None
) -> ServiceSettings:
    """Return the configuration of a provider from the environment and the user's stored settings.

    Raises:
        SetupError: an address that would send the key in the clear, or a number that is none.
    """

    def value(name: str) -> str | None:
        variable = f"{_PREFIX}_{provider}_{name}".upper().replace("-", "_")
        return environment.get(variable) or (stored or {}).get(name) or None

    url = value("url")
    return ServiceSettings(
        url=None if url is None else checked_url(url, provider),
        model=value("model"),
        api_version=value("api_version"),
        timeout_s=_number(value("timeout_s"), 300.0),
        poll_interval_s=_number(value("poll_s"), None),
        cloud_project=value("cloud_project") or environment.get("GOOGLE_CLOUD_PROJECT"),
        cloud_location=value("cloud_location") or environment.get("GOOGLE_CLOUD_LOCATION"),
    )


def checked_url(url: str, provider: str) -> str:
    """Return the address without its final slash.

    Raises:
        SetupError: it is neither https nor this machine, or no address at all.
    """
    parts = urlsplit(url)
    if not parts.hostname or parts.username or parts.query or parts.fragment:
        raise SetupError(f"the address of {provider} is no plain URL: {url!r}")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname)):
        raise SetupError(f"the address of {provider} must begin with https, or the key would go in the clear: {url!r}")
    return url.rstrip("/")


def is_loopback(host: str) -> bool:
    """Return whether the host (with or without a port) is this machine."""
    name = host.rsplit(":", 1)[0].strip("[]") if host.count(":") == 1 or host.startswith("[") else host
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def host_of(url: str) -> str:
    """Return the host, with its port if the URL names one."""
    return urlsplit(url).netloc


def _number(text: str | None, default: T) -> float | T:
    if text is None:
        return default
    try:
        return float(text)
    except ValueError as error:
        raise SetupError(f"{text!r} is no number of seconds") from error
