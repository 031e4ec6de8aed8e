"""`/data` as FastAPI and SQLAlchemy have it in most services, over our table: `python fastapi_serve.py PORT DSN`.

A session for each request in a thread, a model for each row, pages by number, and a count of all rows. The session
ends inside the handler: as a dependency it would keep its connection while the answer waits for a thread, and threads
wait for connections.
"""

from __future__ import annotations

import sys
from datetime import datetime
from typing import Annotated

import uvicorn
from fastapi import FastAPI, Query
from pydantic import BaseModel, ConfigDict
from sqlalchemy import create_engine, func, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, sessionmaker

PORT, DSN = int(sys.argv[1]), sys.argv[2]
engine = create_engine(DSN.replace("postgresql://", "postgresql+psycopg://", 1), pool_size=10, max_overflow=0)
sessions = sessionmaker(engine)
app = FastAPI()


class Base(DeclarativeBase):
    pass


class Coin(Base):
    __tablename__ = "unified_crypto"

    source: Mapped[str] = mapped_column(primary_key=True)
    coin_id: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[int]
    name: Mapped[str]
    symbol: Mapped[str | None]
    rank: Mapped[int | None]
    price_usd: Mapped[float | None]
    market_cap_usd: Mapped[float | None]
    volume_24h_usd: Mapped[float | None]
    price_change_24h_percent: Mapped[float | None]
    updated_at: Mapped[datetime]


class CoinOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int
    coin_id: str
    name: str
    symbol: str | None
    price_usd: float | None
    market_cap_usd: float | None
    volume_24h_usd: float | None
    price_change_24h_percent: float | None
    rank: int | None
    source: str
    updated_at: datetime


class Page(BaseModel):
    data: list[CoinOut]
    total: int
    page: int
    page_size: int


@app.get("/data")
def data(page: Annotated[int, Query(ge=1)] = 1, page_size: Annotated[int, Query(ge=1, le=100)] = 20) -> Page:
    wanted = select(Coin).order_by(Coin.rank, Coin.coin_id).offset((page - 1) * page_size).limit(page_size)
    with sessions() as session:
        total = session.scalar(select(func.count()).select_from(Coin)) or 0
        coins = [CoinOut.model_validate(coin) for coin in session.scalars(wanted)]
    return Page(data=coins, total=total, page=page, page_size=page_size)


uvicorn.run(app, host="127.0.0.1", port=PORT, log_level="critical", access_log=False)
