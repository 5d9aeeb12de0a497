"""Verifies the tokens of usher.events with another program than the one that signed them: python3-cryptography and
the published keys alone."""

import base64
import hashlib
import json

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.hashes import SHA256


class TokenError(Exception):
    """It is no token that the owner of a published key has signed; str() says why."""


def unbase64(text):
    if "=" in text:
        raise TokenError("padding is not allowed")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars="-_", validate=True)
    except ValueError as e:
        raise TokenError("not base64url: %s" % e) from None


def parts(token):
    """(header, claims), not verified."""
    pieces = token.split(".")
    if len(pieces) != 3:
        raise TokenError("%d parts, not 3" % len(pieces))
    try:
        return json.loads(unbase64(pieces[0])), json.loads(unbase64(pieces[1]))
    except ValueError as e:
        raise TokenError("not JSON: %s" % e) from None


def thumbprint(jwk):
    """RFC 7638."""
    names = ("e", "kty", "n") if jwk["kty"] == "RSA" else ("crv", "kty", "x", "y")
    text = json.dumps({name: jwk[name] for name in names}, sort_keys=True, separators=(",", ":"))
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


def public_key(jwk):
    if (jwk.get("kty"), jwk.get("crv")) != ("EC", "P-256") or "d" in jwk:
        raise TokenError("no public EC key on P-256: %s" % jwk)
    x, y = (int.from_bytes(unbase64(jwk[name]), "big") for name in ("x", "y"))
    return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()


class KeySet:
    """keys: the array of a JSON Web Key Set. Outcomes are signed with ES256 alone, so its RSA keys, which sign signals,
    verify nothing here."""

    def __init__(self, keys):
        self.keys = {k["kid"]: public_key(k) for k in keys if k["kty"] != "RSA"}
        for k in keys:
            if k["kid"] != thumbprint(k):
                raise TokenError("kid %s is not the key's thumbprint" % k["kid"])

    def verify(self, token):
        """The claims."""
        header, claims = parts(token)
        if header.get("alg") != "ES256" or header.get("typ") != "secevent+jwt" or set(header) - {"alg", "typ", "kid"}:
            raise TokenError("header %s" % header)
        if header.get("kid") not in self.keys:
            raise TokenError("kid %s is not published" % header.get("kid"))
        signed, _, signature = token.rpartition(".")
        raw = unbase64(signature)
        if len(raw) != 64:
            raise TokenError("a signature of %d bytes" % len(raw))
        der = utils.encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
        try:
            self.keys[header["kid"]].verify(der, signed.encode(), ec.ECDSA(SHA256()))
        except InvalidSignature:
            raise TokenError("the signature is not that of kid %s" % header["kid"]) from None
        return claims
