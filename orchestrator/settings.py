"""What the orchestrator needs to know."""

from common.settings import Settings


class OrchestratorSettings(Settings, frozen=True, kw_only=True):
    service: str = "orchestrator"
