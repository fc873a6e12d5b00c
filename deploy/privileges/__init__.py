"""Who may what at the broker and at Redis: the same for the embedded stack and for compose."""
