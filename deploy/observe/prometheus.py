"""What Prometheus is told on the embedded stack: whom to ask, and the alerts. Compose has a file for it."""

from collections.abc import Mapping
from pathlib import Path

Json = dict[str, object]

RULES = Path(__file__).with_name("rules.yaml")
INTERVAL = "5s"


def configuration(targets: Mapping[str, list[str]], rules: Path = RULES, interval: str = INTERVAL) -> Json:
    """`targets`: job -> the addresses (host:port) of its replicas. JSON is YAML."""
    return {
        "global": {"scrape_interval": interval, "scrape_timeout": interval, "evaluation_interval": interval},
        "rule_files": [str(rules)],
        "scrape_configs": [
            {"job_name": job, "static_configs": [{"targets": addresses}]}
            for job, addresses in targets.items()
        ],
    }
