"""How we talk to a Runpod: HTTP, the control plane, the queue, the log stream."""
