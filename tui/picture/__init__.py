"""The screen as a picture: SVG that needs no font for its graphs and no network for anything."""
