"""HTTP in: what everybody sees, and what sellers send."""

from media.routes import media, uploads

ROUTES = [*uploads.ROUTES, *media.ROUTES]
