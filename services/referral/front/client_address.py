"""Where a request comes from, as far as a proxy in front says: for limits in memory, never stored, never logged."""

from __future__ import annotations

from ipaddress import IPv4Address, ip_address, ip_network
from typing import Final

from fastapi import Request

_HOUSEHOLD: Final = 64
"""Bits of an IPv6 address that a household shares."""


def address_of(request: Request, header: str) -> str:
    """The last entry of the header that the nearest proxy writes, or else who is connected."""
    told = ",".join(request.headers.getlist(header)) if header else ""
    connected = request.client.host if request.client else ""
    return told.rpartition(",")[2].strip() or connected


def household_of(address: str) -> str:
    """A household has one IPv4 address, or 2^64 of IPv6."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    return str(found if isinstance(found, IPv4Address) else ip_network((found, _HOUSEHOLD), strict=False))
