"""What a stream is, and pixels on their way to a hash."""
