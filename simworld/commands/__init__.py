"""One file per command of `simworld`: its arguments, its help, and the call that does the work; see `simworld.cli`."""
