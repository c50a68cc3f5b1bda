"""The report of a run: one HTML file that opens offline, in light and in dark."""
