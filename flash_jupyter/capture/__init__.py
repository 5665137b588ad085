"""What a cell takes with it: names, values, local modules; and what is checked before anything is sent."""
