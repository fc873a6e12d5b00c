"""`python -m common.messaging.provisioner`: sole creator of the stream and its consumers (J11).

Restores within seconds what is missing (protocol P16), brings the configuration of what is there up to
date, and goes on watching, or with `--once` ends as soon as everything is there. Services only bind.
"""

import argparse
import asyncio
import logging
import signal

import msgspec
from nats.aio.client import Client
from nats.errors import Error
from nats.js.api import ConsumerConfig, StreamConfig
from nats.js.client import JetStreamContext
from nats.js.errors import NotFoundError

from common.messaging.broker import Broker, broker
from common.messaging.streams import CONSUMERS, STREAM, Hears, consumer, stream
from common.settings import load
from common.telemetry.logs import configure_logging

log = logging.getLogger(__name__)

EVERY = 2.0


class ProvisionerSettings(msgspec.Struct, frozen=True, kw_only=True):
    nats_url: str
    """One address, or several with commas between them."""
    stream_replicas: int = 1
    """Servers that keep the stream and its consumers: 3 in a cluster. A change moves what is there."""
    stream_max_bytes: int = 4 * 1024**3
    log_level: str = "INFO"


async def provision(js: JetStreamContext, settings: ProvisionerSettings) -> None:
    """One pass; does nothing when everything is as it should be.

    Only what the servers say is not there is created: while a leader is elected they say nothing, or 503.
    """
    await _provide_stream(js, stream(replicas=settings.stream_replicas, max_bytes=settings.stream_max_bytes))
    for hears in CONSUMERS:
        await _provide_consumer(js, hears)


async def _provide_stream(js: JetStreamContext, wanted: StreamConfig) -> None:
    try:
        found = (await js.stream_info(STREAM)).config
    except NotFoundError:
        await js.add_stream(wanted)
        log.info("stream %s created", STREAM)
    else:
        if (found.max_bytes, found.num_replicas) != (wanted.max_bytes, wanted.num_replicas):
            await js.update_stream(wanted)
            log.info("stream %s updated", STREAM)


async def _provide_consumer(js: JetStreamContext, hears: Hears) -> None:
    wanted = consumer(hears)
    try:
        found = (await js.consumer_info(STREAM, hears.durable)).config
    except NotFoundError:
        pass
    else:
        if _changeable(found) == _changeable(wanted):
            return
    await js.add_consumer(STREAM, wanted)
    log.info("consumer %s hears %s", hears.durable, " ".join(hears.filters))


def _changeable(config: ConsumerConfig) -> tuple[list[str], int]:
    return sorted(config.filter_subjects or [config.filter_subject or ""]), config.num_replicas or 0


async def watch(connection: Broker, settings: ProvisionerSettings, *, once: bool = False) -> None:
    while True:
        client: Client = await connection.ready()
        try:
            await provision(client.jetstream(timeout=5), settings)
            if once:
                return
        except (Error, TimeoutError) as error:
            log.warning("provisioning: %r", error)
        await asyncio.sleep(EVERY)


async def run(settings: ProvisionerSettings, *, once: bool) -> None:
    loop = asyncio.get_running_loop()
    async with broker(settings.nats_url, "provisioner") as connection:
        watching = asyncio.ensure_future(watch(connection, settings, once=once))
        for each in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(each, watching.cancel)
        await asyncio.wait({watching})
        if not watching.cancelled():
            watching.result()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--once", action="store_true", help="end when everything is there")
    once = parser.parse_args().once
    settings = load(ProvisionerSettings)
    configure_logging("provisioner", settings.log_level)
    asyncio.run(run(settings, once=once))


if __name__ == "__main__":
    main()
