"""The whole shop on one machine without Docker: the real servers, out of their packages, under supervisord.

`stack.py` is what others import; `plan.py` says what runs; one file per server says how.
"""
