"""What a static plan takes in the place of keys: it opens nothing, and still notices that a sealed secret is another."""

from hashlib import sha256


class Unopened:
    """Gives for a sealed secret a text that is the same as long as the secret is sealed in the same bytes."""

    def decrypt(self, ciphertext: bytes) -> bytes:
        """Return a stand-in."""
        return f'"sealed {sha256(ciphertext).hexdigest()[:12]}"'.encode()
