"""The labelling server: people answer what the model asks, together, and nothing that was acknowledged is lost."""
