"""What the server does, with no word of the web: each service could as well be called from a script."""
