"""Style sheets of the terminal application, in the order in which they apply."""

SHEETS: tuple[str, ...] = ("base.tcss", "dashboard.tcss", "screens.tcss", "wizard.tcss")
