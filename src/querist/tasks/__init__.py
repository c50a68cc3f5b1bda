"""Tasks: what a label is, what a network's output means, and how good an answer is. One file a task."""
