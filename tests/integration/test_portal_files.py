"""The portal's page and its files over HTTP: what a browser may keep, and what it may do with them. What the pages do is
in tests/browser."""

import gzip
import re

from case import Case
from scimhttp import Client

PAGES = ("/portal", "/portal/keys", "/portal/keys/a-key", "/api/v1/docs")


class PortalFiles(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.nobody = Client(cls.stack.url, prefix="", check=False)

    def names(self, page):
        return re.findall(r'"/portal/assets/([^"]+)"', self.nobody.get(page).body.decode())

    def test_pages(self):
        """Not kept, not framed, without a way to anywhere else."""
        for path in PAGES:
            page = self.nobody.get(path)
            self.assertEqual((page.status, page.headers["content-type"]), (200, "text/html; charset=utf-8"), path)
            due = {"cache-control": "no-store", "cross-origin-opener-policy": "same-origin", "referrer-policy": "no-referrer",
                   "x-content-type-options": "nosniff"}
            self.assertEqual({name: page.headers.get(name) for name in due}, due, path)
            policy = page.headers["content-security-policy"]
            for part in ("default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "require-trusted-types-for 'script'"):
                self.assertIn(part, policy)
            self.assertNotIn("unsafe", policy)
            self.assertEqual(len(self.names(path)), 2)

    def test_files(self):
        """Kept for ever, packed for who takes it, and the same for who does not."""
        for name in set(self.names("/portal") + self.names("/api/v1/docs")):
            path = "/portal/assets/" + name
            packed = self.nobody.get(path, headers={"Accept-Encoding": "gzip, br"})
            plain = self.nobody.get(path, headers={"Accept-Encoding": "identity"})
            self.assertEqual((packed.status, plain.status), (200, 200))
            self.assertEqual((packed.headers["content-encoding"], plain.headers.get("content-encoding")), ("gzip", None))
            self.assertEqual(gzip.decompress(packed.body), plain.body)
            for answer in (packed, plain):
                self.assertIn("immutable", answer.headers["cache-control"])
                self.assertEqual(answer.headers["x-content-type-options"], "nosniff")
            again = self.nobody.get(path, headers={"If-None-Match": packed.headers["etag"]})
            self.assertEqual((again.status, again.body), (304, b""))
            head = self.nobody.request("HEAD", path, headers={"Accept-Encoding": "gzip"})
            self.assertEqual(head.headers["content-length"], str(len(packed.body)))

    def test_what_is_not_there(self):
        for path in ("/portal/assets/x.js", "/portal/assets/main.js"):
            self.assertEqual(self.nobody.get(path).status, 404, path)
        self.assertEqual(self.nobody.get("/portal/assets/..%2f..%2fetc%2fpasswd").status, 400)
        self.assertEqual(self.nobody.post("/portal", {}).status, 405)
