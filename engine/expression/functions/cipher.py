"""AES-GCM in plain Python, for `encrypt()` and `decrypt()`; keys and texts travel as Base64.

Here because the engine may use nothing but pure Python, and texts in templates are short. It isn't hardened against an
attacker who can time it on the same machine; secrets at rest are encrypted elsewhere. The nonce is derived from key,
text and chance, so that it can't repeat for two different texts.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

from engine.expression.errors import Failure

NONCE, TAG = 12, 16


def _tables() -> tuple[bytes, bytes]:
    """Return AES's substitution box and the doubling table of its field."""
    double = bytes((value << 1 ^ (0x1B if value & 0x80 else 0)) & 0xFF for value in range(256))
    box = bytearray(256)
    p = q = 1
    while True:
        p ^= double[p]
        q ^= q << 1 & 0xFF
        q ^= q << 2 & 0xFF
        q ^= q << 4 & 0xFF
        if q & 0x80:
            q ^= 0x09
        rotated = q
        for shift in range(1, 5):
            rotated ^= (q << shift | q >> (8 - shift)) & 0xFF
        box[p] = rotated ^ 0x63
        if p == 1:
            break
    box[0] = 0x63
    return bytes(box), double


_BOX, _DOUBLE = _tables()
_SHIFTED = tuple((column * 4 + row + row * 4) % 16 for column in range(4) for row in range(4))


def _expanded(key: bytes) -> list[bytes]:
    """Return the round keys."""
    words = [key[at : at + 4] for at in range(0, len(key), 4)]
    length, constant = len(words), 1
    for index in range(length, 4 * (length + 7)):
        word = words[-1]
        if index % length == 0:
            word = bytes(_BOX[byte] for byte in word[1:] + word[:1])
            word = bytes((word[0] ^ constant, *word[1:]))
            constant = _DOUBLE[constant]
        elif length > 6 and index % length == 4:
            word = bytes(_BOX[byte] for byte in word)
        words.append(bytes(a ^ b for a, b in zip(words[-length], word, strict=True)))
    return [b"".join(words[at : at + 4]) for at in range(0, len(words), 4)]


def _encrypted_block(keys: list[bytes], block: bytes) -> bytes:
    state = bytes(a ^ b for a, b in zip(block, keys[0], strict=True))
    for key in keys[1:-1]:
        moved = [_BOX[state[at]] for at in _SHIFTED]
        mixed = bytearray(16)
        for at in range(0, 16, 4):
            a, b, c, d = moved[at : at + 4]
            every = a ^ b ^ c ^ d
            mixed[at] = a ^ every ^ _DOUBLE[a ^ b]
            mixed[at + 1] = b ^ every ^ _DOUBLE[b ^ c]
            mixed[at + 2] = c ^ every ^ _DOUBLE[c ^ d]
            mixed[at + 3] = d ^ every ^ _DOUBLE[d ^ a]
        state = bytes(a ^ b for a, b in zip(mixed, key, strict=True))
    return bytes(_BOX[state[at]] ^ byte for at, byte in zip(_SHIFTED, keys[-1], strict=True))


def _multiplied(x: int, y: int) -> int:
    """Multiply in GCM's field."""
    product = 0
    for bit in range(127, -1, -1):
        if x >> bit & 1:
            product ^= y
        y = y >> 1 ^ (0xE1 << 120 if y & 1 else 0)
    return product


def _tag(keys: list[bytes], nonce: bytes, data: bytes) -> bytes:
    subkey = int.from_bytes(_encrypted_block(keys, bytes(16)), "big")
    digest = 0
    for at in range(0, len(data), 16):
        digest = _multiplied(digest ^ int.from_bytes(data[at : at + 16].ljust(16, b"\0"), "big"), subkey)
    digest = _multiplied(digest ^ len(data) * 8, subkey)
    mask = int.from_bytes(_encrypted_block(keys, nonce + b"\0\0\0\x01"), "big")
    return (digest ^ mask).to_bytes(16, "big")


def _stream(keys: list[bytes], nonce: bytes, data: bytes) -> bytes:
    out = bytearray()
    for index, at in enumerate(range(0, len(data), 16), 2):
        mask = _encrypted_block(keys, nonce + index.to_bytes(4, "big"))
        out += bytes(a ^ b for a, b in zip(data[at : at + 16], mask, strict=False))
    return bytes(out)


def _key(text: str) -> list[bytes]:
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Failure("the key must be written in Base64") from None
    if len(key) not in (16, 24, 32):
        raise Failure(f"the key must have 16, 24 or 32 bytes, but has {len(key)}")
    return _expanded(key)


def encrypt(key: str, plaintext: str, chance: int) -> str:
    """Return nonce, ciphertext and tag as Base64.

    Args:
        key: 16, 24 or 32 bytes as Base64.
        plaintext: What to hide.
        chance: Any number; another one gives another ciphertext.
    """
    keys, data = _key(key), plaintext.encode("utf-8", "replace")
    seed = hashlib.sha256(chance.to_bytes(32, "big") + data).digest()
    nonce = hmac.new(key.encode(), seed, "sha256").digest()[:NONCE]
    hidden = _stream(keys, nonce, data)
    return base64.b64encode(nonce + hidden + _tag(keys, nonce, hidden)).decode()


def decrypt(key: str, encrypted: str) -> str:
    """Return the text that `encrypt` hid.

    Raises:
        Failure: If the key is another one or the text was changed.
    """
    keys = _key(key)
    try:
        data = base64.b64decode(encrypted, validate=True)
    except (binascii.Error, ValueError):
        raise Failure("the encrypted text must be written in Base64") from None
    if len(data) < NONCE + TAG:
        raise Failure("the encrypted text is too short")
    nonce, hidden, tag = data[:NONCE], data[NONCE:-TAG], data[-TAG:]
    if not hmac.compare_digest(tag, _tag(keys, nonce, hidden)):
        raise Failure("the text wasn't encrypted with this key")
    return _stream(keys, nonce, hidden).decode("utf-8", "replace")
