"""When to stop asking. A rule never un-stops without new labels."""
