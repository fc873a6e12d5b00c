"""Where a purchase is, where its time went, and why it is not where it should be."""
