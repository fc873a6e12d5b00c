"""Owns the pictures and videos of products: checks them, makes them safe, keeps them in the object store.

Hears which products there are and whose. Says nothing: nobody needs to know of a picture.
"""
