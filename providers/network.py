"""Whether there is a network, and the switch that says to act as if there were none.

Nothing is sent to find out: asking the system for a route to an address sends no packet.
"""

from __future__ import annotations

import socket
import time
import urllib.request
from collections.abc import Callable
from enum import Enum

from providers.contract import Place
from providers.errors import Offline, Unreachable
from providers.layers import Call, Forward, Outcome
from providers.settings import is_loopback

# How long a host that could not be reached is not tried again.
UNREACHABLE_S = 15.0

# RFC 5737 and RFC 3849: addresses for documentation, which belong to nobody.
_NOWHERE = ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"))


class Connectivity(Enum):
    """The switch: find out, or stay offline."""

    AUTOMATIC = "automatic"
    OFFLINE = "offline"


class Network:
    """What is known of the network."""

    def __init__(
        self,
        connectivity: Connectivity = Connectivity.AUTOMATIC,
        *,
        has_route: Callable[[], bool] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.connectivity = connectivity
        self._has_route = has_route or route_exists
        self._clock = clock
        self._unreachable: dict[str, float] = {}

    def why_offline(self, host: str) -> str | None:
        """Return why the host cannot be asked now; None if it can."""
        if self.connectivity is Connectivity.OFFLINE:
            return "the offline switch is on"
        if is_loopback(host):
            return None
        if not self._has_route():
            return "there is no network"
        if self._clock() < self._unreachable.get(host, 0.0):
            return f"{host} could not be reached a moment ago"
        return None

    def note_unreachable(self, host: str) -> None:
        """Remember that the host could not be reached."""
        self._unreachable[host] = self._clock() + UNREACHABLE_S

    def note_reached(self, host: str) -> None:
        """Remember that the host answered."""
        self._unreachable.pop(host, None)


class NetworkLayer:
    """Stops calls at once that cannot reach their service."""

    def __init__(self, network: Network, host: str) -> None:
        self._network = network
        self._host = host

    async def __call__(self, call: Call, forward: Forward) -> Outcome:
        """Pass the call on if there is a network."""
        if call.traits.place is Place.LOCAL:
            return await forward(call)
        reason = self._network.why_offline(self._host)
        if reason is not None:
            raise Offline(
                f"{call.traits.title} cannot be asked: {reason}; cached results and local tools still work",
                provider=call.traits.name,
            )
        try:
            outcome = await forward(call)
        except Unreachable:
            self._network.note_unreachable(self._host)
            raise
        self._network.note_reached(self._host)
        return outcome


def route_exists() -> bool:
    """Return whether the system would know where to send a packet; true also where only a proxy could tell."""
    if any(scheme in urllib.request.getproxies() for scheme in ("https", "http", "all")):
        return True
    return any(_route_to(family, address) for family, address in _NOWHERE)


def _route_to(family: socket.AddressFamily, address: str) -> bool:
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((address, 9))
    except OSError:
        return False
    return True
