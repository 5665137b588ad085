"""What the platform sends and takes, as pydantic models; unknown fields are ignored when reading."""
