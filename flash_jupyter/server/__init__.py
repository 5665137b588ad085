"""The extension of Jupyter's server: what runs and what it costs, over REST, without a kernel."""
