"""Owns nothing: no database, no clock, no memory. Hears what happened to a purchase and says what comes next.

Any number of replicas may run, and any of them may die at any point (protocol P7, P8).
"""
