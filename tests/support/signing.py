"""What the suites about OAuth clients that sign share: keys of usher with public keys, and assertions."""

import itertools
import json
import os
import uuid

import jwks_server
import proxied
from case import Case
from jwks_server import claims, signed
from stack import free_port

SCIM_SCOPES = "scim:users:read,scim:users:write,scim:rooms:read,scim:rooms:write"
ADDRESSES = ("198.18.%d.%d" % (n // 250, n % 250 + 1) for n in itertools.count())


class Clients(Case):
    """Two ingests: `url` may fetch from this machine, `other` may not."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        folder = os.path.join(cls.stack.run_dir, "jwks-%d" % os.getpid())  # each process has a certificate of its own
        os.makedirs(folder, exist_ok=True)
        cls.folder, cls.server = folder, jwks_server.JwksServer(folder)
        cls.url = cls.stack.extra_ingest("client-keys-%d" % os.getpid(), free_port(), "--trusted-proxies 127.0.0.1/32 "
                                         "--jwks-networks 127.0.0.0/8 --jwks-ms 1500 --jwks-ca " + cls.server.cert)
        cls.other = proxied.url(cls.stack)

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        cls.server.close()

    def key(self, jwks=None, uri=None, scopes=SCIM_SCOPES, **flags):
        """A key of usher with its client's public keys; gives its id."""
        if jwks is not None:
            flags["jwks"] = os.path.join(self.folder, uuid.uuid4().hex + ".json")
            with open(flags["jwks"], "w") as f:
                json.dump(jwks, f)
        if uri is not None:
            flags["jwks-uri"] = uri
        return self.ws.key("client " + uuid.uuid4().hex[:8], scopes, **flags)[1]

    def send(self, assertion, url=None, **form):
        """Each time from another address, so that wrong ones do not slow each other down."""
        client = proxied.TokenClient(url or self.url)
        try:
            return client.send({"grant_type": "client_credentials", "client_assertion": assertion,
                                "client_assertion_type": jwks_server.ASSERTION_TYPE, **form},
                               proxied.came_from(next(ADDRESSES)))
        finally:
            client.close()

    def ask(self, client_id, key, alg="ES256", kid=None, url=None, **more):
        url = url or self.url
        return self.send(signed(key, claims(client_id, url + "/oauth2/token", **more), alg, kid), url)

    def given(self, answer):
        self.assertEqual(answer.status, 200, answer)
        return answer.json["access_token"]

    def refused(self, answer, status=401, error="invalid_client", words=None):
        """RFC 6749 section 5.2."""
        self.assertEqual((answer.status, answer.json["error"]), (status, error), answer)
        self.assertEqual(answer.headers["cache-control"], "no-store")
        self.assertRegex(answer.json["error_description"], r"^[\x20-\x21\x23-\x5b\x5d-\x7e]+$")
        if words is not None:
            self.assertIn(words, answer.json["error_description"])
        return answer
