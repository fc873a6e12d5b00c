"""Payment owns what the provider holds, has taken or has given back for a purchase, one row each.

It hears authorize, capture and void, and asks the provider between two transactions, under stable keys.
It says authorized or declined, captured, voided: only what the provider has answered, however late.
"""
