"""Routes: they parse a request, call one service and answer. One file a subject."""
