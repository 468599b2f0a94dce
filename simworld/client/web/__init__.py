"""The same play in a browser: a small server, a page, and a player made of what the page sends. See `server.serve`."""
