"""Steps from one revision of the journal's tables to the next. A step that was released is never edited."""
