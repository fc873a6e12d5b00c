"""The conservation audit: do the databases, the provider's ledger and the mails of a shop agree?

It only reads, on a shop that runs; what a campaign compares at its end is the same with stricter bounds.
"""
