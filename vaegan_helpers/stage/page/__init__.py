"""The stage in the page: `widget` is what a notebook shows, the other modules are its parts."""
