"""HTTP in, transaction, JSON out, by subject."""

from product.routes import categories, lists, products, stock

ROUTES = [*categories.ROUTES, *lists.ROUTES, *products.ROUTES, *stock.ROUTES]
