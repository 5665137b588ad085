"""Actions over several stations: capture, provision, run, bring back."""
