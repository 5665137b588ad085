"""How deployed functions find and call each other. It ships with the bundles whose resources call others."""
