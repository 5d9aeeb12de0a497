"""The page that shows openapi.json, in a real browser: all of the document is there, nothing of it becomes markup, and
the browser is allowed nothing but what the page needs."""

import base64
import hashlib
import http.server
import json
import re
import threading
import urllib.parse

import browser
from case import Case
from scimhttp import Client

HTML = "text/html; charset=utf-8"


class Docs(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        browser.install()
        cls.nobody = Client(cls.stack.url, prefix="/api/v1", check=False)
        cls.source = cls.nobody.get("/docs")
        cls.document = cls.nobody.get("/openapi.json").json
        cls.policy = cls.source.headers["content-security-policy"]


class Whole(Docs):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.seen = browser.see(cls.stack.url + "/api/v1/docs")
        cls.page = browser.Page(cls.seen.html)
        cls.ids = {has["id"] for _, has in cls.page.elements if "id" in has}

    def operations(self):
        return [(path, method, o) for path, item in self.document["paths"].items() for method, o in item.items()]

    def test_well_formed_and_without_complaint(self):
        self.assertEqual((self.page.faults, self.seen.console), ([], []))

    def test_title_and_version(self):
        info = self.document["info"]
        self.assertEqual(self.page.text("h1"), "%s %s" % (info["title"], info["version"]))
        self.assertEqual(self.page.text("title"), "usher API")
        self.assertIn(info["description"], self.page.text("header"))

    def test_every_operation(self):
        """Method and path, summary, who may, parameters, bodies, answers with their examples."""
        self.assertGreater(len(self.operations()), 30)
        for path, method, operation in self.operations():
            text = self.page.text("article", id=operation["operationId"])
            due = [path, method, operation["summary"]] + list(operation["responses"])
            due += [self.resolved("parameters", p)["name"] for p in operation.get("parameters", [])]
            due += [scheme for way in operation["security"] for scheme in way]
            due += [scope for way in operation["security"] for scopes in way.values() for scope in scopes]
            due += self.shown(operation.get("requestBody", {}))
            for answer in operation["responses"].values():
                due += [self.resolved("responses", answer)["description"].replace("`", "")]
                due += self.shown(answer) + list(answer.get("headers", {}))
            self.assertEqual([d for d in due if d not in text], [], operation["operationId"])

    def test_grouped_by_tag(self):
        """In the document's order, in the contents and in the text."""
        tags = [tag["name"] for tag in self.document["tags"]]
        due = [o["operationId"] for tag in tags for _, _, o in self.operations() if o["tags"][0] == tag]
        self.assertEqual(len(due), len(self.operations()))
        links = [h[1:] for h in self.page.all("a", "href") if h[1:] in due]
        self.assertEqual(links, due)
        self.assertEqual([i for i in self.page.all("article", "id") if i in due], due)

    def test_every_schema_answer_and_credential(self):
        parts = self.document["components"]
        for name, schema in parts["schemas"].items():
            text = self.page.text("article", id="schema-" + name)
            missing = [m for m in list(schema.get("properties", {})) + schema.get("enum", []) if m not in text]
            self.assertEqual(missing if "properties" in schema else [], [], name)
        for name, answer in parts["responses"].items():
            text = self.page.text("article", id="answer-" + name)
            self.assertEqual([d for d in self.shown(answer) + list(answer.get("headers", {})) if d not in text], [])
        self.assertEqual([s for s in parts["securitySchemes"] if "credentials-" + s not in self.ids], [])

    def test_links_lead_somewhere(self):
        for link in self.page.all("a", "href"):
            self.assertTrue(link == "openapi.json" or link[:1] == "#" and link[1:] in self.ids, link)

    def resolved(self, kind, value):
        return self.document["components"][kind][value["$ref"].rpartition("/")[2]] if "$ref" in value else value

    def shown(self, holder):
        """What must be seen of a body: its media types and the example of the first."""
        content = holder.get("content", {})
        examples = [c["example"] for c in content.values() if "example" in c][:1]
        return list(content) + [json.dumps(e, indent=2, ensure_ascii=False) for e in examples]


class Policy(Docs):
    def test_only_its_own_style_and_script(self):
        """Both are known by their hash, and there is no other; data come from the page's own server."""
        text = self.source.body.decode()
        due = {"default-src": "'none'", "connect-src": "'self'", "base-uri": "'none'", "form-action": "'none'",
               "frame-ancestors": "'none'"}
        for directive, tag in (("style-src", "style"), ("script-src", "script")):
            inline, = re.findall("<%s>(.*?)</%s>" % (tag, tag), text, re.S)
            digest = hashlib.sha256(inline.encode()).digest()
            due[directive] = "'sha256-%s'" % base64.b64encode(digest).decode()
        self.assertEqual(dict(d.split(" ", 1) for d in self.policy.split("; ")), due)

    def test_nothing_from_outside(self):
        page = browser.Page(self.source.body.decode())
        self.assertEqual(page.faults, [])
        for attribute in ("src", "style", "onload", "onclick"):
            self.assertEqual([tag for tag, has in page.elements if attribute in has], [])
        self.assertEqual(page.all("link", "href"), [])
        self.assertEqual(page.all("a", "href"), ["openapi.json"])
        for word in ("http:", "https:", "@import", "url(", "innerHTML", "eval("):
            self.assertNotIn(word, self.source.body.decode())


class Served:
    """The page with another document, under the policy that usher sends with it."""

    def __init__(self, docs, document, status=200, extra=b""):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                is_page = urllib.parse.urlsplit(self.path).path == "/docs"
                self.send_response(200 if is_page else status)
                self.send_header("Content-Type", HTML if is_page else "application/json")
                self.send_header("Content-Security-Policy", docs.policy)
                self.end_headers()
                self.wfile.write(docs.source.body + extra if is_page else document.encode())

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def see(self):
        try:
            seen = browser.see("http://127.0.0.1:%d/docs" % self.server.server_address[1])
        finally:
            self.server.shutdown()
            self.thread.join()
            self.server.server_close()
        return seen, browser.Page(seen.html)


EVIL = "<img src=x onerror=alert(1)>\\\"'&</script><b>"


class Documents(Docs):
    def see(self, document, **more):
        text = document if isinstance(document, str) else json.dumps(document)
        return Served(self, text, **more).see()

    def test_everything_is_text(self):
        """Whatever stands in a document, and wherever: it is shown, and never taken for markup."""
        schema = {"type": "string", "enum": [EVIL], "default": EVIL, "format": EVIL}
        members = {"description": EVIL, "properties": {EVIL: {"description": EVIL, **schema}}, "required": [EVIL]}
        answer = {"description": EVIL, "headers": {EVIL: {}}, "content": {EVIL: {"schema": members, "example": EVIL}}}
        operation = {
            "operationId": EVIL, "tags": [EVIL], "summary": EVIL, "description": "`" + EVIL,
            "security": [{EVIL: [EVIL]}],
            "parameters": [{"name": EVIL, "in": EVIL, "description": EVIL, "schema": schema}],
            "requestBody": {"description": EVIL, "content": {
                EVIL: {"schema": {"$ref": "#/x/" + EVIL}, "example": {EVIL: EVIL}}}},
            "responses": {EVIL: answer}}
        seen, page = self.see({
            "info": {"title": EVIL, "version": EVIL, "description": EVIL},
            "tags": [{"name": EVIL, "description": EVIL}], "paths": {"/" + EVIL: {EVIL: operation}},
            "components": {"schemas": {EVIL: members}, "responses": {EVIL: answer},
                           "securitySchemes": {EVIL: {"description": EVIL}}}})
        self.assertEqual((page.faults, seen.console), ([], []))
        self.assertEqual(page.text("h1"), EVIL + " " + EVIL)
        self.assertGreater(page.text("body").count("<img src=x"), 25)
        known = {"a", "article", "b", "body", "br", "code", "dd", "details", "div", "dl", "dt", "h1", "h2", "h3", "h4",
                 "head", "header", "html", "li", "main", "meta", "nav", "p", "pre", "script", "span", "style",
                 "summary", "title", "ul"}
        self.assertLessEqual({tag for tag, _ in page.elements}, known)
        self.assertEqual(len([tag for tag, _ in page.elements if tag in ("script", "style")]), 2)

    def test_what_lacks_parts_gives_a_page_that_lacks_them(self):
        dangling = {"tags": [{}, None, {"name": "a"}], "paths": {"/w": None, "/x": {"put": None, "post": {}, "get": {
            "tags": ["a"], "parameters": [{"$ref": "#/nowhere"}, 7], "requestBody": {},
            "responses": {"200": {"$ref": "x"}, "201": None}, "security": [None]}}}}
        odd = {"tags": 5, "paths": [], "components": "x", "info": 7}
        for document in ([], odd, dangling):
            with self.subTest(document=document):
                seen, page = self.see(document)
                self.assertEqual((page.faults, seen.console), ([], []))
                self.assertEqual(page.text("h2", id="schemas"), "Schemas")

    def test_a_document_that_cannot_be_had_is_told(self):
        for text, status in (("{}", 503), ("{", 200)):
            with self.subTest(status=status):
                _, page = self.see(text, status=status)
                self.assertIn("cannot be read", page.text("p", id="state"))

    def test_the_browser_keeps_the_policy(self):
        """What somebody else has put into the page is not run; so the other tests show more than that nobody tried."""
        seen, page = self.see({}, extra=b"<script>document.body.id = 'taken'</script><style>p { color: red }</style>")
        self.assertNotIn("taken", [has.get("id") for _, has in page.elements])
        self.assertEqual(len([line for line in seen.console if "Content Security Policy" in line]), 2, seen.console)
