"""Asks each vendor once a day where its tokens live: the strongest evidence of which listings are one coin."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from kasparro.domain import Request
from kasparro.errors import Refused, SourceError, Transient
from kasparro.identity.listing import Contract
from kasparro.ingest.quota import Modest, allowance
from kasparro.ingest.reader import ApiReader
from kasparro.log import logger
from kasparro.metrics import Metrics
from kasparro.store import contracts
from kasparro.store.pool import ERRORS, Pool, explain
from kasparro.store.runs import Traffic

log = logger("contracts")


@dataclass(slots=True)
class Collector:
    """Collects the contracts of one source, under the rate limit and from the credits of its cycles."""

    reader: ApiReader
    pool: Pool
    metrics: Metrics

    async def once(self) -> bool:
        """Ask, if a day has passed; returns whether anything is new.

        What goes wrong is logged. A vendor that was away is asked again in an hour, one that refuses in a day.
        """
        name = self.reader.name
        try:
            async with self.pool.acquire() as conn:
                if not self._requests() or not await contracts.claim(conn, name):
                    return False
            return await self._collect()
        except SourceError as error:
            log.warning("contracts not collected", source=name, reason=error.reason)
        except ERRORS as error:
            log.warning("contracts not collected", source=name, reason=explain(error))
        return False

    def _requests(self) -> list[Request]:
        return list(self.reader.source.contract_requests(self.reader.options))

    async def _collect(self) -> bool:
        name, found = self.reader.name, []
        try:
            for request in self._requests():
                found += await self._ask(request)
        except Transient:
            async with self.pool.acquire() as conn:
                await contracts.put_off(conn, name)
            raise
        async with self.pool.acquire() as conn:
            changed = await contracts.replace(conn, name, found)
        log.info("contracts collected", source=name, contracts=len(found), changed=changed)
        return changed > 0

    async def _ask(self, request: Request) -> list[Contract]:
        source = self.reader.source
        paid = allowance(self.reader.account, "schedule", self.pool, self.metrics)
        modest = Modest(paid.account, paid.most, paid.pool, paid.metrics)
        transport = replace(self.reader.transport, traffic=Traffic(), allowance=modest)
        try:
            response = await transport.send(request)
        except Refused as error:  # a chain that the vendor knows no longer
            log.warning("no contracts there", source=source.name, path=request.path, reason=error.reason)
            return []
        return await asyncio.to_thread(lambda: list(source.contracts(request, response)))
