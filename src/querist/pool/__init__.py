"""The pool: rows, where they came from, what is known about them. It owns row ids."""
