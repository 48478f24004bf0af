"""Rights: who may no longer see what they opened before."""
