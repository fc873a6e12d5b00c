"""Logs."""

import logging


def configure_logging(service: str, level: str) -> None:
    logging.basicConfig(
        level=level.upper(), format=f"%(asctime)s %(levelname)s {service} %(name)s: %(message)s", force=True
    )
