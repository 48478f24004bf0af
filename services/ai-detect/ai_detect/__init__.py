"""ai-detect reads vehicles and plates from frames. It keeps nothing: frames carry their camera's settings, results leave as events."""
