"""Every SQL statement of the account service, by subject."""
