"""Sign-in through outside OpenID providers."""
