"""From a notebook to a bundle: which cells are exported, what they need, and the module that is written of them."""
