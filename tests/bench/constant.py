"""A server that does nothing but answer: `python constant.py PORT BYTES`, and `/unchanged` with a bare 304."""

from __future__ import annotations

import sys

from aiohttp import web


def main(port: int, size: int) -> None:
    body = b"x" * size

    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=body, content_type="application/json")

    async def unchanged(_: web.Request) -> web.Response:
        return web.Response(status=304)

    application = web.Application()
    application.add_routes([web.get("/data", answer), web.get("/unchanged", unchanged)])
    web.run_app(application, host="127.0.0.1", port=port, access_log=None, print=None)


main(int(sys.argv[1]), int(sys.argv[2]))
