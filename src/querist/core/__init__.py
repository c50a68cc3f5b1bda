"""Words that every floor shares. Imports nothing of Querist above it, and no torch until a call needs it."""
