"""The binary protocol: frames, messages, a sans-IO connection."""
