"""Owns the catalogue, that is categories and products, and the stock that can still be bought.

Hears `reserve_stock` and `release_stock`, the first step of a purchase and its undoing.
Says what it reserved, refused or released, and every change of a product and of its stock.
"""
