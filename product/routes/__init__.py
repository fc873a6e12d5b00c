"""HTTP in, transaction, JSON out, by subject."""

from product.routes import categories, products, stock

ROUTES = [*categories.ROUTES, *products.ROUTES, *stock.ROUTES]
