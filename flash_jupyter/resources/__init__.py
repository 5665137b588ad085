"""What the user asks for: options, hardware, and the endpoint they make."""
