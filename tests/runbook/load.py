"""A sender through the proxy while something is restarted: a write and a read in turn, each over a connection of its own, and
nothing is sent twice. What failed, and how long the longest took."""

import http.client
import json
import ssl
import threading
import time

from waiting import let_time_pass, wait_until

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


class Load:
    def __init__(self, token):
        self.token, self.failed, self.took, self.ending = token, [], [], False
        self.user = self.send("POST", "/Users", {"schemas": [USER], "userName": "load-%d@example.com" % time.time_ns()})["id"]
        self.thread = threading.Thread(target=self.go_on)

    def __enter__(self):
        self.thread.start()
        self.works(10)
        return self

    def __exit__(self, *_):
        self.ending = True
        self.thread.join()

    def works(self, more):
        """Until so many more were answered."""
        wanted = len(self.took) + more
        wait_until(lambda: len(self.took) >= wanted, "%d answers" % more, lambda: (len(self.took), len(self.failed)))

    def send(self, method, path, body=None):
        connection = http.client.HTTPSConnection("scim.example.com", context=ssl.create_default_context())
        began = time.monotonic()
        try:
            connection.request(method, "/scim/v2" + path, json.dumps(body) if body else None, {
                "Authorization": "Bearer " + self.token, "Content-Type": "application/scim+json", "Connection": "close"})
            answer = connection.getresponse()
            text = answer.read()
            if answer.status >= 300:
                self.failed.append("%s %d %s" % (method, answer.status, text[:300]))
                return None
            return json.loads(text) if text else None
        except (OSError, http.client.HTTPException) as trouble:
            self.failed.append("%s %r" % (method, trouble))
            return None
        finally:
            self.took.append(time.monotonic() - began)
            connection.close()

    def go_on(self):
        number = 0
        while not self.ending:
            number += 1
            self.send("PATCH", "/Users/" + self.user, {"schemas": [PATCH], "Operations": [
                {"op": "replace", "path": "displayName", "value": "Number %d" % number}]})
            self.send("GET", "/Users/" + self.user)
            let_time_pass(0.1, "a key has 1,500 requests a minute")

    def told(self):
        return "%d requests, %d failed, the longest took %.2f s" % (len(self.took), len(self.failed), max(self.took))
