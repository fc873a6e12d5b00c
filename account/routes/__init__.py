"""The routes of the account service, by subject."""
