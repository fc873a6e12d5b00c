"""Uploads beside the purchases, and whether rows and objects agree afterwards."""

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from PIL import Image

from deploy.chaos.traffic import Traffic
from deploy.client import AWAY, Unexpected

EVERY = 0.5


class Pictures:
    """One seller who shows one picture after the other."""

    def __init__(self, traffic: Traffic) -> None:
        self.traffic = traffic
        self.shown: list[str] = []
        self.refused = 0

    @asynccontextmanager
    async def uploading(self) -> AsyncIterator["Pictures"]:
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(self._upload())
            yield self
            task.cancel()

    async def _upload(self) -> None:
        seller, product = self.traffic.buyers[0].customer, self.traffic.products[0]
        picture = io.BytesIO()
        Image.new("RGB", (64, 64), "teal").save(picture, "PNG")
        while True:
            try:
                shown = await seller.show_picture(product, picture.getvalue(), alt="teal")
                self.shown.append(shown["url"])
            except (*AWAY, Unexpected):
                self.refused += 1
            await asyncio.sleep(EVERY)

    async def compared(self) -> dict[str, Any]:
        """Everything that was promised can be seen."""
        lost = 0
        for url in self.shown:
            async with self.traffic.shop.session.get(url) as response:
                lost += response.status != 200
        if lost:
            self.traffic.wrong.append(f"{lost} pictures that were accepted cannot be seen")
        return {"pictures": len(self.shown), "uploads refused": self.refused}
