"""Files of a bundle that the build writes: real modules, in which it replaces the values of a few names."""
