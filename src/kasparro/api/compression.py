"""gzip for those who accept it. aiohttp's own choice matches by substring, prefers deflate and sends no Vary."""

from __future__ import annotations

import struct
import zlib
from typing import NamedTuple, TypeGuard

from aiohttp import web
from aiohttp.typedefs import Handler

from kasparro.api.accept import accepts_gzip

SMALLEST = 1024
"""Bytes below which packing saves nothing: they fit into a packet as they are."""
_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
_LEVEL = 6
_TEXT = ("application/json", "application/problem+json", "text/", "image/svg+xml")


class Packed(NamedTuple):
    """The beginning of a gzip file, packed once, to which any end may be added."""

    data: bytes
    checksum: int
    length: int

    def ended(self, tail: bytes) -> bytes:
        """The whole file; the tail, of less than 64 KiB, is in it as it is."""
        stored = struct.pack("<BHH", 1, len(tail), len(tail) ^ 0xFFFF)
        check = struct.pack("<II", zlib.crc32(tail, self.checksum), (self.length + len(tail)) & 0xFFFFFFFF)
        return b"".join((self.data, stored, tail, check))


def pack(beginning: bytes) -> Packed:
    """The text packed, up to the limit of a byte, so that more may follow."""
    press = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    data = _HEADER + press.compress(beginning) + press.flush(zlib.Z_FULL_FLUSH)
    return Packed(data, zlib.crc32(beginning), len(beginning))


@web.middleware
async def compress(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Packs what is text, large enough, and not packed yet."""
    response = await handler(request)
    if not _is_text(response) or "Accept-Encoding" in response.headers.get("Vary", ""):
        return response  # it has been thought of, or is not ours to pack
    add_vary(response, "Accept-Encoding")
    body = response.body
    if not isinstance(body, bytes) or len(body) < SMALLEST:
        return response
    if accepts_gzip(request):
        response.body = pack(body).ended(b"")
        response.headers["Content-Encoding"] = "gzip"
    return response


def add_vary(response: web.StreamResponse, name: str) -> None:
    """Say that the answer depends on this header of the request."""
    known = response.headers.get("Vary", "")
    if name not in known:
        response.headers["Vary"] = f"{known}, {name}" if known else name


def _is_text(response: web.StreamResponse) -> TypeGuard[web.Response]:
    return isinstance(response, web.Response) and response.status != 304 and response.content_type.startswith(_TEXT)
