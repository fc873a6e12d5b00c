"""What a cache did, in numbers that only grow."""

from dataclasses import dataclass


@dataclass
class Counts:
    """Of one kind of answers in one process. A read is one of the first three, or waited for such a one."""

    memory: int = 0
    redis: int = 0
    loads: int = 0
    joined: int = 0
    """Waited for another's look, and got what it brought."""
    filter: int = 0
    """Answered by the filter of ids: there is no such one."""
    refreshed: int = 0
    """Answers compared with their rows before their time was over, which is no read of anybody."""
    away: int = 0
    """Looks that Redis did not answer, or was spared."""

    @property
    def hit_ratio(self) -> float:
        """Of all reads those that needed no load."""
        without = self.memory + self.redis + self.joined + self.filter
        return without / (without + self.loads) if without + self.loads else 0.0
