"""One file per command of `simworld`: its arguments, its help, and the call that does the work, imported only when it runs."""
