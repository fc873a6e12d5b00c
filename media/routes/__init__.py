"""HTTP in: what everybody sees, and what sellers send."""

from media.routes import links, media, uploads

ROUTES = [*uploads.ROUTES, *links.ROUTES, *media.ROUTES]
