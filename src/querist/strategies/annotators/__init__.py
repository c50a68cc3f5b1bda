"""Many annotators: strategies that know who said what, and choose between new rows and further answers to old ones."""
