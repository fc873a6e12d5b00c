"""Who may still call: what account says, kept by every service that has guarded routes."""
