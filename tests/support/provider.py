"""An OpenID provider that does what a test wants: it signs with Authlib, checks PKCE and the client's secret, and gives a
code once, unless it is told otherwise. (A real one, npm's oidc-provider, is in tests/browser.)"""

import base64
import hashlib
import json
import time
import urllib.parse
import uuid

from jwks_server import JwksServer, new_key, public, signed

CLIENT, SECRET = "usher-tests", "s3cret/with+odd:letters"


class Provider(JwksServer):
    """`claims` and `header` are put over those of the next tokens; a claim that is None is left out. `metadata` is put
    over the document. `refuse` is an error that the next authorisation ends with."""

    def __init__(self, folder):
        super().__init__(folder)
        self.issuer = self.url("/idp")
        self.key = new_key("RSA", "first", "RS256")
        self.shown = [self.key]
        self.codes, self.forms, self.claims, self.metadata = {}, [], {}, {}
        self.refuse, self.once, self.token_status = None, True, 200
        self.paths["/idp/.well-known/openid-configuration"] = lambda h: self.answer(h, {**self.document(), **self.metadata})
        self.paths["/idp/jwks"] = lambda h: self.answer(h, public(*self.shown))
        self.posts["/idp/token"] = self.token

    def document(self):
        return {"issuer": self.issuer, "authorization_endpoint": self.issuer + "/authorize?tenant=1",
                "token_endpoint": self.issuer + "/token", "jwks_uri": self.issuer + "/jwks",
                "authorization_response_iss_parameter_supported": True}

    def answer(self, handler, content, status=200):
        body = json.dumps(content).encode()
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def authorize(self, location, **who):
        """What a browser brings back from `location`: the query of the way back."""
        url = urllib.parse.urlsplit(location)
        asked = dict(urllib.parse.parse_qsl(url.query, strict_parsing=True))
        assert location.startswith(self.issuer + "/authorize?tenant=1&"), location
        back = {"state": asked["state"], "iss": self.issuer}
        if self.refuse:
            return {**back, "error": self.refuse}
        code = uuid.uuid4().hex
        self.codes[code] = {**asked, "who": who}
        return {**back, "code": code}

    def token(self, handler, form, headers):
        given = dict(urllib.parse.parse_qsl(form, strict_parsing=True))
        self.forms.append((given, headers))
        asked = self.codes.pop(given["code"], None) if self.once else self.codes.get(given["code"])
        basic = base64.b64decode(headers.get("Authorization", "").partition(" ")[2]).decode()
        secret = urllib.parse.unquote(basic.partition(":")[2]) if basic else given.get("client_secret")
        challenge = base64.urlsafe_b64encode(hashlib.sha256(given["code_verifier"].encode()).digest()).rstrip(b"=").decode()
        if asked is None or challenge != asked["code_challenge"] or given["redirect_uri"] != asked["redirect_uri"]:
            return self.answer(handler, {"error": "invalid_grant"}, 400)
        if secret != SECRET:
            return self.answer(handler, {"error": "invalid_client"}, 401)
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT, "sub": "s-1", "iat": now, "exp": now + 300, "nonce": asked["nonce"],
                  **asked["who"], **self.claims}
        alg = "RS256" if self.key.kty == "RSA" else "ES256"
        token = signed(self.key, {k: v for k, v in claims.items() if v is not None}, alg, self.key.kid)
        return self.answer(handler, {"access_token": "x", "token_type": "Bearer", "id_token": token}, self.token_status)
