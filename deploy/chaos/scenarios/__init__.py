"""Every scenario of the campaign; importing this package registers them all."""

from deploy.chaos.scenarios import buying, disks, messages, network, processes, servers

__all__ = ["buying", "disks", "messages", "network", "processes", "servers"]
