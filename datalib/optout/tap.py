"""Keep the octets of responses as they arrive, before anything is made of them: a web archive wants them so."""

import asyncio
from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler

#: The head of a response and the framing of a chunked body come on top of the body.
_FRAMING = 1 << 20


class Recorder(aiohttp.TCPConnector):
    """A connector for one site that holds what the site sent since :meth:`start`, up to a bound; without one, nothing.

    It must not serve two sites: what one sends late would stand in the response of the other.
    """

    def __init__(self, *, max_bytes: int | None, **options: Any) -> None:
        super().__init__(**options)
        self.room = 0 if max_bytes is None else max_bytes + _FRAMING
        self.received = bytearray()
        self.address = ""

    def start(self) -> None:
        """Forget what was received: the next response begins."""
        self.received.clear()

    def response(self) -> bytes:
        """Give the response without the interim ones (1xx) before it."""
        data = bytes(self.received)
        while data.startswith(b"HTTP/1.") and data[9:10] == b"1" and b"\r\n\r\n" in data:
            data = data.partition(b"\r\n\r\n")[2]
        return data

    async def _create_connection(self, *arguments: Any, **options: Any) -> ResponseHandler:
        """Make a connection, aiohttp's point of extension for connectors, and read it before aiohttp does."""
        handler = await super()._create_connection(*arguments, **options)
        self.start()  # aiohttp asks anew when a kept connection turns out to be closed, maybe in the middle of a head
        if self.room and isinstance(handler.transport, asyncio.Transport):
            handler.transport.set_protocol(_Tap(handler, self, handler.transport))
        return handler


class _Tap(asyncio.Protocol):
    """Passes everything on to aiohttp's protocol; notes the data first."""

    def __init__(self, handler: ResponseHandler, recorder: Recorder, transport: asyncio.Transport) -> None:
        self._handler = handler
        self._recorder = recorder
        self._address = str((transport.get_extra_info("peername") or [""])[0])

    def data_received(self, data: bytes) -> None:
        kept = self._recorder.received
        kept += data[: self._recorder.room - len(kept)]
        self._recorder.address = self._address
        self._handler.data_received(data)

    def eof_received(self) -> None:
        self._handler.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self._handler.connection_lost(exc)

    def pause_writing(self) -> None:
        self._handler.pause_writing()

    def resume_writing(self) -> None:
        self._handler.resume_writing()
